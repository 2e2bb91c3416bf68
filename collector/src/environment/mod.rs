//! DECIDE: what each resource is for.
//!
//! An association says that a resource belongs to an environment. Where a resource has none of its own, those of its
//! nearest ancestor that has any count for it ([`inherit`], and [`sql`] for whole lists). It knows nothing of HTTP and
//! nothing of how things were discovered. Pure are [`set`] (what becomes of the associations of one resource), [`rule`]
//! (what evidence says, of environments and of tags) and [`share`] (how much of a compute each environment takes). [`association`] and [`rules`] let
//! people decide; [`Worker`] is the one task that infers and measures by itself. Invariants:
//!
//! - A person's word stands above a rule's, and both above the legacy column: what a person set is never changed here.
//! - A resource with associations has exactly one primary one, and their percentages never sum above 100, whoever writes
//!   at the same time. A workload's row names its primary environment, and none when it has no association.
//! - What was only measured on a resource describes it; it is nothing that others inherit.
//! - Every change of an association is in the history, with the person or the rule that made it; measurements are not.
//! - A rule sets tags only where nobody else did, and takes them back when its evidence goes ([`tagging`]).

pub mod allocation;
pub mod association;
mod claims;
pub mod dry_run;
mod evidence;
mod infer;
pub mod inherit;
mod legacy;
mod resource;
pub mod review;
pub mod rule;
pub mod rules;
mod scan;
pub mod set;
pub mod share;
pub mod sql;
mod tagging;
pub mod violation;
mod worker;
mod write;

use orchestrix_common::time::Timestamp;

pub use claims::claims_of;
pub use legacy::copy_legacy;
pub use resource::ResourceType;
pub use worker::{Round, STEP, Worker};

use crate::store::{Db, StoreError};

/// Makes what an installation starts with: the default rules, once, and associations from the legacy column.
///
/// # Errors
/// When the database fails.
pub async fn prepare(db: &Db, at: Timestamp) -> Result<(), StoreError> {
    rules::rules_install(db, at).await?;
    copy_legacy(db, at).await.map(drop)
}

#[cfg(test)]
mod tests;
