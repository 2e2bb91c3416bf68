//! What an operator looks at: figures of both programs, dashboards and alerts over them, traces, and the journal.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing step fails the test")]

mod figures;
mod journal;
mod scrape;
mod traces;
