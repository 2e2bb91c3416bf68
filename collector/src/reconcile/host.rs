//! What a host says of itself, as columns of its compute. Pure.

use orchestrix_common::model::{Host, NetworkInterface};
use serde_json::Value as Json;

use crate::store::rows::compute::{Columns, fitted};

/// Bytes of a gibibyte.
const GIB: u64 = 1 << 30;
/// Beginnings of names of interfaces that engines and tunnels make.
const MADE: [&str; 12] =
    ["docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "tun", "tap", "wg", "lxc", "podman"];

/// The columns of a compute that follow from what its operating system says; what is not known is left out.
#[must_use]
pub(crate) fn columns(host: &Host) -> Columns {
    let machine = &host.machine;
    let virtual_machine = host.virtualization.as_deref().map(|kind| kind != "none");
    let interface = main_interface(host);
    let mac = interface.and_then(|interface| interface.mac_address.as_ref()).or(machine.mac_addresses.first());
    let pairs: [(&str, Option<Json>); 21] = [
        ("name", Some(machine.hostname.as_str().into())),
        ("hostname", Some(machine.hostname.as_str().into())),
        ("ip_address", interface.and_then(address).or(machine.addresses.first().map(String::as_str)).map(Json::from)),
        ("operating_system", operating_system(host).map(Json::from)),
        ("cpu_cores", host.cpu_cores.or(host.cpu_threads).map(Json::from)),
        ("memory_gb", host.memory_bytes.map(|bytes| rounded(bytes).into())),
        ("disk_gb", disk_bytes(host).map(|bytes| rounded(bytes).into())),
        ("compute_type", virtual_machine.map(|vm| if vm { "VM" } else { "DEDICATED" }.into())),
        ("node_type", virtual_machine.map(|vm| if vm { "vm" } else { "dedicated_server" }.into())),
        ("is_physical", virtual_machine.map(|vm| i64::from(!vm).into())),
        ("hypervisor", host.virtualization.as_deref().filter(|kind| *kind != "none").map(Json::from)),
        ("virtualization_type", host.virtualization.as_deref().map(Json::from)),
        ("brand", host.vendor.as_deref().map(Json::from)),
        ("model", host.model.as_deref().map(Json::from)),
        ("serial_number", machine.product_serial.as_deref().map(Json::from)),
        ("os_type", host.kernel_release.as_ref().map(|_| "Linux".into())),
        ("os_distribution", host.os_id.as_deref().map(Json::from)),
        ("os_version", host.os_version.as_deref().map(Json::from)),
        ("kernel_version", host.kernel_release.as_deref().map(Json::from)),
        ("primary_mac_address", mac.map(|mac| mac.as_str().into())),
        ("container_runtime", None),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), fitted(name, &value?)?))).collect()
}

/// The same, from what is stored of the host; `None` when that was written by a version that this one does not read.
#[must_use]
pub(crate) fn columns_of_facts(facts: &Json) -> Option<Columns> {
    serde_json::from_value(facts.clone()).ok().map(|host| columns(&host))
}

fn operating_system(host: &Host) -> Option<String> {
    let name = host.os_name.as_deref().or(host.os_id.as_deref())?;
    Some(host.os_version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

/// Capacity of all block devices; a device that is mounted twice counts once.
fn disk_bytes(host: &Host) -> Option<u64> {
    let sizes: std::collections::BTreeMap<&str, u64> =
        host.disks.iter().filter_map(|disk| Some((disk.device.as_str(), disk.size_bytes?))).collect();
    (!sizes.is_empty()).then(|| sizes.values().fold(0_u64, |sum, size| sum.saturating_add(*size)))
}

/// The interface by which others know the host: not made by an engine, with an IPv4 address if any has one.
fn main_interface(host: &Host) -> Option<&NetworkInterface> {
    let real = || {
        let made = |interface: &&NetworkInterface| !MADE.iter().any(|start| interface.name.starts_with(start));
        host.interfaces.iter().filter(made)
    };
    let routable = |interface: &&NetworkInterface| {
        interface.addresses.iter().any(|address| !address.contains(':') && !address.starts_with("169.254."))
    };
    real().find(routable).or_else(|| real().find(|interface| address(interface).is_some()))
}

/// The interface's first IPv4 address, else its first global IPv6 address, without the prefix length.
fn address(interface: &NetworkInterface) -> Option<&str> {
    let plain = || interface.addresses.iter().filter_map(|address| address.split('/').next());
    plain().find(|address| !address.contains(':')).or_else(|| plain().find(|address| !address.starts_with("fe80")))
}

/// Gibibytes, rounded to the nearest and at least one.
fn rounded(bytes: u64) -> u64 {
    (bytes.saturating_add(GIB / 2) / GIB).max(1)
}

#[cfg(test)]
mod tests {
    use orchestrix_common::model::{Disk, Machine};

    use super::*;

    #[test]
    fn a_host_becomes_columns_and_the_unknown_stays_out() {
        let interface = |name: &str, address: &str| NetworkInterface {
            name: name.into(),
            mac_address: Some(format!("52:54:00:00:00:{:02}", name.len())),
            addresses: vec![address.into()],
        };
        let disk = |mount_point: &str| Disk {
            mount_point: mount_point.into(),
            device: "/dev/sda1".into(),
            file_system: None,
            size_bytes: Some(100 * GIB),
        };
        let host = Host {
            machine: Machine { hostname: "web-1".into(), ..Machine::default() },
            os_name: Some("Debian GNU/Linux".into()),
            os_version: Some("12".into()),
            memory_bytes: Some(GIB - 1),
            disks: vec![disk("/"), disk("/var")],
            interfaces: vec![interface("docker0", "172.17.0.1/16"), interface("eth0", "192.0.2.7/24")],
            virtualization: Some("kvm".into()),
            ..Host::default()
        };
        let columns = columns(&host);
        assert_eq!(
            serde_json::to_value(&columns).unwrap(),
            serde_json::json!({
                "name": "web-1", "hostname": "web-1", "ip_address": "192.0.2.7", "operating_system": "Debian GNU/Linux 12",
                "memory_gb": 1, "disk_gb": 100, "compute_type": "VM", "node_type": "vm", "is_physical": 0,
                "hypervisor": "kvm", "virtualization_type": "kvm", "os_version": "12",
                "primary_mac_address": "52:54:00:00:00:04",
            })
        );
    }

    #[test]
    fn long_values_are_cut_to_their_columns() {
        let machine = Machine { hostname: "ü".repeat(300), ..Machine::default() };
        let columns = columns(&Host { machine, ..Host::default() });
        assert_eq!(columns["hostname"].as_str().map(|name| name.chars().count()), Some(255));
    }
}
