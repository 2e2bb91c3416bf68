//! A container as a row of the legacy table, and which row that is. Pure.

use std::collections::BTreeSet;

use orchestrix_common::model::{Container, ContainerState};
use serde_json::Value as Json;

use crate::store::rows::{
    compute::Columns,
    container::{ContainerRow, fitted},
};

/// Status of a container that does not run, or is no more.
pub(super) const STOPPED: &str = "STOPPED";
/// Digits of the short form of a container's identifier.
const SHORT_ID: usize = 12;
const MIB: u64 = 1 << 20;

/// The columns of a legacy container. Its environment is never among them.
#[must_use]
pub(super) fn columns(container: &Container) -> Columns {
    let (image, version) = split_image(&container.image);
    let ports: BTreeSet<u16> = container.ports.iter().map(|port| port.container_port).collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let restarts = matches!(container.restart_policy.as_deref(), Some("always" | "unless-stopped"));
    let pairs: [(&str, Option<Json>); 11] = [
        ("name", Some(container.name.as_str().into())),
        ("container_type", Some(container.runtime.to_uppercase().into())),
        ("container_id", Some(container.id.as_str().into())),
        ("image", Some(image.into())),
        ("image_version", Some(version.into())),
        ("status", Some(status(&container.state).into())),
        ("ip_address", super::workload::address(container).map(Json::from)),
        ("exposed_ports", (!ports.is_empty()).then(|| ports.join(",").into())),
        ("cpu_limit", container.cpu_limit_millicores.map(|limit| cores(limit).into())),
        ("memory_limit", container.memory_limit_bytes.map(|limit| bytes(limit).into())),
        ("auto_start", container.restart_policy.as_ref().map(|_| i64::from(restarts).into())),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), fitted(name, &value?)?))).collect()
}

/// Finds the row of a container among those of its compute: by identifier, whole or short, then by name. A row that
/// `is_taken` by another container that is there is not its row, and a row of another kind of container neither.
#[must_use]
pub(crate) fn find<'a>(
    columns: &Columns,
    rows: &'a [ContainerRow],
    is_taken: impl Fn(i64) -> bool,
) -> Option<&'a ContainerRow> {
    let wanted = |column: &str| columns.get(column).and_then(Json::as_str);
    let id = wanted("container_id")?;
    let free: Vec<&ContainerRow> = rows.iter().filter(|row| !is_taken(row.id)).collect();
    let by_id = free.iter().find(|row| row.text("container_id").is_some_and(|other| same_id(id, other)));
    let by_name = || {
        free.iter().find(|row| {
            let kind = row.text("container_type");
            row.text("name").is_some()
                && row.text("name") == wanted("name")
                && kind.is_none_or(|kind| wanted("container_type").is_some_and(|ours| ours.eq_ignore_ascii_case(kind)))
        })
    };
    by_id.or_else(by_name).copied()
}

/// Identifiers to look a container's row up by.
#[must_use]
pub(super) fn ids(container_id: &str) -> Vec<&str> {
    match container_id.get(..SHORT_ID) {
        Some(short) if short.len() < container_id.len() => vec![container_id, short],
        _ => vec![container_id],
    }
}

fn same_id(whole: &str, other: &str) -> bool {
    whole == other || (other.len() >= SHORT_ID && whole.starts_with(other))
}

/// Takes an image reference apart: repository, and tag or digest.
fn split_image(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        // A colon in front of a slash belongs to a registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

fn status(state: &ContainerState) -> &'static str {
    match state {
        ContainerState::Running => "RUNNING",
        ContainerState::Paused => "PAUSED",
        ContainerState::Restarting => "RESTARTING",
        _ => STOPPED,
    }
}

/// Cores without trailing zeros, as people give them to the engine: `0.5`, `2`.
fn cores(millicores: u32) -> String {
    let text = format!("{}.{:03}", millicores / 1000, millicores % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Mebibytes where that is exact, as people give them to the engine: `64m`.
fn bytes(limit: u64) -> String {
    if limit.is_multiple_of(MIB) { format!("{}m", limit / MIB) } else { limit.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: i64, pairs: &[(&str, &str)]) -> ContainerRow {
        ContainerRow { id, columns: pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect() }
    }

    #[test]
    fn image_references_are_taken_apart() {
        assert_eq!(split_image("nginx:1.25"), ("nginx", "1.25"));
        assert_eq!(split_image("nginx"), ("nginx", "latest"));
        assert_eq!(split_image("localhost:5000/api"), ("localhost:5000/api", "latest"));
        assert_eq!(split_image("localhost:5000/api:v2"), ("localhost:5000/api", "v2"));
        assert_eq!(split_image("api@sha256:00ff"), ("api", "sha256:00ff"));
    }

    #[test]
    fn limits_read_as_people_write_them() {
        assert_eq!((cores(500), cores(2000), cores(1250)), ("0.5".into(), "2".into(), "1.25".into()));
        assert_eq!((bytes(64 << 20), bytes(1000)), ("64m".into(), "1000".into()));
    }

    #[test]
    fn a_row_is_found_by_identifier_before_name_and_only_when_free() {
        let wanted =
            row(0, &[("container_id", "0123456789abcdef"), ("name", "web"), ("container_type", "DOCKER")]).columns;
        let rows = [
            row(1, &[("name", "web"), ("container_type", "docker")]),
            row(2, &[("name", "other"), ("container_id", "0123456789ab")]),
            row(3, &[("name", "web"), ("container_type", "LXD")]),
        ];
        assert_eq!(find(&wanted, &rows, |_| false).map(|row| row.id), Some(2));
        assert_eq!(find(&wanted, &rows, |id| id == 2).map(|row| row.id), Some(1));
        assert_eq!(find(&wanted, &rows, |id| id < 3).map(|row| row.id), None, "an LXD container is another thing");
    }
}
