//! DECIDE: what each resource is for.
//!
//! An association says that a resource belongs to an environment. Where a resource has none of its own, those of its
//! nearest ancestor that has any count for it ([`inherit`], and [`sql`] for whole lists). It knows nothing of HTTP and
//! nothing of how things were discovered. [`set`] is pure: it says what becomes of the associations of one resource;
//! [`write`](mod@write) stores that, [`association`] lets people decide it. Invariants:
//!
//! - A person's word stands above a rule's, and both above the legacy column: what a person set is never changed here.
//! - A resource with associations has exactly one primary one, and their percentages never sum above 100, whoever writes
//!   at the same time. A workload's row names its primary environment, and none when it has no association.
//! - What was only measured on a resource describes it; it is nothing that others inherit.

pub mod association;
pub mod inherit;
mod legacy;
mod resource;
pub mod rule;
pub mod set;
pub mod sql;
mod write;

pub use legacy::copy_legacy;
pub use resource::ResourceType;

#[cfg(test)]
mod tests;
