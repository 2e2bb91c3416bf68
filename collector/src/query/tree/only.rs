//! A tree narrowed to an environment: what belongs to it, by itself or inherited, and what leads there. Pure.

use super::{
    CloudBranch, ComputeBranch, DatacenterBranch, LEVELS, PartnerBranch, RegionBranch, Tree, ZoneBranch, summary,
};
use crate::query::EnvironmentBadge;

impl Tree {
    /// Keeps what belongs to the environment with this code and what leads there, down to a level. The tree must hold
    /// all levels; the summary becomes that of what is left.
    #[must_use]
    pub fn only(mut self, code: &str, depth: u8) -> Self {
        let only = Only { code };
        self.partners.retain_mut(|branch| only.partner(branch));
        self.datacenters.retain_mut(|branch| only.datacenter(branch));
        self.computes.retain_mut(|branch| only.compute(branch));
        let mut computes: Vec<&ComputeBranch> = Vec::new();
        for partner in &self.partners {
            for cloud in &partner.clouds {
                let zones = cloud.regions.iter().flat_map(|region| &region.availability_zones);
                let placed = zones.flat_map(|zone| &zone.datacenters).chain(&cloud.datacenters);
                computes.extend(placed.flat_map(|datacenter| &datacenter.computes).chain(&cloud.computes));
            }
            computes.extend(partner.datacenters.iter().flat_map(|datacenter| &datacenter.computes));
        }
        computes.extend(self.datacenters.iter().flat_map(|datacenter| &datacenter.computes).chain(&self.computes));
        let workloads = || computes.iter().flat_map(|branch| &branch.workloads);
        let hosts: Vec<_> = computes.iter().map(|branch| &branch.compute).collect();
        self.summary = summary(&hosts, (depth >= LEVELS).then(|| workloads().collect()));
        self.cut(depth);
        self
    }

    /// Leaves out what is below a level.
    fn cut(&mut self, depth: u8) {
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
                    region.availability_zones.iter_mut().for_each(|zone| datacenters(&mut zone.datacenters, depth));
                }
                datacenters(&mut cloud.datacenters, depth);
                computes(&mut cloud.computes, depth);
            }
            datacenters(&mut partner.datacenters, depth);
        }
        datacenters(&mut self.datacenters, depth);
        computes(&mut self.computes, depth);
    }
}

fn datacenters(branches: &mut Vec<DatacenterBranch>, depth: u8) {
    if depth < 5 {
        branches.clear();
    }
    branches.iter_mut().for_each(|branch| computes(&mut branch.computes, depth));
}

fn computes(branches: &mut Vec<ComputeBranch>, depth: u8) {
    if depth < 6 {
        branches.clear();
    }
    for branch in branches.iter_mut().filter(|_| depth < LEVELS) {
        branch.workloads.clear();
        branch.capabilities.clear();
    }
}

/// Each function narrows a branch and tells whether anything of it belongs.
struct Only<'a> {
    code: &'a str,
}

impl Only<'_> {
    fn belongs(&self, environments: &[EnvironmentBadge]) -> bool {
        environments.iter().any(|badge| badge.code.eq_ignore_ascii_case(self.code))
    }

    fn partner(&self, branch: &mut PartnerBranch) -> bool {
        branch.clouds.retain_mut(|branch| self.cloud(branch));
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        !branch.clouds.is_empty() || !branch.datacenters.is_empty() || self.belongs(&branch.partner.environments)
    }

    fn cloud(&self, branch: &mut CloudBranch) -> bool {
        branch.regions.retain_mut(|branch| self.region(branch));
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        branch.computes.retain_mut(|branch| self.compute(branch));
        let CloudBranch { cloud, regions, datacenters, computes } = branch;
        !regions.is_empty() || !datacenters.is_empty() || !computes.is_empty() || self.belongs(&cloud.environments)
    }

    fn region(&self, branch: &mut RegionBranch) -> bool {
        branch.availability_zones.retain_mut(|branch| self.zone(branch));
        !branch.availability_zones.is_empty() || self.belongs(&branch.region.environments)
    }

    fn zone(&self, branch: &mut ZoneBranch) -> bool {
        branch.datacenters.retain_mut(|branch| self.datacenter(branch));
        !branch.datacenters.is_empty() || self.belongs(&branch.zone.environments)
    }

    fn datacenter(&self, branch: &mut DatacenterBranch) -> bool {
        branch.computes.retain_mut(|branch| self.compute(branch));
        !branch.computes.is_empty() || self.belongs(&branch.datacenter.environments)
    }

    fn compute(&self, branch: &mut ComputeBranch) -> bool {
        branch.workloads.retain(|workload| self.belongs(&workload.environments));
        !branch.workloads.is_empty() || self.belongs(&branch.compute.environments)
    }
}
