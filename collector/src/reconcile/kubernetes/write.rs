//! Stores what an agent tells of a cluster. The caller holds the lock of the agent's row and, through it, the cluster's.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{
    model::{Body, Entity, Kind, RemovalReason, Source, kubernetes::Cluster},
    time::Timestamp,
};
use serde_json::{Value as Json, json};

use super::{node, object};
use crate::{
    catalog::K8S_CLUSTER,
    reconcile::{
        Actor,
        fold::{Folded, Object},
        plan,
        write::Context,
    },
    store::{
        StoreError, Tx,
        rows::{
            cut,
            history::{HistoryKind, HistoryRow},
            k8s_cluster::{ClusterRow, agent_cluster_in_tx, cluster_get_in_tx, cluster_update_in_tx},
            k8s_object::{ObjectRow, Table, namespace_ensure_in_tx, object_find_in_tx, object_store_in_tx},
            stored::stored_many_in_tx,
            tag::{self, TagSource, tag_set_in_tx},
        },
    },
};

/// Where the tags of a namespace came from when its labels gave them.
const LABEL_ORIGIN: &str = "kubernetes-label";

/// Gives pods that are about to be stored the namespace that they are in.
pub(in crate::reconcile) async fn link_pods_in_tx(
    tx: &mut Tx,
    context: Context,
    folded: &mut Folded<'_>,
) -> Result<(), StoreError> {
    let is_new = |kind: &str, known: Option<i64>| kind == Kind::Pod.as_str() && known.is_none();
    let names: BTreeSet<String> = folded
        .slots
        .values()
        .filter(|slot| slot.touched && is_new(&slot.row.workload_type, slot.row.k8s_namespace_id))
        .filter_map(|slot| slot.row.details.get("namespace").and_then(Json::as_str).map(str::to_owned))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let Some(cluster) = agent_cluster_in_tx(tx, context.agent_id).await? else { return Ok(()) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = namespace_ensure_in_tx(tx, cluster, &names, context.now).await?;
    for slot in folded.slots.values_mut().filter(|slot| is_new(&slot.row.workload_type, slot.row.k8s_namespace_id)) {
        let name = slot.row.details.get("namespace").and_then(Json::as_str).unwrap_or_default();
        slot.row.k8s_namespace_id = ids.get(name).copied();
    }
    Ok(())
}

/// Stores objects of a cluster; returns their history.
pub(in crate::reconcile) async fn write_objects_in_tx(
    tx: &mut Tx,
    context: Context,
    source: &Source,
    objects: &BTreeMap<&str, Object<'_>>,
) -> Result<Vec<HistoryRow>, StoreError> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let Some(cluster) = agent_cluster_in_tx(tx, context.agent_id).await? else { return Ok(Vec::new()) };
    let mut history = Vec::new();
    let mut by_table: BTreeMap<&str, (&Table, BTreeMap<&str, &Object<'_>>)> = BTreeMap::new();
    for (native_id, told) in objects {
        if let Some(Entity { body: Body::KubernetesCluster(body), .. }) = told.entity {
            history.extend(write_cluster_in_tx(tx, context, cluster, body, told.at).await?);
        } else if let Some(table) = object::table_of(told.kind) {
            by_table.entry(table.name).or_insert((table, BTreeMap::new())).1.insert(native_id, told);
        }
    }
    for (table, told) in by_table.into_values() {
        history.extend(write_table_in_tx(tx, context, source, cluster, table, &told).await?);
    }
    Ok(history)
}

async fn write_cluster_in_tx(
    tx: &mut Tx,
    context: Context,
    id: i64,
    told: &Cluster,
    at: Timestamp,
) -> Result<Option<HistoryRow>, StoreError> {
    let Some(known) = cluster_get_in_tx(tx, id).await? else { return Ok(None) };
    let mut row = known.clone();
    // A name is given once; after that it is people's to change.
    if row.name == row.uid
        && let Some(name) = &told.name
    {
        name.clone_into(&mut row.name);
    }
    row.version = told.version.clone().or(row.version);
    row.access = told.access.as_ref().map(|access| json!(access)).or(row.access);
    if row == known {
        return Ok(None);
    }
    let before_row = stored_many_in_tx(tx, &K8S_CLUSTER, [id]).await?.remove(&id);
    cluster_update_in_tx(tx, &row, context.now).await?;
    let shown =
        |row: &ClusterRow| json!({ "uid": row.uid, "name": row.name, "version": row.version, "access": row.access });
    Ok(Some(HistoryRow {
        happened_at: at,
        actor: Actor::agent(context.agent_id),
        kind: HistoryKind::Altered,
        resource_type: "k8s_cluster",
        resource_id: id,
        resource_key: String::new(),
        resource_name: row.name.clone(),
        compute_id: None,
        source: Some(Source::KubernetesCluster.as_str().to_owned()),
        before_row,
        before: Some(shown(&known)),
        after: Some(shown(&row)),
    }))
}

async fn write_table_in_tx(
    tx: &mut Tx,
    context: Context,
    source: &Source,
    cluster: i64,
    table: &Table,
    told: &BTreeMap<&str, &Object<'_>>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let known = object_find_in_tx(tx, table, cluster, told.keys().copied()).await?;
    let namespaces: BTreeSet<&str> =
        told.values().filter_map(|told| told.entity).filter_map(object::namespace_of).collect();
    let namespaces: Vec<&str> = namespaces.into_iter().collect();
    let namespaces = namespace_ensure_in_tx(tx, cluster, &namespaces, context.now).await?;
    let mut rows = Vec::new();
    let mut changes = Vec::new();
    for (native_id, told) in told {
        let before = known.get(*native_id);
        let Some((row, kind)) = changed(told, before, &namespaces) else { continue };
        changes.push((told.at, kind, before));
        rows.push(row);
    }
    let mut before_rows = stored_many_in_tx(tx, object::kind_of(table), rows.iter().filter_map(|row| row.id)).await?;
    let ids = object_store_in_tx(tx, table, cluster, &rows).await?;
    let id_of = |row: &ObjectRow| ids.get(row.text(table.key)).copied();
    let mut history = Vec::new();
    for ((at, kind, before), row) in changes.iter().zip(&rows) {
        history.push(HistoryRow {
            happened_at: *at,
            actor: Actor::agent(context.agent_id),
            kind: *kind,
            resource_type: table.resource_type,
            resource_id: id_of(row).unwrap_or(0),
            resource_key: String::new(),
            resource_name: row.text("name").to_owned(),
            compute_id: None,
            source: Some(source.as_str().to_owned()),
            before: before.map(shown),
            after: Some(shown(row)),
            before_row: Some(row.id.and_then(|id| before_rows.remove(&id)).unwrap_or_default()),
        });
    }
    if table.resource_type == "k8s_namespace" {
        tag_namespaces_in_tx(tx, context, &rows, id_of).await?;
    }
    for told in told.values() {
        if let Some(Entity { body: Body::KubernetesNode(body), .. }) = told.entity
            && let Some(id) = ids.get(&body.name)
        {
            history.extend(node::match_in_tx(tx, context, *id, body).await?);
        }
    }
    Ok(history)
}

/// How an object is to be stored, and what happened to it; `None` when nothing did.
fn changed(
    told: &Object<'_>,
    before: Option<&ObjectRow>,
    namespaces: &BTreeMap<String, i64>,
) -> Option<(ObjectRow, HistoryKind)> {
    let Some(entity) = told.entity else {
        let mut row = before.filter(|row| row.ended_at.is_none())?.clone();
        let at = plan::end_of(row.first_seen_at, told.at);
        let reason =
            told.reason.map_or(RemovalReason::NotListed.as_str().to_owned(), |reason| reason.as_str().to_owned());
        (row.changed_at, row.ended_at, row.end_reason) = (at, Some(at), Some(cut(&reason, 32).to_owned()));
        return Some((row, HistoryKind::Ended));
    };
    let namespace = object::namespace_of(entity).and_then(|name| namespaces.get(name).copied());
    let columns = object::columns(entity, namespace)?;
    let kind = match before {
        None => HistoryKind::Appeared,
        Some(row) if row.ended_at.is_some() => HistoryKind::Returned,
        Some(row) if row.columns == columns => return None,
        Some(_) => HistoryKind::Altered,
    };
    let row = ObjectRow {
        id: before.and_then(|row| row.id),
        columns,
        first_seen_at: before.map_or(told.at, |row| row.first_seen_at),
        changed_at: told.at,
        ended_at: None,
        end_reason: None,
    };
    Some((row, kind))
}

async fn tag_namespaces_in_tx(
    tx: &mut Tx,
    context: Context,
    rows: &[ObjectRow],
    id_of: impl Fn(&ObjectRow) -> Option<i64>,
) -> Result<(), StoreError> {
    let mut wanted = BTreeMap::new();
    for row in rows.iter().filter(|row| row.ended_at.is_none()) {
        if let Some((id, labels)) = id_of(row).zip(row.columns.get("labels").and_then(Json::as_object)) {
            let labels = labels.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
            wanted.insert(id, tag::fitted(labels));
        }
    }
    let actor = Actor::agent(context.agent_id);
    let source = TagSource {
        resource_type: "k8s_namespace",
        origin: LABEL_ORIGIN,
        compute_id: None,
        actor: &actor,
        at: context.now,
    };
    tag_set_in_tx(tx, source, &wanted).await
}

/// An object as the history keeps it.
fn shown(row: &ObjectRow) -> Json {
    let mut members: serde_json::Map<String, Json> =
        row.columns.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(at) = row.ended_at {
        members.insert("endedAt".to_owned(), json!(at));
        members.insert("endReason".to_owned(), json!(row.end_reason));
    }
    Json::Object(members)
}
