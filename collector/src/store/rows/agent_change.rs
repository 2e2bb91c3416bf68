//! What decides whether an agent's session may go on: its state and its newest session, on whichever collector.

use orchestrix_common::{id::AgentId, time::Timestamp};

use super::agent::{AgentState, id_of};
use crate::store::{Executor, Row, StoreError};

const COLUMNS: &str = "id, state, epoch, boot_id";

/// What the database says of an agent's newest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentChange {
    /// The agent.
    pub agent_id: AgentId,
    /// What it is allowed to do.
    pub state: AgentState,
    /// Number of its newest session.
    pub epoch: u64,
    /// Boot that this session named.
    pub boot_id: String,
}

fn change(row: &Row) -> Result<AgentChange, StoreError> {
    let state: String = row.get("state")?;
    Ok(AgentChange {
        agent_id: id_of(row, "id")?,
        state: state.parse().map_err(|_| StoreError::Content {
            column: "agents.state",
            content: state,
            expected: "a state of an agent",
        })?,
        epoch: row.get("epoch")?,
        boot_id: row.get("boot_id")?,
    })
}

/// Reads the newest session of an agent.
///
/// # Errors
/// When the statement fails.
pub async fn agent_change_get(from: &mut impl Executor, id: AgentId) -> Result<Option<AgentChange>, StoreError> {
    let row = from.fetch_optional(format!("SELECT {COLUMNS} FROM agents WHERE id = ?"), vec![id.into()]).await?;
    row.as_ref().map(change).transpose()
}

/// Reads the agents that may have no session, and those whose newest session began at `since` or later.
///
/// One statement over all agents, asked for every few seconds: its answer is short while nothing happens. It is
/// limited all the same; what is left out is found when it tries to write.
///
/// # Errors
/// When the statement fails.
pub async fn agent_change_list(from: &mut impl Executor, since: Timestamp) -> Result<Vec<AgentChange>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE state IN ('QUARANTINED', 'REVOKED') OR connected_at_us >= ? LIMIT 100000"
    );
    from.fetch(sql, vec![since.into()]).await?.iter().map(change).collect()
}
