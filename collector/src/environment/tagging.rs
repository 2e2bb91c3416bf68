//! Stores the tags that rules give resources. What anybody else set stays, and each change is in the history with the rule
//! that made it.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::time::Timestamp;

use super::{infer::Decision, write::Target};
use crate::store::{
    Executor as _, StoreError, Tx,
    rows::{
        history::Actor,
        tag::{TagSource, Tags, tag_set_by_in_tx},
        tag_origin::TagOrigin,
    },
};

/// Makes the tags of rules what was decided, on resources that are there and locked; returns which of them changed.
///
/// # Errors
/// When a statement fails.
pub(super) async fn store_in_tx(
    tx: &mut Tx,
    at: Timestamp,
    targets: &BTreeMap<i64, Target>,
    decisions: &[Decision],
) -> Result<BTreeSet<i64>, StoreError> {
    // The history names one compute for what is set at once.
    let mut by_compute: BTreeMap<Option<i64>, BTreeMap<i64, &Decision>> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.changes_tags()) {
        if let Some(target) = targets.get(&decision.subject.id) {
            by_compute.entry(target.compute_id).or_default().insert(target.id, decision);
        }
    }
    let origin = TagOrigin::Rule.to_string();
    let mut changed = BTreeSet::new();
    for (compute_id, decisions) in by_compute {
        let Some(kind) = decisions.values().next().map(|decision| decision.subject.kind) else { continue };
        let unnamed = Actor { kind: "rule", id: String::new() };
        let source = TagSource { resource_type: kind.as_str(), origin: &origin, compute_id, actor: &unnamed, at };
        let wanted = decisions.iter().map(|(id, decision)| (*id, tags(decision))).collect();
        let withdrawn = withdrawn_in_tx(tx, &decisions).await?;
        let by = |id: i64, key: &str| {
            let sets = decisions.get(&id).and_then(|decision| decision.tags.get(key));
            let name = sets.map(|tag| &tag.rule_name).or_else(|| withdrawn.get(&(id, key.to_owned())));
            name.map(|name| Actor { kind: "rule", id: name.clone() })
        };
        tag_set_by_in_tx(tx, source, &wanted, &by).await?;
        changed.extend(wanted.into_keys());
    }
    Ok(changed)
}

/// The rules whose tags are taken back, as the history names them: they may be gone. By resource and key of the tag.
async fn withdrawn_in_tx(
    tx: &mut Tx,
    decisions: &BTreeMap<i64, &Decision>,
) -> Result<BTreeMap<(i64, String), String>, StoreError> {
    let sql = "SELECT actor_id FROM history WHERE resource_type = 'tag' AND resource_key = ? AND resource_id = ? \
               AND actor_kind = 'rule' ORDER BY sequence DESC LIMIT 1";
    let mut rules = BTreeMap::new();
    for (id, decision) in decisions {
        let had = decision.subject.rule_tags.keys();
        for key in had.filter(|key| !decision.tags.contains_key(*key)) {
            let told = format!("{}:{key}", decision.subject.kind.as_str());
            if let Some(row) = tx.fetch_optional(sql.to_owned(), vec![told.into(), (*id).into()]).await? {
                rules.insert((*id, key.clone()), row.get("actor_id")?);
            }
        }
    }
    Ok(rules)
}

fn tags(decision: &Decision) -> Tags {
    decision.tags.iter().map(|(key, tag)| (key.clone(), tag.value.clone())).collect()
}
