//! The host itself: what identifies it, its operating system, its resources.
//!
//! Files are read by hand rather than through a library, so that they can be a fixture's or those of a mounted
//! `/host/proc`; only the IPv4 addresses of interfaces come from sysinfo. The body holds nothing volatile: use of CPU
//! and memory is measured apart, and interfaces that come and go with containers are left out.
//!
//! In Kubernetes the cluster's word on what identifies the node counts, since a pod's own files would tell of the pod.

mod disks;
mod facts;
mod identity;
mod network;
mod root;
mod surroundings;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use orchestrix_common::model::{Body, Entity, Evidence, Host, Machine, Source, Usage};

pub use root::HostRoot;
pub(in crate::inspect) use root::{read_bytes, read_line, read_text};

use super::{InspectError, Inspector, Observation, Warning};

/// Native identifier of the one entity.
pub const HOST_ID: &str = "host";
/// Hosts change rarely.
const INTERVAL: Duration = Duration::from_secs(60);

/// What identifies this machine. Blocking, some milliseconds; also used at enrolment.
#[must_use]
pub fn machine() -> Machine {
    machine_at(&HostRoot::default())
}

/// What identifies the machine whose files are at `root`.
#[must_use]
pub fn machine_at(root: &HostRoot) -> Machine {
    identity::read(root, &network::read(root))
}

/// Looks at the host itself.
#[derive(Debug)]
pub struct HostInspector {
    root: HostRoot,
    /// Moment and busy clock ticks of the measurement before.
    before: Arc<Mutex<Option<(Instant, u64)>>>,
}

impl HostInspector {
    /// Makes an inspector of the host whose files are at `root`.
    #[must_use]
    pub fn new(root: HostRoot) -> Self {
        Self { root, before: Arc::default() }
    }
}

#[async_trait]
impl Inspector for HostInspector {
    fn source(&self) -> Source {
        Source::Host
    }

    async fn inspect(&self, _budget: Duration) -> Result<Observation, InspectError> {
        let root = self.root.clone();
        let looked = tokio::task::spawn_blocking(move || Ok((read(&root)?, identity::unreadable(&root)))).await;
        let looked = looked.map_err(|_| InspectError::Unavailable("the look at the host broke off".into()))?;
        let (host, warnings): (Host, Vec<Warning>) = looked?;
        let evidence = vec![Evidence { source: Source::Host, native_id: HOST_ID.into() }];
        let body = Body::Host(Box::new(host));
        let entities = vec![Entity { native_id: HOST_ID.into(), evidence, body }];
        Ok(if warnings.is_empty() { Observation::Complete(entities) } else { Observation::Listed(entities, warnings) })
    }

    async fn measure(&self) -> Vec<Usage> {
        let (root, before) = (self.root.clone(), Arc::clone(&self.before));
        let measured = tokio::task::spawn_blocking(move || {
            let now = Instant::now();
            let ticks = facts::busy_ticks(&read_text(root.proc.join("stat")).unwrap_or_default());
            let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
            let cpu_millicores = before.zip(ticks).and_then(|((at, ticks_then), ticks)| {
                let millis = u64::try_from(now.duration_since(at).as_millis()).ok().filter(|millis| *millis > 0)?;
                // A tick is ten milliseconds of one core.
                u32::try_from(ticks.saturating_sub(ticks_then).saturating_mul(10 * 1_000) / millis).ok()
            });
            *before = ticks.map(|ticks| (now, ticks));
            let memory_bytes = facts::memory(&read_text(root.proc.join("meminfo")).unwrap_or_default()).used_bytes;
            Usage { source: Source::Host, native_id: HOST_ID.into(), cpu_millicores, memory_bytes }
        });
        measured.await.into_iter().collect()
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

fn read(root: &HostRoot) -> Result<Host, InspectError> {
    let release = read_line(root.proc.join("sys/kernel/osrelease"));
    if release.is_none() {
        return Err(InspectError::Unavailable(format!("cannot read {}", root.proc.join("sys/kernel").display())));
    }
    let interfaces = network::read(root);
    let machine = identity::read(root, &interfaces);
    let os = facts::os_release(root);
    let cpu = facts::processors(root);
    let memory = facts::memory(&read_text(root.proc.join("meminfo")).unwrap_or_default());
    Ok(Host {
        boot_id: read_line(root.proc.join("sys/kernel/random/boot_id")),
        os_name: os.name,
        os_id: os.id,
        os_version: os.version,
        kernel_release: release,
        architecture: Some(rustix::system::uname().machine().to_string_lossy().into_owned()),
        cpu_model: cpu.model,
        cpu_cores: cpu.cores,
        cpu_threads: cpu.threads,
        memory_bytes: memory.total_bytes,
        swap_bytes: memory.swap_bytes,
        disks: disks::read(root),
        interfaces,
        virtualization: surroundings::virtualization(root, cpu.has_hypervisor),
        vendor: identity::hardware(root, "sys_vendor", machine.in_container),
        model: identity::hardware(root, "product_name", machine.in_container),
        booted_at: facts::booted_at(&read_text(root.proc.join("stat")).unwrap_or_default()),
        machine,
    })
}

#[cfg(test)]
mod tests;
