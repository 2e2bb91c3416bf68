//! What an operator installs: the packages on a real systemd, and the images on a real engine.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

mod faults;
mod host;
mod images;
mod life;
mod limits;
