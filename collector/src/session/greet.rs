//! Hello and Welcome, between the wire and what a session works with.

use orchestrix_common::{
    hash::Digest,
    id::{AgentId, OutboxId},
    model::{Limits, Machine, Source},
    time::Timestamp,
};
use orchestrix_proto::{
    PROTOCOL_VERSION, understands,
    v1::{self as pb, collector_message::Message},
};

use super::{SessionSettings, refusal::Refusal};
use crate::{
    pki::TrustBundle,
    reconcile::{Opened, Opening, SourceDigest},
};

/// Sources that an agent may have; a bound on what is kept for it.
const MOST_SOURCES: usize = 64;

/// A Hello that keeps to the contract.
#[derive(Debug)]
pub(super) struct Greeting {
    /// What the inventory wants to know.
    pub(super) opening: Opening,
    /// Newest report in the outbox.
    pub(super) head_sequence: u64,
    /// Newest report that the agent knows to be acknowledged.
    pub(super) acknowledged_sequence: u64,
    /// What the agent believes of the sources that it has seen whole.
    pub(super) digests: Vec<SourceDigest>,
}

/// Reads a Hello. Who says it comes from the certificate.
pub(super) fn greeting(agent_id: AgentId, hello: pb::Hello) -> Result<Greeting, Refusal> {
    let pb::Hello {
        agent_version,
        protocol_version,
        boot_id,
        outbox_id,
        head_sequence,
        acknowledged_sequence,
        digests,
        machine,
        agent_time_us,
        dropped_reports,
    } = hello;
    if !understands(protocol_version) {
        return Err(Refusal::ProtocolVersion(protocol_version));
    }
    let outbox_id =
        OutboxId::try_from(outbox_id.as_slice()).map_err(|_| invalid("hello.outbox_id", "expected 16 bytes"))?;
    let machine = machine.ok_or_else(|| invalid("hello.machine", "is required"))?;
    let machine = Machine::try_from(machine)
        .map_err(|error| invalid(&format!("hello.machine.{}", error.field), &error.problem))?;
    let opening = Opening {
        agent_id,
        agent_version: short("hello.agent_version", agent_version)?,
        boot_id: short("hello.boot_id", boot_id)?,
        outbox_id,
        machine,
        agent_time: Timestamp::from_micros(agent_time_us),
        dropped_reports,
    };
    Ok(Greeting { opening, head_sequence, acknowledged_sequence, digests: self::digests("hello.digests", digests)? })
}

/// Reads a list of digests.
pub(super) fn digests(field: &str, list: Vec<pb::SourceDigest>) -> Result<Vec<SourceDigest>, Refusal> {
    if list.len() > MOST_SOURCES {
        return Err(invalid(field, &format!("has {} sources, at most {MOST_SOURCES} are accepted", list.len())));
    }
    let read = |(index, digest): (usize, pb::SourceDigest)| {
        let pb::SourceDigest { source, digest, entities } = digest;
        let source = Source::from(short(&format!("{field}[{index}].source"), source)?);
        let digest = Digest::try_from(digest.as_slice())
            .map_err(|_| invalid(&format!("{field}[{index}].digest"), "expected 16 bytes"))?;
        Ok(SourceDigest { source, digest, entities })
    };
    list.into_iter().enumerate().map(read).collect()
}

/// Makes the answer to a Hello.
pub(super) fn welcome(
    opened: &Opened,
    settings: &SessionSettings,
    trust_bundle_der: Vec<Vec<u8>>,
    now: Timestamp,
) -> pb::Welcome {
    let Limits { message_bytes, source_entities, string_bytes, labels } = settings.limits;
    let heartbeat_secs = u32::try_from(settings.heartbeat.as_secs()).unwrap_or(u32::MAX).max(1);
    let digest = |held: &SourceDigest| pb::SourceDigest {
        source: held.source.as_str().to_owned(),
        digest: held.digest.to_bytes().to_vec(),
        entities: held.entities,
    };
    pb::Welcome {
        epoch: opened.epoch,
        applied_sequence: opened.applied_sequence,
        digests: opened.digests.iter().map(digest).collect(),
        trust_bundle_der,
        settings: Some(pb::Settings { heartbeat_secs }),
        limits: Some(pb::Limits { message_bytes, source_entities, string_bytes, labels }),
        collector_time_us: now.as_micros(),
        held_reason: opened.held_reason.clone(),
        protocol_version: PROTOCOL_VERSION,
    }
}

/// Tells an agent which roots to trust, and where certificates come from now.
pub(super) fn trust_bundle(bundle: &TrustBundle) -> Message {
    Message::TrustBundle(pb::TrustBundle {
        trust_bundle_der: bundle.roots_der.clone(),
        issuing_root_sha256: bundle.issuing_root.to_bytes().to_vec(),
        renew_within_secs: u32::try_from(bundle.renew_within.as_secs()).unwrap_or(u32::MAX),
    })
}

/// A short word that must be there.
fn short(field: &str, text: String) -> Result<String, Refusal> {
    if text.is_empty() || text.len() > 255 {
        return Err(invalid(field, &format!("has {} bytes, expected 1 to 255", text.len())));
    }
    Ok(text)
}

fn invalid(field: &str, problem: &str) -> Refusal {
    Refusal::Invalid { field: field.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> pb::Hello {
        pb::Hello {
            agent_version: "0.1.0".into(),
            protocol_version: PROTOCOL_VERSION,
            boot_id: "boot".into(),
            outbox_id: vec![1; 16],
            machine: Some(pb::Machine { hostname: "web-1".into(), ..pb::Machine::default() }),
            ..pb::Hello::default()
        }
    }

    #[test]
    fn a_hello_that_breaks_the_contract_is_refused_with_its_field() {
        let agent_id = AgentId::generate();
        assert!(greeting(agent_id, hello()).is_ok());
        let field = |hello| match greeting(agent_id, hello).unwrap_err() {
            Refusal::Invalid { field, .. } => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(pb::Hello { boot_id: String::new(), ..hello() }), "hello.boot_id");
        assert_eq!(field(pb::Hello { outbox_id: vec![1; 15], ..hello() }), "hello.outbox_id");
        assert_eq!(field(pb::Hello { machine: None, ..hello() }), "hello.machine");
        let nameless = Some(pb::Machine::default());
        assert_eq!(field(pb::Hello { machine: nameless, ..hello() }), "hello.machine.hostname");
        let short = pb::SourceDigest { source: "docker".into(), digest: vec![0; 3], entities: 1 };
        assert_eq!(field(pb::Hello { digests: vec![short], ..hello() }), "hello.digests[0].digest");
        let other = greeting(agent_id, pb::Hello { protocol_version: 9, ..hello() }).unwrap_err();
        assert_eq!(other, Refusal::ProtocolVersion(9));
    }
}
