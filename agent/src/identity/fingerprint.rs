//! Recognises the machine that an identity was made on.
//!
//! Only hashes are stored: the facts themselves are nobody's business who reads the state folder.

use orchestrix_common::model::Machine;
use serde::{Deserialize, Serialize};

/// Hashes of what stays the same on one machine and differs on a clone of its disk. `None` means not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fingerprint {
    machine_id: Option<String>,
    product_uuid: Option<String>,
}

impl Fingerprint {
    pub(super) fn of(machine: &Machine) -> Self {
        Self {
            machine_id: hashed(machine.machine_id.as_deref()),
            product_uuid: hashed(machine.product_uuid.as_deref()),
        }
    }

    /// Names a fact that differs; a fact that is not known on either side says nothing, as it takes root to read the
    /// product UUID and a container has neither.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differs = |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
        if differs(&self.machine_id, &other.machine_id) {
            Some("machine id")
        } else if differs(&self.product_uuid, &other.product_uuid) {
            Some("product UUID")
        } else {
            None
        }
    }
}

fn hashed(fact: Option<&str>) -> Option<String> {
    let fact = fact?.trim().to_ascii_lowercase();
    if fact.is_empty() {
        return None;
    }
    let hash = blake3::derive_key("orchestrix agent identity, machine fingerprint, version 1", fact.as_bytes());
    Some(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(machine_id: Option<&str>, product_uuid: Option<&str>) -> Fingerprint {
        Fingerprint::of(&Machine {
            machine_id: machine_id.map(str::to_owned),
            product_uuid: product_uuid.map(str::to_owned),
            ..Machine::default()
        })
    }

    #[test]
    fn a_clone_differs_in_one_fact_at_least() {
        let original = of(Some("aa"), Some("11-22"));
        assert_eq!(original.difference(&of(Some("AA "), Some("11-22"))), None);
        assert_eq!(original.difference(&of(Some("bb"), Some("11-22"))), Some("machine id"));
        assert_eq!(original.difference(&of(Some("aa"), Some("33-44"))), Some("product UUID"));
    }

    #[test]
    fn what_is_not_known_says_nothing() {
        assert_eq!(of(Some("aa"), None).difference(&of(Some("aa"), Some("11"))), None);
        assert_eq!(of(None, None).difference(&of(Some("aa"), Some("11"))), None);
        assert_eq!(of(Some(" "), None).difference(&of(Some("aa"), None)), None);
    }

    #[test]
    fn the_facts_are_not_stored_in_clear() {
        let stored = serde_json::to_string(&of(Some("0123456789abcdef0123456789abcdef"), None)).unwrap();
        assert!(!stored.contains("0123456789abcdef"));
    }
}
