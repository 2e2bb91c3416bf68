//! Amounts in Kubernetes' own form (resource.Quantity, API version v1): `500m`, `1.5`, `2Gi`, `1e3`.

/// Thousandths of a core, rounded up; `None` when the text is no amount.
pub(super) fn millicores(text: &str) -> Option<u32> {
    scaled(text, 1_000).and_then(|value| u32::try_from(value).ok())
}

/// Bytes, rounded up; `None` when the text is no amount.
pub(super) fn bytes(text: &str) -> Option<u64> {
    scaled(text, 1).and_then(|value| u64::try_from(value).ok())
}

/// Suffixes with the power of ten or of two that they stand for.
const DECIMAL: [(&str, i32); 9] =
    [("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// The amount times `factor`, rounded up as Kubernetes rounds.
fn scaled(text: &str, factor: u128) -> Option<u128> {
    let text = text.trim().trim_start_matches('+');
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let (power, binary) = match BINARY.iter().find(|(word, _)| *word == suffix) {
        Some((_, power)) => (0, *power),
        None if suffix.is_empty() => (0, 0),
        None => match DECIMAL.iter().find(|(word, _)| *word == suffix) {
            Some((_, power)) => (*power, 0),
            None => (suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|power| power.abs() <= 18)?, 0),
        },
    };
    let power = power - i32::try_from(fraction.len()).ok()?;
    let value = digits.checked_mul(factor)?.checked_mul(1_u128.checked_shl(binary)?)?;
    let ten = 10_u128.checked_pow(power.unsigned_abs())?;
    if power < 0 { Some(value.div_ceil(ten)) } else { value.checked_mul(ten) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        for (text, wanted) in [("500m", 500), ("1", 1_000), ("1.5", 1_500), ("0.1", 100), ("100u", 1), ("2e1", 20_000)]
        {
            assert_eq!(millicores(text), Some(wanted), "{text}");
        }
        for (text, wanted) in [
            ("128Mi", 128 << 20),
            ("1Gi", 1 << 30),
            ("1.5Ki", 1_536),
            ("1k", 1_000),
            ("1E", 10_u64.pow(18)),
            ("128974848", 128_974_848),
            ("1500m", 2),
        ] {
            assert_eq!(bytes(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_not_known() {
        for text in ["", "-1", "Mi", "1.2.3", "1X", "1e99", "99999999999999999999999999999999999999999"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
