//! Which compute a node is. A node without an agent becomes a compute all the same; its agent is matched to that when it
//! appears, by the same evidence.

use orchestrix_common::model::{Body, Entity, kubernetes::Node};
use serde_json::{Value as Json, json};

use super::object;
use crate::{
    catalog::{COMPUTE, K8S_NODE},
    reconcile::{
        Actor, candidates, facts, fill,
        identity::{self, Outcome, Verdict},
        write::Context,
    },
    store::{
        StoreError, Tx,
        rows::{
            agent::agent_lock_of_compute_in_tx,
            compute::{
                Columns, FactsRow, compute_columns_in_tx, compute_facts_get, compute_facts_set_in_tx,
                compute_insert_in_tx, compute_named_in_tx, compute_update_in_tx, fitted,
            },
            history::{HistoryKind, HistoryRow},
            identity::identity_set_in_tx,
            k8s_object::{node_compute_in_tx, node_link_in_tx},
            place::{
                Place, matching_lock_in_tx, place_default_in_tx, place_of_compute_in_tx, place_of_zone_in_tx,
                place_set_in_tx,
            },
            row_change::RowChange,
            stored::{Stored, stored_many_in_tx},
        },
    },
};

/// What a node's compute says of its platform.
const PLATFORM: &str = "kubernetes";

/// Finds or makes the compute of a node, and tells it what the cluster knows of it; returns the history of that.
pub(super) async fn match_in_tx(
    tx: &mut Tx,
    context: Context,
    id: i64,
    node: &Node,
) -> Result<Vec<HistoryRow>, StoreError> {
    let mut history = Vec::new();
    let linked = match node_compute_in_tx(tx, id).await? {
        Some(compute) => Some(compute),
        None => find_or_make_in_tx(tx, context, id, node, &mut history).await?,
    };
    let Some(compute) = linked else { return Ok(history) };
    let has_agent = !agent_lock_of_compute_in_tx(tx, compute).await?.is_empty();
    if !has_agent {
        let host = Entity {
            native_id: node.name.clone(),
            evidence: Vec::new(),
            body: Body::Host(Box::new(object::host_of(node))),
        };
        let of_node = Context { compute_id: compute, ..context };
        history.extend(facts::write_host_in_tx(tx, of_node, &host).await?);
    }
    history.extend(note_platform_in_tx(tx, context, compute, node).await?);
    history.extend(place_in_tx(tx, context, compute, node).await?);
    Ok(history)
}

async fn find_or_make_in_tx(
    tx: &mut Tx,
    context: Context,
    id: i64,
    node: &Node,
    history: &mut Vec<HistoryRow>,
) -> Result<Option<i64>, StoreError> {
    matching_lock_in_tx(tx).await?;
    let machine = object::machine_of(node);
    let facts = identity::facts(&machine);
    let decision = candidates::decide_node_in(tx, context.agent_id, &machine, context.now).await?;
    // The agent that tells of the cluster knows which node it is itself.
    let compute = match decision.outcome {
        Outcome::Existing(compute) => compute,
        Outcome::Undecided => {
            let possible = decision.explanation.candidates.iter().filter(|fit| fit.verdict == Verdict::Possible);
            let names: Vec<&str> = possible.map(|fit| fit.name.as_str()).collect();
            let note = format!("fits several computes: {}", names.join(", "));
            link_in_tx(tx, context, id, None, Some(&note), history).await?;
            return Ok(None);
        }
        Outcome::New => {
            let place = place_default_in_tx(tx, context.now).await?;
            let compute = compute_insert_in_tx(tx, &node.name, place).await?;
            compute_named_in_tx(tx, compute, &node.name, context.now).await?;
            identity_set_in_tx(tx, compute, &facts).await?;
            let after = json!({ "datacenterId": place.datacenter_id, "k8sNode": node.name, "machine": machine });
            history.push(of_compute(context, compute, node, HistoryKind::Appeared, (None, Some(after)), Stored::new()));
            compute
        }
    };
    link_in_tx(tx, context, id, Some(compute), None, history).await?;
    Ok(Some(compute))
}

/// Says which compute a node is, or why there is none, with its history.
async fn link_in_tx(
    tx: &mut Tx,
    context: Context,
    id: i64,
    compute: Option<i64>,
    note: Option<&str>,
    history: &mut Vec<HistoryRow>,
) -> Result<(), StoreError> {
    let before = stored_many_in_tx(tx, &K8S_NODE, [id]).await?.remove(&id).unwrap_or_default();
    node_link_in_tx(tx, id, compute, note).await?;
    let after = stored_many_in_tx(tx, &K8S_NODE, [id]).await?.remove(&id).unwrap_or_default();
    let change = RowChange { kind: &K8S_NODE, before, after };
    history.extend(change.entry(&Actor::agent(context.agent_id), context.now));
    Ok(())
}

/// Fills what only the cluster knows of a compute. People win.
async fn note_platform_in_tx(
    tx: &mut Tx,
    context: Context,
    compute: i64,
    node: &Node,
) -> Result<Option<HistoryRow>, StoreError> {
    let Some(current) = compute_columns_in_tx(tx, compute).await? else { return Ok(None) };
    let known =
        compute_facts_get(tx, compute).await?.unwrap_or_else(|| FactsRow { facts: json!({}), ..FactsRow::default() });
    let mut told = Columns::from([("orchestration_platform".to_owned(), Json::from(PLATFORM))]);
    let runtime = node.container_runtime.as_deref().and_then(|runtime| fitted("container_runtime", &runtime.into()));
    told.extend(runtime.map(|runtime| ("container_runtime".to_owned(), runtime)));
    let filling = fill::fill(&current, &known.filled, &known.beside, &told);
    if filling.filled == known.filled && filling.beside == known.beside && filling.updates.is_empty() {
        return Ok(None);
    }
    let before = stored_many_in_tx(tx, &COMPUTE, [compute]).await?.remove(&compute).unwrap_or_default();
    compute_update_in_tx(tx, compute, &filling.updates).await?;
    let mut after = before.clone();
    after.extend(filling.updates);
    let facts = FactsRow { filled: filling.filled, beside: filling.beside, ..known };
    compute_facts_set_in_tx(tx, compute, &facts, context.now).await?;
    let change = RowChange { kind: &COMPUTE, before, after };
    Ok(change.entry(&Actor::agent(context.agent_id), context.now))
}

/// Puts a compute that stands at the default place where the labels of its node say.
async fn place_in_tx(
    tx: &mut Tx,
    context: Context,
    compute: i64,
    node: &Node,
) -> Result<Option<HistoryRow>, StoreError> {
    let Some((region, zone)) = node.region.as_deref().zip(node.zone.as_deref()) else { return Ok(None) };
    matching_lock_in_tx(tx).await?;
    let default = place_default_in_tx(tx, context.now).await?;
    if place_of_compute_in_tx(tx, compute).await? != Some(default) {
        return Ok(None);
    }
    let place: Place = place_of_zone_in_tx(tx, default, region, zone, context.now).await?;
    let before_row = stored_many_in_tx(tx, &COMPUTE, [compute]).await?.remove(&compute).unwrap_or_default();
    place_set_in_tx(tx, compute, place).await?;
    let shown = |place: Place| Some(json!({ "datacenterId": place.datacenter_id, "cloudId": place.cloud_id }));
    let told = (shown(default), shown(place));
    Ok(Some(of_compute(context, compute, node, HistoryKind::Altered, told, before_row)))
}

fn of_compute(
    context: Context,
    compute: i64,
    node: &Node,
    kind: HistoryKind,
    (before, after): (Option<Json>, Option<Json>),
    before_row: Stored,
) -> HistoryRow {
    HistoryRow {
        happened_at: context.now,
        actor: Actor::agent(context.agent_id),
        kind,
        resource_type: "compute",
        resource_id: compute,
        resource_key: String::new(),
        resource_name: node.name.clone(),
        compute_id: Some(compute),
        source: Some("k8s-nodes".to_owned()),
        before,
        after,
        before_row: Some(before_row),
    }
}
