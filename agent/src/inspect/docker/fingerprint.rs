//! What the engine's list tells of a container, as one number: while it stays, and nothing was told of the container, the
//! long answer need not be asked for again.
//!
//! Values are hashed while they are read and never kept. Engines write some lists in a random order, so the order of a
//! list does not count. The number is of this process only.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// Any JSON value, as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Of a container's status in words (`Up 3 hours (healthy)`): only of what stands in parentheses, since the rest is
    /// the time that passes.
    pub(super) fn of_status(text: &str) -> Self {
        let inside = text.split('(').skip(1).filter_map(|rest| rest.split(')').next());
        Self::of('s', inside.collect::<Vec<_>>())
    }

    /// Of several, in this order.
    pub(super) fn of_all(parts: &[Self]) -> Self {
        Self::of('a', parts)
    }

    fn of(kind: char, value: impl std::hash::Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        (kind, value).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fingerprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Fingerprint, E> {
        Ok(Fingerprint::default())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of('b', value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of('i', value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of('u', value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of('f', value.to_bits()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of('t', value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fingerprint, A::Error> {
        let (mut count, mut sum) = (0_u64, 0_u64);
        while let Some(Fingerprint(item)) = items.next_element()? {
            count += 1;
            sum = sum.wrapping_add(item);
        }
        Ok(Fingerprint::of('l', (count, sum)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fingerprint, A::Error> {
        let (mut count, mut sum) = (0_u64, 0_u64);
        while let Some(entry) = entries.next_entry::<Fingerprint, Fingerprint>()? {
            count += 1;
            sum = sum.wrapping_add(Fingerprint::of('e', entry).0);
        }
        Ok(Fingerprint::of('m', (count, sum)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Fingerprint {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        let ports = of(r#"[{"PrivatePort":80,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"}]"#);
        assert_eq!(ports, of(r#"[{"Type":"tcp","PrivatePort":443},{"PrivatePort":80,"Type":"tcp"}]"#));
        for other in ["[]", "null", r#"[{"PrivatePort":80,"Type":"tcp"}]"#, r#"{"PrivatePort":80}"#, r#""80""#, "80"] {
            assert_ne!(ports, of(other), "{other}");
        }
        assert_ne!(of(r#"{"a":"b","b":"a"}"#), of(r#"{"a":"a","b":"b"}"#));
        assert_ne!(of("true"), of("1"));
    }

    #[test]
    fn time_that_passes_is_no_change_of_a_status() {
        let status = Fingerprint::of_status;
        assert_eq!(status("Up 3 minutes (healthy)"), status("Up 2 hours (healthy)"));
        assert_ne!(status("Up 3 minutes (healthy)"), status("Up 3 minutes (unhealthy)"));
        assert_ne!(status("Exited (0) 2 days ago"), status("Exited (137) 2 days ago"));
        assert_eq!(status("Up 3 minutes"), status(""));
    }
}
