//! A tree narrowed to what somebody asked for: one partner, one datacenter, one environment, or fewer levels.

use orchestrix_common::time::Timestamp;

use super::{
    CloudBranch, Compute, ComputeBranch, Datacenter, DatacenterBranch, ListRequest, PartnerBranch, RegionBranch, Tree,
    Workload, ZoneBranch, every, summary,
};
use crate::{
    environment::{ResourceType, sql::Wanted},
    query::{
        Environment, EnvironmentBadge,
        filter::{Condition, EnvironmentTest},
    },
    store::{Db, StoreError, Value},
};

/// What to keep of a tree. Names are compared without case; an identifier counts as a name.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// Code of an environment: what belongs to it, by itself or inherited, and what that stands under.
    pub environment: Option<String>,
    /// The partner.
    pub partner: Option<String>,
    /// The datacenter.
    pub datacenter: Option<String>,
}

/// The computes and workloads that a tree is read of.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) computes: ListRequest,
    pub(super) workloads: ListRequest,
}

impl Default for Reach {
    fn default() -> Self {
        Self { computes: ListRequest::implied::<Compute>(), workloads: ListRequest::implied::<Workload>() }
    }
}

impl Narrow {
    /// What must be read for it: of a million workloads often a few.
    pub(super) async fn reach(&self, db: &Db, now: Timestamp) -> Result<Reach, StoreError> {
        let mut reach = Reach::default();
        if let Some(wanted) = &self.datacenter {
            let places = every::<Datacenter>(db, now).await?;
            let places = places.iter().filter(|place| is(wanted, &place.name, place.id));
            let values: Vec<Value> = places.map(|place| place.id.into()).collect();
            // No row has the key that stands for none.
            let values = if values.is_empty() { vec![0_i64.into()] } else { values };
            let those = format!("datacenter_id IN ({})", vec!["?"; values.len()].join(", "));
            let on = format!("w.compute_id IN (SELECT x.id FROM computes x WHERE x.{those})");
            reach.computes.conditions.push(Condition { sql: format!("c.{those}"), values: values.clone() });
            reach.workloads.conditions.push(Condition { sql: on, values });
        }
        if let Some(wanted) = &self.environment {
            let environments = every::<Environment>(db, now).await?;
            let environments = environments.iter().filter(|it| it.code.eq_ignore_ascii_case(wanted));
            let wanted = Wanted { ids: environments.map(|it| it.id).collect(), ..Wanted::default() };
            let test = EnvironmentTest { kind: ResourceType::Workload, alias: "w", wanted, inherited: true };
            reach.workloads.environment = Some(test);
        }
        Ok(reach)
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.environment.is_none() && self.partner.is_none() && self.datacenter.is_none()
    }

    /// Keeps what was asked for of a tree that was read in full, and sums it up anew.
    #[must_use]
    pub fn apply(&self, mut tree: Tree) -> Tree {
        if self.is_nothing() {
            return tree;
        }
        tree.partners.retain_mut(|branch| self.partner(branch));
        // What stands under no partner is not the partner's.
        let free = self.partner.is_none();
        tree.datacenters.retain_mut(|branch| free && self.datacenter(branch));
        tree.computes.retain_mut(|branch| free && self.datacenter.is_none() && self.compute(branch));
        let branches = tree.compute_branches();
        let computes: Vec<_> = branches.iter().map(|branch| &branch.compute).collect();
        let workloads: Vec<_> = branches.iter().flat_map(|branch| &branch.workloads).collect();
        tree.summary = summary(&computes, Some(&workloads));
        tree
    }

    fn partner(&self, branch: &mut PartnerBranch) -> bool {
        if self.partner.as_deref().is_some_and(|wanted| !is(wanted, &branch.partner.name, branch.partner.id)) {
            return false;
        }
        branch.clouds.retain_mut(|branch| self.cloud(branch));
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        !branch.clouds.is_empty() || !branch.datacenters.is_empty() || self.by_itself(&branch.partner.environments)
    }

    fn cloud(&self, branch: &mut CloudBranch) -> bool {
        branch.regions.retain_mut(|branch| self.region(branch));
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        branch.computes.retain_mut(|branch| self.datacenter.is_none() && self.compute(branch));
        let empty = branch.regions.is_empty() && branch.datacenters.is_empty() && branch.computes.is_empty();
        !empty || self.by_itself(&branch.cloud.environments)
    }

    fn region(&self, branch: &mut RegionBranch) -> bool {
        branch.availability_zones.retain_mut(|branch| self.zone(branch));
        !branch.availability_zones.is_empty() || self.by_itself(&branch.region.environments)
    }

    fn zone(&self, branch: &mut ZoneBranch) -> bool {
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        !branch.datacenters.is_empty() || self.by_itself(&branch.zone.environments)
    }

    fn datacenter(&self, branch: &mut DatacenterBranch) -> bool {
        let place = &branch.datacenter;
        if self.datacenter.as_deref().is_some_and(|wanted| !is(wanted, &place.name, place.id)) {
            return false;
        }
        branch.computes.retain_mut(|branch| self.compute(branch));
        !branch.computes.is_empty() || self.environment.is_none() || self.belongs(&branch.datacenter.environments)
    }

    fn compute(&self, branch: &mut ComputeBranch) -> bool {
        if self.environment.is_none() {
            return true;
        }
        branch.workloads.retain(|workload| self.belongs(&workload.environments));
        !branch.workloads.is_empty() || self.belongs(&branch.compute.environments)
    }

    /// Whether a place without anything under it is kept: only where no datacenter was asked for.
    fn by_itself(&self, badges: &[EnvironmentBadge]) -> bool {
        self.datacenter.is_none() && (self.environment.is_none() || self.belongs(badges))
    }

    fn belongs(&self, badges: &[EnvironmentBadge]) -> bool {
        let wanted = self.environment.as_deref();
        badges.iter().any(|badge| wanted.is_some_and(|wanted| badge.code.eq_ignore_ascii_case(wanted)))
    }
}

fn is(wanted: &str, name: &str, id: i64) -> bool {
    wanted.to_lowercase() == name.to_lowercase() || wanted == id.to_string()
}

impl Tree {
    /// Every compute in it.
    fn compute_branches(&self) -> Vec<&ComputeBranch> {
        let clouds = || self.partners.iter().flat_map(|partner| &partner.clouds);
        let zones = clouds().flat_map(|cloud| &cloud.regions).flat_map(|region| &region.availability_zones);
        let datacenters = zones.flat_map(|zone| &zone.datacenters).chain(clouds().flat_map(|cloud| &cloud.datacenters));
        let datacenters = datacenters.chain(self.partners.iter().flat_map(|partner| &partner.datacenters));
        let computes = datacenters.chain(&self.datacenters).flat_map(|datacenter| &datacenter.computes);
        computes.chain(clouds().flat_map(|cloud| &cloud.computes)).chain(&self.computes).collect()
    }

    /// Leaves out what is below a level: 1 partners … 6 computes, 7 what is on them. The summary stays.
    pub fn cut(&mut self, depth: u8) {
        let datacenters = |branches: &mut Vec<DatacenterBranch>| {
            if depth < 5 {
                branches.clear();
            }
            branches.iter_mut().for_each(|branch| cut_computes(&mut branch.computes, depth));
        };
        for partner in &mut self.partners {
            if depth < 2 {
                partner.clouds.clear();
            }
            for cloud in &mut partner.clouds {
                if depth < 3 {
                    cloud.regions.clear();
                }
                for region in &mut cloud.regions {
                    if depth < 4 {
                        region.availability_zones.clear();
                    }
                    region.availability_zones.iter_mut().for_each(|zone| datacenters(&mut zone.datacenters));
                }
                datacenters(&mut cloud.datacenters);
                cut_computes(&mut cloud.computes, depth);
            }
            datacenters(&mut partner.datacenters);
        }
        datacenters(&mut self.datacenters);
        cut_computes(&mut self.computes, depth);
    }
}

fn cut_computes(branches: &mut Vec<ComputeBranch>, depth: u8) {
    if depth < 6 {
        branches.clear();
    }
    if depth < super::LEVELS {
        for branch in branches {
            branch.workloads.clear();
            branch.capabilities.clear();
        }
    }
}
