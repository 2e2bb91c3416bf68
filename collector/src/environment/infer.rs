//! Evaluates rules on resources and stores what they conclude.
//!
//! Reading and deciding take no lock; only what would change is locked, read again and written. So an evaluation that
//! changes nothing writes nothing, and two who evaluate the same resource come to the same.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::time::Timestamp;

use super::{
    ResourceType,
    association::evidence_hash,
    evidence,
    rule::{Compiled, Conclusion, Environments, Rule, RuleTags, Subject, check, evaluate, tags_of},
    set::{self, Association},
    tagging,
    write::{By, codes_in_tx, lock_in_tx, write_in_tx},
};
use crate::store::{
    Db, Dialect, Executor, StoreError, Tx,
    rows::{
        association::association_list,
        environment_rule::{RuleRow, rule_list},
        history::{Actor, history_insert_in_tx},
        refusal::refusal_list,
    },
};

/// What rules say, and which environments there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    pub(super) rules: Vec<Compiled>,
    pub(super) environments: Environments,
}

impl Knowledge {
    /// Reads the rules and the environments.
    pub(super) async fn read(db: &Db) -> Result<Self, StoreError> {
        let mut executor = db;
        let rows = rule_list(&mut executor, db.dialect()).await?;
        let environments = evidence::environments(&mut executor).await?;
        Ok(Self { rules: rows.iter().filter_map(compiled).collect(), environments })
    }
}

/// A stored rule, ready; one that this version does not understand is left out and told.
pub(super) fn compiled(row: &RuleRow) -> Option<Compiled> {
    match Rule::from_row(row) {
        Ok(rule) => match check(row.id, rule) {
            Ok(rule) => Some(rule),
            Err(problems) => {
                let problem = problems.first().map(|problem| format!("{} {}", problem.field, problem.reason));
                tracing::warn!(rule = row.name, problem, "environment rule is left out");
                None
            }
        },
        Err(error) => {
            tracing::warn!(rule = row.name, error = &error as &dyn std::error::Error, "environment rule is left out");
            None
        }
    }
}

/// A resource and what rules and associations say of it.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) subject: Subject,
    pub(super) before: Vec<Association>,
    pub(super) after: Vec<Association>,
    conclusion: Option<Conclusion>,
    /// The tags that rules give it; those that they gave it before are the subject's.
    pub(super) tags: RuleTags,
}

impl Decision {
    pub(super) fn changes(&self) -> bool {
        self.before != self.after || self.changes_tags()
    }

    pub(super) fn changes_tags(&self) -> bool {
        let wanted = self.tags.iter().map(|(key, tag)| (key, &tag.value));
        !wanted.eq(self.subject.rule_tags.iter())
    }
}

/// What the rules conclude, unless a person refused just that.
fn concluded(
    knowledge: &Knowledge,
    subject: &Subject,
    tags: &RuleTags,
    refused: &BTreeMap<(i64, i64), String>,
) -> Option<Conclusion> {
    let conclusion = evaluate(&knowledge.rules, subject, tags, &knowledge.environments)?;
    let hash = evidence_hash(&conclusion.inference.evidence);
    (refused.get(&(subject.id, conclusion.environment_id)) != Some(&hash)).then_some(conclusion)
}

/// Decides for resources of a kind, by key; writes nothing.
pub(super) async fn decide(
    from: &mut impl Executor,
    dialect: Dialect,
    knowledge: &Knowledge,
    kind: ResourceType,
    keys: &[i64],
) -> Result<Vec<Decision>, StoreError> {
    let subjects = evidence::subjects(from, dialect, kind, keys).await?;
    let ids: Vec<i64> = subjects.iter().map(|subject| subject.id).collect();
    let mut associations = association_list(from, dialect, kind.as_str(), ids.iter().copied()).await?;
    let refused = refusal_list(from, kind.as_str(), ids).await?;
    let decisions = subjects.into_iter().map(|subject| {
        let tags = tags_of(&knowledge.rules, &subject);
        let conclusion = concluded(knowledge, &subject, &tags, &refused);
        let before = associations.remove(&subject.id).unwrap_or_default();
        let after = after(&before, conclusion.as_ref());
        Decision { subject, before, after, conclusion, tags }
    });
    Ok(decisions.collect())
}

fn after(before: &[Association], conclusion: Option<&Conclusion>) -> Vec<Association> {
    set::inferred(before, conclusion.map(|found| (found.environment_id, found.inference.clone())))
}

/// Evaluates the rules on resources of a kind and stores what changes; returns how many resources that were.
///
/// # Errors
/// When the database fails.
pub(super) async fn infer(
    db: &Db,
    at: Timestamp,
    knowledge: &Knowledge,
    kind: ResourceType,
    keys: &[i64],
) -> Result<usize, StoreError> {
    let mut changed = 0;
    for chunk in keys.chunks(Dialect::ROWS_PER_STATEMENT) {
        let mut executor = db;
        let mut decisions = decide(&mut executor, db.dialect(), knowledge, kind, chunk).await?;
        decisions.retain(Decision::changes);
        if !decisions.is_empty() {
            changed += crate::transaction!(db, |tx| store_in_tx(tx, at, kind, &decisions).await?)?;
        }
    }
    Ok(changed)
}

/// Stores decisions on what is there now: somebody may have said something since they were made.
async fn store_in_tx(
    tx: &mut Tx,
    at: Timestamp,
    kind: ResourceType,
    decisions: &[Decision],
) -> Result<usize, StoreError> {
    let ids: Vec<i64> = decisions.iter().map(|decision| decision.subject.id).collect();
    let targets = lock_in_tx(tx, kind, &ids).await?;
    let dialect = tx.dialect();
    let mut associations = association_list(tx, dialect, kind.as_str(), targets.keys().copied()).await?;
    let refused = refusal_list(tx, kind.as_str(), targets.keys().copied()).await?;
    let named = associations.values().flatten().map(|row| row.environment_id);
    let concluded = decisions.iter().filter_map(|decision| Some(decision.conclusion.as_ref()?.environment_id));
    let stated = targets.values().filter_map(|target| target.stated_environment);
    let codes = codes_in_tx(tx, named.chain(concluded).chain(stated).collect::<Vec<_>>()).await?;
    let mut history = Vec::new();
    let mut changed = BTreeSet::new();
    for Decision { subject, conclusion, .. } in decisions {
        let Some(target) = targets.get(&subject.id) else { continue };
        let conclusion = conclusion.as_ref().filter(|found| {
            let hash = evidence_hash(&found.inference.evidence);
            refused.get(&(subject.id, found.environment_id)) != Some(&hash)
        });
        let before = associations.remove(&subject.id).unwrap_or_default();
        let after = after(&before, conclusion);
        if before == after {
            continue;
        }
        changed.insert(subject.id);
        let inferred = before.iter().find_map(|row| row.inference.as_ref());
        let rule = conclusion.map(|found| &found.inference).or(inferred);
        let actor = Actor { kind: "rule", id: rule.map_or_else(String::new, |inference| inference.rule_name.clone()) };
        history.extend(write_in_tx(tx, By { actor: &actor, at }, target, &before, &after, &codes).await?);
    }
    history_insert_in_tx(tx, at, &history).await?;
    changed.extend(tagging::store_in_tx(tx, at, &targets, decisions).await?);
    Ok(changed.len())
}
