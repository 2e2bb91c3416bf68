//! An inventory in memory that does as it is told.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
};

use async_trait::async_trait;
use orchestrix_common::{
    hash::EntityHash,
    model::{Report, Source, Usage},
    pki::base64url,
    time::Timestamp,
};
use tokio::sync::watch;

use super::*;

pub(super) struct Fake {
    pub(super) state: Mutex<State>,
    /// While false, an apply waits before its commit.
    pub(super) commits: watch::Sender<bool>,
    /// What agents are to trust.
    pub(super) trust: watch::Sender<Arc<TrustBundle>>,
}

/// A bundle with these roots; certificates come from the last one.
pub(super) fn bundle(roots: &[&str]) -> Arc<TrustBundle> {
    let last = u8::try_from(roots.len()).unwrap();
    let issuing_root: Pin = base64url::encode([last; 32]).parse().unwrap();
    let roots_der = roots.iter().map(|root| root.as_bytes().to_vec()).collect();
    Arc::new(TrustBundle { roots_der, issuing_root, renew_within: Duration::from_secs(60) })
}

#[derive(Default)]
pub(super) struct State {
    pub(super) agents: HashMap<AgentId, AgentChange>,
    /// Outcomes of the next applies; when there is none, the report is applied.
    pub(super) next: VecDeque<Result<Outcome, ApplyError>>,
    /// How many applies came as far as their commit.
    pub(super) begun: usize,
    pub(super) applied: Vec<(u64, u64)>,
    pub(super) applied_sequence: u64,
    pub(super) held_reason: Option<String>,
    pub(super) digests: Vec<SourceDigest>,
    pub(super) digest_reads: usize,
    pub(super) listings: Vec<(Source, usize, bool)>,
    pub(super) wanted: Vec<String>,
    pub(super) usages: usize,
    pub(super) buried: Vec<DeadLetter>,
    pub(super) flushed: Vec<Vec<(AgentId, Timestamp)>>,
    pub(super) swept: Vec<Timestamp>,
    pub(super) down: bool,
    /// Certificates that are not in force.
    pub(super) certificates: HashMap<AgentId, CertificateStatus>,
    /// Agents whose certificates come from a retired root.
    pub(super) untrusted: Vec<AgentId>,
}

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            commits: watch::Sender::new(true),
            trust: watch::Sender::new(bundle(&["root"])),
        })
    }

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub(super) fn applied(&self) -> Vec<u64> {
        self.with(|state| state.applied.iter().map(|(_, sequence)| *sequence).collect())
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.with(|state| state.down) { Err(away()) } else { Ok(()) }
    }

    fn fence(&self, session: &SessionKey) -> Result<(), ApplyError> {
        self.up()?;
        let newest = self.with(|state| state.agents[&session.agent_id].epoch);
        if newest > session.epoch { Err(ApplyError::Fenced) } else { Ok(()) }
    }
}

/// The database does not answer.
pub(super) fn away() -> StoreError {
    StoreError::Sql(sqlx::Error::PoolTimedOut)
}

#[async_trait]
impl Inventory for Fake {
    async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError> {
        self.up()?;
        self.with(|state| {
            let agent = state.agents.entry(opening.agent_id).or_insert_with(|| AgentChange {
                agent_id: opening.agent_id,
                state: AgentState::Active,
                epoch: 0,
                boot_id: String::new(),
            });
            if agent.state == AgentState::Revoked {
                return Err(OpenError::Revoked("lost".into()));
            }
            agent.epoch += 1;
            let previous_boot_id = Some(std::mem::replace(&mut agent.boot_id, opening.boot_id));
            let quarantined = agent.state == AgentState::Quarantined;
            Ok(Opened {
                epoch: agent.epoch,
                applied_sequence: state.applied_sequence,
                digests: state.digests.clone(),
                held_reason: quarantined.then(|| "quarantined".to_owned()).or_else(|| state.held_reason.clone()),
                compute_id: None,
                previous_boot_id: previous_boot_id.filter(|boot| !boot.is_empty()),
            })
        })
    }

    async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError> {
        self.fence(session)?;
        if let Some(next) = self.with(|state| state.next.pop_front()) {
            return next.map(|outcome| Applied { outcome, changes: 0 });
        }
        self.with(|state| state.begun += 1);
        self.commits.subscribe().wait_for(|open| *open).await.unwrap();
        self.with(|state| {
            state.applied.push((session.epoch, report.sequence));
            state.applied_sequence = report.sequence;
        });
        Ok(Applied { outcome: Outcome::Applied, changes: 1 })
    }

    async fn compare_listing(
        &self,
        session: &SessionKey,
        source: &Source,
        listed: Vec<(String, EntityHash)>,
        whole: bool,
    ) -> Result<Vec<String>, ApplyError> {
        self.fence(session)?;
        self.with(|state| {
            state.listings.push((source.clone(), listed.len(), whole));
            Ok(state.wanted.clone())
        })
    }

    async fn digests(&self, _: AgentId) -> Result<Vec<SourceDigest>, StoreError> {
        self.up()?;
        self.with(|state| {
            state.digest_reads += 1;
            Ok(state.digests.clone())
        })
    }

    async fn record_usage(&self, session: &SessionKey, usages: &[Usage]) -> Result<(), ApplyError> {
        self.fence(session)?;
        self.with(|state| state.usages += usages.len());
        Ok(())
    }

    async fn flush_liveness(&self, seen: &[(AgentId, Timestamp)]) -> Result<(), StoreError> {
        self.up()?;
        self.with(|state| state.flushed.push(seen.to_vec()));
        Ok(())
    }

    async fn sweep_silent(&self, silent_before: Timestamp) -> Result<usize, StoreError> {
        self.up()?;
        self.with(|state| state.swept.push(silent_before));
        Ok(0)
    }

    async fn set_agent_state(&self, agent_id: AgentId, set: AgentState, _: &str, _: &Actor) -> Result<(), StoreError> {
        self.up()?;
        self.with(|state| {
            if let Some(agent) = state.agents.get_mut(&agent_id) {
                agent.state = set;
            }
        });
        Ok(())
    }

    async fn newest_session(&self, agent_id: AgentId) -> Result<Option<AgentChange>, StoreError> {
        self.up()?;
        Ok(self.with(|state| state.agents.get(&agent_id).cloned()))
    }

    async fn changed_agents(&self, _: Timestamp) -> Result<Vec<AgentChange>, StoreError> {
        self.up()?;
        Ok(self.with(|state| state.agents.values().cloned().collect()))
    }

    async fn record_dead_letter(&self, session: &SessionKey, letter: &DeadLetter) -> Result<(), ApplyError> {
        self.fence(session)?;
        self.with(|state| state.buried.push(letter.clone()));
        Ok(())
    }
}

#[async_trait]
impl Certificates for Fake {
    async fn check(&self, shown: &ShownCertificate, _: Timestamp) -> Result<CertificateStatus, StoreError> {
        self.up()?;
        Ok(self.with(|state| state.certificates.get(&shown.agent_id).copied().unwrap_or(CertificateStatus::Active)))
    }

    async fn untrusted(&self) -> Result<Vec<AgentId>, StoreError> {
        self.up()?;
        Ok(self.with(|state| state.untrusted.clone()))
    }
}
