//! `inspect`: looks once and prints what is there, joined as it would be reported.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use futures::future::join_all;
use orchestrix_common::{
    log,
    model::{Body, Container, Entity, Health, Host, Listener, Process, Source, SourceStatus},
    time::{Clock as _, SystemClock},
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    args::{CollectorArgs, ConfigArgs},
    output::{self, Output, bytes, plain, table},
};
use crate::{
    inspect::{
        InspectError, Inspector,
        registry::{self, Purpose},
    },
    view::View,
};

/// Time for one source.
const BUDGET: Duration = Duration::from_secs(20);

/// Flags of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print only this source: host, capability, docker, podman, process, kubernetes, k8s-nodes, …
    source: Option<Source>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What was seen of one source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    source: Source,
    status: Option<SourceStatus>,
    entities: Vec<Entity>,
}

pub(super) async fn run(Args { source, config, output }: Args) -> anyhow::Result<()> {
    let config = config.load(CollectorArgs::default())?.config;
    log::init(&config.log)?;
    let surroundings = registry::surroundings(&config.inspect, None).await;
    let inspectors = registry::inspectors(&config.inspect, &surroundings, Purpose::Look, None)?;
    if let Some(source) = &source
        && !inspectors.iter().any(|inspector| inspector.source() == *source)
    {
        let known: Vec<_> = inspectors.iter().map(|inspector| inspector.source().to_string()).collect();
        bail!("there is no source {:?} here; the enabled ones are {}", source.as_str(), known.join(", "));
    }
    // All are looked at, since one source adds to what another one saw.
    let sources: Vec<Source> = inspectors.iter().map(|inspector| inspector.source()).collect();
    let looks = join_all(inspectors.into_iter().map(look)).await;
    let mut view = View::new();
    let now = SystemClock.now();
    for (source, outcome) in sources.iter().zip(looks) {
        view.observe(source, now, outcome);
    }
    let wanted = sources.iter().filter(|of| source.as_ref().is_none_or(|source| source == *of));
    let seen: Vec<Seen> = wanted
        .map(|source| Seen {
            source: source.clone(),
            status: view.statuses().find(|(of, _)| *of == source).map(|(_, status)| status.clone()),
            entities: view.entities(source).map(|(_, held)| Entity::clone(&held.entity)).collect(),
        })
        .collect();
    match output {
        Output::Json => output::print_json(&serde_json::json!({ "sources": seen }))?,
        Output::Table => output::print(&described(&seen))?,
    }
    // Who asks for one source wants to know by the exit code whether it could be looked at.
    match (source, seen.first().and_then(|seen| seen.status.as_ref())) {
        (Some(source), Some(status)) if status.health == Health::Failing => bail!("{source}: {}", status.reason),
        _ => Ok(()),
    }
}

async fn look(inspector: Arc<dyn Inspector>) -> Result<crate::inspect::Observation, InspectError> {
    let look = tokio::spawn(async move { inspector.inspect(BUDGET).await });
    match timeout(BUDGET + Duration::from_secs(2), look).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(InspectError::Unavailable("the inspector broke down".to_owned())),
        Err(_) => Err(InspectError::TimedOut(BUDGET)),
    }
}

fn described(seen: &[Seen]) -> String {
    let mut entities = table(&["SOURCE", "KIND", "NAME", "STATE", "PORTS", "DETAILS"]);
    let mut health = table(&["SOURCE", "HEALTH", "ENTITIES", "WARNINGS", "REASON"]);
    for Seen { source, status, entities: of_source } in seen {
        for entity in of_source {
            let [name, state, ports, details] = row(entity);
            entities.add_row([
                source.to_string(),
                entity.body.kind().as_str().to_owned(),
                plain(&name),
                plain(&state),
                plain(&ports),
                plain(&details),
            ]);
        }
        if let Some(status) = status {
            health.add_row([
                source.to_string(),
                status.health.as_str().to_owned(),
                of_source.len().to_string(),
                status.warnings.to_string(),
                plain(&status.reason),
            ]);
        }
    }
    format!("{entities}\n\n{health}")
}

/// Name, state, ports and details of an entity.
fn row(entity: &Entity) -> [String; 4] {
    match &entity.body {
        Body::Host(host) => host_row(host),
        Body::Container(container) => container_row(container),
        Body::Process(process) => process_row(process),
        Body::Capability(capability) => {
            [capability.name.clone(), String::new(), String::new(), capability.version.clone().unwrap_or_default()]
        }
        body => cluster_row(body),
    }
}

/// What a cluster tells of.
fn cluster_row(body: &Body) -> [String; 4] {
    let none = String::new;
    match body {
        Body::Pod(pod) => {
            let mut details: Vec<String> =
                pod.owners.iter().map(|owner| format!("{} {}", owner.kind, owner.name)).collect();
            details.extend(pod.containers.iter().map(|container| container.image.clone()));
            let name = format!("{}/{}", pod.namespace, pod.name);
            [name, pod.status.clone(), listening(&pod.listeners).join(" "), details.join(", ")]
        }
        Body::KubernetesCluster(cluster) => {
            let name = cluster.name.clone().unwrap_or_else(|| cluster.uid.clone());
            [name, none(), none(), cluster.version.clone().unwrap_or_default()]
        }
        Body::KubernetesNamespace(namespace) => {
            let count = |what: &str, count: Option<usize>| count.map(|count| format!("{count} {what}"));
            let details = [
                count("quotas", namespace.quotas.as_ref().map(Vec::len)),
                count("limits", namespace.limits.as_ref().map(Vec::len)),
                count("network policies", namespace.policies.as_ref().map(Vec::len)),
            ];
            let details: Vec<String> = details.into_iter().flatten().collect();
            [namespace.name.clone(), namespace.phase.clone().unwrap_or_default(), none(), details.join(", ")]
        }
        Body::KubernetesNode(node) => {
            [node.name.clone(), node.status.clone(), none(), node.kubelet_version.clone().unwrap_or_default()]
        }
        Body::KubernetesService(service) => {
            let ports: Vec<String> =
                service.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol)).collect();
            let name = format!("{}/{}", service.namespace, service.name);
            [name, service.service_type.clone().unwrap_or_default(), ports.join(" "), service.addresses.join(", ")]
        }
        Body::KubernetesIngress(ingress) => {
            let name = format!("{}/{}", ingress.namespace, ingress.name);
            [name, ingress.class.clone().unwrap_or_default(), none(), ingress.hosts.join(", ")]
        }
        Body::Host(_) | Body::Container(_) | Body::Process(_) | Body::Capability(_) => std::array::from_fn(|_| none()),
    }
}

fn host_row(host: &Host) -> [String; 4] {
    let mut details: Vec<String> = Vec::new();
    details.extend(host.os_name.as_ref().map(|name| format!("{name} {}", host.os_version.as_deref().unwrap_or(""))));
    details.extend(host.cpu_threads.map(|threads| format!("{threads} threads")));
    details.extend(host.memory_bytes.map(bytes));
    details.extend(host.virtualization.clone());
    [host.machine.hostname.clone(), String::new(), String::new(), details.join(", ")]
}

fn container_row(container: &Container) -> [String; 4] {
    let published = container.ports.iter().filter_map(|port| {
        let host = port.host_port?;
        Some(format!("{host}->{}/{}", port.container_port, port.protocol))
    });
    let mut ports: Vec<String> = published.collect();
    ports.extend(listening(&container.listeners));
    let mut details = vec![container.image.clone()];
    details.extend(container.health.clone());
    details.extend(container.cpu_limit_millicores.map(|limit| format!("cpu {:.2}", f64::from(limit) / 1000.0)));
    details.extend(container.memory_limit_bytes.map(|limit| format!("memory {}", bytes(limit))));
    [container.name.clone(), container.state.to_string(), ports.join(" "), details.join(", ")]
}

fn process_row(process: &Process) -> [String; 4] {
    let mut details: Vec<String> = Vec::new();
    details.extend(process.unit.clone());
    details.extend(process.user.as_ref().map(|user| format!("user {user}")));
    details.extend(process.executable.clone());
    details.extend(process.container_id.as_ref().map(|id| format!("container {}", id.get(..12).unwrap_or(id))));
    let count = format!("{} process{}", process.process_count, if process.process_count == 1 { "" } else { "es" });
    [process.name.clone(), count, listening(&process.listeners).join(" "), details.join(", ")]
}

fn listening(listeners: &[Listener]) -> Vec<String> {
    let mut ports: Vec<(u16, String)> =
        listeners.iter().map(|listener| (listener.port, listener.protocol.to_string())).collect();
    ports.sort();
    ports.dedup();
    ports.into_iter().map(|(port, protocol)| format!("{port}/{protocol}")).collect()
}
