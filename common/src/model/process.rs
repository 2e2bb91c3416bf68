//! Processes that matter.

use serde::{Deserialize, Serialize};

use super::{Command, Listener};
use crate::time::Timestamp;

/// Processes that belong together: a systemd service, or a program that listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Unit without its suffix, or the program's name.
    pub name: String,
    /// Path of the main process' program; `None` when it could not be read.
    pub executable: Option<String>,
    /// How the main process was started; `None` when it could not be read.
    pub command: Option<Command>,
    /// Name of the user that owns the main process; `None` when the id has no name here.
    pub user: Option<String>,
    /// Real user id of the main process.
    pub user_id: Option<u32>,
    /// systemd unit, for example `nginx.service`; `None` when it belongs to none.
    pub unit: Option<String>,
    /// Start of the main process.
    pub started_at: Option<Timestamp>,
    /// Number of processes in the group.
    pub process_count: u32,
    /// Sockets they listen on, sorted.
    pub listeners: Vec<Listener>,
    /// Control group path (cgroups(7)).
    pub control_group: Option<String>,
    /// Container they run in, when no engine told of it.
    pub container_id: Option<String>,
    /// Thousandths of a core; `None` when unlimited.
    pub cpu_limit_millicores: Option<u32>,
    /// Bytes; `None` when unlimited.
    pub memory_limit_bytes: Option<u64>,
}
