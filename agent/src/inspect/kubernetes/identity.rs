//! What identifies the node that this agent runs on, by the cluster's own word: its name, machine id, system UUID and
//! provider id. A pod's own files would tell of the pod.
//!
//! It is asked for once, when the agent starts, and remembered in the state folder: an agent that starts while the API
//! server is away is still the same host.

use std::{fs, io, path::Path, time::Duration};

use kube::Client;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{
    link::{Link, get},
    objects::NodeObject,
};
use crate::inspect::{InspectError, text::filled};

/// Time for the question.
const QUESTION: Duration = Duration::from_secs(5);
/// File in the state folder.
const FILE: &str = "node.json";
/// Kinds of addresses by which others reach a node.
const REACHED_BY: [&str; 2] = ["InternalIP", "ExternalIP"];

/// What identifies a node. `None` means not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeIdentity {
    /// Its name.
    pub name: String,
    /// Its `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// Its SMBIOS system UUID, lower case.
    pub system_uuid: Option<String>,
    /// Identifier that the cloud gave it.
    pub provider_id: Option<String>,
    /// Its addresses, sorted.
    pub addresses: Vec<String>,
}

/// Asks the cluster for the node `name`; what it said before, or only the name, when it does not answer.
pub async fn of_node(link: &Link, name: &str, state_dir: Option<&Path>) -> NodeIdentity {
    let asked = async { read(link.client().await?, name).await };
    let asked = timeout(QUESTION, asked).await.unwrap_or(Err(InspectError::TimedOut(QUESTION)));
    match asked {
        Ok(node) => {
            if let Some(Err(error)) = state_dir.map(|folder| remember(folder, &node)) {
                tracing::warn!(%error, "what identifies the node cannot be remembered");
            }
            node
        }
        Err(error) => {
            let known = state_dir.and_then(recall).filter(|node| node.name == name);
            tracing::warn!(%error, remembered = known.is_some(), "the cluster does not tell what identifies the node");
            known.unwrap_or_else(|| NodeIdentity { name: name.to_owned(), ..NodeIdentity::default() })
        }
    }
}

async fn read(client: Client, name: &str) -> Result<NodeIdentity, InspectError> {
    let NodeObject { metadata: _, spec, status } = get(client, None, name).await?;
    let mut addresses: Vec<String> = status
        .addresses
        .into_iter()
        .filter(|address| REACHED_BY.contains(&address.r#type.as_str()) && !address.address.is_empty())
        .map(|address| address.address)
        .collect();
    addresses.sort();
    addresses.dedup();
    Ok(NodeIdentity {
        name: name.to_owned(),
        machine_id: filled(status.node_info.machine_id),
        system_uuid: filled(status.node_info.system_uuid).map(|uuid| uuid.to_ascii_lowercase()),
        provider_id: filled(spec.provider_id),
        addresses,
    })
}

fn remember(folder: &Path, node: &NodeIdentity) -> io::Result<()> {
    // In one step: a torn file would be no identity at all.
    let (file, fresh) = (folder.join(FILE), folder.join(format!("{FILE}.new")));
    fs::write(&fresh, serde_json::to_vec(node)?)?;
    fs::rename(fresh, file)
}

fn recall(folder: &Path) -> Option<NodeIdentity> {
    serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cluster_that_does_not_answer_leaves_what_it_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Link::new(Some(folder.path().join("no.kubeconfig")));
        let node = NodeIdentity { name: "a".into(), machine_id: Some("00ff".into()), ..NodeIdentity::default() };
        remember(folder.path(), &node).unwrap();
        assert_eq!(of_node(&nowhere, "a", Some(folder.path())).await, node);
        let other = of_node(&nowhere, "b", Some(folder.path())).await;
        assert_eq!((other.name.as_str(), other.machine_id), ("b", None), "what another node said is not this one's");
    }
}
