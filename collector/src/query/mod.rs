//! SHOW, the reading half: a question becomes SQL, a row becomes a plain view.
//!
//! A view is shown by the API and by the command line as it is, so it derives its JSON here; a second copy of each in
//! `api` would carry nothing. It knows nothing of HTTP and of who asks. Rules:
//!
//! - It only reads. Every list has a limit and a cursor, and what was asked for reaches SQL as bound values only.
//! - What is not known is `null`, never zero and never left out.
//! - What is recorded and what is known now are told apart: the status of a workload depends on whether anybody can look
//!   at it at the moment ([`liveness`]).
//! - A page says up to which change it is true; the change feed continues from there ([`sequence`]).

mod agent;
mod allocation;
mod api_token;
pub mod as_of;
mod compute;
mod compute_summary;
pub mod consistency;
mod container;
mod cursor;
mod device;
mod drift;
mod effective;
mod environment;
mod environment_rule;
mod filter;
pub mod fleet;
mod identity;
mod kubernetes;
mod label_index;
pub mod liveness;
pub mod nested;
mod operation;
mod place;
mod place_summary;
mod record;
mod resource;
mod samples;
pub mod search;
pub mod sequence;
mod sort;
pub(crate) mod tag_rows;
mod time;
mod token;
pub mod tree;
mod value;
mod workload;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use agent::{Agent, Certificate, Coverage};
pub use allocation::{
    EnvironmentCompute, EnvironmentShare, EnvironmentSummary, ResourceAllocation, compute_allocation,
    environment_summary, place_allocation,
};
pub use api_token::ApiToken;
pub use compute::{Capability, Compute, ComputeAgent, ComputeUsage};
pub use compute_summary::ComputeSummary;
pub use container::Container;
pub use device::{NetworkDevice, ResourcePool};
pub use drift::Drift;
pub use effective::{EnvironmentBadge, EnvironmentSource, environments_of};
pub use environment::{AutomationTarget, Environment, EnvironmentAssociation, Tag};
pub use environment_rule::EnvironmentRule;
pub use filter::{
    AS_OF, DEFAULT_LIMIT, Filter, ListRequest, MAX_LIMIT, PART, ParameterError, Test, cursor_behind, has_past, page_of,
};
pub use identity::{JunkValue, MatchDecision, MatchExplanation, match_explanation};
pub use kubernetes::{K8sCluster, K8sIngress, K8sNamespace, K8sNode, K8sService};
pub use label_index::LabelIndex;
pub use operation::Operation;
pub use place::{AvailabilityZone, Cloud, Datacenter, Partner, Region};
pub use place_summary::{Counts, MOST_PLACES, PlaceSummary, Places, PlacesPage, counts_by_partner, places};
pub use record::{AuditEntry, HistoryEntry, Match};
pub use resource::{Context, Key, KeyKind, Page, QueryError, Resource, every, get, list};
pub use samples::{Growth, GrowthSeries, UseOverTime, UseSeries, growth, use_over_time};
pub use sort::{MOST_SORTS, SORT, Sort, SortKind, sortable};
pub use time::Time;
pub use token::JoinToken;
pub use workload::{Port, PortListener, SeenBy, Stale, Workload, WorkloadUsage};
