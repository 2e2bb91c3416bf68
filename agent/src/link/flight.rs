//! What is sent and not yet acknowledged. Pure.
//!
//! Acknowledgements come in order, so one stands for everything before it.

use std::collections::VecDeque;

/// Reports under way; further ones wait in the outbox.
const REPORTS: usize = 64;

/// Bytes under way; one report may exceed them.
const BYTES: usize = 2 << 20;

/// The reports under way in one session.
#[derive(Debug)]
pub(super) struct Flight {
    /// Newest report that was sent, or need not be.
    sent: u64,
    under_way: VecDeque<(u64, usize)>,
    bytes: usize,
    /// The first report that the collector holds; it and what follows stay in the outbox.
    held: Option<u64>,
    /// Whether reports may be sent at all.
    open: bool,
}

impl Flight {
    /// Starts behind the newest report that the collector has stored.
    pub(super) const fn after(applied: u64, open: bool) -> Self {
        Self { sent: applied, under_way: VecDeque::new(), bytes: 0, held: None, open }
    }

    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// How many bytes of reports may be sent now; zero when none may.
    pub(super) fn room(&self) -> usize {
        if self.open && self.under_way.len() < REPORTS { BYTES.saturating_sub(self.bytes) } else { 0 }
    }

    /// Notes that a report goes out.
    pub(super) fn send(&mut self, sequence: u64, bytes: usize) {
        self.sent = self.sent.max(sequence);
        self.bytes += bytes;
        self.under_way.push_back((sequence, bytes));
    }

    /// Takes an acknowledgement; answers with the newest report that may be trimmed, if any.
    pub(super) fn settle(&mut self, sequence: u64) -> Option<u64> {
        while let Some((first, bytes)) = self.under_way.front().copied()
            && first <= sequence
        {
            self.bytes -= bytes;
            self.under_way.pop_front();
        }
        // More than was sent cannot be acknowledged.
        let settled = sequence.min(self.sent);
        Some(self.held.map_or(settled, |held| settled.min(held - 1))).filter(|settled| *settled > 0)
    }

    /// Notes that the collector holds a report: nothing more is sent.
    pub(super) fn hold(&mut self, sequence: u64) {
        self.held = Some(self.held.map_or(sequence, |held| held.min(sequence)));
        self.open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_bounded_by_number_and_by_bytes() {
        let mut many = Flight::after(0, true);
        for sequence in 1..=64 {
            assert!(many.room() > 0);
            many.send(sequence, 10);
        }
        assert_eq!(many.room(), 0);
        assert_eq!(many.settle(1), Some(1));
        assert!(many.room() > 0);

        let mut large = Flight::after(0, true);
        large.send(1, BYTES + 1);
        assert_eq!(large.room(), 0);
        assert_eq!(large.settle(1), Some(1));
        assert_eq!(large.room(), BYTES);
    }

    #[test]
    fn one_acknowledgement_stands_for_those_before_it_and_a_second_one_changes_nothing() {
        let mut flight = Flight::after(10, true);
        for sequence in 11..=15 {
            flight.send(sequence, 100);
        }
        assert_eq!(flight.settle(14), Some(14));
        assert_eq!(flight.settle(14), Some(14));
        assert_eq!(flight.settle(12), Some(12));
        assert_eq!(flight.room(), BYTES - 100);
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut flight = Flight::after(3, true);
        assert_eq!(flight.settle(99), Some(3));
        assert_eq!(Flight::after(0, true).settle(7), None);
    }

    #[test]
    fn a_held_report_stays_and_stops_the_rest() {
        let mut flight = Flight::after(0, true);
        for sequence in 1..=4 {
            flight.send(sequence, 1);
        }
        assert_eq!(flight.settle(1), Some(1));
        flight.hold(2);
        assert_eq!(flight.room(), 0);
        assert_eq!(flight.settle(4), Some(1), "what follows a held report is kept with it");
    }
}
