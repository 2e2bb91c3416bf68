//! What changed rules would change, without changing anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::Value as Json;

use super::{
    ResourceType,
    infer::{Decision, Knowledge, decide},
    rule::{Compiled, INFERRED, Subject},
    scan,
    set::{Association, Inference, Origin},
};
use crate::store::{Db, Executor as _, StoreError};

/// Resources of one read.
const BATCH: usize = 512;

/// How much a dry run may look at and tell.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How long it may look.
    pub time: Duration,
    /// How many changes are listed; all are counted.
    pub listed: usize,
}

/// Rules that somebody considers.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// Rules that are new (key zero) or replace the one with their key.
    pub rules: Vec<Compiled>,
    /// Keys of rules that would go.
    pub removed: Vec<i64>,
}

/// A resource whose environment would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its type.
    pub kind: ResourceType,
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Code of the environment that rules give it now.
    pub from: Option<String>,
    /// Code of the environment that they would give it.
    pub to: Option<String>,
    /// What they would decide by.
    pub inference: Option<Inference>,
    /// Tags that rules would set, change or take back.
    pub tags: Vec<TagChange>,
}

/// A tag of a resource that rules would set, change or take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagChange {
    /// Its key.
    pub key: String,
    /// The value that a rule gives it now.
    pub from: Option<String>,
    /// The value that a rule would give it.
    pub to: Option<String>,
    /// Name of that rule.
    pub rule: Option<String>,
}

/// What a dry run found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DryRun {
    /// Resources that were looked at.
    pub scanned: usize,
    /// Whether those were all.
    pub complete: bool,
    /// How many would change in their environment, in their tags, or in both.
    pub changed: usize,
    /// How many would change in their tags.
    pub retagged: usize,
    /// How many would change in their environment, by what from and what to.
    pub counts: BTreeMap<(Option<String>, Option<String>), usize>,
    /// The first of them.
    pub changes: Vec<Change>,
}

/// Evaluates proposed rules on everything, until the budget is used up.
///
/// # Errors
/// When the database fails.
pub async fn dry_run(db: &Db, proposal: Proposal, budget: Budget) -> Result<DryRun, StoreError> {
    let started = Instant::now();
    let mut knowledge = Knowledge::read(db).await?;
    let Proposal { rules, removed } = proposal;
    let replaced = |id: i64| id != 0 && rules.iter().any(|rule| rule.id == id);
    knowledge.rules.retain(|rule| !removed.contains(&rule.id) && !replaced(rule.id));
    knowledge.rules.extend(rules);
    let codes = codes(db).await?;
    let mut found = DryRun { complete: true, ..DryRun::default() };
    for kind in INFERRED {
        let mut after = 0;
        loop {
            if started.elapsed() >= budget.time {
                found.complete = false;
                return Ok(found);
            }
            let keys = scan::keys(db, kind, after, BATCH).await?;
            let Some(last) = keys.last() else { break };
            after = *last;
            let mut executor = db;
            for decision in decide(&mut executor, db.dialect(), &knowledge, kind, &keys).await? {
                found.scanned += 1;
                found.count(decision, &codes, budget.listed);
            }
        }
    }
    Ok(found)
}

impl DryRun {
    fn count(&mut self, decision: Decision, codes: &BTreeMap<i64, String>, listed: usize) {
        let tags = retagged(&decision);
        let Decision { subject, before, after, .. } = decision;
        let (from, to) = (inferred(&before), inferred(&after));
        let environment = |row: Option<&Association>| row.map(|row| row.environment_id);
        let moves = environment(from) != environment(to);
        if !moves && tags.is_empty() {
            return;
        }
        self.changed += 1;
        self.retagged += usize::from(!tags.is_empty());
        let code = |row: Option<&Association>| row.and_then(|row| codes.get(&row.environment_id).cloned());
        let (from, inference, to) = (code(from), to.and_then(|row| row.inference.clone()), code(to));
        if moves {
            *self.counts.entry((from.clone(), to.clone())).or_default() += 1;
        }
        if self.changes.len() < listed {
            let Subject { kind, id, name, .. } = subject;
            self.changes.push(Change { kind, id, name, from, to, inference, tags });
        }
    }
}

/// What becomes of a resource's tags, by key.
fn retagged(decision: &Decision) -> Vec<TagChange> {
    let (now, wanted) = (&decision.subject.rule_tags, &decision.tags);
    let keys: BTreeSet<&String> = now.keys().chain(wanted.keys()).collect();
    let change = |key: &String| TagChange {
        key: key.clone(),
        from: now.get(key).cloned(),
        to: wanted.get(key).map(|tag| tag.value.clone()),
        rule: wanted.get(key).map(|tag| tag.rule_name.clone()),
    };
    keys.into_iter().map(change).filter(|change| change.from != change.to).collect()
}

fn inferred(rows: &[Association]) -> Option<&Association> {
    rows.iter().find(|row| row.origin == Origin::Rule)
}

async fn codes(db: &Db) -> Result<BTreeMap<i64, String>, StoreError> {
    let mut executor = db;
    let rows = executor.fetch("SELECT id, code FROM environments".to_owned(), vec![]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("code")?))).collect()
}

/// Evidence of an inference, or null.
#[must_use]
pub fn evidence(inference: Option<&Inference>) -> Json {
    inference.map_or(Json::Null, |inference| inference.evidence.clone())
}
