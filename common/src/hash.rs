//! Content hashes of entities and order-independent digests over them.

use std::fmt;

/// First 16 bytes of BLAKE3 over an entity's encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityHash(pub [u8; 16]);

impl EntityHash {
    /// Hashes an encoded entity.
    #[must_use]
    pub fn of(encoded: &[u8]) -> Self {
        Self(truncated(&blake3::hash(encoded)))
    }
}

impl fmt::Debug for EntityHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<&[u8]> for EntityHash {
    type Error = std::array::TryFromSliceError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self)
    }
}

/// Digest of a set of entities: the sum modulo 2^128 of one hash per member.
///
/// A sum needs no order, and adding or taking away one member costs one hash, so both sides keep theirs up to date
/// incrementally. It guards against drift, not against an adversary who picks the members.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// Adds a member.
    pub fn add(&mut self, native_id: &str, hash: EntityHash) {
        self.0 = self.0.wrapping_add(member(native_id, hash));
    }

    /// Takes a member away that was added before.
    pub fn remove(&mut self, native_id: &str, hash: EntityHash) {
        self.0 = self.0.wrapping_sub(member(native_id, hash));
    }

    /// The digest of both sets together.
    #[must_use]
    pub const fn combined(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// The form that travels: 16 bytes, little endian.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The short form of a heartbeat.
    #[must_use]
    pub fn low64(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.to_le_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = std::array::TryFromSliceError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(|bytes| Self(u128::from_le_bytes(bytes)))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl<'a> FromIterator<(&'a str, EntityHash)> for Digest {
    fn from_iter<I: IntoIterator<Item = (&'a str, EntityHash)>>(members: I) -> Self {
        let mut digest = Self::default();
        for (native_id, hash) in members {
            digest.add(native_id, hash);
        }
        digest
    }
}

fn member(native_id: &str, hash: EntityHash) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&hash.0).update(native_id.as_bytes());
    u128::from_le_bytes(truncated(&hasher.finalize()))
}

fn truncated(hash: &blake3::Hash) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_digest_does_not_depend_on_order_or_detours(
            members in prop::collection::btree_map("[a-z]{1,8}", any::<[u8; 16]>(), 0..20),
            detour in "[A-Z]{1,8}",
        ) {
            let forwards: Digest = members.iter().map(|(id, hash)| (id.as_str(), EntityHash(*hash))).collect();
            let mut backwards = Digest::default();
            backwards.add(&detour, EntityHash([7; 16]));
            for (id, hash) in members.iter().rev() {
                backwards.add(id, EntityHash(*hash));
            }
            backwards.remove(&detour, EntityHash([7; 16]));
            prop_assert_eq!(forwards, backwards);
        }
    }

    #[test]
    fn the_identifier_counts_as_much_as_the_content() {
        let one: Digest = [("a", EntityHash([1; 16]))].into_iter().collect();
        let other: Digest = [("b", EntityHash([1; 16]))].into_iter().collect();
        assert_ne!(one, other);
    }
}
