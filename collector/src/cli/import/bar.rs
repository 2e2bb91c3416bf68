//! How far an import has come, for people who wait in front of a terminal.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::transfer::Progress;

/// A bar on standard error, or none when nobody looks.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn on_stderr() -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg:>8} [{bar:32}] {pos}/{len} {per_sec} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn part(&self, what: &'static str, steps: usize) {
        self.0.set_message(what);
        self.0.set_length(u64::try_from(steps).unwrap_or(u64::MAX));
        self.0.reset();
    }

    fn at(&self, steps: usize) {
        self.0.set_position(u64::try_from(steps).unwrap_or(u64::MAX));
    }
}
