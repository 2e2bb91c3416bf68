//! Who may tell of a cluster.
//!
//! An agent belongs to the cluster that it named first, or that vouched for it when it enrolled. Within it, who got the
//! Lease last tells of the cluster. The number of times that the Lease changed hands decides, so a report that was delayed
//! in the outbox of an earlier holder changes nothing.

use orchestrix_common::{
    model::{Body, Entity, Health, Source, kubernetes::Cluster},
    time::Timestamp,
};

use super::super::{
    check::Batch,
    plan::{Sighted, Sighting},
};
use crate::store::{
    StoreError, Tx,
    rows::{
        agent::AgentRow,
        k8s_cluster::{
            ClusterRow, agent_bind_in_tx, agent_cluster_in_tx, cluster_get_in_tx, cluster_hand_over_in_tx,
            cluster_lock_in_tx, cluster_set_holder_in_tx,
        },
    },
};

/// Takes out of a report what its agent may not tell.
pub(in crate::reconcile) async fn admit_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    batches: &mut [Batch<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    if !batches.iter().any(|batch| is_of_kubernetes(batch.source)) {
        return Ok(());
    }
    let Some(cluster) = own_cluster_in_tx(tx, agent, batches, now).await? else { return Ok(()) };
    for batch in batches.iter_mut().filter(|batch| is_of_kubernetes(batch.source)) {
        let before = batch.seen.len();
        batch.seen.retain(|sighting| stated(sighting).is_none_or(|uid| uid == cluster.uid));
        if batch.seen.len() < before {
            tracing::warn!(agent = %agent.id, source = %batch.source, "what it tells of another cluster is passed over");
        }
    }
    if !batches.iter().any(|batch| batch.source.is_of_cluster()) {
        return Ok(());
    }
    let own = agent.id.to_string();
    let mut holder = cluster.holder.clone();
    if let Some(claim) = batches.iter().find_map(claim)
        && may_take_over(&cluster, &own, claim)
    {
        if let Some(before) = holder.filter(|before| *before != own) {
            tracing::info!(agent = %own, %before, cluster = %cluster.uid, "another agent tells of the cluster");
            cluster_hand_over_in_tx(tx, &before, agent.id).await?;
        }
        cluster_set_holder_in_tx(tx, cluster.id, Some(agent.id), claim.lease_transitions).await?;
        holder = Some(own.clone());
    }
    let speaks = holder.as_deref() == Some(own.as_str());
    for batch in batches.iter_mut().filter(|batch| batch.source.is_of_cluster()) {
        if !speaks && !batch.seen.is_empty() {
            tracing::debug!(agent = %own, source = %batch.source, "not its cluster to tell of");
            batch.seen.clear();
        }
    }
    if speaks && batches.iter().any(gives_up) {
        cluster_set_holder_in_tx(tx, cluster.id, None, 0).await?;
    }
    Ok(())
}

/// A holder goes on telling; another agent must have got the Lease since, or there is no holder any more.
fn may_take_over(cluster: &ClusterRow, own: &str, claim: &Cluster) -> bool {
    cluster.holder.as_deref().is_none_or(|holder| holder == own) || claim.lease_transitions >= cluster.lease_transitions
}

/// The cluster that an agent belongs to, locked; `None` when it names none. An agent that names one for the first time
/// belongs to it from then on.
async fn own_cluster_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    batches: &[Batch<'_>],
    now: Timestamp,
) -> Result<Option<ClusterRow>, StoreError> {
    if let Some(id) = agent_cluster_in_tx(tx, agent.id).await? {
        return cluster_get_in_tx(tx, id).await;
    }
    let named = batches.iter().filter(|batch| is_of_kubernetes(batch.source));
    let Some(uid) = named.flat_map(|batch| &batch.seen).find_map(stated) else { return Ok(None) };
    let (cluster, _) = cluster_lock_in_tx(tx, uid, now).await?;
    agent_bind_in_tx(tx, agent.id, cluster.id, &agent.hostname, false).await?;
    Ok(Some(cluster))
}

fn is_of_kubernetes(source: &Source) -> bool {
    *source == Source::Kubernetes || source.is_of_cluster()
}

/// The cluster that a sighting names.
fn stated<'a>(sighting: &Sighting<'a>) -> Option<&'a str> {
    match sighting.what {
        Sighted::There(Entity { body, .. }, _) => match body {
            Body::Pod(pod) => Some(&pod.cluster_uid),
            Body::KubernetesCluster(cluster) => Some(&cluster.uid),
            Body::KubernetesNamespace(namespace) => Some(&namespace.cluster_uid),
            Body::KubernetesNode(node) => Some(&node.cluster_uid),
            Body::KubernetesService(service) => Some(&service.cluster_uid),
            Body::KubernetesIngress(ingress) => Some(&ingress.cluster_uid),
            Body::Host(_) | Body::Container(_) | Body::Process(_) | Body::Capability(_) => None,
        },
        Sighted::Gone(..) => None,
    }
}

/// What a report says of who holds the Lease.
fn claim<'a>(batch: &Batch<'a>) -> Option<&'a Cluster> {
    batch.seen.iter().rev().find_map(|sighting| match sighting.what {
        Sighted::There(Entity { body: Body::KubernetesCluster(cluster), .. }, _) => Some(&**cluster),
        _ => None,
    })
}

/// The agent says that it is no longer the one to tell of the cluster.
fn gives_up(batch: &Batch<'_>) -> bool {
    *batch.source == Source::KubernetesCluster && batch.status.is_some_and(|status| status.health == Health::Absent)
}
