//! Stories on a real Kubernetes API server. There are no kubelets: the stories play them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing step fails the test")]

mod cluster;
mod containerd;
mod enrolment;
mod expired;
mod lease;
mod pods;
mod rights;
