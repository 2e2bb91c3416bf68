//! What a report must keep to, and its changes by source with times that can be believed. Pure.

use std::time::Duration;

use orchestrix_common::{
    model::{Body, ChangeKind, NATIVE_ID_BYTES, Report, Source, SourceStatus},
    time::Timestamp,
};

use super::{
    Refusal,
    plan::{Sighted, Sighting},
};

/// Characters of a source's name that the inventory holds.
const SOURCE_NAME: usize = 32;
/// How far back a change may lie: an agent may have been away for long, but a clock that lost its battery lies further.
const OLDEST: Duration = Duration::from_secs(400 * 24 * 3600);

/// What a report says of one source.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) source: &'a Source,
    /// The last state that it names.
    pub(super) status: Option<&'a SourceStatus>,
    /// What was seen, in order.
    pub(super) seen: Vec<Sighting<'a>>,
}

/// Brings together what a report says of each source.
///
/// Agents' clocks are not trusted: a time in the future becomes `now`, and one that lies too far back too.
pub(super) fn batches(report: &Report, now: Timestamp) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch<'_>> = Vec::with_capacity(report.sources.len());
    for part in &report.sources {
        let index = batches.iter().position(|batch| *batch.source == part.source).unwrap_or_else(|| {
            batches.push(Batch { source: &part.source, status: None, seen: Vec::new() });
            batches.len() - 1
        });
        let Some(batch) = batches.get_mut(index) else { continue };
        batch.status = part.status.as_ref().or(batch.status);
        batch.seen.extend(part.changes.iter().map(|change| Sighting {
            at: believed(change.observed_at, now),
            what: match &change.kind {
                ChangeKind::Upsert { entity, hash } => Sighted::There(entity, *hash),
                ChangeKind::Removal { native_id, reason } => Sighted::Gone(native_id, reason),
            },
        }));
    }
    // Always in the same order, so that two writers cannot wait for each other.
    batches.sort_by(|one, other| one.source.cmp(other.source));
    batches
}

fn believed(at: Timestamp, now: Timestamp) -> Timestamp {
    if at > now || at < now.minus(OLDEST) { now } else { at }
}

/// Checks what would not fit the inventory. Names and other texts are cut; keys cannot be.
///
/// # Errors
/// With the first field that does not fit.
pub(super) fn check(report: &Report) -> Result<(), Refusal> {
    let refuse = |field: String, code: &str, message: String| Err(Refusal { code: code.to_owned(), message, field });
    for (place, part) in report.sources.iter().enumerate() {
        let name = part.source.as_str();
        if name.is_empty() || name.trim() != name || name.chars().count() > SOURCE_NAME {
            let message = format!("a source's name has 1 to {SOURCE_NAME} characters without blanks around them");
            return refuse(format!("sources[{place}].source"), "malformed", message);
        }
        for (index, change) in part.changes.iter().enumerate() {
            let (native_id, field) = match &change.kind {
                ChangeKind::Upsert { entity, .. } => (&entity.native_id, "upsert"),
                ChangeKind::Removal { native_id, .. } => (native_id, "removal"),
            };
            let path = format!("sources[{place}].changes[{index}].{field}");
            if native_id.len() > NATIVE_ID_BYTES {
                let message = format!("has {} bytes, at most {NATIVE_ID_BYTES} are accepted", native_id.len());
                return refuse(format!("{path}.native_id"), "string-too-long", message);
            }
            // Databases compare keys without trailing blanks.
            if native_id.is_empty() || native_id.trim_end() != native_id {
                let message = "must not be empty nor end with a blank".to_owned();
                return refuse(format!("{path}.native_id"), "malformed", message);
            }
            let ChangeKind::Upsert { entity, .. } = &change.kind else { continue };
            if !holds(&part.source, &entity.body) {
                let message = format!("source {name} does not hold entities of kind {}", entity.body.kind().as_str());
                return refuse(path, "unexpected-kind", message);
            }
            if let Body::Capability(capability) = &entity.body
                && capability.name != entity.native_id
            {
                let message = "a capability's identifier is its name".to_owned();
                return refuse(format!("{path}.native_id"), "malformed", message);
            }
        }
    }
    Ok(())
}

/// Whether a source holds entities of this kind. A source of another version holds what runs.
fn holds(source: &Source, body: &Body) -> bool {
    match source {
        Source::Host => matches!(body, Body::Host(_)),
        Source::Capability => matches!(body, Body::Capability(_)),
        Source::Kubernetes => matches!(body, Body::Pod(_)),
        Source::KubernetesCluster => matches!(body, Body::KubernetesCluster(_)),
        Source::KubernetesNamespaces => matches!(body, Body::KubernetesNamespace(_)),
        Source::KubernetesNodes => matches!(body, Body::KubernetesNode(_)),
        Source::KubernetesServices => matches!(body, Body::KubernetesService(_)),
        Source::KubernetesIngresses => matches!(body, Body::KubernetesIngress(_)),
        Source::Docker | Source::Podman | Source::Process | Source::Other(_) => {
            matches!(body, Body::Container(_) | Body::Process(_))
        }
    }
}
