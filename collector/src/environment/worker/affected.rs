//! From entries of the history to what must be looked at again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::{
    environment::{ResourceType, rule::INFERRED},
    store::{Db, Executor as _, Row, StoreError, Value},
};

/// Entries of one read.
const BATCH: i64 = 512;

/// What a part of the history touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Affected {
    /// The number up to which it was read.
    pub(super) upto: i64,
    /// Resources whose evidence changed, or whose association a person took away.
    pub(super) resources: BTreeMap<ResourceType, BTreeSet<i64>>,
    /// Computes whose name or place may have changed: what stands on them is looked at again.
    pub(super) hosts: BTreeSet<i64>,
    /// Computes whose shares may have changed.
    pub(super) computes: BTreeSet<i64>,
    /// Environments or their partners changed: everything is looked at again.
    pub(super) everything: bool,
    /// A place belongs to another environment: the shares of whatever is in it may have changed.
    pub(super) places: bool,
}

impl Affected {
    /// Nothing to evaluate.
    pub(super) fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.hosts.is_empty() && !self.everything
    }

    fn resource(&mut self, kind: ResourceType, id: i64) {
        if INFERRED.contains(&kind) {
            self.resources.entry(kind).or_default().insert(id);
        }
    }

    fn entry(&mut self, row: &Row) -> Result<(), StoreError> {
        let word: String = row.get("resource_type")?;
        let actor: String = row.get("actor_kind")?;
        let (id, compute): (i64, Option<i64>) = (row.get("resource_id")?, row.get("compute_id")?);
        let by_rule = actor == "rule";
        match (word.as_str(), ResourceType::from_word(&word)) {
            ("environment_association", _) => self.association(row, by_rule, compute)?,
            ("environment", _) => self.everything = true,
            // The key of a tag names the type of what it stands on.
            ("tag", _) => {
                let key: String = row.get("resource_key")?;
                // What a rule set was decided together with what follows from it.
                if by_rule {
                    return Ok(());
                }
                if let Some(kind) = key.split_once(':').and_then(|(word, _)| ResourceType::from_word(word)) {
                    self.resource(kind, id);
                }
            }
            (_, Some(ResourceType::Compute)) => {
                self.resource(ResourceType::Compute, id);
                self.hosts.insert(id);
                self.computes.insert(id);
            }
            (_, Some(kind)) if INFERRED.contains(&kind) => {
                // What a rule wrote is no news for rules.
                if !by_rule {
                    self.resource(kind, id);
                }
                self.computes.extend(compute);
            }
            // Places: what is below them may belong to another partner now.
            (_, Some(_)) => {
                self.everything = true;
                self.places = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn association(&mut self, row: &Row, by_rule: bool, compute: Option<i64>) -> Result<(), StoreError> {
        // What was measured follows from the shares and changes none.
        if row.get::<String>("actor_id")? == super::shares::ACTOR {
            return Ok(());
        }
        let state = row.json::<Json>("after_state")?.or(row.json::<Json>("before_state")?).unwrap_or(Json::Null);
        let kind = state.get("resourceType").and_then(Json::as_str).and_then(ResourceType::from_word);
        let id = state.get("resourceId").and_then(Json::as_i64);
        if let Some((kind, id)) = kind.zip(id).filter(|_| !by_rule) {
            self.resource(kind, id);
        }
        match compute {
            Some(compute) => drop(self.computes.insert(compute)),
            None => self.places = true,
        }
        Ok(())
    }
}

/// Reads the history after `since` up to `upto`, at most a batch of it.
pub(super) async fn read(db: &Db, since: i64, upto: i64) -> Result<Affected, StoreError> {
    let mut affected = Affected { upto: upto.max(since), ..Affected::default() };
    if upto <= since {
        return Ok(affected);
    }
    let dialect = db.dialect();
    let sql = format!(
        "SELECT sequence, actor_kind, actor_id, resource_type, resource_id, resource_key, compute_id, {} AS before_state, \
         {} AS after_state FROM history WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
        states(dialect, "before_state"),
        states(dialect, "after_state"),
    );
    let mut executor = db;
    let rows = executor.fetch(sql, vec![Value::Int(since), Value::Int(upto), Value::Int(BATCH)]).await?;
    for row in &rows {
        affected.entry(row)?;
    }
    if let Some(last) = rows.last().filter(|_| i64::try_from(rows.len()).unwrap_or(0) == BATCH) {
        affected.upto = last.get("sequence")?;
    }
    Ok(affected)
}

/// The states of an association only: those of workloads are large, and not looked at.
fn states(dialect: crate::store::Dialect, column: &str) -> String {
    format!("CASE WHEN resource_type = 'environment_association' THEN {} END", dialect.json_text(column))
}
