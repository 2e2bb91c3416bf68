//! Containers and the sockets of their processes.

use orchestrix_proto::v1 as pb;

use super::{At as _, WireError, port, text};
use crate::{
    model::{Command, Container, ContainerNetwork, Listener, Mount, PublishedPort},
    time::Timestamp,
};

impl TryFrom<pb::Container> for Container {
    type Error = WireError;

    fn try_from(message: pb::Container) -> Result<Self, Self::Error> {
        let pb::Container {
            id,
            name,
            image,
            image_id,
            runtime,
            state,
            health,
            exit_code,
            out_of_memory_killed,
            created_at_us,
            started_at_us,
            finished_at_us,
            restart_count,
            restart_policy,
            cpu_limit_millicores,
            memory_limit_bytes,
            command,
            environment_names,
            labels,
            ports,
            networks,
            mounts,
            network_mode,
            privileged,
            user,
            listeners,
            labels_truncated,
        } = message;
        Ok(Self {
            id: text("id", id)?,
            name: text("name", name)?,
            image,
            image_id,
            runtime: text("runtime", runtime)?,
            state: text("state", state)?.into(),
            health,
            exit_code,
            out_of_memory_killed,
            created_at: created_at_us.map(Timestamp::from_micros),
            started_at: started_at_us.map(Timestamp::from_micros),
            finished_at: finished_at_us.map(Timestamp::from_micros),
            restart_count,
            restart_policy,
            cpu_limit_millicores,
            memory_limit_bytes,
            command: command.map(Command::from),
            environment_names,
            labels,
            labels_truncated,
            ports: each("ports", ports)?,
            networks: networks.into_iter().map(ContainerNetwork::from).collect(),
            mounts: mounts.into_iter().map(Mount::from).collect(),
            network_mode,
            privileged,
            user,
            listeners: each("listeners", listeners)?,
        })
    }
}

impl From<Container> for pb::Container {
    fn from(model: Container) -> Self {
        let Container {
            id,
            name,
            image,
            image_id,
            runtime,
            state,
            health,
            exit_code,
            out_of_memory_killed,
            created_at,
            started_at,
            finished_at,
            restart_count,
            restart_policy,
            cpu_limit_millicores,
            memory_limit_bytes,
            command,
            environment_names,
            labels,
            labels_truncated,
            ports,
            networks,
            mounts,
            network_mode,
            privileged,
            user,
            listeners,
        } = model;
        Self {
            id,
            name,
            image,
            image_id,
            runtime,
            state: state.into(),
            health,
            exit_code,
            out_of_memory_killed,
            created_at_us: created_at.map(Timestamp::as_micros),
            started_at_us: started_at.map(Timestamp::as_micros),
            finished_at_us: finished_at.map(Timestamp::as_micros),
            restart_count,
            restart_policy,
            cpu_limit_millicores,
            memory_limit_bytes,
            command: command.map(pb::Command::from),
            environment_names,
            labels,
            ports: ports.into_iter().map(pb::PublishedPort::from).collect(),
            networks: networks.into_iter().map(pb::ContainerNetwork::from).collect(),
            mounts: mounts.into_iter().map(pb::Mount::from).collect(),
            network_mode,
            privileged,
            user,
            listeners: listeners.into_iter().map(pb::Listener::from).collect(),
            labels_truncated,
        }
    }
}

/// Converts a list and says which member does not fit.
pub(super) fn each<M, T: TryFrom<M, Error = WireError>>(field: &str, messages: Vec<M>) -> Result<Vec<T>, WireError> {
    messages.into_iter().enumerate().map(|(index, message)| T::try_from(message).at_index(field, index)).collect()
}

impl From<pb::Command> for Command {
    fn from(message: pb::Command) -> Self {
        let pb::Command { program, argument_count, arguments } = message;
        Self { program, argument_count, arguments }
    }
}

impl From<Command> for pb::Command {
    fn from(model: Command) -> Self {
        let Command { program, argument_count, arguments } = model;
        Self { program, argument_count, arguments }
    }
}

impl TryFrom<pb::PublishedPort> for PublishedPort {
    type Error = WireError;

    fn try_from(message: pb::PublishedPort) -> Result<Self, Self::Error> {
        let pb::PublishedPort { container_port, protocol, host_address, host_port } = message;
        Ok(Self {
            container_port: port("container_port", container_port)?,
            protocol: text("protocol", protocol)?.into(),
            host_address,
            host_port: host_port.map(|number| port("host_port", number)).transpose()?,
        })
    }
}

impl From<PublishedPort> for pb::PublishedPort {
    fn from(model: PublishedPort) -> Self {
        let PublishedPort { container_port, protocol, host_address, host_port } = model;
        Self {
            container_port: container_port.into(),
            protocol: protocol.into(),
            host_address,
            host_port: host_port.map(u32::from),
        }
    }
}

impl From<pb::ContainerNetwork> for ContainerNetwork {
    fn from(message: pb::ContainerNetwork) -> Self {
        let pb::ContainerNetwork { name, address, address_v6, mac_address } = message;
        Self { name, address, address_v6, mac_address }
    }
}

impl From<ContainerNetwork> for pb::ContainerNetwork {
    fn from(model: ContainerNetwork) -> Self {
        let ContainerNetwork { name, address, address_v6, mac_address } = model;
        Self { name, address, address_v6, mac_address }
    }
}

impl From<pb::Mount> for Mount {
    fn from(message: pb::Mount) -> Self {
        let pb::Mount { kind, source, target, read_only } = message;
        Self { target, kind, source, read_only }
    }
}

impl From<Mount> for pb::Mount {
    fn from(model: Mount) -> Self {
        let Mount { target, kind, source, read_only } = model;
        Self { kind, source, target, read_only }
    }
}

impl TryFrom<pb::Listener> for Listener {
    type Error = WireError;

    fn try_from(message: pb::Listener) -> Result<Self, Self::Error> {
        let pb::Listener { protocol, address, port: number, process, network_namespace } = message;
        Ok(Self {
            protocol: text("protocol", protocol)?.into(),
            port: port("port", number)?,
            address,
            process,
            network_namespace,
        })
    }
}

impl From<Listener> for pb::Listener {
    fn from(model: Listener) -> Self {
        let Listener { protocol, port, address, process, network_namespace } = model;
        Self { protocol: protocol.into(), address, port: port.into(), process, network_namespace }
    }
}
