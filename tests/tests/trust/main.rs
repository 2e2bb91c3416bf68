//! Trust, end to end: the real listener and Enrollment service on a real database, real TLS over loopback, the agent's
//! real identity. Only the clock is driven by hand, and `Discovery` only tells who the caller is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod authority;
mod enrolment;
mod listener;
mod parts;
mod renewal;
mod rotation;
mod set_back;
