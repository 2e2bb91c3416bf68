//! Processes.

use orchestrix_proto::v1 as pb;

use super::{WireError, container::each, text};
use crate::{
    model::{Command, Process},
    time::Timestamp,
};

impl TryFrom<pb::Process> for Process {
    type Error = WireError;

    fn try_from(message: pb::Process) -> Result<Self, Self::Error> {
        let pb::Process {
            name,
            executable,
            command,
            user,
            user_id,
            unit,
            started_at_us,
            process_count,
            listeners,
            control_group,
            container_id,
            cpu_limit_millicores,
            memory_limit_bytes,
        } = message;
        Ok(Self {
            name: text("name", name)?,
            executable,
            command: command.map(Command::from),
            user,
            user_id,
            unit,
            started_at: started_at_us.map(Timestamp::from_micros),
            process_count,
            listeners: each("listeners", listeners)?,
            control_group,
            container_id,
            cpu_limit_millicores,
            memory_limit_bytes,
        })
    }
}

impl From<Process> for pb::Process {
    fn from(model: Process) -> Self {
        let Process {
            name,
            executable,
            command,
            user,
            user_id,
            unit,
            started_at,
            process_count,
            listeners,
            control_group,
            container_id,
            cpu_limit_millicores,
            memory_limit_bytes,
        } = model;
        Self {
            name,
            executable,
            command: command.map(pb::Command::from),
            user,
            user_id,
            unit,
            started_at_us: started_at.map(Timestamp::as_micros),
            process_count,
            listeners: listeners.into_iter().map(pb::Listener::from).collect(),
            control_group,
            container_id,
            cpu_limit_millicores,
            memory_limit_bytes,
        }
    }
}
