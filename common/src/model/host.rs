//! The host itself.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What identifies a machine. Evidence for matching, never a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Name the kernel knows the host by; in Kubernetes the node's name.
    pub hostname: String,
    /// Content of `/etc/machine-id` (machine-id(5)), 32 hexadecimal digits.
    pub machine_id: Option<String>,
    /// SMBIOS system UUID. `None` inside containers, where it would be the host's.
    pub product_uuid: Option<String>,
    /// SMBIOS serial number. `None` inside containers.
    pub product_serial: Option<String>,
    /// Identifier that the cloud gave the instance.
    pub cloud_instance_id: Option<String>,
    /// Hardware addresses of physical-looking interfaces, lower case with colons, sorted.
    pub mac_addresses: Vec<String>,
    /// Addresses outside loopback and link-local ranges, sorted.
    pub addresses: Vec<String>,
    /// The agent itself runs inside a container.
    pub in_container: bool,
}

/// A host as its operating system describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// What identifies it.
    pub machine: Machine,
    /// Kernel's random identifier of this boot (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: Option<String>,
    /// For example `Debian GNU/Linux`.
    pub os_name: Option<String>,
    /// `ID` of os-release(5), for example `debian`.
    pub os_id: Option<String>,
    /// For example `12`.
    pub os_version: Option<String>,
    /// Release of the kernel, for example `6.1.0-18-amd64`.
    pub kernel_release: Option<String>,
    /// For example `x86_64`.
    pub architecture: Option<String>,
    /// Model name of the processor.
    pub cpu_model: Option<String>,
    /// Physical cores.
    pub cpu_cores: Option<u32>,
    /// Logical processors.
    pub cpu_threads: Option<u32>,
    /// Main memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Swap in bytes; zero means that there is none.
    pub swap_bytes: Option<u64>,
    /// Mounted file systems on block devices, sorted by mount point.
    pub disks: Vec<Disk>,
    /// Interfaces without loopback, sorted by name.
    pub interfaces: Vec<NetworkInterface>,
    /// `none`, `kvm`, `vmware`, `docker`, ….
    pub virtualization: Option<String>,
    /// SMBIOS system vendor.
    pub vendor: Option<String>,
    /// SMBIOS product name.
    pub model: Option<String>,
    /// Start of this boot, rounded to seconds.
    pub booted_at: Option<Timestamp>,
}

/// A mounted file system on a block device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// For example `/`.
    pub mount_point: String,
    /// For example `/dev/sda1`.
    pub device: String,
    /// For example `ext4`.
    pub file_system: Option<String>,
    /// Capacity in bytes.
    pub size_bytes: Option<u64>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// For example `eth0`.
    pub name: String,
    /// Lower case with colons.
    pub mac_address: Option<String>,
    /// Addresses with prefix length, for example `192.0.2.7/24`, sorted.
    pub addresses: Vec<String>,
}
