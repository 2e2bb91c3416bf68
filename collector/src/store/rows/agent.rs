//! Agents: who reports, for which compute, and how far.

use std::{collections::BTreeMap, fmt, str::FromStr};

use orchestrix_common::{id::AgentId, time::Timestamp};

use super::{
    cut,
    history::{Actor, history_insert_in_tx},
    join_token::tags_value,
    row_change::RowChange,
    stored::{Stored, stored_among_in_tx, stored_in_tx},
};
use crate::{
    catalog::AGENT,
    store::{Dialect, Executor, Row, StoreError, Tx, Value},
};

const COLUMNS: &str = "id, compute_id, hostname, version, state, state_reason, datacenter_id, epoch, boot_id, outbox_id, \
                       applied_sequence, lost_reports, reachable, connected_at_us, removal_held_epoch, \
                       removal_held_at_us";

/// What an agent is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentState {
    /// Its reports are applied.
    Active,
    /// A person must decide to which compute it belongs; its reports are held.
    Held,
    /// Its identity was seen twice; its reports are held.
    Quarantined,
    /// It may not connect.
    Revoked,
}

impl AgentState {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Held => "HELD",
            Self::Quarantined => "QUARANTINED",
            Self::Revoked => "REVOKED",
        }
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AgentState {
    type Err = UnknownState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Active, Self::Held, Self::Quarantined, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(UnknownState)
    }
}

/// A word that is no state of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected ACTIVE, HELD, QUARANTINED or REVOKED")]
pub struct UnknownState;

/// An agent as it is stored.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Its identifier.
    pub id: AgentId,
    /// The compute it speaks for.
    pub compute_id: Option<i64>,
    /// Host name it last gave.
    pub hostname: String,
    /// Version of the agent.
    pub version: String,
    /// What it is allowed to do.
    pub state: AgentState,
    /// Why; empty when active.
    pub state_reason: String,
    /// Datacenter that its join token named.
    pub datacenter_id: Option<i64>,
    /// Number of its newest session.
    pub epoch: u64,
    /// Boot that its newest session named; empty before the first.
    pub boot_id: String,
    /// Outbox in which its report numbers count; empty before the first session.
    pub outbox_id: String,
    /// Newest report of that outbox that is stored.
    pub applied_sequence: u64,
    /// Reports that were never received.
    pub lost_reports: u64,
    /// It answers.
    pub reachable: bool,
    /// Start of its newest session.
    pub connected_at: Option<Timestamp>,
    /// Session and time of a mass removal that waits for a second report.
    pub removal_held: Option<(u64, Timestamp)>,
}

/// What an agent's row begins with.
#[derive(Clone, Debug)]
pub struct NewAgent<'a> {
    /// Its identifier.
    pub id: AgentId,
    /// Name of its host.
    pub hostname: &'a str,
    /// Version of the agent.
    pub version: &'a str,
    /// The token that it enrolled with.
    pub join_token_id: &'a str,
    /// Datacenter that the token is bound to.
    pub datacenter_id: Option<i64>,
    /// Tags that the token is bound to.
    pub tags: &'a BTreeMap<String, String>,
    /// Now.
    pub enrolled_at: Timestamp,
}

/// Reads a column that holds an agent's identifier.
pub(super) fn id_of(row: &Row, column: &'static str) -> Result<AgentId, StoreError> {
    let id: String = row.get(column)?;
    id.parse().map_err(|_| unexpected(column, &id, "an agent id"))
}

fn agent(row: &Row) -> Result<AgentRow, StoreError> {
    let state: String = row.get("state")?;
    let held_epoch: Option<i64> = row.get("removal_held_epoch")?;
    Ok(AgentRow {
        id: id_of(row, "id")?,
        compute_id: row.get("compute_id")?,
        hostname: row.get("hostname")?,
        version: row.get("version")?,
        state: state.parse().map_err(|_| unexpected("agents.state", &state, "a state of an agent"))?,
        state_reason: row.get("state_reason")?,
        datacenter_id: row.get("datacenter_id")?,
        epoch: row.get("epoch")?,
        boot_id: row.get("boot_id")?,
        outbox_id: row.get("outbox_id")?,
        applied_sequence: row.get("applied_sequence")?,
        lost_reports: row.get("lost_reports")?,
        reachable: row.get("reachable")?,
        connected_at: row.time_opt("connected_at_us")?,
        removal_held: held_epoch
            .zip(row.time_opt("removal_held_at_us")?)
            .map(|(epoch, at)| (u64::try_from(epoch).unwrap_or(0), at)),
    })
}

fn unexpected(column: &'static str, content: &str, expected: &'static str) -> StoreError {
    StoreError::Content { column, content: content.to_owned(), expected }
}

/// Stores a new, active agent that no compute is matched to yet.
///
/// # Errors
/// When the database fails.
pub async fn agent_enrol_in_tx(tx: &mut Tx, agent: &NewAgent<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (id, hostname, version, state, join_token_id, datacenter_id, tags, enrolled_at_us) \
               VALUES (?, ?, ?, 'ACTIVE', ?, ?, ?, ?)";
    let values = vec![
        agent.id.into(),
        cut(agent.hostname, 255).into(),
        cut(agent.version, 64).into(),
        agent.join_token_id.into(),
        agent.datacenter_id.into(),
        tags_value(agent.tags)?,
        agent.enrolled_at.into(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Reads an agent.
///
/// # Errors
/// When the statement fails.
pub async fn agent_get(from: &mut impl Executor, id: AgentId) -> Result<Option<AgentRow>, StoreError> {
    let row = from.fetch_optional(format!("SELECT {COLUMNS} FROM agents WHERE id = ?"), vec![id.into()]).await?;
    row.as_ref().map(agent).transpose()
}

/// Reads an agent and keeps others from writing for it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn agent_lock_in_tx(tx: &mut Tx, id: AgentId) -> Result<Option<AgentRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE id = ?{}", tx.dialect().for_update());
    let row = tx.fetch_optional(sql, vec![id.into()]).await?;
    row.as_ref().map(agent).transpose()
}

/// Reads and locks the agents of a compute, ordered by id.
///
/// # Errors
/// When the statement fails.
pub async fn agent_lock_of_compute_in_tx(tx: &mut Tx, compute_id: i64) -> Result<Vec<AgentRow>, StoreError> {
    let lock = tx.dialect().for_update();
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE compute_id = ? ORDER BY id LIMIT 1000{lock}");
    tx.fetch(sql, vec![compute_id.into()]).await?.iter().map(agent).collect()
}

/// Reads the tags that an agent's join token gave it.
///
/// # Errors
/// When the statement fails.
pub async fn agent_tags(
    from: &mut impl Executor,
    dialect: Dialect,
    id: AgentId,
) -> Result<BTreeMap<String, String>, StoreError> {
    let sql = format!("SELECT {} AS tags FROM agents WHERE id = ?", dialect.json_text("tags"));
    let row = from.fetch_optional(sql, vec![id.into()]).await?;
    Ok(row.map(|row| row.json("tags")).transpose()?.flatten().unwrap_or_default())
}

/// What a new session changes of its agent.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The compute it speaks for.
    pub compute_id: Option<i64>,
    /// What it is allowed to do.
    pub state: AgentState,
    /// Why.
    pub state_reason: String,
    /// Host name it gave.
    pub hostname: String,
    /// Version of the agent.
    pub version: String,
    /// Number of the session.
    pub epoch: u64,
    /// Boot that it named.
    pub boot_id: String,
    /// Outbox that it named.
    pub outbox_id: String,
    /// Newest stored report of that outbox.
    pub applied_sequence: u64,
    /// The agent's clock minus ours, microseconds.
    pub clock_skew_us: i64,
    /// Now.
    pub connected_at: Timestamp,
    /// It could not be reached before.
    pub returned: bool,
}

/// Stores what a new session changes.
///
/// # Errors
/// When the statement fails.
pub async fn agent_open_in_tx(tx: &mut Tx, id: AgentId, session: &SessionRow) -> Result<(), StoreError> {
    let mut sql =
        "UPDATE agents SET compute_id = ?, state = ?, state_reason = ?, hostname = ?, version = ?, epoch = ?, \
                   boot_id = ?, outbox_id = ?, applied_sequence = ?, clock_skew_us = ?, connected_at_us = ?"
            .to_owned();
    let mut values: Vec<Value> = vec![
        session.compute_id.into(),
        session.state.as_str().into(),
        cut(&session.state_reason, 255).into(),
        cut(&session.hostname, 255).into(),
        cut(&session.version, 64).into(),
        session.epoch.into(),
        cut(&session.boot_id, 64).into(),
        session.outbox_id.as_str().into(),
        session.applied_sequence.into(),
        session.clock_skew_us.into(),
        session.connected_at.into(),
    ];
    if session.returned {
        sql.push_str(", reachable = 1, reachable_changed_at_us = ?");
        values.push(session.connected_at.into());
    }
    sql.push_str(" WHERE id = ?");
    values.push(id.into());
    tx.execute(sql, values).await?;
    Ok(())
}

/// Stores how far an agent's reports are applied, and forgets a mass removal that waited.
///
/// # Errors
/// When the statement fails.
pub async fn agent_reported_in_tx(
    tx: &mut Tx,
    id: AgentId,
    sequence: u64,
    lost: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE agents SET applied_sequence = ?, lost_reports = lost_reports + ?, reported_at_us = ?, \
         removal_held_epoch = NULL, removal_held_at_us = NULL WHERE id = ?",
        vec![sequence.into(), lost.into(), at.into(), id.into()],
    )
    .await?;
    Ok(())
}

/// Remembers a mass removal that waits for a second report, or forgets it.
///
/// # Errors
/// When the statement fails.
pub async fn agent_hold_removal_in_tx(
    tx: &mut Tx,
    id: AgentId,
    held: Option<(u64, Timestamp)>,
) -> Result<(), StoreError> {
    let (epoch, at) = held.unzip();
    let sql = "UPDATE agents SET removal_held_epoch = ?, removal_held_at_us = ? WHERE id = ?";
    tx.execute(sql, vec![epoch.into(), at.into(), id.into()]).await?;
    Ok(())
}

/// Stores what an agent is allowed to do.
///
/// # Errors
/// When the statement fails.
pub async fn agent_set_state_in_tx(
    tx: &mut Tx,
    id: AgentId,
    state: AgentState,
    reason: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE agents SET state = ?, state_reason = ? WHERE id = ?";
    tx.execute(sql, vec![state.as_str().into(), cut(reason, 255).into(), id.into()]).await?;
    Ok(())
}

/// Stores the compute that an agent speaks for.
///
/// # Errors
/// When the statement fails.
pub async fn agent_set_compute_in_tx(tx: &mut Tx, id: AgentId, compute_id: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE agents SET compute_id = ? WHERE id = ?", vec![compute_id.into(), id.into()]).await?;
    Ok(())
}

/// Reads and locks an agent as the history keeps it; empty when there is none.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn agent_stored_in_tx(tx: &mut Tx, id: AgentId) -> Result<Stored, StoreError> {
    Ok(agent_stored_many_in_tx(tx, [id]).await?.into_iter().next().unwrap_or_default())
}

/// Writes the history of an agent that may have changed since `before` was read.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn agent_changed_in_tx(
    tx: &mut Tx,
    id: AgentId,
    before: Stored,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let after = agent_stored_in_tx(tx, id).await?;
    let entry = RowChange { kind: &AGENT, before, after }.entry(actor, now);
    history_insert_in_tx(tx, now, entry.as_slice()).await
}

/// Reads and locks agents as the history keeps them.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn agent_stored_many_in_tx(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = AgentId> + Send,
) -> Result<Vec<Stored>, StoreError> {
    stored_among_in_tx(tx, &AGENT, "id", ids.into_iter().map(Value::from).collect()).await
}

/// Ends the open session of an agent, whichever collector holds it: it opens a new one, and both sides compare what
/// they believe. The newest session's number is what collectors watch.
///
/// # Errors
/// When the statement fails.
pub async fn agent_fence_in_tx(tx: &mut Tx, id: AgentId, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE agents SET epoch = epoch + 1, \
               connected_at_us = CASE WHEN reachable = 1 THEN ? ELSE connected_at_us END WHERE id = ?";
    tx.execute(sql, vec![at.into(), id.into()]).await.map(drop)
}

/// Takes revoked agents from a compute that goes, with history.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn agent_leave_in_tx(
    tx: &mut Tx,
    compute: Vec<Value>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let condition = "compute_id = ? AND state = 'REVOKED'";
    let rows = stored_in_tx(tx, &AGENT, condition, compute.clone()).await?;
    tx.execute(format!("UPDATE agents SET compute_id = NULL WHERE {condition}"), compute).await?;
    let changes = rows.into_iter().map(|before| {
        let mut after = before.clone();
        after.remove("compute_id");
        RowChange { kind: &AGENT, before, after }
    });
    let history: Vec<_> = changes.filter_map(|change| change.entry(actor, now)).collect();
    history_insert_in_tx(tx, now, &history).await
}
