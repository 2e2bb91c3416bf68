//! The agent: looks at a host, keeps a view of it, and delivers it to a collector.
//!
//! Data moves downwards only: `inspect` (look) → `view` (report) → `outbox` and `link` (carry). It knows nothing of SQL
//! or of the collector's HTTP API.

pub mod act;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod identity;
pub mod inspect;
pub mod link;
pub mod metrics;
pub mod outbox;
pub mod status;
pub mod supervisor;
pub mod view;
mod wire;
