//! Trust, end to end: the real listener and Enrollment service on a real database, real TLS over loopback, the agent's
//! real identity. Only the clock is driven by hand, and `Discovery` only tells who the caller is.

mod authority;
mod enrolment;
mod listener;
mod parts;
mod renewal;
