//! Reads what the shares of computes are made of: capacities, use, reservations, and whose each workload is.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    ResourceType, claims_of,
    inherit::{self, Claim},
    set::{Association, WHOLE},
    share::{Allocation, Amount, Part, allocate, taken},
};
use crate::store::{Db, Executor as _, Row, StoreError, Value, rows::association::association_list};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Words for a workload that is there and takes nothing: it was made, or is done, and nothing of it runs.
const RESTING: [&str; 9] =
    ["created", "exited", "dead", "removing", "Completed", "Succeeded", "Failed", "Error", "Evicted"];

/// Workloads of one read; a read of many computes is that of several such parts.
const MOST: usize = 20_000;

/// A compute with its shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What it has; zero is not known.
    pub capacity: Amount,
    /// Its shares; `None` while its capacity is not known.
    pub allocation: Option<Allocation>,
    /// Environments that it inherits, from what people, rules and the legacy column gave to itself or an ancestor.
    pub given: Vec<Claim>,
    /// Workloads by environment; `None` those that no single environment claims.
    pub workloads: BTreeMap<Option<i64>, usize>,
    /// Workloads of which neither use, nor a reservation, nor a limit is known.
    pub unmeasured: usize,
}

/// Computes the shares of computes, by key; those that are not there are left out.
///
/// # Errors
/// When a statement fails.
pub async fn measure(db: &Db, computes: &[i64]) -> Result<BTreeMap<i64, Measured>, StoreError> {
    let hosts = hosts(db, computes).await?;
    let keys: Vec<i64> = hosts.keys().copied().collect();
    let mut given = claims_of(db, ResourceType::Compute, &keys).await?;
    let rows = workloads(db, &keys).await?;
    let own = owned(db, &rows).await?;
    let mut parts: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
    let mut measured: BTreeMap<i64, Measured> = BTreeMap::new();
    for (id, host) in &hosts {
        let mut claims = given.remove(id).unwrap_or_default();
        // What was measured here is what is being computed.
        claims.retain(|claim| claim.origin != super::set::Origin::Measured);
        let given = inherit::effective(claims);
        let workloads = BTreeMap::new();
        let one = Measured { capacity: host.capacity, allocation: None, given, workloads, unmeasured: 0 };
        measured.insert(*id, one);
    }
    for row in &rows {
        let Some(one) = measured.get_mut(&row.compute_id) else { continue };
        let portions = row.portions(&own, &one.given);
        for claimant in claimants(&portions) {
            *one.workloads.entry(claimant).or_default() += 1;
        }
        one.unmeasured += usize::from(row.is_unmeasured());
        parts.entry(row.compute_id).or_default().push(Part { portions, used: row.used, taken: row.taken });
    }
    for (id, one) in &mut measured {
        let host = hosts.get(id).and_then(|host| host.used);
        one.allocation = allocate(one.capacity, host, parts.get(id).map_or(&[], Vec::as_slice));
    }
    Ok(measured)
}

fn claimants(portions: &[(i64, i64)]) -> Vec<Option<i64>> {
    if portions.is_empty() { vec![None] } else { portions.iter().map(|(id, _)| Some(*id)).collect() }
}

struct Host {
    capacity: Amount,
    used: Option<Amount>,
}

async fn hosts(db: &Db, computes: &[i64]) -> Result<BTreeMap<i64, Host>, StoreError> {
    let select = format!(
        "SELECT c.id AS id, c.cpu_cores AS cpu_cores, c.memory_gb AS memory_gb, {} AS facts, u.cpu_millicores, \
         u.memory_bytes, u.measured_at_us FROM computes c LEFT JOIN compute_facts f ON f.compute_id = c.id \
         LEFT JOIN compute_usage u ON u.compute_id = c.id WHERE",
        db.dialect().json_text("f.facts")
    );
    let mut executor = db;
    let keys = computes.iter().map(|id| Value::Int(*id)).collect();
    let rows = executor.fetch_in(&select, "c.id", vec![], keys).await?;
    rows.iter().map(|row| Ok((row.get("id")?, host(row)?))).collect()
}

fn host(row: &Row) -> Result<Host, StoreError> {
    let facts: Json = row.json("facts")?.unwrap_or(Json::Null);
    let fact = |name: &str| facts.get(name).and_then(Json::as_u64);
    let column = |name: &str| -> Result<Option<u64>, StoreError> {
        Ok(row.get::<Option<i64>>(name)?.and_then(|number| u64::try_from(number).ok()))
    };
    let threads = fact("cpuThreads").or(fact("cpuCores")).or(column("cpu_cores")?);
    let memory = fact("memoryBytes").or(column("memory_gb")?.map(|gib| gib.saturating_mul(GIB)));
    let capacity =
        Amount { cpu_millicores: threads.unwrap_or(0).saturating_mul(1_000), memory_bytes: memory.unwrap_or(0) };
    let used = match column("measured_at_us")? {
        Some(_) => Some(Amount {
            cpu_millicores: column("cpu_millicores")?.unwrap_or(0),
            memory_bytes: column("memory_bytes")?.unwrap_or(0),
        }),
        None => None,
    };
    Ok(Host { capacity, used })
}

/// A workload that has not ended.
struct Running {
    id: i64,
    compute_id: i64,
    environment_id: Option<i64>,
    container_id: Option<i64>,
    namespace_id: Option<i64>,
    used: Amount,
    taken: Amount,
    known: bool,
}

impl Running {
    const fn is_unmeasured(&self) -> bool {
        !self.known
    }

    /// Whose it is: its own environments, those of its row among the containers or of its namespace, or the one that its
    /// compute was given.
    fn portions(&self, own: &Owned, given: &[Claim]) -> Vec<(i64, i64)> {
        if let Some(rows) = own.workloads.get(&self.id).filter(|rows| !rows.is_empty()) {
            return divided(rows);
        }
        // The row names it though no association does: another program wrote it.
        if let Some(environment) = self.environment_id {
            return vec![(environment, WHOLE)];
        }
        if let Some(rows) = self.container_id.and_then(|id| own.containers.get(&id)) {
            return divided(rows);
        }
        if let Some(rows) = self.namespace_id.and_then(|id| own.namespaces.get(&id)) {
            return divided(rows);
        }
        match given {
            [only] => vec![(only.environment_id, WHOLE)],
            // Of several that its compute is for, none is its own.
            _ => Vec::new(),
        }
    }
}

/// The portions of a workload's own environments: one has all of it, several have what was declared.
fn divided(rows: &[Association]) -> Vec<(i64, i64)> {
    match rows {
        [only] => vec![(only.environment_id, WHOLE)],
        rows => rows.iter().map(|row| (row.environment_id, row.declared.unwrap_or(0))).collect(),
    }
}

struct Owned {
    workloads: BTreeMap<i64, Vec<Association>>,
    containers: BTreeMap<i64, Vec<Association>>,
    namespaces: BTreeMap<i64, Vec<Association>>,
}

async fn owned(db: &Db, rows: &[Running]) -> Result<Owned, StoreError> {
    let mut executor = db;
    let workloads: Vec<i64> = rows.iter().filter(|row| row.environment_id.is_some()).map(|row| row.id).collect();
    let bare = || rows.iter().filter(|row| row.environment_id.is_none());
    let containers: Vec<i64> = bare().filter_map(|row| row.container_id).collect();
    let namespaces: std::collections::BTreeSet<i64> = bare().filter_map(|row| row.namespace_id).collect();
    Ok(Owned {
        workloads: association_list(&mut executor, db.dialect(), ResourceType::Workload.as_str(), workloads).await?,
        containers: association_list(&mut executor, db.dialect(), ResourceType::Container.as_str(), containers).await?,
        namespaces: association_list(&mut executor, db.dialect(), ResourceType::K8sNamespace.as_str(), namespaces)
            .await?,
    })
}

async fn workloads(db: &Db, computes: &[i64]) -> Result<Vec<Running>, StoreError> {
    let dialect = db.dialect();
    let select = format!(
        "SELECT w.id AS id, w.compute_id AS compute_id, w.environment_id AS environment_id, \
         w.container_row_id AS container_row_id, w.k8s_namespace_id AS k8s_namespace_id, {} AS cpu_cores, w.memory_mb AS memory_mb, \
         w.status AS status, CASE WHEN w.workload_type = 'k8s_pod' THEN {} END AS details, u.cpu_millicores AS cpu_millicores, u.memory_bytes AS memory_bytes \
         FROM compute_workloads w LEFT JOIN workload_usage u ON u.workload_id = w.id WHERE w.ended_at_us IS NULL AND",
        dialect.decimal("w.cpu_cores"),
        // Only pods have requests, and the details of the others are large.
        dialect.json_text("w.isolation_details"),
    );
    let mut executor = db;
    let keys = computes.iter().map(|id| Value::Int(*id)).collect();
    let rows = executor.fetch_in(&select, "w.compute_id", vec![], keys).await?;
    if rows.len() > MOST {
        tracing::debug!(workloads = rows.len(), "many workloads were read at once");
    }
    rows.iter().map(running).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a column's range")]
fn running(row: &Row) -> Result<Running, StoreError> {
    let number = |name: &str| -> Result<Option<u64>, StoreError> {
        Ok(row.get::<Option<i64>>(name)?.and_then(|number| u64::try_from(number).ok()))
    };
    let details: Json = row.json("details")?.unwrap_or(Json::Null);
    let detail = |name: &str| details.get(name).and_then(Json::as_u64);
    let status: String = row.get("status")?;
    let resting = RESTING.contains(&status.as_str());
    // What it last used is still stored.
    let amount = |name: &str| if resting { Ok(Some(0)) } else { number(name) };
    let (cpu, memory) = (amount("cpu_millicores")?, amount("memory_bytes")?);
    let cpu_limit = row.get::<Option<f64>>("cpu_cores")?.map(|cores| (cores.max(0.0) * 1_000.0).round() as u64);
    let memory_limit = number("memory_mb")?.map(|mib| mib.saturating_mul(MIB));
    let request = |name: &str| detail(name).filter(|_| !resting);
    let (cpu_request, memory_request) = (request("cpuRequestMillicores"), request("memoryRequestBytes"));
    let known = [cpu, memory, cpu_limit, memory_limit, cpu_request, memory_request].iter().any(Option::is_some);
    Ok(Running {
        id: row.get("id")?,
        compute_id: row.get("compute_id")?,
        environment_id: row.get("environment_id")?,
        container_id: row.get("container_row_id")?,
        namespace_id: row.get("k8s_namespace_id")?,
        used: Amount { cpu_millicores: cpu.unwrap_or(0), memory_bytes: memory.unwrap_or(0) },
        taken: Amount {
            cpu_millicores: taken(cpu, cpu_request, cpu_limit),
            memory_bytes: taken(memory, memory_request, memory_limit),
        },
        known,
    })
}
