//! Reports that could not be stored, kept for people.

use orchestrix_common::{id::AgentId, time::Timestamp};

use super::cut;
use crate::store::{StoreError, Tx};

/// Dead letters kept of one agent; older ones go, so that a broken agent cannot fill the database.
const KEPT: i64 = 100;

/// A report that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Number of the report; zero when it could not be read.
    pub sequence: u64,
    /// Stable word for the kind of problem.
    pub code: String,
    /// Path of the offending field; empty when none is to blame.
    pub field: String,
    /// One sentence for people.
    pub message: String,
}

/// Keeps a dead letter, and at most the newest hundred of the agent.
///
/// # Errors
/// When a statement fails.
pub async fn dead_letter_insert_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    letter: &DeadLetter,
    at: Timestamp,
) -> Result<(), StoreError> {
    let columns = ["agent_id", "sequence", "code", "field", "message", "received_at_us"];
    let row = vec![
        agent.into(),
        letter.sequence.into(),
        cut(&letter.code, 64).into(),
        cut(&letter.field, 255).into(),
        cut(&letter.message, 1024).into(),
        at.into(),
    ];
    tx.insert_many("dead_letters", &columns, vec![row], "").await?;
    let sql = format!("SELECT id FROM dead_letters WHERE agent_id = ? ORDER BY id DESC LIMIT 1 OFFSET {KEPT}");
    if let Some(oldest) = crate::store::Executor::fetch_optional(tx, sql, vec![agent.into()]).await? {
        let sql = "DELETE FROM dead_letters WHERE agent_id = ? AND id <= ?";
        tx.execute(sql, vec![agent.into(), oldest.get::<i64>("id")?.into()]).await?;
    }
    Ok(())
}
