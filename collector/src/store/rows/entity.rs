//! What each agent currently reports, by source: the base of digests.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{hash::EntityHash, id::AgentId, model::Source};

use crate::store::{Executor, Row, StoreError, Tx, Value};

const COLUMNS: &str = "source, native_id, kind, hash, resource_id";

/// An entity that an agent reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityRow {
    /// Source that owns it.
    pub source: Source,
    /// The source's identifier of it.
    pub native_id: String,
    /// Word of its kind, for example `container`.
    pub kind: String,
    /// Its hash, as the agent computed it.
    pub hash: EntityHash,
    /// Key of the workload or compute it stands for.
    pub resource_id: Option<i64>,
}

impl EntityRow {
    /// Whether it tells of the host itself, and not of something that runs there.
    #[must_use]
    pub fn is_about_host(&self) -> bool {
        self.kind == "host" || self.kind == "capability"
    }
}

fn entity(row: &Row) -> Result<EntityRow, StoreError> {
    let hash: Vec<u8> = row.get("hash")?;
    let malformed = |_| StoreError::Content {
        column: "agent_entities.hash",
        content: format!("{} bytes", hash.len()),
        expected: "16 bytes",
    };
    Ok(EntityRow {
        source: row.get::<String>("source")?.into(),
        native_id: row.get("native_id")?,
        kind: row.get("kind")?,
        hash: EntityHash::try_from(hash.as_slice()).map_err(malformed)?,
        resource_id: row.get("resource_id")?,
    })
}

/// Reads all entities of an agent. Their number is bounded by the limits of its sources.
///
/// # Errors
/// When the statement fails.
pub async fn entity_list(from: &mut impl Executor, agent: AgentId) -> Result<Vec<EntityRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent_entities WHERE agent_id = ? ORDER BY source, native_id");
    from.fetch(sql, vec![agent.into()]).await?.iter().map(entity).collect()
}

/// Reads all entities of one source of an agent.
///
/// # Errors
/// When the statement fails.
pub async fn entity_list_of_source(
    from: &mut impl Executor,
    agent: AgentId,
    source: &Source,
) -> Result<Vec<EntityRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agent_entities WHERE agent_id = ? AND source = ? ORDER BY native_id");
    from.fetch(sql, vec![agent.into(), source.as_str().into()]).await?.iter().map(entity).collect()
}

/// Reads those entities of one source of an agent that have one of `native_ids`.
///
/// # Errors
/// When a statement fails.
pub async fn entity_find(
    from: &mut impl Executor,
    agent: AgentId,
    source: &Source,
    native_ids: impl IntoIterator<Item = &str> + Send,
) -> Result<Vec<EntityRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM agent_entities WHERE agent_id = ? AND source = ? AND");
    let keys = native_ids.into_iter().map(Value::from).collect();
    let rows = from.fetch_in(&select, "native_id", vec![agent.into(), source.as_str().into()], keys).await?;
    rows.iter().map(entity).collect()
}

/// Counts the workloads that an agent reports.
///
/// # Errors
/// When the statement fails.
pub async fn entity_count_workloads(from: &mut impl Executor, agent: AgentId) -> Result<u64, StoreError> {
    let sql =
        "SELECT COUNT(*) AS n FROM agent_entities WHERE agent_id = ? AND kind IN ('container', 'process', 'k8s_pod')";
    let row = from.fetch_optional(sql.to_owned(), vec![agent.into()]).await?;
    row.map_or(Ok(0), |row| row.get("n"))
}

/// Stores entities, new or otherwise than before. The caller sorts them by source and native id.
///
/// # Errors
/// When a statement fails.
pub async fn entity_upsert_in_tx(tx: &mut Tx, agent: AgentId, entities: &[EntityRow]) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict(&["agent_id", "source", "native_id"], &["kind", "hash", "resource_id"]);
    let rows = entities
        .iter()
        .map(|entity| {
            vec![
                agent.into(),
                entity.source.as_str().into(),
                entity.native_id.as_str().into(),
                entity.kind.as_str().into(),
                entity.hash.into(),
                entity.resource_id.into(),
            ]
        })
        .collect();
    let columns = ["agent_id", "source", "native_id", "kind", "hash", "resource_id"];
    tx.insert_many("agent_entities", &columns, rows, &ending).await
}

/// Forgets entities of one source of an agent.
///
/// # Errors
/// When a statement fails.
pub async fn entity_delete_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    source: &Source,
    native_ids: impl IntoIterator<Item = &str> + Send,
) -> Result<(), StoreError> {
    let keys = native_ids.into_iter().map(Value::from).collect();
    let select = "DELETE FROM agent_entities WHERE agent_id = ? AND source = ? AND";
    tx.execute_in(select, "native_id", vec![agent.into(), source.as_str().into()], keys).await
}

/// Makes what one agent reports another one's to confirm or to end: as far as it `passes` on, and that one does not report
/// the same already. The rest is forgotten.
///
/// # Errors
/// When a statement fails.
pub async fn entity_hand_over_in_tx(
    tx: &mut Tx,
    from: AgentId,
    to: AgentId,
    passes: impl Fn(&EntityRow) -> bool + Send,
) -> Result<(), StoreError> {
    let theirs: BTreeSet<(Source, String)> =
        entity_list(tx, to).await?.into_iter().map(|entity| (entity.source, entity.native_id)).collect();
    let mut forgotten: BTreeMap<Source, Vec<String>> = BTreeMap::new();
    for entity in entity_list(tx, from).await? {
        let stays = !passes(&entity);
        let key = (entity.source, entity.native_id);
        if stays || theirs.contains(&key) {
            forgotten.entry(key.0).or_default().push(key.1);
        }
    }
    for (source, ids) in &forgotten {
        entity_delete_in_tx(tx, from, source, ids.iter().map(String::as_str)).await?;
    }
    let sql = "UPDATE agent_entities SET agent_id = ? WHERE agent_id = ?";
    tx.execute(sql, vec![to.into(), from.into()]).await.map(drop)
}

/// Forgets what an agent reports of workloads that are not on a compute, so that it is asked for it again and writes it
/// where it belongs.
///
/// # Errors
/// When a statement fails.
pub async fn entity_forget_elsewhere_in_tx(tx: &mut Tx, agent: AgentId, compute: i64) -> Result<(), StoreError> {
    let sql = "SELECT e.source, e.native_id FROM agent_entities e JOIN compute_workloads w ON w.id = e.resource_id \
               WHERE e.agent_id = ? AND e.kind NOT IN ('host', 'capability') AND w.compute_id <> ? \
               ORDER BY e.source, e.native_id";
    let mut elsewhere: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in tx.fetch(sql.to_owned(), vec![agent.into(), compute.into()]).await? {
        elsewhere.entry(row.get("source")?).or_default().push(row.get("native_id")?);
    }
    for (source, ids) in elsewhere {
        entity_delete_in_tx(tx, agent, &source.into(), ids.iter().map(String::as_str)).await?;
    }
    Ok(())
}
