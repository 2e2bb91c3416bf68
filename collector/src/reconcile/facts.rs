//! Writes what is known of a compute itself: its facts, the columns that follow from them, what identifies it, and its
//! capabilities.

use std::collections::BTreeMap;

use orchestrix_common::{
    model::{Body, Entity},
    time::Timestamp,
};
use serde_json::Value as Json;

use super::{
    Actor,
    drift::{self, Subject},
    fill, host, identity, workload,
    write::Context,
};
use crate::{
    catalog::{CAPABILITY, COMPUTE},
    store::{
        StoreError, Tx,
        rows::{
            capability::{
                CapabilityRow, StoredCapability, capability_beside_in_tx, capability_delete_in_tx,
                capability_lock_in_tx, capability_upsert_in_tx,
            },
            compute::{
                FactsRow, compute_columns_in_tx, compute_facts_get, compute_facts_set_in_tx, compute_update_in_tx,
            },
            cut,
            history::{HistoryKind, HistoryRow},
            identity::identity_set_in_tx,
            row_change::RowChange,
            stored::stored_many_in_tx,
        },
    },
};

/// Stores what a host says of itself. Columns that hold a person's value stay as they are.
pub(super) async fn write_host_in_tx(
    tx: &mut Tx,
    context: Context,
    entity: &Entity,
) -> Result<Option<HistoryRow>, StoreError> {
    let Body::Host(host) = &entity.body else { return Ok(None) };
    let Some(current) = compute_columns_in_tx(tx, context.compute_id).await? else { return Ok(None) };
    let known = compute_facts_get(tx, context.compute_id).await?;
    let (filled, beside) = known.as_ref().map(|known| (known.filled.clone(), known.beside.clone())).unwrap_or_default();
    let filling = fill::fill(&current, &filled, &beside, &host::columns(host));
    let mut json = workload::entity_json(entity);
    if let Json::Object(members) = &mut json {
        ["nativeId", "kind", "evidence"].into_iter().for_each(|name| drop(members.remove(name)));
    }
    let before_row = if filling.updates.is_empty() {
        None
    } else {
        stored_many_in_tx(tx, &COMPUTE, [context.compute_id]).await?.remove(&context.compute_id)
    };
    compute_update_in_tx(tx, context.compute_id, &filling.updates).await?;
    let before = known.map(|known| known.facts);
    if before.as_ref() == Some(&json) && before_row.is_none() {
        return Ok(None);
    }
    let facts = FactsRow { facts: json, filled: filling.filled, beside: filling.beside };
    compute_facts_set_in_tx(tx, context.compute_id, &facts, context.now).await?;
    let mut subject =
        Subject { current, filled: facts.filled.clone(), beside: facts.beside.clone(), ..Subject::default() };
    subject.current.extend(filling.updates);
    let name = subject.current.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    drift::renew_in_tx(tx, "compute", &BTreeMap::from([(context.compute_id, subject)]), context.now).await?;
    identity_set_in_tx(tx, context.compute_id, &identity::facts(&host.machine)).await?;
    Ok(Some(HistoryRow {
        happened_at: context.now,
        actor: Actor::agent(context.agent_id),
        kind: HistoryKind::Altered,
        resource_type: "compute",
        resource_id: context.compute_id,
        resource_key: String::new(),
        before_row,
        resource_name: name,
        compute_id: Some(context.compute_id),
        source: Some("host".to_owned()),
        before,
        after: Some(facts.facts),
    }))
}

/// Stores capabilities, and takes away those that are gone; the history keeps them. What a person said stays: what is seen
/// is kept beside it.
pub(super) async fn write_capabilities_in_tx(
    tx: &mut Tx,
    context: Context,
    capabilities: &BTreeMap<&str, (Option<&Entity>, Timestamp)>,
) -> Result<Vec<HistoryRow>, StoreError> {
    if capabilities.is_empty() {
        return Ok(Vec::new());
    }
    let known = capability_lock_in_tx(tx, context.compute_id, capabilities.keys().copied()).await?;
    let (mut upserts, mut gone, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for (name, (entity, at)) in capabilities {
        let row = entity.and_then(|entity| match &entity.body {
            Body::Capability(capability) => Some(CapabilityRow {
                name: capability.name.clone(),
                version: capability.version.clone(),
                configuration: serde_json::to_value(&capability.configuration).unwrap_or(Json::Null),
            }),
            _ => None,
        });
        let before = known.get(cut(name, 64));
        if let Some(before) = before.filter(|before| before.is_a_persons()) {
            history.extend(beside_in_tx(tx, context, *at, before, row.as_ref()).await?);
            continue;
        }
        let kind = match (before, &row) {
            (None, Some(_)) => HistoryKind::Appeared,
            (Some(before), Some(row)) if before.row == *row => continue,
            (Some(_), Some(_)) => HistoryKind::Altered,
            (Some(_), None) => HistoryKind::Ended,
            (None, None) => continue,
        };
        history.push(HistoryRow {
            happened_at: *at,
            actor: Actor::agent(context.agent_id),
            kind,
            resource_type: "capability",
            resource_id: context.compute_id,
            resource_key: cut(name, 64).to_owned(),
            before_row: Some(before.map(|row| row.stored(context.compute_id)).unwrap_or_default()),
            resource_name: (*name).to_owned(),
            compute_id: Some(context.compute_id),
            source: Some("capability".to_owned()),
            before: before.map(|before| capability_json(&before.row)),
            after: row.as_ref().map(capability_json),
        });
        match row {
            Some(row) => upserts.push(row),
            None => gone.push(*name),
        }
    }
    capability_delete_in_tx(tx, context.compute_id, gone).await?;
    capability_upsert_in_tx(tx, context.compute_id, &upserts).await?;
    Ok(history)
}

/// Keeps what is seen of a capability, or that it is not seen, beside what a person said of it.
async fn beside_in_tx(
    tx: &mut Tx,
    context: Context,
    at: Timestamp,
    before: &StoredCapability,
    row: Option<&CapabilityRow>,
) -> Result<Option<HistoryRow>, StoreError> {
    let after = StoredCapability { discovered: row.map(CapabilityRow::beside), ..before.clone() };
    if after == *before {
        return Ok(None);
    }
    let name = &before.row.name;
    capability_beside_in_tx(tx, context.compute_id, name, after.discovered.as_ref()).await?;
    let change = RowChange {
        kind: &CAPABILITY,
        before: before.stored(context.compute_id),
        after: after.stored(context.compute_id),
    };
    let entry = change.entry(&Actor::agent(context.agent_id), at);
    Ok(entry.map(|entry| HistoryRow { source: Some("capability".to_owned()), ..entry }))
}

fn capability_json(row: &CapabilityRow) -> Json {
    let CapabilityRow { name, version, configuration } = row;
    let mut json = serde_json::json!({ "name": name, "configuration": configuration });
    if let (Some(version), Json::Object(members)) = (version, &mut json) {
        members.insert("version".to_owned(), version.as_str().into());
    }
    json
}
