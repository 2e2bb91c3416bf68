//! Ports of a workload: what is published, what is only declared, and what really listens.

use orchestrix_common::model::{Listener, PublishedPort};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// A port of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// `tcp`, `udp` or another protocol.
    pub protocol: String,
    /// Port inside the workload; `null` when only the host's side is known.
    pub container_port: Option<u16>,
    /// Port on the host; `null` when it cannot be reached from outside the workload's network.
    pub host_port: Option<u16>,
    /// Address on the host it is bound to, for example `0.0.0.0`.
    pub host_address: Option<String>,
    /// An engine maps it to the host.
    pub published: bool,
    /// The image declares it; that alone opens nothing.
    pub declared: bool,
    /// What listens on it; `null` when nothing was seen to.
    pub listener: Option<PortListener>,
}

/// What listens on a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortListener {
    /// Address it is bound to, within its network namespace.
    pub address: String,
    /// Name of the process that owns it; `null` when it could not be read.
    pub process: Option<String>,
    /// Inode of its network namespace; `null` for the host's.
    pub network_namespace: Option<u64>,
}

/// Puts together what the columns hold: `ports` has the published and declared ports of a container, or the listeners
/// of a process; the details of a container have its listeners.
pub(super) fn ports(column: Option<&Json>, details: Option<&Json>) -> Vec<Port> {
    let items = |list: Option<&Json>| list.and_then(Json::as_array).cloned().unwrap_or_default();
    let listeners = items(details.and_then(|details| details.get("listeners")));
    join(items(column).iter().chain(&listeners).filter_map(port).collect())
}

fn port(item: &Json) -> Option<Port> {
    if let Ok(PublishedPort { container_port, protocol, host_address, host_port }) = PublishedPort::deserialize(item) {
        return Some(Port {
            protocol: protocol.to_string(),
            container_port: Some(container_port),
            published: host_port.is_some(),
            declared: host_port.is_none(),
            host_port,
            host_address,
            listener: None,
        });
    }
    let Listener { protocol, port, address, process, network_namespace } = Listener::deserialize(item).ok()?;
    let own = network_namespace.is_some();
    Some(Port {
        protocol: protocol.to_string(),
        container_port: own.then_some(port),
        host_port: (!own).then_some(port),
        host_address: (!own).then(|| address.clone()),
        published: false,
        declared: false,
        listener: Some(PortListener { address, process, network_namespace }),
    })
}

/// Puts a listener to the published or declared port that leads to it.
fn join(ports: Vec<Port>) -> Vec<Port> {
    let (listeners, mut joined): (Vec<Port>, Vec<Port>) =
        ports.into_iter().partition(|port| !port.published && !port.declared);
    for listener in listeners {
        let number = listener.container_port.or(listener.host_port);
        let mut leads = joined
            .iter_mut()
            .filter(|port| port.protocol == listener.protocol && port.container_port == number)
            .peekable();
        if leads.peek().is_none() {
            joined.push(listener);
        } else {
            leads.filter(|port| port.listener.is_none()).for_each(|port| port.listener.clone_from(&listener.listener));
        }
    }
    joined.sort_by(|one, other| {
        let key = |port: &Port| (port.container_port.or(port.host_port), port.host_port);
        key(one).cmp(&key(other)).then_with(|| one.protocol.cmp(&other.protocol))
    });
    joined
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listener_stands_at_the_port_that_leads_to_it() {
        let column = json!([
            { "containerPort": 80, "protocol": "tcp", "hostAddress": "0.0.0.0", "hostPort": 18080 },
            { "containerPort": 443, "protocol": "tcp" },
        ]);
        let listener = json!({
            "protocol": "tcp", "port": 80, "address": "0.0.0.0", "process": "httpd", "networkNamespace": 4_026_532_000_u64,
        });
        let ports = ports(Some(&column), Some(&json!({ "listeners": [listener] })));
        assert_eq!(ports.len(), 2);
        assert!(ports[0].published && !ports[0].declared);
        assert_eq!(ports[0].listener.as_ref().and_then(|listener| listener.process.as_deref()), Some("httpd"));
        assert!(!ports[1].published && ports[1].declared && ports[1].listener.is_none());
    }

    #[test]
    fn a_listener_of_the_host_is_a_port_of_the_host() {
        let column = json!([{ "protocol": "udp", "port": 53, "address": "127.0.0.53" }]);
        let ports = ports(Some(&column), None);
        assert_eq!((ports[0].host_port, ports[0].container_port), (Some(53), None));
        assert!(!ports[0].published && !ports[0].declared);
    }

    #[test]
    fn what_is_no_port_is_left_out() {
        for column in [json!(null), json!("80/tcp"), json!([1, {}, { "port": "x" }])] {
            assert_eq!(ports(Some(&column), Some(&column)), []);
        }
    }
}
