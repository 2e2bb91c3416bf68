//! Values that identify nothing: what vendors and images leave behind, and what people entered as such.

use std::collections::BTreeMap;

use super::{Evidence, Fact, swapped};

/// What stands in SMBIOS fields and identifier files that nobody filled in. Also uniform digits, see [`is_uniform`].
const VALUES: [&str; 27] = [
    "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "fefefefe-fefe-fefe-fefe-fefefefefefe",
    // Dell's form without a service tag.
    "4c4c4544-0000-2010-8020-80c04f202020",
    "0123456789",
    "1234567890",
    "123456789",
    "default",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "not settable",
    "none",
    "null",
    "n/a",
    "unknown",
    "invalid",
    "empty",
    "o.e.m.",
    "oem",
    "to be filled by o.e.m.",
    "to be filled by oem",
    "system serial number",
    "chassis serial number",
    "base board serial number",
    // machine-id(5): an image that was not booted yet.
    "uninitialized",
];
/// Names that images come with: alone they say nothing.
const NAMES: [&str; 12] = [
    "localhost",
    "localhost.localdomain",
    "alpine",
    "archlinux",
    "buildroot",
    "centos",
    "debian",
    "fedora",
    "linux",
    "raspberrypi",
    "ubuntu",
    "vagrant",
];
/// Addresses that every host with the same engine has: default bridges of Docker, libvirt, Podman and LXC, and the
/// address behind the user-mode network of QEMU and `VirtualBox`.
const ADDRESSES: [&str; 5] = ["172.17.0.1", "192.168.122.1", "10.88.0.1", "10.0.3.1", "10.0.2.15"];
/// Hardware addresses that a program gives to every host: QEMU's default, and the host side of `VirtualBox` and VMware.
const MACS: [&str; 4] = ["52:54:00:12:34:56", "0a:00:27:00:00:00", "00:50:56:c0:00:01", "00:50:56:c0:00:08"];

/// What people entered as junk, with their notes, beside what is known here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Junk(BTreeMap<Fact, String>);

impl FromIterator<(Fact, String)> for Junk {
    fn from_iter<I: IntoIterator<Item = (Fact, String)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|((kind, content), note)| ((kind, content.trim().to_lowercase()), note)).collect())
    }
}

impl Junk {
    /// Why a value identifies nothing; `None` when it may. `content` is in the form in which it is compared.
    #[must_use]
    pub fn why(&self, kind: Evidence, content: &str) -> Option<String> {
        if is_known(kind, content) {
            return Some("is a value that vendors, images or engines leave on many machines".to_owned());
        }
        let entered = |content: &str| self.0.get(&(kind.word().to_owned(), content.to_owned()));
        let other = (kind == Evidence::ProductUuid).then(|| swapped(content)).flatten();
        let note = entered(content).or_else(|| entered(&other?))?;
        Some(if note.is_empty() {
            "is on the list of junk values".to_owned()
        } else {
            format!("is on the list of junk values: {note}")
        })
    }
}

fn is_known(kind: Evidence, content: &str) -> bool {
    match kind {
        Evidence::Address => ADDRESSES.contains(&content),
        // Docker makes up addresses from 02:42.
        Evidence::Mac => content.starts_with("02:42:") || MACS.contains(&content) || is_uniform(content),
        // A bare name decides nothing, so a common one does no harm beside an address.
        Evidence::Hostname => false,
        Evidence::ProductUuid => is_value(content) || swapped(content).is_some_and(|other| is_value(&other)),
        Evidence::CloudInstanceId | Evidence::ProductSerial | Evidence::MachineId => is_value(content),
    }
}

fn is_value(content: &str) -> bool {
    VALUES.contains(&content) || is_uniform(content)
}

/// Whether a host name is one that images come with.
pub(super) fn is_common_name(name: &str) -> bool {
    NAMES.contains(&name)
}

/// One character over and over: all zeros, all `f`, `xxxx`.
fn is_uniform(value: &str) -> bool {
    let mut characters = value.chars().filter(|character| character.is_alphanumeric());
    characters.next().is_none_or(|first| characters.all(|character| character == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_vendors_leave_behind_identifies_nothing() {
        let junk = Junk::default();
        for (kind, content) in [
            (Evidence::ProductUuid, "00000000-0000-0000-0000-000000000000"),
            (Evidence::ProductUuid, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            (Evidence::ProductUuid, "03000200-0400-0500-0006-000700080009"),
            (Evidence::ProductUuid, "00020003-0004-0005-0006-000700080009"),
            (Evidence::ProductSerial, "default string"),
            (Evidence::ProductSerial, "0"),
            (Evidence::ProductSerial, "to be filled by o.e.m."),
            (Evidence::MachineId, "uninitialized"),
            (Evidence::Mac, "02:42:ac:11:00:02"),
            (Evidence::Mac, "00:00:00:00:00:00"),
            (Evidence::Address, "172.17.0.1"),
        ] {
            assert!(junk.why(kind, content).is_some(), "{kind:?} {content}");
        }
        assert_eq!(junk.why(Evidence::ProductSerial, "cz3412abcd"), None);
        assert_eq!(junk.why(Evidence::Mac, "52:54:00:6b:3c:58"), None);
    }

    #[test]
    fn what_people_enter_counts_in_both_byte_orders_and_only_for_its_kind() {
        let entry =
            (("product_uuid".to_owned(), "11223344-5566-7788-99AA-BBCCDDEEFF00 ".to_owned()), "bad batch".into());
        let junk: Junk = [entry].into_iter().collect();
        for content in ["11223344-5566-7788-99aa-bbccddeeff00", "44332211-6655-8877-99aa-bbccddeeff00"] {
            let why = junk.why(Evidence::ProductUuid, content);
            assert_eq!(why.as_deref(), Some("is on the list of junk values: bad batch"));
        }
        assert_eq!(junk.why(Evidence::MachineId, "11223344-5566-7788-99aa-bbccddeeff00"), None);
    }
}
