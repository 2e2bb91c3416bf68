//! Hundredths, written as a number from 0 to 1.

use serde::{Deserialize as _, Deserializer, Serializer};

#[allow(clippy::cast_precision_loss, clippy::trivially_copy_pass_by_ref, reason = "at most 100; serde's signature")]
pub(super) fn serialize<S: Serializer>(hundredths: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*hundredths as f64 / 100.0)
}

/// What is out of range stays out of range.
#[allow(clippy::cast_possible_truncation, reason = "saturates, and the check of the rule refuses it")]
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok((f64::deserialize(deserializer)? * 100.0).round() as i64)
}
