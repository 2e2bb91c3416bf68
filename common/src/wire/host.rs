//! Hosts.

use orchestrix_proto::v1 as pb;

use super::{At as _, WireError, required, text};
use crate::{
    model::{Disk, Host, Machine, NetworkInterface},
    time::Timestamp,
};

impl TryFrom<pb::Machine> for Machine {
    type Error = WireError;

    fn try_from(message: pb::Machine) -> Result<Self, Self::Error> {
        let pb::Machine {
            hostname,
            machine_id,
            product_uuid,
            product_serial,
            cloud_instance_id,
            mac_addresses,
            addresses,
            in_container,
        } = message;
        Ok(Self {
            hostname: text("hostname", hostname)?,
            machine_id,
            product_uuid,
            product_serial,
            cloud_instance_id,
            mac_addresses,
            addresses,
            in_container,
        })
    }
}

impl From<Machine> for pb::Machine {
    fn from(model: Machine) -> Self {
        let Machine {
            hostname,
            machine_id,
            product_uuid,
            product_serial,
            cloud_instance_id,
            mac_addresses,
            addresses,
            in_container,
        } = model;
        Self {
            hostname,
            machine_id,
            product_uuid,
            product_serial,
            cloud_instance_id,
            mac_addresses,
            addresses,
            in_container,
        }
    }
}

impl TryFrom<pb::Host> for Host {
    type Error = WireError;

    fn try_from(message: pb::Host) -> Result<Self, Self::Error> {
        let pb::Host {
            machine,
            boot_id,
            os_name,
            os_id,
            os_version,
            kernel_release,
            architecture,
            cpu_model,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            swap_bytes,
            disks,
            interfaces,
            virtualization,
            vendor,
            model,
            booted_at_us,
        } = message;
        Ok(Self {
            machine: Machine::try_from(required("machine", machine)?).at("machine")?,
            boot_id,
            os_name,
            os_id,
            os_version,
            kernel_release,
            architecture,
            cpu_model,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            swap_bytes,
            disks: disks.into_iter().map(Disk::from).collect(),
            interfaces: interfaces.into_iter().map(NetworkInterface::from).collect(),
            virtualization,
            vendor,
            model,
            booted_at: booted_at_us.map(Timestamp::from_micros),
        })
    }
}

impl From<Host> for pb::Host {
    fn from(model: Host) -> Self {
        let Host {
            machine,
            boot_id,
            os_name,
            os_id,
            os_version,
            kernel_release,
            architecture,
            cpu_model,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            swap_bytes,
            disks,
            interfaces,
            virtualization,
            vendor,
            model,
            booted_at,
        } = model;
        Self {
            machine: Some(machine.into()),
            boot_id,
            os_name,
            os_id,
            os_version,
            kernel_release,
            architecture,
            cpu_model,
            cpu_cores,
            cpu_threads,
            memory_bytes,
            swap_bytes,
            disks: disks.into_iter().map(pb::Disk::from).collect(),
            interfaces: interfaces.into_iter().map(pb::NetworkInterface::from).collect(),
            virtualization,
            vendor,
            model,
            booted_at_us: booted_at.map(Timestamp::as_micros),
        }
    }
}

impl From<pb::Disk> for Disk {
    fn from(message: pb::Disk) -> Self {
        let pb::Disk { device, mount_point, file_system, size_bytes } = message;
        Self { mount_point, device, file_system, size_bytes }
    }
}

impl From<Disk> for pb::Disk {
    fn from(model: Disk) -> Self {
        let Disk { mount_point, device, file_system, size_bytes } = model;
        Self { device, mount_point, file_system, size_bytes }
    }
}

impl From<pb::NetworkInterface> for NetworkInterface {
    fn from(message: pb::NetworkInterface) -> Self {
        let pb::NetworkInterface { name, mac_address, addresses } = message;
        Self { name, mac_address, addresses }
    }
}

impl From<NetworkInterface> for pb::NetworkInterface {
    fn from(model: NetworkInterface) -> Self {
        let NetworkInterface { name, mac_address, addresses } = model;
        Self { name, mac_address, addresses }
    }
}
