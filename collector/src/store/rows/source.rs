//! How well each source of an agent can be looked at.

use orchestrix_common::{
    id::AgentId,
    model::{Source, SourceStatus},
};

use super::cut;
use crate::store::{Executor, StoreError, Tx, Value};

/// Most characters of a reason.
const REASON: usize = 1024;

/// Stores the states of sources, sorted by source; one that is stored already costs no write.
///
/// # Errors
/// When a statement fails.
pub async fn source_set_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    states: &[(&Source, &SourceStatus)],
) -> Result<(), StoreError> {
    if states.is_empty() {
        return Ok(());
    }
    let known = tx
        .fetch(
            "SELECT source, health, completeness, reason, since_at_us, warnings FROM agent_sources WHERE agent_id = ?"
                .to_owned(),
            vec![agent.into()],
        )
        .await?;
    let mut stored: Vec<Vec<Value>> = Vec::new();
    for row in known {
        stored.push(vec![
            row.get::<String>("source")?.into(),
            row.get::<String>("health")?.into(),
            row.get::<String>("completeness")?.into(),
            row.get::<String>("reason")?.into(),
            row.time("since_at_us")?.into(),
            row.get::<i64>("warnings")?.into(),
        ]);
    }
    let rows = states
        .iter()
        .map(|(source, status)| {
            vec![
                source.as_str().into(),
                status.health.as_str().into(),
                status.completeness.as_str().into(),
                cut(&status.reason, REASON).into(),
                status.since.into(),
                i64::from(status.warnings.min(i32::MAX.unsigned_abs())).into(),
            ]
        })
        .filter(|row| !stored.contains(row))
        .map(|mut row| {
            row.push(agent.into());
            row
        })
        .collect();
    let ending = tx
        .dialect()
        .on_conflict(&["agent_id", "source"], &["health", "completeness", "reason", "since_at_us", "warnings"]);
    let columns = ["source", "health", "completeness", "reason", "since_at_us", "warnings", "agent_id"];
    tx.insert_many("agent_sources", &columns, rows, &ending).await
}
