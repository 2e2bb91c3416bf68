//! Kubernetes clusters, and which agent speaks from which of them.

use orchestrix_common::{id::AgentId, model::Source, time::Timestamp};
use serde_json::Value as Json;

use super::{
    cut,
    history::{Actor, history_insert_in_tx},
    row_change::RowChange,
    stored::{Stored, stored_many_in_tx},
};
use crate::{
    catalog::K8S_CLUSTER,
    store::{Executor as _, Row, StoreError, Tx, Value},
};

/// A cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterRow {
    /// Its key.
    pub id: i64,
    /// UID of its namespace kube-system.
    pub uid: String,
    /// Its name; its UID until somebody gives it one.
    pub name: String,
    /// Version of its API server.
    pub version: Option<String>,
    /// Who may edit what in all namespaces; `None` when it could not be looked at.
    pub access: Option<Json>,
    /// The agent that tells of it; `None` when none does.
    pub holder: Option<String>,
    /// How often its Lease had changed hands when that agent got it.
    pub lease_transitions: u64,
}

fn cluster(row: &Row) -> Result<ClusterRow, StoreError> {
    Ok(ClusterRow {
        id: row.get("id")?,
        uid: row.get("uid")?,
        name: row.get("name")?,
        version: row.get("version")?,
        access: row.json("access")?,
        holder: row.get("holder_agent_id")?,
        lease_transitions: row.get("lease_transitions")?,
    })
}

async fn find(tx: &mut Tx, column: &str, value: Value) -> Result<Option<ClusterRow>, StoreError> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT id, uid, name, version, {} AS access, holder_agent_id, lease_transitions FROM k8s_clusters \
         WHERE {column} = ?{}",
        dialect.json_text("access"),
        dialect.for_update()
    );
    tx.fetch_optional(sql, vec![value]).await?.as_ref().map(cluster).transpose()
}

/// Finds a cluster, makes it when it is new, and keeps others from changing it until the transaction ends. The flag says
/// that it is new.
///
/// # Errors
/// When a statement fails.
pub async fn cluster_lock_in_tx(tx: &mut Tx, uid: &str, now: Timestamp) -> Result<(ClusterRow, bool), StoreError> {
    if let Some(known) = find(tx, "uid", uid.into()).await? {
        return Ok((known, false));
    }
    let ending = tx.dialect().on_conflict(&["uid"], &[]);
    let columns = ["uid", "name", "first_seen_at_us", "changed_at_us"];
    let row = vec![cut(uid, 64).into(), cut(uid, 255).into(), now.into(), now.into()];
    tx.insert_many("k8s_clusters", &columns, vec![row], &ending).await?;
    let made = find(tx, "uid", uid.into()).await?.ok_or(StoreError::Content {
        column: "k8s_clusters.uid",
        content: uid.to_owned(),
        expected: "the cluster that was just stored",
    })?;
    let after = stored_many_in_tx(tx, &K8S_CLUSTER, [made.id]).await?.remove(&made.id).unwrap_or_default();
    let change = RowChange { kind: &K8S_CLUSTER, before: Stored::new(), after };
    let entry = change.entry(&Actor::collector("kubernetes"), now);
    history_insert_in_tx(tx, now, entry.as_slice()).await?;
    Ok((made, true))
}

/// Reads a cluster by its key and keeps others from changing it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn cluster_get_in_tx(tx: &mut Tx, id: i64) -> Result<Option<ClusterRow>, StoreError> {
    find(tx, "id", id.into()).await
}

/// Stores what a cluster is called and who may edit what in it.
///
/// # Errors
/// When the statement fails.
pub async fn cluster_update_in_tx(tx: &mut Tx, row: &ClusterRow, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE k8s_clusters SET name = ?, version = ?, access = ?, changed_at_us = ? WHERE id = ?";
    let values = vec![
        cut(&row.name, 255).into(),
        row.version.as_deref().map(|version| cut(version, 64)).into(),
        row.access.as_ref().into(),
        now.into(),
        row.id.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// Notes who tells of a cluster from now on.
///
/// # Errors
/// When the statement fails.
pub async fn cluster_set_holder_in_tx(
    tx: &mut Tx,
    id: i64,
    holder: Option<AgentId>,
    transitions: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE k8s_clusters SET holder_agent_id = ?, lease_transitions = ? WHERE id = ?";
    tx.execute(sql, vec![holder.into(), transitions.into(), id.into()]).await?;
    Ok(())
}

/// Makes what one agent told of its cluster another one's to confirm or to end.
///
/// # Errors
/// When a statement fails.
pub async fn cluster_hand_over_in_tx(tx: &mut Tx, from: &str, to: AgentId) -> Result<(), StoreError> {
    let sources: Vec<Value> = Source::OF_CLUSTER.iter().map(|source| Value::from(source.as_str())).collect();
    // What it told when it spoke for the cluster before is older than what the last one told.
    let forget = "DELETE FROM agent_entities WHERE agent_id = ? AND";
    tx.execute_in(forget, "source", vec![to.into()], sources.clone()).await?;
    let pass_on = "UPDATE agent_entities SET agent_id = ? WHERE agent_id = ? AND";
    tx.execute_in(pass_on, "source", vec![to.into(), from.into()], sources).await
}

/// The cluster that an agent speaks from; `None` while it is in none.
///
/// # Errors
/// When the statement fails.
pub async fn agent_cluster_in_tx(tx: &mut Tx, agent: AgentId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT cluster_id FROM k8s_agents WHERE agent_id = ?";
    let row = tx.fetch_optional(sql.to_owned(), vec![agent.into()]).await?;
    row.map(|row| row.get("cluster_id")).transpose()
}

/// Notes from which cluster and node an agent speaks. `attested`: the cluster vouched for it.
///
/// # Errors
/// When the statement fails.
pub async fn agent_bind_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    cluster: i64,
    node: &str,
    attested: bool,
) -> Result<(), StoreError> {
    let columns = ["agent_id", "cluster_id", "node_name", "attested"];
    let row = vec![agent.into(), cluster.into(), cut(node, 255).into(), attested.into()];
    let ending = tx.dialect().on_conflict(&["agent_id"], &["cluster_id", "node_name", "attested"]);
    tx.insert_many("k8s_agents", &columns, vec![row], &ending).await
}
