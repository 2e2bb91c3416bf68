//! What an operator does to a running installation: rotate its CA, restart and lose collectors and database nodes, back
//! up, restore, upgrade, and look at its figures. The collectors are programs, the agents are whole agents in this
//! process, which see containers that a story makes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

mod backup;
mod fleet;
mod galera;
mod rolling;
mod rotation;
