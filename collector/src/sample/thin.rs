//! Which samples are too many: the older, the fewer. Pure.

use std::time::Duration;

use orchestrix_common::time::Timestamp;

/// The time between two samples.
pub(super) const EVERY: Duration = Duration::from_secs(15 * 60);

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// From which age on only one sample is kept of each span.
const STEPS: [(u32, Duration); 2] = [(2, HOUR), (60, DAY)];

/// The age at which samples begin to be too many.
pub(super) fn youngest(now: Timestamp) -> Timestamp {
    now.minus(DAY * STEPS[0].0)
}

/// The beginning of the span that a time is in; spans begin with 1970.
pub(super) fn begin_of(at: Timestamp, span: Duration) -> Timestamp {
    let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(at.as_micros().div_euclid(span) * span)
}

/// Those of `times`, the oldest first, that need not be kept: behind the first one of each span, and whatever is older
/// than `keep`, if that is limited.
pub(super) fn surplus(times: &[Timestamp], now: Timestamp, keep: Option<Duration>) -> Vec<Timestamp> {
    let mut kept = None;
    let mut surplus = Vec::new();
    for at in times {
        let step = STEPS.iter().rev().find(|(days, _)| *at < now.minus(DAY * *days));
        let span = step.map(|(_, span)| (*span, begin_of(*at, *span)));
        if keep.is_some_and(|keep| *at < now.minus(keep)) || (span.is_some() && span == kept) {
            surplus.push(*at);
        } else {
            kept = span;
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ago(now: Timestamp, minutes: u64) -> Timestamp {
        now.minus(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn the_older_the_fewer() {
        let now = Timestamp::parse_rfc3339("2026-05-01T12:00:00Z").unwrap();
        // A hundred days of samples, but for the first three of each hour that begins at five o'clock.
        let times: Vec<Timestamp> = (0..100 * 96)
            .rev()
            .map(|quarter| ago(now, quarter * 15))
            .filter(|at| {
                let minutes = at.as_micros() / 60_000_000 % (24 * 60);
                !(300..345).contains(&minutes)
            })
            .collect();
        let surplus = surplus(&times, now, Some(DAY * 90));
        let kept: Vec<Timestamp> = times.iter().copied().filter(|at| !surplus.contains(at)).collect();
        let between = |old: u32, young: u32| {
            kept.iter().filter(|at| **at >= now.minus(DAY * old) && **at < now.minus(DAY * young)).count()
        };
        assert_eq!(kept[0], begin_of(kept[0], DAY).plus(HOUR * 12), "the first that is kept is 90 days old");
        assert_eq!(between(90, 60), 31, "one of each day, of the first day what is left of it");
        assert_eq!(between(60, 2), 58 * 24, "one of each hour, and of five o'clock the one that is there");
        assert_eq!(between(2, 0), 2 * (96 - 3), "of two days everything");
        let at_five = kept.iter().filter(|at| at.as_micros() / 60_000_000 % (24 * 60) == 345).count();
        assert_eq!(at_five, 60, "the first one that was taken stands for its hour");
    }

    #[test]
    fn what_was_thinned_is_not_thinned_again() {
        let now = Timestamp::parse_rfc3339("2026-05-01T12:00:00Z").unwrap();
        let times: Vec<Timestamp> = (0..9_600).rev().map(|quarter| ago(now, quarter * 15)).collect();
        let gone = surplus(&times, now, None);
        let kept: Vec<Timestamp> = times.iter().copied().filter(|at| !gone.contains(at)).collect();
        assert_eq!(surplus(&kept, now, None), []);
        assert_eq!(surplus(&[], now, None), []);
    }
}
