//! Hosts: what people entered, what their agents told, and how they are used.

use std::fmt::Write as _;

use super::{
    FillError, Now, Scale, Writer, environments,
    places::{Places, key},
    statement::{Table, row},
    words::{SYSTEMS, TEAMS},
};

static COMPUTE: Table = Table {
    name: "computes",
    columns: &[
        "id",
        "name",
        "compute_type",
        "node_type",
        "hostname",
        "ip_address",
        "operating_system",
        "cpu_cores",
        "memory_gb",
        "disk_gb",
        "status",
        "cloud_id",
        "datacenter_id",
        "is_physical",
        "os_type",
        "os_distribution",
        "os_version",
        "kernel_version",
        "virtualization_type",
        "container_runtime",
        "orchestration_platform",
        "primary_mac_address",
        "purpose",
        "created_at",
        "updated_at",
    ],
};
static FACTS: Table = Table { name: "compute_facts", columns: &["compute_id", "facts", "filled", "changed_at_us"] };
static IDENTITY: Table = Table { name: "compute_identities", columns: &["compute_id", "fact", "content"] };
static CAPABILITY: Table = Table {
    name: "compute_capabilities",
    columns: &["compute_id", "capability_type", "capability_version", "configuration"],
};
static USAGE: Table =
    Table { name: "compute_usage", columns: &["compute_id", "cpu_millicores", "memory_bytes", "measured_at_us"] };
static TAG: Table =
    Table { name: "resource_tags", columns: &["resource_type", "resource_id", "tag_key", "tag_value", "origin"] };
static OLD_TAG: Table = Table { name: "tags", columns: &["key_name", "value", "entity_type", "entity_id"] };
static AGENT: Table = Table {
    name: "agents",
    columns: &[
        "id",
        "compute_id",
        "hostname",
        "version",
        "state",
        "datacenter_id",
        "epoch",
        "boot_id",
        "outbox_id",
        "applied_sequence",
        "reachable",
        "reachable_changed_at_us",
        "enrolled_at_us",
        "connected_at_us",
        "reported_at_us",
    ],
};
static CERTIFICATE: Table = Table {
    name: "agent_certificates",
    columns: &[
        "serial",
        "agent_id",
        "public_key_sha256",
        "not_before_at_us",
        "not_after_at_us",
        "issued_at_us",
        "used_at_us",
    ],
};
static LIVENESS: Table = Table { name: "agent_liveness", columns: &["agent_id", "seen_at_us"] };
static SOURCE: Table = Table {
    name: "agent_sources",
    columns: &["agent_id", "source", "health", "completeness", "reason", "since_at_us"],
};

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs containers of an engine.
    Engine(&'static str),
    /// A node of the Kubernetes cluster of its datacenter.
    Node,
    /// Runs services of its operating system.
    Plain,
}

/// A host, made from its number alone: nothing of it needs to be kept.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: i64,
    number: u32,
    pub(super) partner: u32,
    pub(super) cloud: usize,
    pub(super) datacenter: usize,
    pub(super) role: Role,
    pub(super) name: String,
}

impl Host {
    pub(super) fn new(number: u32, places: &Places, computes: u32) -> Self {
        let datacenter = places.datacenter_of(number, computes);
        let place = &places.datacenters[datacenter];
        let (role, word) = match number % 20 {
            0..10 => (Role::Engine("docker"), "app"),
            10..12 => (Role::Engine("podman"), "app"),
            12..17 => (Role::Node, "node"),
            _ => (Role::Plain, "srv"),
        };
        let name = format!("{}-{word}{:05}", place.code, number + 1);
        let (partner, cloud) = (place.partner, place.cloud);
        Self { id: i64::from(number) + 1, number, partner, cloud, datacenter, role, name }
    }

    /// Some hosts are known by hand only.
    pub(super) const fn has_agent(number: u32) -> bool {
        number % 25 != 7
    }

    /// Of some agents nothing is heard.
    pub(super) const fn is_reachable(&self) -> bool {
        self.number % 50 != 3
    }

    /// Ordered by number, as real ones are by the time of their enrolment.
    pub(super) fn agent_id(&self) -> String {
        format!("01900000-0000-7000-8000-{:012x}", self.id)
    }

    /// Of some it is known only to which cloud they belong.
    const fn datacenter(&self) -> Option<i64> {
        if self.number % 100 == 42 { None } else { Some(self.datacenter as i64 + 1) }
    }

    pub(super) const fn threads(&self) -> u32 {
        8 << (self.number % 4)
    }

    pub(super) fn address(&self) -> String {
        format!("10.{}.{}.{}", 16 + self.number / 62_500, self.number / 250 % 250, 2 + self.number % 250)
    }

    fn mac(&self) -> String {
        format!("52:54:00:{:02x}:{:02x}:{:02x}", self.number >> 16, self.number >> 8 & 0xff, self.number & 0xff)
    }
}

pub(super) fn write(
    writer: &mut Writer,
    places: &Places,
    scale: &Scale,
    now: Now,
    chance: &mut fastrand::Rng,
) -> Result<(), FillError> {
    for number in 0..scale.computes {
        let host = Host::new(number, places, scale.computes);
        write_compute(writer, &host, chance)?;
        if Host::has_agent(host.number) {
            write_facts(writer, &host, now, chance)?;
            write_agent(writer, &host, now, chance)?;
            write_capabilities(writer, &host)?;
        }
        write_tags(writer, &host, chance)?;
        match number % 20 {
            1 | 6 | 14 => {
                let environment = environments::choose(host.partner, chance);
                environments::associate(writer, environment, "compute", host.id)?;
            }
            4 => environments::share(writer, host.partner, host.id, &[60, 40])?,
            11 => environments::share(writer, host.partner, host.id, &[50, 30, 20])?,
            _ => {}
        }
    }
    Ok(())
}

fn write_compute(writer: &mut Writer, host: &Host, chance: &mut fastrand::Rng) -> Result<(), FillError> {
    let (system, distribution, version, kernel) = SYSTEMS[host.number as usize / 3 % SYSTEMS.len()];
    let physical = host.number.is_multiple_of(3);
    let (kind, node) = if physical { ("DEDICATED", "dedicated_server") } else { ("VM", "vm") };
    let (runtime, platform) = match host.role {
        Role::Engine(engine) => (Some(engine), None),
        Role::Node => (Some("containerd"), Some("kubernetes")),
        Role::Plain => (None, None),
    };
    let status = match host.number {
        number if number % 200 == 199 => "MAINTENANCE",
        _ if Host::has_agent(host.number) && !host.is_reachable() => "UNREACHABLE",
        _ => "ACTIVE",
    };
    let disk = 100_i64 << chance.u32(0..6);
    let made = format!("2026-{:02}-{:02} 08:00:00", 1 + host.number % 9, 1 + host.number % 28);
    let virtualization = if physical { "none" } else { "kvm" };
    let purpose = format!("{} hosts", TEAMS[host.datacenter % TEAMS.len()]);
    writer.add(
        &COMPUTE,
        row![
            host.id,
            host.name.clone(),
            kind,
            node,
            host.name.clone(),
            host.address(),
            format!("{system} {version}"),
            host.threads(),
            host.threads() * 4,
            disk,
            status,
            key(host.cloud),
            host.datacenter(),
            physical,
            "Linux",
            distribution,
            version,
            kernel,
            virtualization,
            runtime,
            platform,
            host.mac(),
            purpose,
            made.clone(),
            made,
        ],
    )
}

/// What the operating system said, and what of it stands in the columns of the compute.
fn write_facts(writer: &mut Writer, host: &Host, now: Now, chance: &mut fastrand::Rng) -> Result<(), FillError> {
    let (system, distribution, version, kernel) = SYSTEMS[host.number as usize / 3 % SYSTEMS.len()];
    let (name, address, mac, threads) = (&host.name, host.address(), host.mac(), host.threads());
    let machine_id = format!("{:032x}", chance.u128(..));
    let memory = u64::from(threads * 4) << 30;
    let facts = format!(
        r#"{{"machine":{{"hostname":"{name}","machineId":"{machine_id}","macAddresses":["{mac}"],"addresses":["{address}"],"inContainer":false}},"osName":"{system}","osId":"{distribution}","osVersion":"{version}","kernelRelease":"{kernel}","architecture":"x86_64","cpuThreads":{threads},"memoryBytes":{memory},"swapBytes":0,"disks":[{{"mountPoint":"/","device":"/dev/sda1","fileSystem":"ext4","sizeBytes":107374182400}}],"interfaces":[{{"name":"eth0","macAddress":"{mac}","addresses":["{address}/16"]}}],"virtualization":"kvm"}}"#
    );
    let filled = format!(
        r#"{{"name":"{name}","hostname":"{name}","ip_address":"{address}","operating_system":"{system} {version}","cpu_cores":{threads},"memory_gb":{},"os_type":"Linux","os_distribution":"{distribution}","os_version":"{version}","kernel_version":"{kernel}","primary_mac_address":"{mac}"}}"#,
        threads * 4
    );
    writer.add(&FACTS, row![host.id, facts, filled, now.ago(30, chance)])?;
    for (fact, content) in [("hostname", name.clone()), ("machine_id", machine_id), ("mac", mac), ("address", address)]
    {
        writer.add(&IDENTITY, row![host.id, fact, content])?;
    }
    let used = i64::from(threads) * chance.i64(20..900);
    let memory = i64::try_from(memory / 100).unwrap_or_default() * chance.i64(10..95);
    writer.add(&USAGE, row![host.id, used, memory, now.ago(1, chance)])
}

fn write_agent(writer: &mut Writer, host: &Host, now: Now, chance: &mut fastrand::Rng) -> Result<(), FillError> {
    let enrolled = now.at_us - (i64::from(host.number) % 300 + 2) * 86_400_000_000;
    let silent_since = now.ago(2, chance) - 3_600_000_000;
    let seen = if host.is_reachable() { now.at_us + now.alive_us } else { silent_since };
    let told = seen.min(now.at_us);
    let boot = format!("{:08x}-0000-4000-8000-{:012x}", chance.u32(..), host.id);
    let outbox = format!("{:08x}-0000-4000-9000-{:012x}", chance.u32(..), host.id);
    writer.add(
        &AGENT,
        row![
            host.agent_id(),
            host.id,
            host.name.clone(),
            "0.1.0",
            "ACTIVE",
            host.datacenter(),
            1_i64,
            boot,
            outbox,
            chance.i64(1..5_000),
            host.is_reachable(),
            told,
            enrolled,
            told - chance.i64(0..3_600_000_000),
            told,
        ],
    )?;
    writer.add(&LIVENESS, row![host.agent_id(), seen])?;
    // Nobody holds the key to it.
    let (serial, key) =
        (format!("{:040x}", host.id), [chance.u128(..), chance.u128(..)].map(u128::to_le_bytes).concat());
    let end = now.at_us + 365 * 86_400_000_000;
    writer.add(&CERTIFICATE, row![serial, host.agent_id(), key, enrolled, end, enrolled, enrolled])?;
    let mut source = |name: &'static str, failing: bool| {
        let (health, completeness, reason) = match failing {
            true => ("failing", "none", "permission denied: /var/run/docker.sock"),
            false => ("healthy", "complete", ""),
        };
        writer.add(&SOURCE, row![host.agent_id(), name, health, completeness, reason, enrolled])
    };
    source("capability", false)?;
    match host.role {
        Role::Engine(engine) => source(engine, host.number % 70 == 20)?,
        Role::Node => source("kubernetes", false)?,
        Role::Plain => {}
    }
    source("host", false)?;
    source("process", false)
}

fn write_capabilities(writer: &mut Writer, host: &Host) -> Result<(), FillError> {
    let mut capability = |name: &'static str, version: &'static str, configuration: &'static str| {
        writer.add(&CAPABILITY, row![host.id, name, version, configuration])
    };
    if host.number.is_multiple_of(4) {
        capability("ansible", "2.14.3", "{}")?;
    }
    match host.role {
        Role::Engine("docker") => capability("docker", "27.3.1", r#"{"storageDriver":"overlay2"}"#)?,
        Role::Engine(_) => capability("podman", "5.2.2", r#"{"rootless":"false"}"#)?,
        Role::Node => {
            capability("containerd", "1.7.22", "{}")?;
            capability("kubernetes", "1.31.1", r#"{"role":"worker"}"#)?;
        }
        Role::Plain => {}
    }
    capability("python", "3.11.2", r#"{"path":"/usr/bin/python3"}"#)?;
    capability("ssh", "9.2p1", r#"{"port":"22"}"#)?;
    capability("systemd", "252", "{}")
}

fn write_tags(writer: &mut Writer, host: &Host, chance: &mut fastrand::Rng) -> Result<(), FillError> {
    let team = TEAMS[host.datacenter % TEAMS.len()];
    let mut rack = String::new();
    let _ = write!(rack, "r{:02}u{:02}", host.number % 40 / 4, chance.u32(1..42));
    for (name, value) in [("rack", rack), ("team", team.to_owned())] {
        writer.add(&TAG, row!["compute", host.id, name, value, "person"])?;
    }
    if host.number % 10 == 5 {
        let tier = if host.number.is_multiple_of(3) { "gold" } else { "silver" };
        writer.add(&OLD_TAG, row!["tier", tier, "COMPUTE", host.id])?;
    }
    Ok(())
}
