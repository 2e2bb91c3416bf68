//! Two ways to one answer, timed in turn: A B A B. What counts is the ratio of one run.

use std::time::{Duration, Instant};

use orchestrix_tests::{part, stats::Times};

/// Longest time for one comparison, of which few rounds remain where one takes long.
const SPAN: Duration = Duration::from_secs(4);
const ROUNDS: usize = 200;
const FEWEST: usize = 5;
/// A yardstick that drifts more than this between the halves of a run makes the run worthless …
const DRIFT: f64 = 0.25;
/// … and it is repeated so often.
const REPEATS: usize = 3;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At most this multiple of the yardstick's median.
    Times(f64),
    /// At most this much above the yardstick's 99th percentile.
    Above(Duration),
    /// At most this at the 99th percentile, whatever the yardstick takes.
    Within(Duration),
}

/// Times both, and prints a line.
pub(crate) fn compare(what: &str, goal: Goal, mut ours: impl FnMut(), mut raw: impl FnMut()) {
    // Both have been asked once already when a run begins: nothing is read from the disk for the first time.
    ours();
    raw();
    let mut run = Run::default();
    let mut drift = 0.0;
    for _ in 0..REPEATS {
        run = Run::take(&mut ours, &mut raw);
        drift = run.drift();
        if drift <= DRIFT {
            break;
        }
    }
    let (ours, raw): (Times, Times) = (run.ours.into_iter().collect(), run.raw.into_iter().collect());
    let ratio = |percent| ours.percentile(percent).as_secs_f64() / raw.percentile(percent).as_secs_f64().max(1e-9);
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let reached = match goal {
        Goal::Times(most) => format!("goal {most:.2}x: {}", word(ratio(50) <= most)),
        Goal::Above(most) => {
            let above = ours.percentile(99).saturating_sub(raw.percentile(99));
            format!("p99 {:.1} ms above (goal {:.0}): {}", milliseconds(above), milliseconds(most), word(above <= most))
        }
        Goal::Within(most) => {
            format!("goal p99 {:.0} ms: {}", milliseconds(most), word(ours.percentile(99) <= most))
        }
    };
    let unsteady = if drift > DRIFT { format!(", yardstick drifted by {:.0} %", drift * 100.0) } else { String::new() };
    part::measured(&format!(
        "  {what}: {:.2}x raw SQL (p50 {:.2} / {:.2} ms, p99 {:.2} / {:.2} ms, n={}), {reached}{unsteady}",
        ratio(50),
        milliseconds(ours.percentile(50)),
        milliseconds(raw.percentile(50)),
        milliseconds(ours.percentile(99)),
        milliseconds(raw.percentile(99)),
        ours.count(),
    ));
}

pub(crate) fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

/// How long a call took.
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = call();
    (start.elapsed(), done)
}

#[derive(Default)]
struct Run {
    ours: Vec<Duration>,
    raw: Vec<Duration>,
}

impl Run {
    fn take(ours: &mut impl FnMut(), raw: &mut impl FnMut()) -> Self {
        let mut run = Self::default();
        let start = Instant::now();
        while run.raw.len() < FEWEST || (run.raw.len() < ROUNDS && start.elapsed() < SPAN) {
            run.ours.push(timed(&mut *ours).0);
            run.raw.push(timed(&mut *raw).0);
        }
        run
    }

    /// How far the yardstick's medians of both halves lie apart, as a part of the smaller one.
    fn drift(&self) -> f64 {
        let (early, late) = self.raw.split_at(self.raw.len() / 2);
        let median = |half: &[Duration]| half.iter().copied().collect::<Times>().percentile(50).as_secs_f64();
        let (early, late) = (median(early), median(late));
        (early - late).abs() / early.min(late).max(1e-9)
    }
}
