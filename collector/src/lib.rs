//! The collector: receives what agents see, reconciles it into the inventory database and shows it.
//!
//! Data moves downwards only: `session` (carry) → `reconcile` (decide) → `store` (store) → `query`, `api`, `web` (show).
//! It knows nothing of Docker, Kubernetes or `/proc`.

pub mod admin;
pub mod api;
pub mod backup;
mod catalog;
pub mod cli;
pub mod config;
mod connection;
pub mod edit;
pub mod environment;
pub mod metrics;
pub mod pki;
pub mod query;
pub mod reconcile;
pub mod sample;
pub mod serve;
pub mod session;
pub mod store;
pub mod telemetry;
mod tls_port;
pub mod transfer;
pub mod web;
