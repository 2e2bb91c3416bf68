//! Network interfaces and their addresses.
//!
//! Names and hardware addresses come from sysfs, IPv6 addresses from `/proc/net/if_inet6`, which alone tells temporary
//! ones (RFC 8981) that would change the host each day, and IPv4 addresses from sysinfo.

use std::{collections::BTreeMap, fs, net::IpAddr, net::Ipv6Addr};

use orchestrix_common::model::NetworkInterface;
use sysinfo::Networks;

use super::{HostRoot, read_line, read_text};

/// Interfaces that come and go with containers, pods and virtual machines.
const PASSING: [&str; 11] = ["veth", "cali", "lxc", "vnet", "tap", "ifb", "dummy", "azv", "gke", "podman-veth", "tunl"];
/// Further ones that are made by software and identify nothing.
const VIRTUAL: [&str; 20] = [
    "docker",
    "br-",
    "virbr",
    "cni",
    "flannel",
    "tun",
    "vxlan",
    "kube-",
    "lxd",
    "nodelocaldns",
    "cilium",
    "weave",
    "ovs",
    "genev",
    "podman",
    "wg",
    "tailscale",
    "zt",
    "vmnet",
    "sit",
];
/// Addresses that change by themselves, or are not confirmed (`IFA_F_TEMPORARY`, `IFA_F_TENTATIVE` of rtnetlink(7)).
const UNSTEADY: u32 = 0x01 | 0x40;

/// Reads all interfaces but loopback and those that come and go with containers, sorted by name.
pub(super) fn read(root: &HostRoot) -> Vec<NetworkInterface> {
    // Interfaces of a fixture are not those that the kernel would tell.
    let is_real = root.own == std::path::Path::new("/");
    let mut addresses = if is_real { addresses_v4() } else { BTreeMap::new() };
    for (name, address) in parse_v6(&read_text(root.proc.join("net/if_inet6")).unwrap_or_default()) {
        addresses.entry(name).or_default().push(address);
    }
    let Ok(entries) = fs::read_dir(root.sys.join("class/net")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut interfaces: Vec<NetworkInterface> = names
        .filter(|name| name != "lo" && !starts_with(name, &PASSING) && root.sys.join("class/net").join(name).is_dir())
        .map(|name| {
            let mac_address = read_line(root.sys.join("class/net").join(&name).join("address"));
            let mut addresses = addresses.remove(&name).unwrap_or_default();
            addresses.sort();
            NetworkInterface { mac_address: mac_address.and_then(|mac| hardware_address(&mac)), addresses, name }
        })
        .collect();
    interfaces.sort();
    interfaces
}

/// True for an interface that only software uses: by its name, and for a bridge when no hardware is plugged into it.
fn is_virtual(root: &HostRoot, name: &str) -> bool {
    let class = root.sys.join("class/net");
    let is_hardware = |name: &std::ffi::OsStr| class.join(name).join("device").exists();
    let ports = fs::read_dir(class.join(name).join("brif"));
    starts_with(name, &VIRTUAL)
        || class.join(name).join("tun_flags").exists()
        || ports.is_ok_and(|ports| !ports.flatten().any(|port| is_hardware(&port.file_name())))
}

/// Hardware addresses of physical-looking interfaces, sorted.
pub(super) fn hardware_addresses(root: &HostRoot, interfaces: &[NetworkInterface]) -> Vec<String> {
    let mut found: Vec<String> =
        physical(root, interfaces).filter_map(|interface| interface.mac_address.clone()).collect();
    found.sort();
    found.dedup();
    found
}

/// Addresses of physical-looking interfaces outside of the loopback and link-local ranges, sorted.
pub(super) fn addresses(root: &HostRoot, interfaces: &[NetworkInterface]) -> Vec<String> {
    let all = physical(root, interfaces).flat_map(|interface| &interface.addresses);
    let mut found: Vec<IpAddr> = all.filter_map(|address| address.split('/').next()?.parse().ok()).collect();
    found.retain(|address| match address {
        IpAddr::V4(address) => !(address.is_loopback() || address.is_link_local()),
        IpAddr::V6(address) => !(address.is_loopback() || address.is_unicast_link_local()),
    });
    found.sort();
    found.dedup();
    found.iter().map(ToString::to_string).collect()
}

fn physical<'a>(root: &HostRoot, interfaces: &'a [NetworkInterface]) -> impl Iterator<Item = &'a NetworkInterface> {
    interfaces.iter().filter(|interface| !is_virtual(root, &interface.name))
}

fn starts_with(name: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

/// Lower case with colons; zeros and the addresses of tunnels, which have another length, are none.
fn hardware_address(text: &str) -> Option<String> {
    let is_address = text.len() == 17 && text.split(':').all(|byte| u8::from_str_radix(byte, 16).is_ok());
    (is_address && text.chars().any(|c| c != '0' && c != ':')).then(|| text.to_ascii_lowercase())
}

fn addresses_v4() -> BTreeMap<String, Vec<String>> {
    let Ok(networks) = Networks::new_with_refreshed_list() else { return BTreeMap::new() };
    let v4 = networks.iter().map(|(name, network)| {
        let addresses = network.ip_networks().iter().filter(|network| network.addr.is_ipv4());
        (
            name.to_string_lossy().into_owned(),
            addresses.map(|network| format!("{}/{}", network.addr, network.prefix)).collect(),
        )
    });
    v4.collect()
}

/// Lines of `address index prefix scope flags name`, numbers in hexadecimal.
fn parse_v6(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [address, _, prefix, _, flags, name] = fields.as_slice() else { return None };
        let prefix = u8::from_str_radix(prefix, 16).ok()?;
        let is_steady = u32::from_str_radix(flags, 16).ok()? & UNSTEADY == 0;
        let address = Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?);
        is_steady.then(|| ((*name).to_owned(), format!("{address}/{prefix}")))
    };
    text.lines().filter_map(line).collect()
}
