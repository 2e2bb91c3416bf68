//! How computes and places are shared out among environments: measured beside declared.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::environments_of;
use crate::{
    environment::{
        ResourceType,
        allocation::measure,
        share::{Allocation, Amount, roll_up},
        sql,
    },
    store::{
        Db, Executor as _, StoreError, Value,
        rows::{
            allocation::{AllocationRow, allocation_all, allocation_read},
            association::association_list,
        },
    },
};

/// The share of one environment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentShare {
    /// The environment.
    pub environment_id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What was measured, in per cent; `null` while the capacity is not known.
    pub measured: Option<f64>,
    /// What a person declared, in per cent.
    pub declared: Option<f64>,
    /// Where its association with the resource came from; `null` when there is none.
    pub origin: Option<&'static str>,
    /// It is the resource's main one.
    pub primary: bool,
    /// Workloads of it that have not ended; of a compute only.
    pub workloads: Option<usize>,
}

/// How a resource is shared out. Measured shares, `unclaimed` and `idle` sum to exactly 100.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceAllocation {
    /// Type of the resource.
    pub resource_type: &'static str,
    /// The resource.
    pub resource_id: i64,
    /// Its name.
    pub resource_name: String,
    /// Computes that it stands for.
    pub computes: usize,
    /// Those of them of which nothing was measured yet, or whose capacity is not known; they are not in the shares.
    pub unmeasured_computes: usize,
    /// Capacity of the others in thousandths of a core; zero is not known.
    pub cpu_millicores: u64,
    /// Capacity of the others in bytes; zero is not known.
    pub memory_bytes: u64,
    /// Environments with a measured or declared share, the largest first.
    pub shares: Vec<EnvironmentShare>,
    /// In use, and claimed by no single environment, in per cent; `null` when nothing was measured.
    pub unclaimed: Option<f64>,
    /// Not in use, in per cent; `null` when nothing was measured.
    pub idle: Option<f64>,
    /// Workloads that no single environment claims; of a compute only.
    pub unclaimed_workloads: Option<usize>,
    /// Workloads of which neither use, nor a reservation, nor a limit is known; of a compute only.
    pub unmeasured_workloads: Option<usize>,
}

#[allow(clippy::cast_precision_loss, reason = "at most 10000")]
fn percent(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

/// Reads how a compute is shared out at this moment; `None` when there is none.
///
/// # Errors
/// When a statement fails.
pub async fn compute_allocation(db: &Db, id: i64) -> Result<Option<ResourceAllocation>, StoreError> {
    let Some(name) = name(db, ResourceType::Compute, id).await? else { return Ok(None) };
    let Some(measured) = measure(db, &[id]).await?.remove(&id) else { return Ok(None) };
    let allocation = measured.allocation.unwrap_or_default();
    let known = measured.capacity != Amount::default();
    let mut workloads = measured.workloads;
    let mut found = allocation_of(db, ResourceType::Compute, id, name, known.then_some(&allocation)).await?;
    found.computes = 1;
    found.unmeasured_computes = usize::from(!known);
    (found.cpu_millicores, found.memory_bytes) = (measured.capacity.cpu_millicores, measured.capacity.memory_bytes);
    found.unclaimed_workloads = Some(workloads.remove(&None).unwrap_or(0));
    found.unmeasured_workloads = Some(measured.unmeasured);
    for share in &mut found.shares {
        share.workloads = Some(workloads.remove(&Some(share.environment_id)).unwrap_or(0));
    }
    Ok(Some(found))
}

/// Reads how the computes in a place are shared out together, as last stored; `None` when there is no such place.
///
/// # Errors
/// When a statement fails.
pub async fn place_allocation(db: &Db, kind: ResourceType, id: i64) -> Result<Option<ResourceAllocation>, StoreError> {
    let Some(name) = name(db, kind, id).await? else { return Ok(None) };
    let (computes, rows) = stored(db, kind, id).await?;
    let parts: Vec<(Allocation, Amount)> = rows.into_iter().map(part).collect();
    let list = || parts.iter().map(|(allocation, capacity)| (allocation, *capacity));
    let allocation = roll_up(list());
    let mut found = allocation_of(db, kind, id, name, allocation.as_ref()).await?;
    found.computes = computes;
    found.unmeasured_computes = computes - parts.len();
    found.cpu_millicores = parts.iter().map(|(_, capacity)| capacity.cpu_millicores).sum();
    found.memory_bytes = parts.iter().map(|(_, capacity)| capacity.memory_bytes).sum();
    Ok(Some(found))
}

fn part(row: AllocationRow) -> (Allocation, Amount) {
    let AllocationRow { compute_id: _, shares, unclaimed, idle, cpu_millicores, memory_bytes, changed_at: _ } = row;
    (Allocation { shares, unclaimed, idle }, Amount { cpu_millicores, memory_bytes })
}

async fn name(db: &Db, kind: ResourceType, id: i64) -> Result<Option<String>, StoreError> {
    let sql = format!("SELECT {} AS name FROM {} WHERE id = ?", kind.name_column(), kind.table());
    let mut executor = db;
    executor.fetch_optional(sql, vec![id.into()]).await?.map(|row| row.get("name")).transpose()
}

/// How many computes there are in a place, and what is stored of them.
async fn stored(db: &Db, kind: ResourceType, id: i64) -> Result<(usize, Vec<AllocationRow>), StoreError> {
    let column = match kind {
        ResourceType::Partner => "p.id",
        ResourceType::Cloud => "cl.id",
        ResourceType::Region => "r.id",
        ResourceType::AvailabilityZone => "z.id",
        ResourceType::Datacenter => "d.id",
        _ => "c.id",
    };
    let statement = format!(
        "SELECT c.id AS id, al.compute_id AS compute_id, {} AS shares, al.unclaimed AS unclaimed, al.idle AS idle, \
         al.cpu_millicores AS cpu_millicores, al.memory_bytes AS memory_bytes, al.changed_at_us AS changed_at_us \
         FROM computes c{} LEFT JOIN compute_allocations al ON al.compute_id = c.id WHERE {column} = ? ORDER BY c.id",
        db.dialect().json_text("al.shares"),
        sql::above_compute(&sql::current),
    );
    let mut executor = db;
    let rows = executor.fetch(statement, vec![Value::Int(id)]).await?;
    let mut known = Vec::new();
    for row in &rows {
        if row.get::<Option<i64>>("compute_id")?.is_some() {
            known.push(allocation_read(row)?);
        }
    }
    Ok((rows.len(), known))
}

async fn allocation_of(
    db: &Db,
    kind: ResourceType,
    id: i64,
    resource_name: String,
    allocation: Option<&Allocation>,
) -> Result<ResourceAllocation, StoreError> {
    let mut executor = db;
    let declared = association_list(&mut executor, db.dialect(), kind.as_str(), [id]).await?.remove(&id);
    let declared = declared.unwrap_or_default();
    let measured = allocation.map(|allocation| &allocation.shares);
    let mut environments: Vec<i64> = measured
        .into_iter()
        .flat_map(BTreeMap::keys)
        .copied()
        .chain(declared.iter().map(|row| row.environment_id))
        .collect();
    environments.sort_unstable();
    environments.dedup();
    let names = names(db, &environments).await?;
    let share = |environment_id: i64| {
        let row = declared.iter().find(|row| row.environment_id == environment_id);
        let (code, name) = names.get(&environment_id).cloned().unwrap_or_default();
        EnvironmentShare {
            environment_id,
            code,
            name,
            measured: measured.map(|shares| percent(shares.get(&environment_id).copied().unwrap_or(0))),
            declared: row.and_then(|row| row.declared).map(percent),
            origin: row.map(|row| row.origin.as_str()),
            primary: row.is_some_and(|row| row.primary),
            workloads: None,
        }
    };
    let mut shares: Vec<EnvironmentShare> = environments.into_iter().map(share).collect();
    shares.sort_by(|one, other| {
        let size = |share: &EnvironmentShare| share.measured.or(share.declared).unwrap_or(0.0);
        size(other).total_cmp(&size(one)).then_with(|| one.code.cmp(&other.code))
    });
    Ok(ResourceAllocation {
        resource_type: kind.as_str(),
        resource_id: id,
        resource_name,
        computes: 0,
        unmeasured_computes: 0,
        cpu_millicores: 0,
        memory_bytes: 0,
        shares,
        unclaimed: allocation.map(|allocation| percent(allocation.unclaimed)),
        idle: allocation.map(|allocation| percent(allocation.idle)),
        unclaimed_workloads: None,
        unmeasured_workloads: None,
    })
}

async fn names(db: &Db, environments: &[i64]) -> Result<HashMap<i64, (String, String)>, StoreError> {
    let keys = environments.iter().map(|id| Value::Int(*id)).collect();
    let mut executor = db;
    let rows = executor.fetch_in("SELECT id, code, name FROM environments WHERE", "id", vec![], keys).await?;
    rows.iter().map(|row| Ok((row.get("id")?, (row.get("code")?, row.get("name")?)))).collect()
}

/// A compute that an environment has, wholly or in part.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentCompute {
    /// The compute.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its share in per cent, declared or else measured; `null` when neither is known.
    pub share: Option<f64>,
    /// What was measured, in per cent.
    pub measured: Option<f64>,
    /// Why it counts, for example "from datacenter Dhaka-DC1"; `null` when it is the compute's own.
    pub reason: Option<String>,
    /// Codes of the other environments that count for it.
    pub shared_with: Vec<String>,
}

/// What an environment has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentSummary {
    /// The environment.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Computes for which it alone counts.
    pub dedicated_computes: usize,
    /// Computes that it shares with other environments.
    pub shared_computes: usize,
    /// The first of the dedicated ones.
    pub dedicated: Vec<EnvironmentCompute>,
    /// The first of the shared ones, those with the largest measured share first.
    pub shared: Vec<EnvironmentCompute>,
    /// Workloads that have not ended, its own and those that inherit it, by type.
    pub workloads: BTreeMap<String, i64>,
    /// Rows among the containers of the existing inventory.
    pub containers: i64,
    /// Namespaces of Kubernetes clusters.
    pub namespaces: i64,
    /// Associations with it, by type of resource and origin.
    pub associations: BTreeMap<String, BTreeMap<String, i64>>,
    /// Processors that it takes, measured, in thousandths of a core.
    pub cpu_millicores: u64,
    /// Memory that it takes, measured, in bytes.
    pub memory_bytes: u64,
}

/// Reads what an environment has; `None` when there is none. `listed` bounds its lists.
///
/// # Errors
/// When a statement fails.
pub async fn environment_summary(db: &Db, id: i64, listed: usize) -> Result<Option<EnvironmentSummary>, StoreError> {
    let Some((code, name)) = names(db, &[id]).await?.remove(&id) else { return Ok(None) };
    let mut summary = EnvironmentSummary { id, code, name, ..EnvironmentSummary::default() };
    computes_of(db, &mut summary, listed).await?;
    let mut executor = db;
    let only = |kind: ResourceType, alias: &str| {
        let wanted = sql::Wanted { ids: vec![id], ..sql::Wanted::default() };
        sql::effective_filter(kind, alias, &wanted, true)
    };
    let workloads = only(ResourceType::Workload, "w");
    let statement = format!(
        "SELECT w.workload_type AS word, COUNT(*) AS n FROM compute_workloads w WHERE w.ended_at_us IS NULL AND {} \
         GROUP BY w.workload_type",
        workloads.sql
    );
    for row in executor.fetch(statement, workloads.values).await? {
        summary.workloads.insert(row.get("word")?, row.get("n")?);
    }
    let counts = [
        (ResourceType::Container, "", &mut summary.containers),
        (ResourceType::K8sNamespace, " AND t.ended_at_us IS NULL", &mut summary.namespaces),
    ];
    for (kind, and, count) in counts {
        let condition = only(kind, "t");
        let statement = format!("SELECT COUNT(*) AS n FROM {} t WHERE {}{and}", kind.table(), condition.sql);
        let row = executor.fetch_optional(statement, condition.values).await?;
        *count = row.map_or(Ok(0), |row| row.get("n"))?;
    }
    let statement = "SELECT resource_type, origin, COUNT(*) AS n FROM environment_associations \
                     WHERE environment_id = ? GROUP BY resource_type, origin";
    for row in executor.fetch(statement.to_owned(), vec![id.into()]).await? {
        let by_origin = summary.associations.entry(row.get("resource_type")?).or_default();
        by_origin.insert(row.get("origin")?, row.get("n")?);
    }
    Ok(Some(summary))
}

/// Computes of one read.
const PART: usize = 1_000;

async fn computes_of(db: &Db, summary: &mut EnvironmentSummary, listed: usize) -> Result<(), StoreError> {
    let wanted = sql::Wanted { ids: vec![summary.id], ..sql::Wanted::default() };
    let condition = sql::effective_filter(ResourceType::Compute, "c", &wanted, true);
    let statement = format!("SELECT c.id AS id, c.name AS name FROM computes c WHERE {} ORDER BY c.id", condition.sql);
    let mut executor = db;
    let rows = executor.fetch(statement, condition.values).await?;
    let found = rows.iter().map(|row| Ok((row.get("id")?, row.get("name")?)));
    let found = found.collect::<Result<Vec<(i64, String)>, StoreError>>()?;
    let shares = shares_of(db, summary).await?;
    for part in found.chunks(PART) {
        let keys: Vec<i64> = part.iter().map(|(id, _)| *id).collect();
        let mut badges = environments_of(db, ResourceType::Compute, &keys).await?;
        for (id, name) in part {
            let badges = badges.remove(id).unwrap_or_default();
            let (own, others): (Vec<_>, Vec<_>) = badges.into_iter().partition(|badge| badge.id == summary.id);
            let own = own.into_iter().next();
            let compute = EnvironmentCompute {
                id: *id,
                name: name.clone(),
                share: own.as_ref().and_then(|badge| badge.share),
                measured: shares.get(id).copied().map(percent),
                reason: own.and_then(|badge| badge.reason),
                shared_with: others.into_iter().map(|badge| badge.code).collect(),
            };
            if compute.shared_with.is_empty() {
                summary.dedicated_computes += 1;
                if summary.dedicated.len() < listed {
                    summary.dedicated.push(compute);
                }
            } else {
                summary.shared_computes += 1;
                summary.shared.push(compute);
            }
        }
    }
    let size = |compute: &EnvironmentCompute| compute.measured.unwrap_or(-1.0);
    summary.shared.sort_by(|one, other| size(other).total_cmp(&size(one)).then_with(|| one.id.cmp(&other.id)));
    summary.shared.truncate(listed);
    Ok(())
}

/// The environment's stored share of each compute, in hundredths; adds up what that comes to.
async fn shares_of(db: &Db, summary: &mut EnvironmentSummary) -> Result<HashMap<i64, i64>, StoreError> {
    let mut executor = db;
    let mut shares = HashMap::new();
    for row in allocation_all(&mut executor, db.dialect()).await? {
        if let Some(share) = row.shares.get(&summary.id) {
            let part =
                |amount: u64| amount / 10_000 * share.unsigned_abs() + amount % 10_000 * share.unsigned_abs() / 10_000;
            summary.cpu_millicores += part(row.cpu_millicores);
            summary.memory_bytes += part(row.memory_bytes);
            shares.insert(row.compute_id, *share);
        }
    }
    Ok(shares)
}
