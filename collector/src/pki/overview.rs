//! What people want to know of the CA: which roots there are, at which step, and who still needs the old one.

use orchestrix_common::{pki::Pin, time::Timestamp};
use rustls::pki_types::CertificateDer;
use serde::Serialize;

use super::{
    PkiError, RENEWAL_GRACE,
    rotation::{Due, NAMED, RotationError, due},
    stored::{ISSUING, ROOT, Roots},
};
use crate::store::{
    Db,
    rows::{
        agent_certificate::{agent_certificate_count_by_root, agent_certificate_holders},
        certificate_authority::{CertificateAuthorityRow, certificate_authority_list},
        join_token::join_token_list_open_before,
    },
};

/// State of the CA.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaOverview {
    /// All roots that ever were, oldest first.
    pub roots: Vec<RootLine>,
    /// End of the CA that issues certificates; it is renewed by itself at half of its life.
    pub issuing_not_after: Option<Timestamp>,
    /// What happens next by itself.
    pub next_step: Option<NextStep>,
    /// Agents that still need the root that is to go; a thousand at most.
    pub waiting_agents: Vec<WaitingAgent>,
    /// Join tokens in force that know only the root that is to go.
    pub waiting_tokens: Vec<String>,
}

/// One root.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RootLine {
    /// Counts from 1.
    pub generation: i64,
    /// `prepared`, `active`, `outgoing` or `retired`.
    pub stage: &'static str,
    /// By it agents recognise the CA when they enrol.
    pub pin: String,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was made.
    pub prepared_at: Timestamp,
    /// Since when certificates come from it; `None` while it is only prepared.
    pub activated_at: Option<Timestamp>,
    /// Since when it is trusted no more; `None` while it is.
    pub retired_at: Option<Timestamp>,
    /// Agents that hold a certificate of it and did not confirm a newer one.
    pub agents: i64,
}

/// What time does next.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// `prepare`, `activate` or `retire`.
    pub action: &'static str,
    /// When; a retirement waits longer while somebody needs the root.
    pub at: Timestamp,
}

/// An agent that still needs the root that is to go.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingAgent {
    /// The agent.
    pub id: String,
    /// Name of its host.
    pub hostname: String,
    /// End of its certificate.
    pub certificate_not_after: Timestamp,
    /// When it was last heard of; `None` when it never was.
    pub last_seen_at: Option<Timestamp>,
}

/// Reads the state of the CA.
///
/// # Errors
/// When there is none yet, or the database fails.
pub async fn overview(db: &Db, now: Timestamp) -> Result<CaOverview, RotationError> {
    let rows = certificate_authority_list(&mut &*db).await?;
    if rows.is_empty() {
        return Err(RotationError::NoAuthority);
    }
    let roots = Roots::of(&rows)?;
    let since = now.minus(RENEWAL_GRACE);
    let held = agent_certificate_count_by_root(&mut &*db, since).await?;
    let agents = |generation| held.iter().find(|(root, _)| *root == generation).map_or(0, |(_, agents)| *agents);
    let active = roots.active.as_ref().map(|root| root.row.generation);
    let lines = rows.iter().filter(|row| row.role == ROOT).map(|row| line(row, active, agents(row.generation)));
    let issuing = rows.iter().filter(|row| row.role == ISSUING && row.retired_at.is_none());
    let mut overview = CaOverview {
        roots: lines.collect::<Result<_, PkiError>>()?,
        issuing_not_after: issuing.max_by_key(|row| row.generation).map(|row| row.not_after),
        next_step: due(&roots).map(NextStep::from),
        waiting_agents: Vec::new(),
        waiting_tokens: Vec::new(),
    };
    if let Some(old) = roots.outgoing.first() {
        let generation = old.row.generation;
        let holders = agent_certificate_holders(&mut &*db, generation, since, NAMED).await?;
        overview.waiting_agents = holders
            .into_iter()
            .map(|holder| WaitingAgent {
                id: holder.agent_id.to_string(),
                hostname: holder.hostname,
                certificate_not_after: holder.not_after,
                last_seen_at: holder.last_seen,
            })
            .collect();
        let next = roots.all().find(|root| root.row.generation > generation).map_or(now, |root| root.row.created_at);
        overview.waiting_tokens = join_token_list_open_before(&mut &*db, next, now, NAMED).await?;
    }
    Ok(overview)
}

fn line(row: &CertificateAuthorityRow, active: Option<i64>, agents: i64) -> Result<RootLine, PkiError> {
    let pin = Pin::of(&CertificateDer::from(row.certificate_der.as_slice()));
    Ok(RootLine {
        generation: row.generation,
        stage: match (row.retired_at, row.activated_at) {
            (Some(_), _) => "retired",
            (None, None) => "prepared",
            (None, Some(_)) if Some(row.generation) == active => "active",
            (None, Some(_)) => "outgoing",
        },
        pin: pin.ok_or(PkiError::Incomplete("a root cannot be read"))?.to_string(),
        not_before: row.not_before,
        not_after: row.not_after,
        prepared_at: row.created_at,
        activated_at: row.activated_at,
        retired_at: row.retired_at,
        agents,
    })
}

impl From<Due> for NextStep {
    fn from(due: Due) -> Self {
        let (action, at) = match due {
            Due::Prepare(at) => ("prepare", at),
            Due::Activate(at) => ("activate", at),
            Due::Retire(at) => ("retire", at),
        };
        Self { action, at }
    }
}
