//! Looks for rules that do not do what somebody meant by them: those that can never match, those that stand behind a
//! broader one, and those that contradict each other on the same resource.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{
    evidence,
    infer::{Knowledge, compiled},
    rule::{Compiled, Environments, INFERRED, RuleKind, rivals},
    scan,
};
use crate::store::{Db, Executor as _, StoreError, Value, rows::environment_rule::rule_list};

/// Resources of one read.
const BATCH: usize = 512;

/// What is the matter with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DoubtKind {
    /// It names an environment that nobody has.
    UnknownEnvironment,
    /// It applies only to a place that is not there.
    UnknownScope,
    /// No resource can meet its conditions.
    NeverMatches,
    /// Whatever it matches, another one decides before it.
    Unreachable,
    /// It and another one of the same priority say different things of the same resources.
    Disagrees,
    /// There were more resources than could be looked at.
    Unfinished,
}

/// A rule that may not do what somebody meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What is the matter.
    pub kind: DoubtKind,
    /// The rule.
    pub rule_id: i64,
    /// Its name, and particulars.
    pub detail: String,
}

/// Reviews the rules in force. What can only be seen on resources is looked for as long as `budget` says.
///
/// # Errors
/// When the database fails.
pub async fn doubts(db: &Db, budget: Duration) -> Result<Vec<Doubt>, StoreError> {
    let mut executor = db;
    let rows = rule_list(&mut executor, db.dialect()).await?;
    let defaults: BTreeSet<i64> = rows.iter().filter(|row| row.default_key.is_some()).map(|row| row.id).collect();
    let rules: Vec<Compiled> = rows.iter().filter_map(compiled).filter(|rule| rule.rule.enabled).collect();
    let knowledge = Knowledge { rules, environments: evidence::environments(&mut executor).await? };
    let mut found = by_themselves(&knowledge, &defaults);
    found.extend(placed_nowhere(db, &knowledge.rules).await?);
    found.extend(on_resources(db, &knowledge, budget).await?);
    found.sort_by_key(|doubt| (doubt.kind, doubt.rule_id));
    Ok(found)
}

/// What can be said without any resource.
fn by_themselves(knowledge: &Knowledge, defaults: &BTreeSet<i64>) -> Vec<Doubt> {
    let Knowledge { rules, environments } = knowledge;
    let mut found = Vec::new();
    let mut ordered: Vec<&Compiled> = rules.iter().collect();
    ordered.sort_by_key(|rule| (rule.rule.priority, rule.id));
    for (index, rule) in ordered.iter().enumerate() {
        let doubt = |kind, detail: String| Doubt { kind, rule_id: rule.id, detail };
        let name = &rule.rule.name;
        if let Some(code) = unknown_code(rule, environments) {
            // The default set holds codes that installations use or not.
            if !defaults.contains(&rule.id) {
                found.push(doubt(DoubtKind::UnknownEnvironment, format!("{name}, code {code}")));
            }
        } else if let Some(reason) = rule.never_matches() {
            found.push(doubt(DoubtKind::NeverMatches, format!("{name}: {reason}")));
        } else if let Some(first) = ordered[..index].iter().find(|first| hides(first, rule, environments)) {
            found.push(doubt(DoubtKind::Unreachable, format!("{name}, behind {}", first.rule.name)));
        }
    }
    found
}

/// A code of a rule that no environment has.
fn unknown_code<'a>(rule: &'a Compiled, environments: &Environments) -> Option<&'a str> {
    if rule.rule.kind == RuleKind::Tag {
        return None;
    }
    let codes = [Some(&rule.rule.environment_code), rule.rule.other_code.as_ref()];
    codes.into_iter().flatten().map(String::as_str).find(|code| !environments.knows(rule.rule.scope.partner_id, code))
}

/// Whether a rule that is asked first leaves nothing for another one to decide.
fn hides(first: &Compiled, rule: &Compiled, environments: &Environments) -> bool {
    let decides = match (first.rule.kind, rule.rule.kind) {
        (RuleKind::Assign, RuleKind::Assign) => environments.has_wherever(
            rule.rule.scope.partner_id,
            &first.rule.environment_code,
            &rule.rule.environment_code,
        ),
        (RuleKind::Tag, RuleKind::Tag) => rule.rule.tags.keys().all(|key| first.rule.tags.contains_key(key)),
        _ => false,
    };
    decides && first.covers(rule)
}

/// Rules that apply only to a place that is not there.
async fn placed_nowhere(db: &Db, rules: &[Compiled]) -> Result<Vec<Doubt>, StoreError> {
    let mut found = Vec::new();
    for (table, word, place) in [
        ("partners", "partner", (|rule: &Compiled| rule.rule.scope.partner_id) as fn(&Compiled) -> Option<i64>),
        ("clouds", "cloud", |rule| rule.rule.scope.cloud_id),
        ("datacenters", "datacenter", |rule| rule.rule.scope.datacenter_id),
    ] {
        let named: BTreeSet<i64> = rules.iter().filter_map(place).collect();
        let keys = named.iter().map(|id| Value::Int(*id)).collect();
        let mut executor = db;
        let rows = executor.fetch_in(&format!("SELECT id FROM {table} WHERE"), "id", vec![], keys).await?;
        let there = rows.iter().map(|row| row.get("id")).collect::<Result<BTreeSet<i64>, _>>()?;
        let missing = rules.iter().filter_map(|rule| Some((rule, place(rule)?))).filter(|(_, id)| !there.contains(id));
        found.extend(missing.map(|(rule, id)| Doubt {
            kind: DoubtKind::UnknownScope,
            rule_id: rule.id,
            detail: format!("{}, {word} {id}", rule.rule.name),
        }));
    }
    Ok(found)
}

/// Whether two rules could say different things with the same right.
fn could_disagree(one: &Compiled, other: &Compiled) -> bool {
    let (one, other) = (&one.rule, &other.rule);
    one.priority == other.priority
        && match (one.kind, other.kind) {
            (RuleKind::Assign, RuleKind::Assign) => !one.environment_code.eq_ignore_ascii_case(&other.environment_code),
            (RuleKind::Tag, RuleKind::Tag) => {
                one.tags.iter().any(|(key, value)| other.tags.get(key).is_some_and(|theirs| theirs != value))
            }
            _ => false,
        }
}

/// Rules of the same priority that say different things of the same resource.
async fn on_resources(db: &Db, knowledge: &Knowledge, budget: Duration) -> Result<Vec<Doubt>, StoreError> {
    let Knowledge { rules, environments } = knowledge;
    let suspects: Vec<Compiled> = rules
        .iter()
        .filter(|one| rules.iter().any(|other| one.id != other.id && could_disagree(one, other)))
        .cloned()
        .collect();
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    let started = Instant::now();
    // How many resources, and the first of them, by the rule that wins and the other one.
    let mut pairs: BTreeMap<(i64, i64), (usize, String)> = BTreeMap::new();
    let mut whole = true;
    for kind in INFERRED {
        let mut after = 0;
        loop {
            whole = started.elapsed() < budget;
            let keys = if whole { scan::keys(db, kind, after, BATCH).await? } else { Vec::new() };
            let Some(last) = keys.last() else { break };
            after = *last;
            let mut executor = db;
            for subject in evidence::subjects(&mut executor, db.dialect(), kind, &keys).await? {
                for pair in rivals(rules, &subject, environments) {
                    let first = || (0, format!("{} {}", kind.as_str(), subject.name));
                    pairs.entry(pair).or_insert_with(first).0 += 1;
                }
            }
        }
        if !whole {
            break;
        }
    }
    let name = |id: i64| rules.iter().find(|rule| rule.id == id).map_or("?", |rule| rule.rule.name.as_str());
    let mut found: Vec<Doubt> = pairs
        .into_iter()
        .map(|((winner, other), (count, example))| Doubt {
            kind: DoubtKind::Disagrees,
            rule_id: other,
            detail: format!(
                "{} against {}: {count} {}, as {example}",
                name(other),
                name(winner),
                if count == 1 { "resource" } else { "resources" }
            ),
        })
        .collect();
    if let Some(rule) = suspects.first().filter(|_| !whole) {
        found.push(Doubt { kind: DoubtKind::Unfinished, rule_id: rule.id, detail: rule.rule.name.clone() });
    }
    Ok(found)
}
