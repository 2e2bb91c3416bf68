//! What the stories need: real parts, the two programs as black boxes, and patience with a limit.
//!
//! The stories in `tests/` tell what a person would do and see: start a container, look at the API. They use only the
//! fixed interfaces (commands, REST, files), never the crates under test, so that they stay true while the inside
//! changes. Everything here is synchronous: a story is one thread that can be read from top to bottom.
//!
//! Invariants: every daemon is started by the test that needs it or by `tests/run`, listens on loopback only, keeps its
//! data in its own folder and is ended by its own process id. A part that cannot be had is told by [`part::skip`],
//! never silently. Waiting is always [`wait::until`]: a condition, a limit, and the last state in the failure message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking with what it saw"
)]

pub mod agent;
pub mod containerd;
pub mod daemon;
pub mod docker;
pub mod galera;
pub mod generate;
pub mod http;
pub mod installation;
pub mod inventory;
pub mod kubernetes;
pub mod legacy;
pub mod mariadb;
pub mod part;
pub mod proc;
pub mod programs;
pub mod proxy;
pub mod readme;
pub mod stats;
pub mod systemd;
pub mod wait;
