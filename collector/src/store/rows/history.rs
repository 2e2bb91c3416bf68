//! The history: every change of a resource, in the order in which it was stored.

use std::time::Duration;

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::Value as Json;

use super::{cut, stored::Stored};
use crate::store::{Executor, Row, StoreError, Tx};

/// Who changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `agent`, `person`, `rule` or `collector`.
    pub kind: &'static str,
    /// Which one.
    pub id: String,
}

impl Actor {
    /// An agent that reported it.
    #[must_use]
    pub fn agent(id: AgentId) -> Self {
        Self { kind: "agent", id: id.to_string() }
    }

    /// A person, by the name of their token.
    #[must_use]
    pub fn person(name: impl Into<String>) -> Self {
        Self { kind: "person", id: name.into() }
    }

    /// The collector itself, with the part that decided.
    #[must_use]
    pub fn collector(part: &str) -> Self {
        Self { kind: "collector", id: part.to_owned() }
    }
}

/// What happened to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryKind {
    /// It is new.
    Appeared,
    /// It is otherwise than before.
    Altered,
    /// It is no more.
    Ended,
    /// It is there again.
    Returned,
    /// The host fell silent.
    Unreachable,
    /// The host answers again.
    Reachable,
    /// An agent came to speak for it, or another one than before.
    Claimed,
}

impl HistoryKind {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Altered => "altered",
            Self::Ended => "ended",
            Self::Returned => "returned",
            Self::Unreachable => "unreachable",
            Self::Reachable => "reachable",
            Self::Claimed => "claimed",
        }
    }
}

/// One change.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// When it happened.
    pub happened_at: Timestamp,
    /// Who changed it.
    pub actor: Actor,
    /// What happened.
    pub kind: HistoryKind,
    /// The catalog's word for the kind of resource, for example `workload`.
    pub resource_type: &'static str,
    /// Number of the resource; of one without a number of its own that of what it belongs to, zero when there is none.
    pub resource_id: i64,
    /// What tells those with the same number apart, as the catalog says (`Kind::history_key`); empty for most.
    pub resource_key: String,
    /// Name of the resource.
    pub resource_name: String,
    /// Compute it belongs to.
    pub compute_id: Option<i64>,
    /// Source that saw it.
    pub source: Option<String>,
    /// How it was; `None` when there was nothing.
    pub before: Option<Json>,
    /// How it is; `None` when there is nothing.
    pub after: Option<Json>,
    /// The stored row before the change (see `rows::stored`), empty when there was none; `None` when this entry does not
    /// change a row of the catalog. What is read as of an earlier time comes from here.
    pub before_row: Option<Stored>,
}

/// Appends changes, in order.
///
/// # Errors
/// When a statement fails.
pub async fn history_insert_in_tx(tx: &mut Tx, recorded_at: Timestamp, rows: &[HistoryRow]) -> Result<(), StoreError> {
    let columns = [
        "recorded_at_us",
        "happened_at_us",
        "actor_kind",
        "actor_id",
        "change_kind",
        "resource_type",
        "resource_id",
        "resource_key",
        "resource_name",
        "compute_id",
        "source",
        "before_state",
        "after_state",
        "before_row",
    ];
    let rows = rows
        .iter()
        .map(|row| {
            vec![
                recorded_at.into(),
                row.happened_at.into(),
                row.actor.kind.into(),
                cut(&row.actor.id, 64).into(),
                row.kind.as_str().into(),
                row.resource_type.into(),
                row.resource_id.into(),
                cut(&row.resource_key, 160).into(),
                cut(&row.resource_name, 255).into(),
                row.compute_id.into(),
                row.source.as_deref().into(),
                row.before.as_ref().into(),
                row.after.as_ref().into(),
                row.before_row.as_ref().map(|row| Json::Object(row.clone()).to_string()).into(),
            ]
        })
        .collect();
    tx.insert_many("history", &columns, rows, "").await
}

/// Where the known past begins: the inventory can be read as of this change, and of every later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The change.
    pub sequence: i64,
    /// When it was recorded.
    pub at: Timestamp,
    /// It and what came before it is forgotten, or said nothing of rows.
    pub forgotten: bool,
}

/// Setting that remembers where the known past begins, once that is not the first entry.
const START: &str = "history-start";

/// Reads where the known past begins; `None` when nothing was recorded yet.
///
/// # Errors
/// When a statement fails.
pub async fn history_start(from: &mut impl Executor) -> Result<Option<HistoryStart>, StoreError> {
    let sql = "SELECT content FROM discovery_settings WHERE name = ?";
    if let Some(row) = from.fetch_optional(sql.to_owned(), vec![START.into()]).await? {
        let content: Json = row.json("content")?.unwrap_or(Json::Null);
        let number = |name: &str| content[name].as_i64().unwrap_or(0);
        let at = Timestamp::from_micros(number("recordedAtUs"));
        return Ok(Some(HistoryStart { sequence: number("sequence"), at, forgotten: true }));
    }
    let sql = "SELECT sequence, recorded_at_us FROM history ORDER BY sequence LIMIT 1";
    let row = from.fetch_optional(sql.to_owned(), vec![]).await?;
    row.map(|row| start(&row, false)).transpose()
}

fn start(row: &Row, forgotten: bool) -> Result<HistoryStart, StoreError> {
    Ok(HistoryStart { sequence: row.get("sequence")?, at: row.time("recorded_at_us")?, forgotten })
}

/// Moves the beginning of the known past.
///
/// # Errors
/// When the statement fails.
pub async fn history_start_set_in_tx(tx: &mut Tx, start: HistoryStart) -> Result<(), StoreError> {
    let content = serde_json::json!({ "sequence": start.sequence, "recordedAtUs": start.at.as_micros() });
    let ending = tx.dialect().on_conflict(&["name"], &["content"]);
    let row = vec![START.into(), content.to_string().into()];
    tx.insert_many("discovery_settings", &["name", "content"], vec![row], &ending).await
}

/// The highest number among changes that were recorded until `at`. Their clocks may be apart by `skew`.
///
/// # Errors
/// When the statement fails.
pub async fn history_last_until(
    from: &mut impl Executor,
    at: Timestamp,
    skew: Duration,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT MAX(sequence) AS last FROM history WHERE recorded_at_us <= ? AND recorded_at_us >= \
               (SELECT MAX(recorded_at_us) FROM history WHERE recorded_at_us <= ?) - ?";
    let skew = i64::try_from(skew.as_micros()).unwrap_or(i64::MAX);
    let row = from.fetch_optional(sql.to_owned(), vec![at.into(), at.into(), skew.into()]).await?;
    row.map_or(Ok(None), |row| row.get("last"))
}

/// The last change of those that were all recorded before `cutoff`. The latest change of all is never among them.
///
/// # Errors
/// When the statement fails.
pub async fn history_before(from: &mut impl Executor, cutoff: Timestamp) -> Result<Option<HistoryStart>, StoreError> {
    // The addition keeps the index of times out of it: from the oldest on, the first young entry is found soon.
    let sql = "SELECT sequence, recorded_at_us FROM history WHERE sequence < COALESCE((SELECT sequence FROM history \
               WHERE recorded_at_us + 0 >= ? ORDER BY sequence LIMIT 1), (SELECT MAX(sequence) FROM history)) \
               ORDER BY sequence DESC LIMIT 1";
    let row = from.fetch_optional(sql.to_owned(), vec![cutoff.into()]).await?;
    row.map(|row| start(&row, true)).transpose()
}

/// Forgets changes up to a number, the oldest first and at most `most`; returns how many.
///
/// # Errors
/// When the statement fails.
pub async fn history_delete_in_tx(tx: &mut Tx, up_to: i64, most: u32) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM history WHERE sequence IN (SELECT x.sequence FROM (SELECT sequence FROM history \
         WHERE sequence <= ? ORDER BY sequence LIMIT {most}) x)"
    );
    tx.execute(sql, vec![up_to.into()]).await
}
