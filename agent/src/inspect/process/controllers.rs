//! Limits and use from control group files, of version 1 and 2 and hosts that have both.
//!
//! Formats: the kernel's `cgroup-v2.rst` and `cgroup-v1/{memory,cpuacct}.rst`. Where the hierarchies are mounted is read
//! from `/proc/self/mountinfo` (proc(5)). A file that is missing or unreadable gives `None`, never zero.

use std::path::{Path, PathBuf};

use super::membership::Membership;
use crate::inspect::host::read_text;

/// Version 1 reports "no limit" as the largest multiple of the page size; nothing near it is a real limit.
const UNLIMITED_BYTES: u64 = 1 << 62;

/// What a group may use; `None` when unlimited or unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) cpu_millicores: Option<u32>,
    pub(super) memory_bytes: Option<u64>,
}

/// What a group has used and uses; `None` when unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupUse {
    /// Time on processors since the group was made.
    pub(super) cpu_micros: Option<u64>,
    /// Bytes without the reclaimable part of the page cache.
    pub(super) memory_bytes: Option<u64>,
}

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// The group that is its root.
    root: String,
    at: PathBuf,
}

impl Mount {
    fn folder(&self, path: &str) -> Option<PathBuf> {
        let below = if self.root == "/" { path } else { path.strip_prefix(&self.root)? };
        // `/docker/ab` is not below `/docker/a`.
        (below.is_empty() || below.starts_with('/')).then(|| self.at.join(below.trim_start_matches('/')))
    }
}

/// The mounted hierarchies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Controllers {
    unified: Option<Mount>,
    memory: Option<Mount>,
    cpu: Option<Mount>,
    cpuacct: Option<Mount>,
}

impl Controllers {
    /// Reads `mountinfo`; of several mounts of one hierarchy those below `sys` win, then those of its root group.
    pub(super) fn parse(mountinfo: &str, sys: &Path) -> Self {
        let mut found = Self::default();
        for line in mountinfo.lines() {
            let Some((mount, system)) = line.split_once(" - ") else { continue };
            let mut mount = mount.split(' ').skip(3);
            let mut system = system.split(' ');
            let (Some(root), Some(at), Some(kind)) = (mount.next(), mount.next(), system.next()) else { continue };
            let options = system.nth(1).unwrap_or_default();
            let mount = Mount { root: root.to_owned(), at: at.into() };
            let has = |controller: &str| kind == "cgroup" && options.split(',').any(|option| option == controller);
            if kind == "cgroup2" {
                keep_better(&mut found.unified, &mount, sys);
            }
            for (name, slot) in
                [("memory", &mut found.memory), ("cpu", &mut found.cpu), ("cpuacct", &mut found.cpuacct)]
            {
                if has(name) {
                    keep_better(slot, &mount, sys);
                }
            }
        }
        found
    }

    /// Reads the limits of the owner's own group.
    pub(super) fn limits(&self, membership: &Membership) -> Limits {
        let unified = self.unified_folder(membership);
        let cpu = folder(self.cpu.as_ref(), membership.own_path("cpu"));
        let memory = folder(self.memory.as_ref(), membership.own_path("memory"));
        Limits {
            cpu_millicores: cpu
                .and_then(|at| quota_v1(&text(&at, "cpu.cfs_quota_us")?, &text(&at, "cpu.cfs_period_us")?))
                .or_else(|| quota_v2(&text(unified.as_ref()?, "cpu.max")?)),
            memory_bytes: memory
                .and_then(|at| bytes_limit(&text(&at, "memory.limit_in_bytes")?))
                .or_else(|| bytes_limit(&text(unified.as_ref()?, "memory.max")?)),
        }
    }

    /// Reads the use of the owner's own group; `None` when it has no group with the controllers for it.
    pub(super) fn usage(&self, membership: &Membership) -> Option<GroupUse> {
        let unified = self.unified_folder(membership);
        let cpuacct = folder(self.cpuacct.as_ref(), membership.own_path("cpuacct"));
        let memory = folder(self.memory.as_ref(), membership.own_path("memory"));
        let used = GroupUse {
            cpu_micros: cpuacct
                .and_then(|at| text(&at, "cpuacct.usage")?.trim().parse::<u64>().ok())
                .map(|nanos| nanos / 1_000)
                .or_else(|| keyed(&text(unified.as_ref()?, "cpu.stat")?, "usage_usec")),
            memory_bytes: memory
                .and_then(|at| working_set(&at, "memory.usage_in_bytes", "total_inactive_file"))
                .or_else(|| working_set(unified.as_ref()?, "memory.current", "inactive_file")),
        };
        (used != GroupUse::default()).then_some(used)
    }

    fn unified_folder(&self, membership: &Membership) -> Option<PathBuf> {
        folder(self.unified.as_ref(), membership.own_unified_path())
    }
}

fn keep_better(slot: &mut Option<Mount>, mount: &Mount, sys: &Path) {
    let rank = |mount: &Mount| (mount.at.starts_with(sys), mount.root == "/");
    if slot.as_ref().is_none_or(|held| rank(mount) > rank(held)) {
        *slot = Some(mount.clone());
    }
}

fn folder(mount: Option<&Mount>, path: Option<&str>) -> Option<PathBuf> {
    mount?.folder(path?)
}

fn text(folder: &Path, file: &str) -> Option<String> {
    read_text(folder.join(file)).ok()
}

/// `cpu.max`: quota and period in microseconds, or `max`.
fn quota_v2(text: &str) -> Option<u32> {
    let mut fields = text.split_ascii_whitespace();
    millicores(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?)
}

/// `cpu.cfs_quota_us` is -1 without a limit.
fn quota_v1(quota: &str, period: &str) -> Option<u32> {
    millicores(quota.trim().parse().ok()?, period.trim().parse().ok()?)
}

fn millicores(quota: u64, period: u64) -> Option<u32> {
    u32::try_from(quota.saturating_mul(1_000).checked_div(period)?).ok()
}

fn bytes_limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|bytes| *bytes < UNLIMITED_BYTES)
}

/// The value of `key` in lines of the form `key value`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn working_set(folder: &Path, usage: &str, reclaimable: &str) -> Option<u64> {
    let used: u64 = text(folder, usage)?.trim().parse().ok()?;
    let cache = text(folder, "memory.stat").and_then(|stat| keyed(&stat, reclaimable)).unwrap_or(0);
    Some(used.saturating_sub(cache))
}

#[cfg(test)]
#[path = "controllers_tests.rs"]
mod tests;
