//! What a simulated host holds: an engine with containers, and the host itself. Nothing of it is looked at; all of it has
//! the form, the hashes and the digests that a real agent would send.

use std::collections::BTreeMap;

use orchestrix_common::{
    hash::{Digest, EntityHash},
    model::{
        Body, Change, ChangeKind, Command, Container, ContainerNetwork, ContainerState, Disk, Entity, Evidence, Host,
        Machine, NetworkInterface, Protocol, PublishedPort, Source,
    },
    pki::sha256,
    time::{Clock as _, SystemClock},
    wire,
};
use orchestrix_proto::v1 as pb;

/// Containers of each host.
pub(crate) const CONTAINERS: usize = 20;
/// What each host reports: its containers and itself.
pub(crate) const ENTITIES: usize = CONTAINERS + 1;
/// Its sources.
pub(crate) const SOURCES: [Source; 2] = [Source::Docker, Source::Host];

const HOST_ID: &str = "host";

/// A host, as far as it must be remembered; the rest is made anew from its number.
#[derive(Debug)]
pub(crate) struct Simulated {
    number: usize,
    /// Which containers are paused; the others run.
    paused: [bool; CONTAINERS],
    hashes: [EntityHash; CONTAINERS],
    host_hash: EntityHash,
    containers: Digest,
}

impl Simulated {
    pub(crate) fn new(number: usize) -> Self {
        let none = EntityHash([0; 16]);
        let mut new = Self {
            number,
            paused: [false; CONTAINERS],
            hashes: [none; CONTAINERS],
            host_hash: none,
            containers: Digest::default(),
        };
        new.host_hash = wire::hash(&new.host());
        for index in 0..CONTAINERS {
            let entity = new.container(index);
            new.hashes[index] = wire::hash(&entity);
            new.containers.add(&entity.native_id, new.hashes[index]);
        }
        new
    }

    pub(crate) fn machine(&self) -> Machine {
        let [a, b] = self.octets();
        Machine {
            hostname: format!("simulated-{:05}", self.number),
            machine_id: Some(hex(&format!("machine {}", self.number))[..32].to_owned()),
            mac_addresses: vec![format!("02:00:00:00:{a:02x}:{b:02x}")],
            addresses: vec![format!("10.7.{a}.{b}")],
            ..Machine::default()
        }
    }

    pub(crate) fn boot_id(&self) -> String {
        format!("boot-{:05}", self.number)
    }

    /// A container is paused, or goes on.
    pub(crate) fn alter(&mut self, index: usize) -> Change {
        let native_id = self.container_id(index);
        self.containers.remove(&native_id, self.hashes[index]);
        self.paused[index] = !self.paused[index];
        let entity = self.container(index);
        self.hashes[index] = wire::hash(&entity);
        self.containers.add(&native_id, self.hashes[index]);
        upsert(entity, self.hashes[index])
    }

    pub(crate) fn digests(&self) -> Vec<pb::SourceDigest> {
        let digest = |(source, digest, entities): (Source, Digest, usize)| pb::SourceDigest {
            source: source.into(),
            digest: digest.to_bytes().to_vec(),
            entities: entities as u64,
        };
        let [docker, host] = SOURCES;
        [(docker, self.containers, CONTAINERS), (host, self.host_digest(), 1)].map(digest).into()
    }

    /// What a heartbeat tells.
    pub(crate) fn low64(&self) -> u64 {
        self.containers.combined(self.host_digest()).low64()
    }

    pub(crate) fn entries(&self, source: &Source) -> Vec<pb::ListingEntry> {
        let entry = |(native_id, hash): (String, EntityHash)| pb::ListingEntry { native_id, hash: hash.0.to_vec() };
        match source {
            Source::Docker => {
                (0..CONTAINERS).map(|index| entry((self.container_id(index), self.hashes[index]))).collect()
            }
            Source::Host => vec![entry((HOST_ID.to_owned(), self.host_hash))],
            _ => Vec::new(),
        }
    }

    /// The entities of a source that are wanted, as they are now.
    pub(crate) fn wanted(&self, source: &Source, native_ids: &[String]) -> Vec<Change> {
        let wanted = |native_id: &String| native_ids.contains(native_id);
        match source {
            Source::Docker => {
                let indices = (0..CONTAINERS).filter(|index| wanted(&self.container_id(*index)));
                indices.map(|index| upsert(self.container(index), self.hashes[index])).collect()
            }
            Source::Host if wanted(&HOST_ID.to_owned()) => vec![upsert(self.host(), self.host_hash)],
            _ => Vec::new(),
        }
    }

    fn host_digest(&self) -> Digest {
        [(HOST_ID, self.host_hash)].into_iter().collect()
    }

    fn octets(&self) -> [u8; 2] {
        u16::try_from(self.number).expect("a fleet has at most 65,536 agents").to_be_bytes()
    }

    fn container_id(&self, index: usize) -> String {
        hex(&format!("container {index} of {}", self.number))
    }

    fn container(&self, index: usize) -> Entity {
        let id = self.container_id(index);
        let service = ["web", "api", "worker", "cache", "database"][index % 5];
        let name = format!("shop-{service}-{}", index / 5 + 1);
        let labels = [
            ("com.docker.compose.project", "shop".to_owned()),
            ("com.docker.compose.service", service.to_owned()),
            ("org.opencontainers.image.version", format!("1.{index}.0")),
        ];
        let port = 8_000 + u16::try_from(index).unwrap_or_default();
        let container = Container {
            id: id.clone(),
            name,
            image: format!("registry.example/shop/{service}:1.{index}"),
            image_id: Some(format!("sha256:{}", hex(service))),
            runtime: "docker".to_owned(),
            state: if self.paused[index] { ContainerState::Paused } else { ContainerState::Running },
            health: None,
            exit_code: None,
            out_of_memory_killed: Some(false),
            created_at: None,
            started_at: None,
            finished_at: None,
            restart_count: Some(0),
            restart_policy: Some("unless-stopped".to_owned()),
            cpu_limit_millicores: Some(500),
            memory_limit_bytes: Some(512 << 20),
            command: Some(Command { program: "/srv/run".to_owned(), argument_count: 2, arguments: Vec::new() }),
            environment_names: vec!["PATH".to_owned(), "SHOP_REGION".to_owned()],
            labels: BTreeMap::from(labels.map(|(key, value)| (key.to_owned(), value))),
            labels_truncated: 0,
            ports: vec![PublishedPort {
                container_port: port,
                protocol: Protocol::Tcp,
                host_address: Some("0.0.0.0".to_owned()),
                host_port: Some(port),
            }],
            networks: vec![ContainerNetwork {
                name: "shop_default".to_owned(),
                address: Some(format!("172.18.0.{}", index + 2)),
                address_v6: None,
                mac_address: None,
            }],
            mounts: Vec::new(),
            network_mode: Some("shop_default".to_owned()),
            privileged: Some(false),
            user: None,
            listeners: Vec::new(),
        };
        Entity {
            evidence: vec![Evidence { source: Source::Docker, native_id: id.clone() }],
            native_id: id,
            body: Body::Container(Box::new(container)),
        }
    }

    fn host(&self) -> Entity {
        let machine = self.machine();
        let interface = NetworkInterface {
            name: "eth0".to_owned(),
            mac_address: machine.mac_addresses.first().cloned(),
            addresses: machine.addresses.iter().map(|address| format!("{address}/16")).collect(),
        };
        let disk = Disk {
            mount_point: "/".to_owned(),
            device: "/dev/vda1".to_owned(),
            file_system: Some("ext4".to_owned()),
            size_bytes: Some(200 << 30),
        };
        let host = Host {
            machine,
            boot_id: Some(self.boot_id()),
            os_name: Some("Debian GNU/Linux".to_owned()),
            os_id: Some("debian".to_owned()),
            os_version: Some("12".to_owned()),
            kernel_release: Some("6.1.0-18-amd64".to_owned()),
            architecture: Some("x86_64".to_owned()),
            cpu_cores: Some(8),
            cpu_threads: Some(16),
            memory_bytes: Some(64 << 30),
            swap_bytes: Some(0),
            disks: vec![disk],
            interfaces: vec![interface],
            virtualization: Some("kvm".to_owned()),
            ..Host::default()
        };
        let evidence = vec![Evidence { source: Source::Host, native_id: HOST_ID.to_owned() }];
        Entity { native_id: HOST_ID.to_owned(), evidence, body: Body::Host(Box::new(host)) }
    }
}

fn upsert(entity: Entity, hash: EntityHash) -> Change {
    Change { observed_at: SystemClock.now(), kind: ChangeKind::Upsert { entity, hash } }
}

/// 64 hexadecimal digits that tell names apart.
fn hex(name: &str) -> String {
    sha256(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
