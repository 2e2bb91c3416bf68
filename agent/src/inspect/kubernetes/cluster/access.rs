//! Who may edit what: roles and their bindings as a summary. Pure.
//!
//! Only what changes something counts; a role that lets its subjects read is left out. Roles of the control plane itself
//! (`system:`) are left out too: there are many, they are the same everywhere, and nobody is surprised by them.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::model::kubernetes::Access;

use super::super::{
    mirror::Name,
    objects::{ClusterRoleObject, RoleObject, RoleRef, Rule, Subject},
};

/// Verbs that change something.
const WRITES: [&str; 6] = ["create", "update", "patch", "delete", "deletecollection", "*"];
/// Rules that are kept of one namespace or cluster; further ones are counted.
const MOST: usize = 256;
/// Resources that are named of one rule.
const MOST_RESOURCES: usize = 64;
/// Beginning of the names of what belongs to the control plane.
const SYSTEM: &str = "system:";

/// What roles let their subjects edit.
#[derive(Default)]
pub(super) struct Roles {
    edits: BTreeMap<Name, Vec<String>>,
}

impl Roles {
    pub(super) fn of(roles: &BTreeMap<Name, RoleObject>, cluster_roles: &BTreeMap<Name, ClusterRoleObject>) -> Self {
        let own = roles.iter().map(|(name, role)| (name.clone(), edits(&role.rules)));
        let whole = cluster_roles.iter().map(|(name, role)| (name.clone(), edits(&role.rules)));
        Self { edits: own.chain(whole).collect() }
    }

    /// What one binding in `namespace` lets its subjects do; nothing when they may change nothing.
    pub(super) fn granted<'a>(
        &'a self,
        (namespace, binding): &'a Name,
        role: &'a RoleRef,
        subjects: &'a [Subject],
    ) -> impl Iterator<Item = Access> + 'a {
        let place = if role.kind == "ClusterRole" { "" } else { namespace.as_str() };
        let edits = self.edits.get(&(place.to_owned(), role.name.clone()));
        let edits = edits.filter(|edits| !edits.is_empty() && !binding.starts_with(SYSTEM));
        edits.into_iter().flat_map(move |edits| {
            let subjects = subjects.iter().filter(|subject| !subject.name.starts_with("system:kube-"));
            subjects.map(move |subject| Access {
                subject_kind: subject.kind.clone(),
                subject: match (&subject.namespace, subject.kind.as_str()) {
                    (Some(namespace), "ServiceAccount") => format!("{namespace}/{}", subject.name),
                    _ => subject.name.clone(),
                },
                role: format!("{}/{}", role.kind, role.name),
                binding: binding.clone(),
                edits: edits.clone(),
            })
        })
    }
}

/// Sorts a summary and cuts it to its limit; returns how many rules were left out.
pub(super) fn bounded(mut rules: Vec<Access>) -> (Vec<Access>, u32) {
    rules.sort();
    rules.dedup();
    let over = rules.len().saturating_sub(MOST);
    rules.truncate(MOST);
    (rules, u32::try_from(over).unwrap_or(u32::MAX))
}

/// Resources that some rules let one change: `deployments.apps`, `pods`, or `*` for all.
fn edits(rules: &[Rule]) -> Vec<String> {
    let mut resources = BTreeSet::new();
    for rule in rules.iter().filter(|rule| rule.verbs.iter().any(|verb| WRITES.contains(&verb.as_str()))) {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                let resource = match (group.as_str(), resource.as_str()) {
                    ("*", "*") => "*".to_owned(),
                    ("", resource) | ("*", resource) => resource.to_owned(),
                    (group, resource) => format!("{resource}.{group}"),
                };
                // One named object is less than the resource.
                let named = if rule.resource_names.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", rule.resource_names.join(", "))
                };
                resources.insert(resource + &named);
            }
        }
    }
    if resources.contains("*") { vec!["*".to_owned()] } else { resources.into_iter().take(MOST_RESOURCES).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> Rule {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Rule { verbs: texts(verbs), api_groups: texts(groups), resources: texts(resources), resource_names: Vec::new() }
    }

    #[test]
    fn only_what_changes_something_counts() {
        let rules = [
            rule(&["get", "list"], &[""], &["secrets"]),
            rule(&["create", "get"], &["apps"], &["deployments"]),
            rule(&["delete"], &[""], &["pods"]),
        ];
        assert_eq!(edits(&rules), ["deployments.apps", "pods"]);
        assert_eq!(edits(&[rule(&["*"], &["*"], &["*"]), rules[2].clone()]), ["*"]);
        let named = Rule { resource_names: vec!["one".into()], ..rules[2].clone() };
        assert_eq!(edits(&[named]), ["pods (one)"]);
    }

    #[test]
    fn a_binding_names_its_subjects_and_what_they_may_change() {
        let role = RoleObject { rules: vec![rule(&["patch"], &[""], &["services"])], ..RoleObject::default() };
        let roles = Roles::of(&[(("team-a".into(), "ops".into()), role)].into(), &BTreeMap::new());
        let reference = RoleRef { kind: "Role".into(), name: "ops".into() };
        let subjects = [
            Subject { kind: "User".into(), name: "kim".into(), namespace: None },
            Subject { kind: "ServiceAccount".into(), name: "ci".into(), namespace: Some("tools".into()) },
        ];
        let place = ("team-a".to_owned(), "ops-binding".to_owned());
        let granted: Vec<Access> = roles.granted(&place, &reference, &subjects).collect();
        let told: Vec<(&str, &str)> =
            granted.iter().map(|access| (access.subject.as_str(), access.role.as_str())).collect();
        assert_eq!(told, [("kim", "Role/ops"), ("tools/ci", "Role/ops")]);
        assert_eq!(granted[0].edits, ["services"]);
        let elsewhere = ("team-b".to_owned(), "ops-binding".to_owned());
        assert_eq!(roles.granted(&elsewhere, &reference, &subjects).count(), 0, "a role counts in its namespace only");
    }
}
