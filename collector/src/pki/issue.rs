//! The transactions that issue certificates: a token's use is taken, an agent begins, or a certificate is renewed, all
//! or nothing.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use orchestrix_common::{
    id::AgentId,
    pki::{JoinToken, RefusalCode, Serial},
    time::Timestamp,
};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::{
    CertificateStatus, PkiError, ShownCertificate, TrustAuthority, account::Attested, authority::IssuedToAgent,
    csr::ProvenKey, recognise::use_or_recognise_in_tx,
};
use crate::{
    store::{
        StoreError, Tx,
        rows::{
            agent::{NewAgent, agent_changed_in_tx, agent_enrol_in_tx},
            agent_certificate::{
                AgentCertificateRow, agent_certificate_insert_in_tx, agent_certificate_list_current,
                agent_certificate_supersede_in_tx, agent_state_lock_in_tx,
            },
            audit::{AuditEntry, audit_insert_in_tx},
            history::Actor,
            join_token::{
                JoinTokenRow, JoinTokenUse, join_token_claim_in_tx, join_token_insert_in_tx, join_token_lock_in_tx,
                join_token_use, join_token_use_insert_in_tx,
            },
            k8s_cluster::{agent_bind_in_tx, cluster_lock_in_tx},
            stored::Stored,
        },
    },
    transaction,
};

/// How long the key that used a token may ask again: as long as a lost reply may take to be noticed.
const RETRY_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Certificates of one agent that were issued and not seen in use yet; the oldest beyond that are forgotten. Several,
/// because a reply may be lost, and a request that was given up may still arrive after the one that followed it.
const UNUSED_KEPT: usize = 3;

/// What a host enrols with.
#[derive(Debug)]
pub(super) enum Pass {
    /// A join token.
    Token(JoinToken),
    /// A pod that its cluster vouched for. It counts as a join token with one use, which is its own.
    Pod(Attested),
}

impl Pass {
    /// The key of its row among the join tokens.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Token(token) => token.id.to_string(),
            // Longer than the id of a join token, so that no token can name it.
            Self::Pod(pod) => format!("{:0<32.32}", pod.pod_uid.replace('-', "")),
        }
    }
}

/// A host asks to become an agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enrolment<'a> {
    pub(super) pass: &'a Pass,
    pub(super) key: &'a ProvenKey,
    pub(super) hostname: &'a str,
    pub(super) agent_version: &'a str,
    pub(super) peer: SocketAddr,
}

/// An agent asks for its next certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renewal<'a> {
    pub(super) shown: &'a ShownCertificate,
    pub(super) key: &'a ProvenKey,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Issued { agent_id: AgentId, chain_der: Vec<Vec<u8>> },
    Refused(RefusalCode),
}

impl TrustAuthority {
    pub(super) async fn enrol(&self, request: Enrolment<'_>) -> Result<Outcome, PkiError> {
        let now = self.now();
        transaction!(self.db(), |tx| self.enrol_in_tx(tx, request, now).await?)?
    }

    pub(super) async fn renew(&self, request: Renewal<'_>) -> Result<Outcome, PkiError> {
        let now = self.now();
        transaction!(self.db(), |tx| self.renew_in_tx(tx, request, now).await?)?
    }

    /// An inner error means that nothing was written.
    async fn enrol_in_tx(
        &self,
        tx: &mut Tx,
        request: Enrolment<'_>,
        now: Timestamp,
    ) -> Result<Result<Outcome, PkiError>, StoreError> {
        let id = request.pass.id();
        let token = match (join_token_lock_in_tx(tx, &id).await?, request.pass) {
            (Some(token), Pass::Token(shown)) => {
                if !bool::from(shown.secret_sha256().as_slice().ct_eq(&token.secret_sha256)) {
                    return Ok(Ok(Outcome::Refused(RefusalCode::TokenWrongSecret)));
                }
                token
            }
            (Some(token), Pass::Pod(_)) => token,
            (None, Pass::Token(_)) => return Ok(Ok(Outcome::Refused(RefusalCode::TokenUnknown))),
            (None, Pass::Pod(pod)) => {
                let token = token_of_pod(&id, pod, now);
                join_token_insert_in_tx(tx, &token).await?;
                token
            }
        };
        let earlier = join_token_use(tx, &id, &request.key.sha256).await?;
        let code = match earlier {
            _ if token.revoked_at.is_some() => RefusalCode::TokenRevoked,
            Some(earlier) if now.since(earlier.used_at) <= RETRY_WINDOW => {
                return self.enrol_again_in_tx(tx, request, earlier, now).await;
            }
            Some(_) => RefusalCode::TokenUsed,
            None if token.expires_at <= now => RefusalCode::TokenExpired,
            None if token.uses_left <= 0 => RefusalCode::TokenUsed,
            None => return self.enrol_new_in_tx(tx, request, &token, now).await,
        };
        // Whoever gets here has the right secret: somebody found an old token, or uses one twice.
        audit_refusal(tx, request, code, now).await?;
        Ok(Ok(Outcome::Refused(code)))
    }

    async fn enrol_new_in_tx(
        &self,
        tx: &mut Tx,
        request: Enrolment<'_>,
        token: &JoinTokenRow,
        now: Timestamp,
    ) -> Result<Result<Outcome, PkiError>, StoreError> {
        let agent_id = AgentId::generate();
        let certificate = match self.issue_agent(agent_id, &request.key.public_key, now) {
            Ok(certificate) => certificate,
            Err(error) => return Ok(Err(error)),
        };
        if !join_token_claim_in_tx(tx, &token.id, now).await? {
            return Ok(Ok(Outcome::Refused(RefusalCode::TokenUsed)));
        }
        let agent = NewAgent {
            id: agent_id,
            hostname: request.hostname,
            version: request.agent_version,
            join_token_id: &token.id,
            datacenter_id: token.datacenter_id,
            tags: &token.tags,
            enrolled_at: now,
        };
        agent_enrol_in_tx(tx, &agent).await?;
        agent_changed_in_tx(tx, agent_id, Stored::new(), &Actor::agent(agent_id), now).await?;
        join_token_use_insert_in_tx(tx, &token.id, &request.key.sha256, agent_id, now).await?;
        agent_certificate_insert_in_tx(tx, &certificate_row(agent_id, request.key, &certificate, now)).await?;
        if let Pass::Pod(pod) = request.pass {
            let (cluster, _) = cluster_lock_in_tx(tx, &pod.cluster_uid, now).await?;
            agent_bind_in_tx(tx, agent_id, cluster.id, request.hostname, true).await?;
        }
        audit_enrolment(tx, request, agent_id, now).await?;
        Ok(Ok(Outcome::Issued { agent_id, chain_der: certificate.chain_der }))
    }

    /// The same key asks again: the reply to the first request was lost. It gets another certificate of the same agent.
    async fn enrol_again_in_tx(
        &self,
        tx: &mut Tx,
        request: Enrolment<'_>,
        earlier: JoinTokenUse,
        now: Timestamp,
    ) -> Result<Result<Outcome, PkiError>, StoreError> {
        let agent_id = earlier.agent_id;
        match agent_state_lock_in_tx(tx, agent_id).await?.as_deref() {
            Some("ACTIVE" | "HELD") => {}
            _ => return Ok(Ok(Outcome::Refused(RefusalCode::AgentRevoked))),
        }
        self.issue_next_in_tx(tx, agent_id, None, request.key, now).await
    }

    async fn renew_in_tx(
        &self,
        tx: &mut Tx,
        request: Renewal<'_>,
        now: Timestamp,
    ) -> Result<Result<Outcome, PkiError>, StoreError> {
        let Renewal { shown, key } = request;
        let ShownCertificate { agent_id, serial, .. } = *shown;
        let state = agent_state_lock_in_tx(tx, agent_id).await?;
        let refused = |code| Ok(Ok(Outcome::Refused(code)));
        match use_or_recognise_in_tx(tx, state.as_deref(), shown, now).await? {
            CertificateStatus::Active => {}
            CertificateStatus::JustSuperseded | CertificateStatus::Superseded => {
                return refused(RefusalCode::CertificateSuperseded);
            }
            CertificateStatus::Unknown => return refused(RefusalCode::CertificateUnknown),
            CertificateStatus::Revoked => return refused(RefusalCode::AgentRevoked),
        }
        // A held agent waits for a person to say where it belongs, not whether it is trusted.
        if !matches!(state.as_deref(), Some("ACTIVE" | "HELD")) {
            return refused(RefusalCode::AgentQuarantined);
        }
        if shown.public_key_sha256 == key.sha256 {
            return refused(RefusalCode::CsrRefused);
        }
        self.issue_next_in_tx(tx, agent_id, Some(serial), key, now).await
    }

    /// Issues a further certificate. The one that was `shown` keeps working until the new one was seen in use.
    async fn issue_next_in_tx(
        &self,
        tx: &mut Tx,
        agent_id: AgentId,
        shown: Option<Serial>,
        key: &ProvenKey,
        now: Timestamp,
    ) -> Result<Result<Outcome, PkiError>, StoreError> {
        let certificate = match self.issue_agent(agent_id, &key.public_key, now) {
            Ok(certificate) => certificate,
            Err(error) => return Ok(Err(error)),
        };
        let current = agent_certificate_list_current(tx, agent_id).await?;
        let unused = current.iter().filter(|row| row.used_at.is_none() && Some(row.serial) != shown);
        for row in unused.skip(UNUSED_KEPT - 1) {
            agent_certificate_supersede_in_tx(tx, row.serial, now).await?;
        }
        // Later than all before it, whatever the clocks of several collectors say: this is the order of the slots.
        let after = current.first().map(|newest| newest.issued_at.plus(Duration::from_micros(1)));
        let issued_at = after.map_or(now, |after| after.max(now));
        agent_certificate_insert_in_tx(tx, &certificate_row(agent_id, key, &certificate, issued_at)).await?;
        Ok(Ok(Outcome::Issued { agent_id, chain_der: certificate.chain_der }))
    }
}

fn certificate_row(
    agent_id: AgentId,
    key: &ProvenKey,
    certificate: &IssuedToAgent,
    issued_at: Timestamp,
) -> AgentCertificateRow {
    let IssuedToAgent { issued, chain_der: _, root_generation } = certificate;
    AgentCertificateRow {
        serial: issued.serial,
        agent_id,
        public_key_sha256: key.sha256,
        not_before: issued.not_before,
        not_after: issued.not_after,
        issued_at,
        used_at: None,
        superseded_at: None,
        root_generation: *root_generation,
    }
}

/// What stands for a pod among the join tokens, so that it enrols once and a lost reply costs nothing.
fn token_of_pod(id: &str, pod: &Attested, now: Timestamp) -> JoinTokenRow {
    JoinTokenRow {
        id: id.to_owned(),
        secret_sha256: vec![0; 32],
        description: format!("pod of cluster {}", pod.cluster_uid),
        uses_allowed: 1,
        uses_left: 1,
        datacenter_id: None,
        tags: BTreeMap::new(),
        created_by: "service-account".to_owned(),
        created_at: now,
        expires_at: now.plus(RETRY_WINDOW),
        revoked_at: None,
    }
}

async fn audit_enrolment(
    tx: &mut Tx,
    request: Enrolment<'_>,
    agent_id: AgentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = agent_id.to_string();
    let (token, peer) = (request.pass.id(), request.peer.to_string());
    let detail = json!({ "hostname": request.hostname, "joinToken": token, "peer": peer });
    let entry = AuditEntry {
        at: now,
        actor_kind: "agent",
        actor_id: &id,
        action: "agent.enrol",
        resource_type: "agent",
        resource_id: &id,
        detail,
    };
    audit_insert_in_tx(tx, &entry).await
}

async fn audit_refusal(
    tx: &mut Tx,
    request: Enrolment<'_>,
    code: RefusalCode,
    now: Timestamp,
) -> Result<(), StoreError> {
    let peer = request.peer.ip().to_string();
    let entry = AuditEntry {
        at: now,
        actor_kind: "peer",
        actor_id: &peer,
        action: "agent.enrol-refused",
        resource_type: "join-token",
        resource_id: &request.pass.id(),
        detail: json!({ "hostname": request.hostname, "code": code.as_str() }),
    };
    audit_insert_in_tx(tx, &entry).await
}
