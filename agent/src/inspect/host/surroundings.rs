//! Whether the agent is inside a container, and whether the host is a virtual machine.
//!
//! `/proc/1/environ` would tell of containers too, but the agent opens no `environ`.

use std::{fs, path::Path};

use super::{HostRoot, identity::is_junk, read_line, read_text};
use crate::inspect::process::container_of;

/// Inodes of the first PID and control group namespaces (the kernel's `proc_ns.h`).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
const FIRST_CGROUP_NAMESPACE: &str = "cgroup:[4026531835]";

/// SMBIOS vendors and products, each with the word that systemd-detect-virt(1) has for it. Some vendors also rent out
/// bare machines: there the processor must say that it is virtual.
const VENDORS: [(&str, &str, bool); 12] = [
    ("KVM", "kvm", false),
    ("Amazon EC2", "amazon", true),
    ("Google", "google", true),
    ("QEMU", "qemu", false),
    ("VMware", "vmware", false),
    ("VMW", "vmware", false),
    ("innotek GmbH", "oracle", false),
    ("VirtualBox", "oracle", false),
    ("Xen", "xen", false),
    ("Parallels", "parallels", false),
    ("BHYVE", "bhyve", false),
    ("Microsoft Corporation", "microsoft", true),
];

/// What kind of container the agent is in; `None` when it is in none.
pub(super) fn container(root: &HostRoot) -> Option<String> {
    if root.own.join("run/.containerenv").exists() {
        return Some("podman".into());
    }
    // Written by systemd where it runs as process 1 of a container. WSL is a virtual machine.
    if let Some(kind) = read_line(root.own.join("run/systemd/container")).filter(|kind| kind != "wsl") {
        return Some(kind);
    }
    let groups = read_text(root.proc.join("self/cgroup")).unwrap_or_default();
    if container_of(&groups).is_some() {
        let kinds = [("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker")];
        let kind = kinds.iter().find(|(part, _)| groups.contains(part)).map_or("container", |(_, kind)| kind);
        return Some(kind.into());
    }
    // The marker alone is weak: a disk image that was made from a container's files has it too. Inside a container the
    // agent has namespaces of its own.
    let is_apart = |namespace: &str, first: &str| {
        let link = fs::read_link(root.proc.join("self/ns").join(namespace)).ok();
        link.is_some_and(|link| link != Path::new(first))
    };
    let is_marked = root.own.join(".dockerenv").exists();
    let has_own = || is_apart("pid", FIRST_PID_NAMESPACE) || is_apart("cgroup", FIRST_CGROUP_NAMESPACE);
    (is_marked && has_own()).then(|| "docker".into())
}

/// `none`, or a word of systemd-detect-virt(1); `None` when the architecture does not tell.
pub(super) fn virtualization(root: &HostRoot, has_hypervisor: bool) -> Option<String> {
    if let Some(kind) = container(root).filter(|_| !root.is_mounted()) {
        return Some(kind);
    }
    let dmi = root.sys.join("class/dmi/id");
    let files = ["product_name", "sys_vendor", "board_vendor", "bios_vendor"];
    let values: Vec<String> = files.iter().filter_map(|file| read_line(dmi.join(file))).collect();
    let is_x86 = cfg!(any(target_arch = "x86_64", target_arch = "x86"));
    let named = values.iter().filter(|value| !is_junk(value)).find_map(|value| {
        let fits =
            |(name, _, rents): &&(&str, &str, bool)| value.starts_with(name) && (!rents || has_hypervisor || !is_x86);
        VENDORS.iter().find(fits).map(|(_, word, _)| *word)
    });
    let clock = || {
        let clocks = root.sys.join("devices/system/clocksource/clocksource0/available_clocksource");
        let clocks = read_line(clocks).unwrap_or_default();
        let words = [("kvm-clock", "kvm"), ("xen", "xen"), ("hyperv", "microsoft")];
        words.iter().find(|(name, _)| clocks.contains(name)).map(|(_, word)| *word)
    };
    let word = named.or_else(clock).or_else(|| has_hypervisor.then_some("vm-other"));
    word.or((is_x86 || !values.is_empty()).then_some("none")).map(str::to_owned)
}
