//! The four scenarios of the README, and how an inventory is brought along: its own commands, on installations of all sizes, and what must hold besides.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

mod cloud_native;
mod large;
mod medium;
mod small;
mod transfer;

/// Heading of the README under which the helpers stand.
const HELPERS: &str = "Four scenarios";
