//! How an inspector says which right it lacks (capabilities(7)).
//!
//! The agent runs as a user of its own with two capabilities. Where one is missing, what it would have shown is missing
//! too: the source is then degraded and its reason names the right and who grants it.

use rustix::thread::{CapabilitySet, capabilities};

/// A right beyond those of any user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Reading files and folders of others.
    ReadFiles,
    /// Seeing what processes of others hold open.
    SeeProcesses,
}

impl Right {
    const fn capability(self) -> (CapabilitySet, &'static str) {
        match self {
            Self::ReadFiles => (CapabilitySet::DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"),
            Self::SeeProcesses => (CapabilitySet::SYS_PTRACE, "CAP_SYS_PTRACE"),
        }
    }
}

/// What is missing, and which of these rights the agent lacks for it.
pub(super) fn lacking(what: &str, wanted: &[Right]) -> String {
    // Where they cannot be asked for, they are taken as missing.
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    described(what, wanted, held)
}

fn described(what: &str, wanted: &[Right], held: CapabilitySet) -> String {
    let lacks = wanted.iter().map(|right| right.capability()).filter(|(capability, _)| !held.contains(*capability));
    let lacks: Vec<&str> = lacks.map(|(_, name)| name).collect();
    if lacks.is_empty() {
        return format!("{what}: the kernel refuses it in spite of the agent's rights");
    }
    format!("{what}: the agent lacks {}, which its systemd unit grants", lacks.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_named() {
        let both = [Right::ReadFiles, Right::SeeProcesses];
        let none = described("x", &both, CapabilitySet::empty());
        assert_eq!(none, "x: the agent lacks CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE, which its systemd unit grants");
        assert!(described("x", &both, CapabilitySet::SYS_PTRACE).contains("lacks CAP_DAC_READ_SEARCH,"));
        assert!(described("x", &both, CapabilitySet::all()).contains("the kernel refuses"));
    }
}
