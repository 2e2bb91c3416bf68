//! Ports: what the engine maps, and what is only declared.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::model::{Protocol, PublishedPort};

use super::super::api;
use crate::inspect::text::filled;

/// Joins mapped and declared ports. The mapping for IPv4 and the one for IPv6 stay two entries, told apart by the
/// host's address; a port is listed as declared only when nothing maps it.
pub(super) fn ports(
    mapped: BTreeMap<String, Option<Vec<api::PortBinding>>>,
    declared: impl Iterator<Item = String>,
    problems: &mut Vec<String>,
) -> Vec<PublishedPort> {
    let mut ports = Vec::new();
    let mut open = BTreeSet::new();
    let mut only_declared: BTreeSet<String> = declared.collect();
    for (text, bindings) in mapped {
        for api::PortBinding { host_ip, host_port } in bindings.into_iter().flatten() {
            let host_port = filled(host_port).and_then(|port| port.parse().ok()).filter(|port| *port > 0);
            let (Some((container_port, protocol)), Some(host_port)) = (port(&text), host_port) else {
                problems.push("a mapping that is no port".to_owned());
                continue;
            };
            open.insert((container_port, protocol.clone()));
            ports.push(PublishedPort {
                container_port,
                protocol,
                // An empty address means all of them (Podman).
                host_address: Some(filled(host_ip).unwrap_or_else(|| "0.0.0.0".to_owned())),
                host_port: Some(host_port),
            });
        }
        only_declared.insert(text);
    }
    for text in only_declared {
        match port(&text) {
            Some((number, protocol)) if !open.contains(&(number, protocol.clone())) => {
                ports.push(declared_only(number, protocol));
            }
            Some(_) => {}
            None => problems.push("a declared port that is none".to_owned()),
        }
    }
    ports
}

/// The ports of a container that ended: nothing is mapped any more.
pub(in crate::inspect::docker) fn closed(ports: Vec<PublishedPort>) -> Vec<PublishedPort> {
    let declared: BTreeSet<_> = ports.into_iter().map(|port| (port.container_port, port.protocol)).collect();
    declared.into_iter().map(|(number, protocol)| declared_only(number, protocol)).collect()
}

const fn declared_only(container_port: u16, protocol: Protocol) -> PublishedPort {
    PublishedPort { container_port, protocol, host_address: None, host_port: None }
}

/// `80/tcp`, or `80` for TCP.
fn port(text: &str) -> Option<(u16, Protocol)> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number = number.parse().ok().filter(|number| *number > 0)?;
    Some((number, Protocol::from(protocol.to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_port_is_a_problem_of_its_own() {
        for text in ["", "/tcp", "0/tcp", "65536/tcp", "8000-8010/tcp", "http"] {
            assert_eq!(port(text), None, "{text}");
        }
        assert_eq!(port("53/UDP"), Some((53, Protocol::Udp)));
        assert_eq!(port("80"), Some((80, Protocol::Tcp)));
        assert_eq!(port("9/sctp"), Some((9, Protocol::Other("sctp".to_owned()))));
        let mut problems = Vec::new();
        let found = ports(BTreeMap::new(), ["x".to_owned(), "1/tcp".to_owned()].into_iter(), &mut problems);
        assert_eq!((found.len(), problems.len()), (1, 1));
    }

    #[test]
    fn ports_of_an_ended_container_are_declared_once() {
        let published = |address: &str| PublishedPort {
            container_port: 80,
            protocol: Protocol::Tcp,
            host_address: Some(address.to_owned()),
            host_port: Some(18_080),
        };
        let left = closed(vec![published("0.0.0.0"), published("::")]);
        assert_eq!(left, vec![declared_only(80, Protocol::Tcp)]);
    }
}
