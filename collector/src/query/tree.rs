//! The whole inventory as a tree, one statement per level and thousand rows.

mod narrow;

use std::collections::{BTreeMap, HashMap};

use orchestrix_common::time::Timestamp;
use serde::Serialize;

use super::{
    AvailabilityZone, Capability, Cloud, Compute, Datacenter, ListRequest, Partner, Region, Workload, every,
    resource::every_of, sequence,
};
use crate::store::{Db, StoreError};

use narrow::Reach;

pub use narrow::Narrow;

/// The levels of a tree.
pub const LEVELS: u8 = 7;

/// The inventory from the partners down. What has no parent stands beside them, so that nothing is hidden.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// Partners.
    pub partners: Vec<PartnerBranch>,
    /// Datacenters without partner, cloud and zone.
    pub datacenters: Vec<DatacenterBranch>,
    /// Computes without datacenter and cloud.
    pub computes: Vec<ComputeBranch>,
    /// What it comes to.
    pub summary: Summary,
    /// Every change up to this number is contained.
    pub sequence: i64,
}

/// A partner and what is under it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartnerBranch {
    /// The partner.
    #[serde(flatten)]
    pub partner: Partner,
    /// Its clouds.
    pub clouds: Vec<CloudBranch>,
    /// Its datacenters without cloud and zone.
    pub datacenters: Vec<DatacenterBranch>,
}

/// A cloud and what is under it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudBranch {
    /// The cloud.
    #[serde(flatten)]
    pub cloud: Cloud,
    /// Its regions.
    pub regions: Vec<RegionBranch>,
    /// Its datacenters without zone.
    pub datacenters: Vec<DatacenterBranch>,
    /// Its computes without datacenter.
    pub computes: Vec<ComputeBranch>,
}

/// A region and what is under it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionBranch {
    /// The region.
    #[serde(flatten)]
    pub region: Region,
    /// Its availability zones.
    pub availability_zones: Vec<ZoneBranch>,
}

/// An availability zone and what is under it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneBranch {
    /// The availability zone.
    #[serde(flatten)]
    pub zone: AvailabilityZone,
    /// Its datacenters.
    pub datacenters: Vec<DatacenterBranch>,
}

/// A datacenter and what is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatacenterBranch {
    /// The datacenter.
    #[serde(flatten)]
    pub datacenter: Datacenter,
    /// Its computes.
    pub computes: Vec<ComputeBranch>,
}

/// A compute and what is on it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputeBranch {
    /// The compute.
    #[serde(flatten)]
    pub compute: Compute,
    /// What it can be used for.
    pub capabilities: Vec<Capability>,
    /// What runs on it, without what has ended.
    pub workloads: Vec<Workload>,
}

/// What a tree comes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Computes.
    pub computes: usize,
    /// Computes whose agent is being heard of.
    pub connected: usize,
    /// Computes that are seen in full: connected, and every source that is there is healthy.
    pub covered: usize,
    /// `covered` of `computes` in per cent; `null` when there is no compute.
    pub coverage_percent: Option<u32>,
    /// On how many connected computes each source is failing or degraded.
    pub troubled_sources: BTreeMap<String, usize>,
    /// Workloads, by status; `null` when the tree does not reach them.
    pub workloads: Option<BTreeMap<String, usize>>,
    /// Workloads whose source cannot be looked at now; `null` when the tree does not reach them.
    pub stale_workloads: Option<usize>,
}

/// Reads the tree down to a level: 1 partners … 6 computes, 7 what is on them.
///
/// # Errors
/// When a statement fails.
pub async fn tree(db: &Db, now: Timestamp, depth: u8) -> Result<Tree, StoreError> {
    read(db, now, depth, Reach::default()).await
}

/// Reads what somebody asked for, on all levels.
///
/// # Errors
/// When a statement fails.
pub async fn narrowed(db: &Db, now: Timestamp, narrow: &Narrow) -> Result<Tree, StoreError> {
    let reach = narrow.reach(db, now).await?;
    // What is read is more than what was asked for: places and computes of which nothing remains.
    Ok(narrow.apply(read(db, now, LEVELS, reach).await?))
}

async fn read(db: &Db, now: Timestamp, depth: u8, reach: Reach) -> Result<Tree, StoreError> {
    // The first number: everything read after it contains at least these changes.
    let sequence = sequence::current(db, now).await?;
    // Computes and what is on them are always read: the summary tells of them even where they are not drawn.
    let computes = every_of::<Compute>(db, now, reach.computes).await?;
    let (mut capabilities, mut workloads) = (HashMap::new(), HashMap::new());
    if depth >= LEVELS {
        capabilities = group(every::<Capability>(db, now).await?, |capability| Some(capability.compute_id));
        workloads = group(current_workloads(db, now, reach.workloads).await?, |workload| Some(workload.compute_id));
    }
    let on_computes: Vec<&Workload> = workloads.values().flatten().collect();
    let summary = summary(&computes.iter().collect::<Vec<_>>(), (depth >= LEVELS).then_some(&on_computes));
    let mut computes = computes.into_iter().map(|compute| {
        let capabilities = capabilities.remove(&Some(compute.id)).unwrap_or_default();
        let workloads = workloads.remove(&Some(compute.id)).unwrap_or_default();
        ComputeBranch { compute, capabilities, workloads }
    });
    let computes: Vec<_> = if depth >= 6 { computes.by_ref().collect() } else { Vec::new() };
    let (placed, unplaced): (Vec<_>, Vec<_>) =
        computes.into_iter().partition(|branch| branch.compute.datacenter_id.is_some());
    let mut in_datacenter = group(placed, |branch| branch.compute.datacenter_id);
    let mut in_cloud = group(unplaced, |branch| branch.compute.cloud_id);
    let datacenters = every::<Datacenter>(db, now).await?.into_iter().map(|datacenter| DatacenterBranch {
        computes: in_datacenter.remove(&Some(datacenter.id)).unwrap_or_default(),
        datacenter,
    });
    let places = Places { datacenters: datacenters.collect(), in_cloud: &mut in_cloud };
    let mut tree = places.hang(db, now, depth).await?;
    // What points to a datacenter or a cloud that is not there must not disappear with it.
    tree.computes = in_datacenter.into_values().chain(in_cloud.into_values()).flatten().collect();
    tree.computes.sort_by_key(|branch| branch.compute.id);
    tree.summary = summary;
    tree.sequence = sequence;
    Ok(tree)
}

struct Places<'a> {
    datacenters: Vec<DatacenterBranch>,
    in_cloud: &'a mut HashMap<Option<i64>, Vec<ComputeBranch>>,
}

impl Places<'_> {
    async fn hang(self, db: &Db, now: Timestamp, depth: u8) -> Result<Tree, StoreError> {
        let zones = if depth >= 4 { every::<AvailabilityZone>(db, now).await? } else { Vec::new() };
        let regions = if depth >= 3 { every::<Region>(db, now).await? } else { Vec::new() };
        let clouds = if depth >= 2 { every::<Cloud>(db, now).await? } else { Vec::new() };
        let partners = every::<Partner>(db, now).await?;

        let known = |ids: &[i64], id: Option<i64>| id.filter(|id| ids.contains(id));
        let zone_ids: Vec<i64> = zones.iter().map(|zone| zone.id).collect();
        let cloud_ids: Vec<i64> = clouds.iter().map(|cloud| cloud.id).collect();
        let partner_ids: Vec<i64> = partners.iter().map(|partner| partner.id).collect();
        // A datacenter hangs at the nearest parent that exists.
        let (mut by_zone, mut by_cloud, mut by_partner) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut loose: Vec<DatacenterBranch> = Vec::new();
        for branch in if depth >= 5 { self.datacenters } else { Vec::new() } {
            let place = &branch.datacenter;
            if let Some(zone) = known(&zone_ids, place.availability_zone_id) {
                by_zone.entry(Some(zone)).or_insert_with(Vec::new).push(branch);
            } else if let Some(cloud) = known(&cloud_ids, place.cloud_id) {
                by_cloud.entry(Some(cloud)).or_insert_with(Vec::new).push(branch);
            } else if let Some(partner) = known(&partner_ids, place.partner_id) {
                by_partner.entry(Some(partner)).or_insert_with(Vec::new).push(branch);
            } else {
                loose.push(branch);
            }
        }
        let zones = zones.into_iter().map(|zone| ZoneBranch { datacenters: take(&mut by_zone, zone.id), zone });
        let mut by_region = group(zones.collect(), |branch| Some(branch.zone.region_id));
        let regions = regions
            .into_iter()
            .map(|region| RegionBranch { availability_zones: take(&mut by_region, region.id), region });
        let mut by_cloud_regions = group(regions.collect(), |branch| Some(branch.region.cloud_id));
        let clouds = clouds.into_iter().map(|cloud| CloudBranch {
            regions: take(&mut by_cloud_regions, cloud.id),
            datacenters: take(&mut by_cloud, cloud.id),
            computes: take(self.in_cloud, cloud.id),
            cloud,
        });
        let mut by_owner = group(clouds.collect(), |branch| Some(branch.cloud.partner_id));
        let partners = partners.into_iter().map(|partner| PartnerBranch {
            clouds: take(&mut by_owner, partner.id),
            datacenters: take(&mut by_partner, partner.id),
            partner,
        });
        Ok(Tree { partners: partners.collect(), datacenters: loose, ..Tree::default() })
    }
}

fn take<T>(groups: &mut HashMap<Option<i64>, Vec<T>>, id: i64) -> Vec<T> {
    groups.remove(&Some(id)).unwrap_or_default()
}

fn group<T>(items: Vec<T>, key: impl Fn(&T) -> Option<i64>) -> HashMap<Option<i64>, Vec<T>> {
    let mut groups: HashMap<Option<i64>, Vec<T>> = HashMap::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}

async fn current_workloads(db: &Db, now: Timestamp, wanted: ListRequest) -> Result<Vec<Workload>, StoreError> {
    let mut workloads: Vec<Workload> = every_of(db, now, wanted).await?;
    workloads.sort_by(|one, other| {
        let key = |workload: &Workload| (workload.source.clone(), workload.workload_name.clone(), workload.id);
        key(one).cmp(&key(other))
    });
    Ok(workloads)
}

fn summary(computes: &[&Compute], workloads: Option<&[&Workload]>) -> Summary {
    let connected = |compute: &&&Compute| compute.agent.as_ref().is_some_and(|agent| agent.connected);
    let troubled = |health: &str| health != "healthy" && health != "absent";
    let mut summary = Summary {
        computes: computes.len(),
        connected: computes.iter().filter(connected).count(),
        ..Summary::default()
    };
    for compute in computes.iter().filter(connected) {
        let mut whole = !compute.coverage.is_empty();
        for source in compute.coverage.iter().filter(|source| troubled(&source.health)) {
            *summary.troubled_sources.entry(source.source.clone()).or_default() += 1;
            whole = false;
        }
        summary.covered += usize::from(whole);
    }
    // Rounded down: 100 % means all of them.
    summary.coverage_percent =
        (summary.covered * 100).checked_div(summary.computes).map(|percent| u32::try_from(percent).unwrap_or(100));
    if let Some(workloads) = workloads {
        let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
        for workload in workloads {
            *by_status.entry(workload.status.clone()).or_default() += 1;
        }
        summary.stale_workloads = Some(workloads.iter().filter(|workload| workload.stale.is_some()).count());
        summary.workloads = Some(by_status);
    }
    summary
}
