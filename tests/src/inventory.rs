//! What the inventory says, as REST shows it, and comparing it with the truth.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{docker::RealDocker, installation::Installation, wait};

/// How long the inventory may take to become true after both sides are there.
pub const SOON: Duration = Duration::from_secs(30);

/// One item of `GET /api/v1/workloads`.
#[derive(Clone, Debug)]
pub struct Workload(pub Value);

impl Workload {
    /// A text field; empty when it is null.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// A time field.
    #[must_use]
    pub fn time(&self, field: &str) -> Option<OffsetDateTime> {
        self.0[field].as_str().and_then(parse_time)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("workloadName")
    }

    /// What its source calls it.
    #[must_use]
    pub fn native_id(&self) -> &str {
        self.text("workloadId")
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> &str {
        self.text("status")
    }

    /// Whether it is no more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.0["endedAt"].is_null()
    }
}

/// Reads RFC 3339.
#[must_use]
pub fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// All workloads of a source, the ended ones included.
#[track_caller]
#[must_use]
pub fn workloads(installation: &Installation, source: &str) -> Vec<Workload> {
    installation.list(&format!("workloads?source={source}&ended=any")).into_iter().map(Workload).collect()
}

/// The one workload with this name that has not ended, or ended last.
///
/// # Errors
/// When there is none, or more than one that exists.
pub fn workload_named(installation: &Installation, source: &str, name: &str) -> Result<Workload, String> {
    let all = workloads(installation, source);
    let named: Vec<_> = all.iter().filter(|workload| workload.name() == name).collect();
    let existing: Vec<_> = named.iter().filter(|workload| !workload.has_ended()).collect();
    match (existing.as_slice(), named.last()) {
        ([one], _) => Ok((**one).clone()),
        ([], Some(last)) => Ok((*last).clone()),
        ([], None) => Err(format!("none named {name} among {:?}", all.iter().map(Workload::name).collect::<Vec<_>>())),
        (several, _) => Err(format!("{} named {name}: {several:#?}", several.len())),
    }
}

/// Waits until the workload with this name satisfies `wanted`, and returns it.
#[track_caller]
pub fn wait_for_workload(
    installation: &Installation,
    source: &str,
    name: &str,
    what: &str,
    wanted: impl Fn(&Workload) -> bool,
) -> Workload {
    wait::until(&format!("workload {name} to be {what}"), SOON, || {
        let workload = workload_named(installation, source, name)?;
        if wanted(&workload) { Ok(workload) } else { Err(format!("{:#}", workload.0)) }
    })
}

/// Compares the containers of the inventory with the engine's own list: each exactly once, with its name and state, and
/// none besides.
///
/// # Errors
/// What differs.
pub fn equals_truth(installation: &Installation, docker: &RealDocker) -> Result<(), String> {
    let mut truth = docker.truth();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for workload in workloads(installation, "docker") {
        *seen.entry(workload.native_id().to_owned()).or_default() += 1;
        if workload.has_ended() {
            if truth.contains_key(workload.native_id()) {
                wrong.push(format!("{} is ended here and exists there", workload.name()));
            }
            continue;
        }
        match truth.remove(workload.native_id()) {
            None => wrong.push(format!("{} ({}) exists only here", workload.name(), workload.native_id())),
            Some(real) if real.name != workload.name() || real.state != workload.status() => {
                wrong.push(format!("{} {} here is {} {}", real.name, real.state, workload.name(), workload.status()));
            }
            Some(_) => {}
        }
    }
    wrong.extend(truth.into_values().map(|real| format!("{} ({}) exists only there", real.name, real.id)));
    let doubled = seen.into_iter().filter(|(_, count)| *count > 1);
    wrong.extend(doubled.map(|(id, count)| format!("{id} is here {count} times")));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
}

/// Waits until the inventory equals the engine's own list.
#[track_caller]
pub fn wait_for_truth(installation: &Installation, docker: &RealDocker) {
    wait::until("the inventory to equal docker ps -a", SOON, || equals_truth(installation, docker));
}

/// How well the only agent can look at `source`.
///
/// # Errors
/// When there is not exactly one agent, or it said nothing of the source yet.
pub fn coverage(installation: &Installation, source: &str) -> Result<Value, String> {
    let agents = installation.list("agents");
    let [agent] = agents.as_slice() else { return Err(format!("{} agents", agents.len())) };
    let sources = agent["coverage"].as_array().cloned().unwrap_or_default();
    let found = sources.iter().find(|coverage| coverage["source"] == source).cloned();
    found.ok_or_else(|| format!("no {source} in {sources:?}"))
}

/// Waits until `source` is in this health, and returns its coverage.
#[track_caller]
pub fn wait_for_health(installation: &Installation, source: &str, health: &str, limit: Duration) -> Value {
    wait::until(&format!("source {source} to be {health}"), limit, || {
        let found = coverage(installation, source)?;
        if found["health"] == health { Ok(found) } else { Err(found.to_string()) }
    })
}
