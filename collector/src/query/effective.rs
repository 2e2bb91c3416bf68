//! Which environments count for a resource, with the reason: its own, or those of its nearest ancestor.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Filter;
use crate::{
    environment::{
        ResourceType, claims_of,
        inherit::{self, Claim},
    },
    store::{Db, StoreError},
};

/// Narrows a list by environment.
pub(super) const fn environment_filter(test: super::Test) -> Filter {
    Filter::new("environment", test, "Belongs to the environment with this code, by itself or inherited.")
}

/// Whether the filter by environment heeds what is inherited.
pub(super) const INHERITED: Filter = Filter::new(
    "inherited",
    super::Test::Inherited,
    "With `environment`: false leaves out what only inherits it (true is the default). Says nothing without.",
);

/// An environment that counts for a resource.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentBadge {
    /// The environment.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// It is the main one.
    pub primary: bool,
    /// Share in per cent, declared or else measured, of the resource itself or of the one that it is inherited from;
    /// `null` when neither is known.
    pub share: Option<f64>,
    /// `person`, `rule`, `legacy` (the existing inventory's column) or `measured`.
    pub origin: &'static str,
    /// It is not the resource's own.
    pub inherited: bool,
    /// Why it counts, for example "from datacenter Dhaka-DC1"; `null` when it is the resource's own.
    pub reason: Option<String>,
    /// What the association is made on.
    pub on: EnvironmentSource,
    /// The association; `null` when a column of the existing inventory says it.
    pub association_id: Option<i64>,
}

/// The resource that an environment was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentSource {
    /// Its type, for example `datacenter`.
    pub resource_type: &'static str,
    /// Its identifier.
    pub resource_id: i64,
    /// Its name.
    pub name: String,
}

impl From<Claim> for EnvironmentBadge {
    fn from(claim: Claim) -> Self {
        let (inherited, reason) = (claim.inherited(), claim.reason());
        let Claim {
            distance: _,
            on,
            on_id,
            on_name,
            environment_id,
            code,
            name,
            primary,
            origin,
            share,
            association_id,
        } = claim;
        let on = EnvironmentSource { resource_type: on.as_str(), resource_id: on_id, name: on_name };
        let origin = origin.as_str();
        Self { id: environment_id, code, name, primary, share, origin, inherited, reason, on, association_id }
    }
}

/// Reads which environments count for some resources of a kind, by key; one statement.
///
/// # Errors
/// When the statement fails.
pub async fn environments_of(
    db: &Db,
    kind: ResourceType,
    keys: &[i64],
) -> Result<HashMap<i64, Vec<EnvironmentBadge>>, StoreError> {
    let shown = |claims| inherit::effective(claims).into_iter().map(EnvironmentBadge::from).collect();
    let claims = claims_of(db, kind, keys).await?;
    Ok(claims.into_iter().map(|(key, claims)| (key, shown(claims))).collect())
}

/// Fills the `environments` of a page.
pub(super) async fn fill<T: Send>(
    db: &Db,
    kind: ResourceType,
    items: &mut [T],
    key: impl Fn(&T) -> i64 + Send,
    place: impl Fn(&mut T) -> &mut Vec<EnvironmentBadge> + Send,
) -> Result<(), StoreError> {
    let keys: Vec<i64> = items.iter().map(&key).collect();
    let mut found = environments_of(db, kind, &keys).await?;
    for item in items {
        *place(item) = found.remove(&key(item)).unwrap_or_default();
    }
    Ok(())
}
