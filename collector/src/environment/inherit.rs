//! Which of the claims on a resource and its ancestors count for it. Pure.

use super::ResourceType;
use crate::store::rows::association::Origin;

/// An association of a resource, or of one of its ancestors.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// How far above the resource it is made; zero on the resource itself.
    pub distance: i64,
    /// What it is made on.
    pub on: ResourceType,
    /// Key of that.
    pub on_id: i64,
    /// Name of that.
    pub on_name: String,
    /// The environment.
    pub environment_id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// It is the main one there.
    pub primary: bool,
    /// Where it came from.
    pub origin: Origin,
    /// Share of the resource that it is made on, in per cent; `None` when it was neither declared nor measured.
    pub share: Option<f64>,
    /// The association; `None` for what is read from another column.
    pub association_id: Option<i64>,
}

impl Claim {
    /// Whether the resource only inherits it.
    #[must_use]
    pub const fn inherited(&self) -> bool {
        self.distance > 0
    }

    /// Why it counts for the resource, for example "from datacenter Dhaka-DC1"; `None` when it is its own.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.inherited().then(|| format!("from {} {}", self.on.title(), self.on_name))
    }
}

/// Keeps the claims that count: those made nearest, the main one first, then by share and code.
///
/// What was only measured counts on the resource itself and is not inherited.
#[must_use]
pub fn effective(mut claims: Vec<Claim>) -> Vec<Claim> {
    claims.retain(|claim| !claim.inherited() || claim.origin != Origin::Measured);
    let nearest = claims.iter().map(|claim| claim.distance).min();
    claims.retain(|claim| Some(claim.distance) == nearest);
    claims.sort_by(|one, other| {
        let share = |claim: &Claim| claim.share.unwrap_or(-1.0);
        other
            .primary
            .cmp(&one.primary)
            .then_with(|| share(other).total_cmp(&share(one)))
            .then_with(|| one.code.cmp(&other.code))
            .then_with(|| one.environment_id.cmp(&other.environment_id))
    });
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(distance: i64, code: &str, origin: Origin) -> Claim {
        Claim {
            distance,
            on: if distance == 0 { ResourceType::Compute } else { ResourceType::Datacenter },
            on_id: 1,
            on_name: "Dhaka-DC1".to_owned(),
            environment_id: 1,
            code: code.to_owned(),
            name: code.to_owned(),
            primary: false,
            origin,
            share: None,
            association_id: Some(1),
        }
    }

    fn codes(claims: Vec<Claim>) -> Vec<String> {
        effective(claims).into_iter().map(|claim| claim.code).collect()
    }

    #[test]
    fn its_own_count_before_those_of_any_ancestor() {
        let claims =
            vec![claim(4, "PROD", Origin::Person), claim(0, "DEV", Origin::Rule), claim(8, "TEST", Origin::Person)];
        assert_eq!(codes(claims), ["DEV"]);
    }

    #[test]
    fn all_of_the_nearest_ancestor_are_inherited_with_the_reason() {
        let mut main = claim(4, "PROD", Origin::Legacy);
        main.primary = true;
        let found = effective(vec![claim(4, "DEV", Origin::Person), main, claim(5, "TEST", Origin::Person)]);
        assert_eq!(found.iter().map(|claim| claim.code.as_str()).collect::<Vec<_>>(), ["PROD", "DEV"]);
        assert_eq!(found[0].reason().as_deref(), Some("from datacenter Dhaka-DC1"));
    }

    #[test]
    fn what_was_only_measured_is_not_inherited() {
        assert_eq!(codes(vec![claim(3, "DEV", Origin::Measured), claim(4, "PROD", Origin::Person)]), ["PROD"]);
        assert_eq!(codes(vec![claim(0, "DEV", Origin::Measured), claim(4, "PROD", Origin::Person)]), ["DEV"]);
    }

    #[test]
    fn a_resource_that_nobody_claims_has_none() {
        assert!(effective(Vec::new()).is_empty());
    }
}
