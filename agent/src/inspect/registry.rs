//! Which inspectors there are, made from the configuration.

use std::{path::Path, sync::Arc, time::Duration};

use orchestrix_common::model::DEFAULT_LIMITS;
use tokio::sync::watch;

use super::{
    Hearing, Inspector,
    capability::CapabilityInspector,
    docker::{AddressError, DockerInspector, Engine, Settings},
    host::{HostInspector, HostRoot, machine_at},
    kubernetes::{Link, Part, PodInspector, cluster_inspectors, of_node},
    process::{ProcessInspector, ProcessSettings},
};
use crate::config::{EngineConfig, InspectConfig, KubernetesConfig, RootConfig};

/// Where an agent finds itself: the host's files and, in a cluster, the way to it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where the host's files are, and what identifies it.
    pub root: HostRoot,
    cluster: Arc<Link>,
    node: String,
}

/// What the inspectors are for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// A running agent, which may tell of a whole cluster as long as a collector takes what it tells.
    Report(watch::Receiver<Hearing>),
    /// One look for a person.
    Look,
}

/// Finds out where the agent is. In a cluster it asks what identifies the node, and remembers that in `state_dir`.
pub async fn surroundings(config: &InspectConfig, state_dir: Option<&Path>) -> Surroundings {
    let root = host_root(&config.root);
    let KubernetesConfig { enabled, kubeconfig, node_name, .. } = &config.kubernetes;
    let cluster = Arc::new(Link::new(kubeconfig.clone()));
    let by_environment = || std::env::var("NODE_NAME").ok().filter(|name| !name.is_empty());
    let node = node_name.clone().or_else(by_environment);
    if !enabled || !cluster.is_there() {
        return Surroundings { root, cluster, node: node.unwrap_or_default() };
    }
    let files = root.clone();
    let node = match node {
        Some(node) => node,
        None => tokio::task::spawn_blocking(move || machine_at(&files).hostname).await.unwrap_or_default(),
    };
    let identity = of_node(&cluster, &node, state_dir).await;
    Surroundings { root: HostRoot { node: Some(identity), ..root }, cluster, node }
}

/// Makes the inspectors that the configuration asks for. What they remember over restarts is in `state_dir`.
///
/// # Errors
/// When the address of an engine cannot be read.
pub fn inspectors(
    config: &InspectConfig,
    surroundings: &Surroundings,
    purpose: Purpose,
    state_dir: Option<&Path>,
) -> Result<Vec<Arc<dyn Inspector>>, AddressError> {
    let Surroundings { root, cluster, node } = surroundings.clone();
    let mut inspectors: Vec<Arc<dyn Inspector>> = Vec::new();
    if config.host.enabled {
        inspectors.push(Arc::new(HostInspector::new(root.clone())));
    }
    if config.capability.enabled {
        inspectors.push(Arc::new(CapabilityInspector::new(root.clone())));
    }
    for (engine, settings) in [(Engine::Docker, &config.docker), (Engine::Podman, &config.podman)] {
        if settings.enabled {
            inspectors.push(Arc::new(container_engine(engine, settings, state_dir)?));
        }
    }
    if config.process.enabled {
        inspectors.push(Arc::new(ProcessInspector::new(ProcessSettings {
            programs: config.process.programs.clone(),
            with_arguments: config.process.report_arguments,
            root,
        })));
    }
    let kubernetes = &config.kubernetes;
    if kubernetes.enabled {
        inspectors.push(Arc::new(PodInspector::new(Arc::clone(&cluster), node.clone())));
    }
    // On a host outside of a cluster its five sources would only say so.
    if kubernetes.enabled && kubernetes.cluster && cluster.is_there() {
        let part = match purpose {
            Purpose::Report(hearing) => {
                Part::Candidate { identity: node, namespace: kubernetes.lease_namespace.clone(), hearing }
            }
            Purpose::Look => Part::Onlooker,
        };
        inspectors.extend(cluster_inspectors(cluster, kubernetes.cluster_name.clone(), part));
    }
    Ok(inspectors)
}

/// Where the host's files are.
#[must_use]
pub fn host_root(config: &RootConfig) -> HostRoot {
    let RootConfig { proc, sys, etc } = config.clone();
    HostRoot { proc, sys, etc, ..HostRoot::default() }
}

fn container_engine(
    engine: Engine,
    config: &EngineConfig,
    state_dir: Option<&Path>,
) -> Result<DockerInspector, AddressError> {
    let address = match &config.address {
        Some(address) => address.parse()?,
        None => engine.default_address(),
    };
    Ok(DockerInspector::new(Settings {
        engine,
        address,
        arguments: config.report_arguments,
        interval: Duration::from_secs(config.interval_secs),
        limits: DEFAULT_LIMITS,
        state_dir: state_dir.map(Path::to_owned),
    }))
}
