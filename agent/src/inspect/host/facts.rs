//! Operating system, processors and memory.

use std::{collections::BTreeSet, fs};

use orchestrix_common::time::Timestamp;

use super::{HostRoot, read_line, read_text};

/// What os-release(5) says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OsRelease {
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) version: Option<String>,
}

pub(super) fn os_release(root: &HostRoot) -> OsRelease {
    let text = read_text(root.etc.join("os-release")).or_else(|_| read_text(root.own.join("usr/lib/os-release")));
    parse_os_release(&text.unwrap_or_default())
}

fn parse_os_release(text: &str) -> OsRelease {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
        let value = line.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    };
    OsRelease { name: value("NAME"), id: value("ID"), version: value("VERSION_ID") }
}

/// What `/proc/cpuinfo` and sysfs say of the processors.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Processors {
    pub(super) model: Option<String>,
    pub(super) cores: Option<u32>,
    pub(super) threads: Option<u32>,
    /// The processor says that it is a virtual one; x86 only.
    pub(super) has_hypervisor: bool,
}

pub(super) fn processors(root: &HostRoot) -> Processors {
    let mut processors = parse_cpuinfo(&read_text(root.proc.join("cpuinfo")).unwrap_or_default());
    let folder = root.sys.join("devices/system/cpu");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let cores: BTreeSet<(String, String)> = entries
        .filter_map(|entry| {
            let topology = entry.path().join("topology");
            Some((read_line(topology.join("physical_package_id"))?, read_line(topology.join("core_id"))?))
        })
        .collect();
    if !cores.is_empty() {
        processors.cores = u32::try_from(cores.len()).ok();
    }
    processors
}

/// Blocks of `key : value`, one for each logical processor. Cores are told on x86 only.
fn parse_cpuinfo(text: &str) -> Processors {
    let values = |key: &'static str| {
        text.lines().filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    let threads = values("processor").count();
    let cores: BTreeSet<_> = values("physical id").zip(values("core id")).collect();
    let count = |count: usize| u32::try_from(count).ok().filter(|count| *count > 0);
    Processors {
        model: values("model name").chain(values("Model")).next().filter(|model| !model.is_empty()).map(str::to_owned),
        cores: count(cores.len()),
        threads: count(threads),
        has_hypervisor: values("flags").next().is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
    }
}

/// What `/proc/meminfo` says, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) total_bytes: Option<u64>,
    /// Without what can be had back at once.
    pub(super) used_bytes: Option<u64>,
    pub(super) swap_bytes: Option<u64>,
}

pub(super) fn memory(meminfo: &str) -> Memory {
    let bytes = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    let total_bytes = bytes("MemTotal");
    let used_bytes = total_bytes.zip(bytes("MemAvailable")).map(|(total, free)| total.saturating_sub(free));
    Memory { total_bytes, used_bytes, swap_bytes: bytes("SwapTotal") }
}

/// Start of this boot in `/proc/stat`.
pub(super) fn booted_at(stat: &str) -> Option<Timestamp> {
    let secs = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Timestamp::from_secs(secs))
}

/// Clock ticks that all processors worked since boot, in `/proc/stat`: user, nice, system, irq, softirq. Time that
/// another guest took (steal) is not this host's use; that of own guests is in user already.
pub(super) fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = fields.as_slice() else { return None };
    Some(user + nice + system + irq + softirq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_os_release_are_taken_off() {
        let text =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\nID=debian\n";
        let expected =
            OsRelease { name: Some("Debian GNU/Linux".into()), id: Some("debian".into()), version: Some("12".into()) };
        assert_eq!(parse_os_release(text), expected);
        assert_eq!(parse_os_release("NAME=\"\"\n"), OsRelease::default());
    }

    #[test]
    fn cores_and_threads_are_told_apart() {
        let one = |processor: u32, core: u32| {
            format!(
                "processor\t: {processor}\nmodel name\t: Some CPU @ 2.80GHz\nphysical id\t: 0\ncore id\t\t: {core}\nflags\t\t: fpu hypervisor\n\n"
            )
        };
        let text = [one(0, 0), one(1, 0), one(2, 1), one(3, 1)].concat();
        let expected = Processors {
            model: Some("Some CPU @ 2.80GHz".into()),
            cores: Some(2),
            threads: Some(4),
            has_hypervisor: true,
        };
        assert_eq!(parse_cpuinfo(&text), expected);
        let arm = parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp\n");
        assert_eq!((arm.threads, arm.cores, arm.model), (Some(1), None, None));
    }

    #[test]
    fn absent_lines_are_unknown_and_not_zero() {
        let text = "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\nSwapTotal:          0 kB\n";
        let expected = Memory { total_bytes: Some(2 << 20), used_bytes: Some(1 << 20), swap_bytes: Some(0) };
        assert_eq!(memory(text), expected);
        assert_eq!(memory(""), Memory::default());
        assert_eq!(booted_at("cpu 1\nbtime 1700000000\n"), Some(Timestamp::from_secs(1_700_000_000)));
        assert_eq!(busy_ticks("cpu  10 1 20 500 5 2 3 7 0 0\ncpu0 1\n"), Some(36));
        assert_eq!(busy_ticks("cpu  10 1\n"), None);
    }
}
