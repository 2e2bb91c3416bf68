//! An existing Orchestrix database is taken over: nothing that stands in it is lost or altered.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

mod life;
mod migrating;
mod privileges;
