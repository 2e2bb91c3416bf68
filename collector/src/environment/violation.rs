//! Computes that break a rule of separation: they host two environments that must be kept apart.
//!
//! A compute hosts an environment when it, or what it stands in, was given to it, or when something that runs on it was.
//! What was only measured does not count: it follows from the others.

use std::collections::BTreeMap;

use super::{
    ResourceType, claims_of,
    infer::compiled,
    rule::{Compiled, RuleKind, Scope},
    set::Origin,
    sql::{self, Wanted},
};
use crate::store::{Db, Executor as _, StoreError, Value, rows::environment_rule::rule_list};

/// Workloads of a compute that are named as reasons.
const NAMED: usize = 5;

/// A compute that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule_id: i64,
    /// What it is called.
    pub rule_name: String,
    /// The compute.
    pub compute_id: i64,
    /// Its name.
    pub compute_name: String,
    /// Codes of the environments, each with reasons why the compute hosts it.
    pub environments: BTreeMap<String, Vec<String>>,
}

/// Finds computes that break rules of separation in force, by rule and compute, at most `most` of them and behind the
/// rule and compute of `after`.
///
/// # Errors
/// When the database fails.
pub async fn violations(db: &Db, after: Option<(i64, i64)>, most: usize) -> Result<Vec<Violation>, StoreError> {
    let mut executor = db;
    let mut rows = rule_list(&mut executor, db.dialect()).await?;
    rows.sort_by_key(|row| row.id);
    let mut found = Vec::new();
    for rule in rows.iter().filter_map(compiled) {
        let in_force = rule.rule.enabled && rule.rule.kind == RuleKind::Separate;
        let begun = after.filter(|(begun, _)| *begun >= rule.id);
        let behind = begun.map_or(0, |(begun, compute)| if begun == rule.id { compute } else { i64::MAX });
        if in_force && found.len() < most {
            found.extend(of_rule(db, &rule, behind, most - found.len()).await?);
        }
    }
    Ok(found)
}

async fn of_rule(db: &Db, rule: &Compiled, behind: i64, most: usize) -> Result<Vec<Violation>, StoreError> {
    let codes = [rule.rule.environment_code.clone(), rule.rule.other_code.clone().unwrap_or_default()];
    let computes = hosts_of_both(db, &codes, &rule.rule.scope, (behind, most)).await?;
    let keys: Vec<i64> = computes.iter().map(|(id, _)| *id).collect();
    let mut reasons: BTreeMap<i64, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut add = |id: i64, code: &str, reason: String| {
        let Some(code) = codes.iter().find(|known| known.eq_ignore_ascii_case(code)) else { return };
        let list = reasons.entry(id).or_default().entry(code.clone()).or_default();
        if list.len() < NAMED && !list.contains(&reason) {
            list.push(reason);
        }
    };
    for (id, claims) in claims_of(db, ResourceType::Compute, &keys).await? {
        let mut claims = claims;
        claims.retain(|claim| claim.origin != Origin::Measured);
        for claim in super::inherit::effective(claims) {
            add(id, &claim.code, format!("given to {} {}", claim.on.title(), claim.on_name));
        }
    }
    for (id, code, name) in given_workloads(db, &keys, &codes).await? {
        add(id, &code, format!("runs {name}"));
    }
    let violation = |(compute_id, compute_name)| Violation {
        rule_id: rule.id,
        rule_name: rule.rule.name.clone(),
        compute_id,
        compute_name,
        environments: reasons.remove(&compute_id).unwrap_or_default(),
    };
    Ok(computes.into_iter().map(violation).collect())
}

async fn hosts_of_both(
    db: &Db,
    codes: &[String; 2],
    scope: &Scope,
    (behind, most): (i64, usize),
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for code in codes {
        let wanted = Wanted { codes: vec![code.clone()], ..Wanted::default() };
        let hosting = sql::hosting("c", &wanted);
        conditions.push(hosting.sql);
        values.extend(hosting.values);
    }
    for (column, wanted) in [("d.id", scope.datacenter_id), ("cl.id", scope.cloud_id), ("p.id", scope.partner_id)] {
        if let Some(id) = wanted {
            conditions.push(format!("{column} = ?"));
            values.push(Value::Int(id));
        }
    }
    conditions.push("c.id > ?".to_owned());
    values.push(Value::Int(behind));
    values.push(Value::Int(i64::try_from(most).unwrap_or(i64::MAX)));
    let statement = format!(
        "SELECT c.id AS id, c.name AS name FROM computes c{} WHERE {} ORDER BY c.id LIMIT ?",
        sql::above_compute(&sql::current),
        conditions.join(" AND ")
    );
    let mut executor = db;
    let rows = executor.fetch(statement, values).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("name")?))).collect()
}

/// Workloads with an environment of their own, or of their namespace's: compute, code and name.
async fn given_workloads(
    db: &Db,
    computes: &[i64],
    codes: &[String; 2],
) -> Result<Vec<(i64, String, String)>, StoreError> {
    let select = "SELECT w.compute_id AS compute_id, e.code AS code, w.workload_name AS name FROM compute_workloads w \
         LEFT JOIN environment_associations a ON w.environment_id IS NULL AND a.resource_type = 'k8s_namespace' \
         AND a.resource_id = w.k8s_namespace_id JOIN environments e ON e.id = COALESCE(w.environment_id, a.environment_id) \
         WHERE w.ended_at_us IS NULL AND e.code IN (?, ?) AND";
    let keys = computes.iter().map(|id| Value::Int(*id)).collect();
    let mut executor = db;
    let rows = executor.fetch_in(select, "w.compute_id", codes.iter().map(Value::from).collect(), keys).await?;
    rows.iter().map(|row| Ok((row.get("compute_id")?, row.get("code")?, row.get("name")?))).collect()
}
