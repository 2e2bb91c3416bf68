//! What identifies the machine. Evidence for matching, never a key.

use orchestrix_common::model::{Machine, NetworkInterface};

use std::{fs::File, io};

use super::{HostRoot, network, read_line, surroundings};
use crate::inspect::{
    Warning,
    kubernetes::NodeIdentity,
    rights::{self, Right},
};

/// What vendors leave in place of a value, in lower case.
const JUNK: [&str; 24] = [
    "default string",
    "to be filled by o.e.m.",
    "to be filled by oem",
    "not specified",
    "not applicable",
    "not available",
    "not settable",
    "n/a",
    "na",
    "none",
    "null",
    "unknown",
    "undefined",
    "invalid",
    "default",
    "oem",
    "o.e.m.",
    "system serial number",
    "system product name",
    "system manufacturer",
    "system uuid",
    "0123456789",
    "123456789",
    "03000200-0400-0500-0006-000700080009",
];

/// Reads what identifies the machine.
pub(super) fn read(root: &HostRoot, interfaces: &[NetworkInterface]) -> Machine {
    if let Some(node) = &root.node {
        return of_node(root, node, interfaces);
    }
    let in_container = surroundings::container(root).is_some();
    Machine {
        hostname: hostname(root),
        machine_id: machine_id(root),
        product_uuid: hardware(root, "product_uuid", in_container).map(|uuid| uuid.to_ascii_lowercase()),
        product_serial: hardware(root, "product_serial", in_container),
        // Told by the cloud's inspector, not by files.
        cloud_instance_id: None,
        mac_addresses: network::hardware_addresses(root, interfaces),
        addresses: network::addresses(root, interfaces),
        in_container,
    }
}

/// What identifies a node of a cluster. Hardware addresses may be those of a pod's network and are left out.
fn of_node(root: &HostRoot, node: &NodeIdentity, interfaces: &[NetworkInterface]) -> Machine {
    let NodeIdentity { name, machine_id, system_uuid, provider_id, addresses } = node.clone();
    let known = |id: &String| !is_junk(id);
    Machine {
        hostname: name,
        machine_id: machine_id.map(|id| id.to_ascii_lowercase()).filter(known),
        product_uuid: system_uuid.filter(known),
        product_serial: None,
        cloud_instance_id: provider_id,
        mac_addresses: Vec::new(),
        addresses: if addresses.is_empty() { network::addresses(root, interfaces) } else { addresses },
        // The facts are the node's, wherever the agent itself runs.
        in_container: false,
    }
}

/// Facts that are there and that the agent may not read.
pub(super) fn unreadable(root: &HostRoot) -> Vec<Warning> {
    // Where they are not used anyway, nothing is missing.
    if root.node.is_some() || (surroundings::container(root).is_some() && !root.is_mounted()) {
        return Vec::new();
    }
    let files = ["product_uuid", "product_serial"].map(|file| root.sys.join("class/dmi/id").join(file));
    let is_refused = |file: &std::path::PathBuf| {
        File::open(file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    let problem = || rights::lacking("the host's UUID and serial number cannot be read", &[Right::ReadFiles]);
    let refused = files.iter().filter(|file| is_refused(file));
    refused.map(|file| Warning { item: file.display().to_string(), problem: problem() }).collect()
}

fn hostname(root: &HostRoot) -> String {
    let kernel = || read_line(root.proc.join("sys/kernel/hostname"));
    let file = || root.is_mounted().then(|| read_line(root.etc.join("hostname"))).flatten();
    file().or_else(kernel).unwrap_or_else(|| "localhost".into())
}

/// machine-id(5): 32 hexadecimal digits; `uninitialized` and zeros are none.
fn machine_id(root: &HostRoot) -> Option<String> {
    let id = read_line(root.etc.join("machine-id")).or_else(|| read_line(root.own.join("var/lib/dbus/machine-id")))?;
    let id = id.to_ascii_lowercase();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && !is_junk(&id)).then_some(id)
}

/// A value of SMBIOS; often readable by root only. Inside a container it would be the host's, and thus is used only when
/// the operator made the host's files the agent's.
pub(super) fn hardware(root: &HostRoot, file: &str, in_container: bool) -> Option<String> {
    if in_container && !root.is_mounted() {
        return None;
    }
    read_line(root.sys.join("class/dmi/id").join(file)).filter(|value| !is_junk(value))
}

/// True for a value that says nothing: a vendor's filler, or one character over and over.
pub(super) fn is_junk(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let mut characters = value.chars().filter(char::is_ascii_alphanumeric);
    let first = characters.next();
    JUNK.contains(&value.as_str()) || characters.all(|c| Some(c) == first)
}
