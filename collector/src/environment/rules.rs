//! What people decide about rules: each change with its history and its audit entry, and followed by a pass over
//! everything.

use orchestrix_common::time::Timestamp;
use serde_json::{Value as Json, json};

use super::rule::{Problem, Rule, check, defaults};
use crate::store::{
    Db, Executor as _, StoreError, Tx,
    rows::{
        audit::{AuditEntry, audit_insert_in_tx},
        environment_rule::{
            RuleRow, rule_delete_in_tx, rule_insert_in_tx, rule_list, rule_lock_in_tx, rule_named, rule_update_in_tx,
        },
        environment_worker::worker_want_pass_in_tx,
        history::{Actor, HistoryKind, HistoryRow, history_insert_in_tx},
    },
};

/// Setting that remembers that the default rules were made once.
const MADE: &str = "environment-rules";

/// Why a change of the rules is not made.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// There is no such rule.
    #[error("there is no environment rule {0}")]
    NotFound(i64),
    /// The rule makes no sense.
    #[error("the rule makes no sense")]
    Invalid(Vec<Problem>),
    /// It is another one than the caller has seen.
    #[error("the environment rule was changed in the meantime")]
    Stale(Box<RuleRow>),
    /// The database failed.
    #[error("store the rule")]
    Store(#[from] StoreError),
}

type Outcome<T> = Result<Result<T, RuleError>, StoreError>;

/// Makes a rule; returns its key.
///
/// # Errors
/// When it makes no sense, its name is taken, or the database failed.
pub async fn rule_create(db: &Db, actor: &Actor, at: Timestamp, rule: Rule) -> Result<i64, RuleError> {
    check(0, rule.clone()).map_err(RuleError::Invalid)?;
    crate::transaction!(db, |tx| create_in_tx(tx, actor, at, &rule).await?)?
}

async fn create_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, rule: &Rule) -> Outcome<i64> {
    if rule_named(tx, &rule.name).await?.is_some() {
        return Ok(Err(taken()));
    }
    worker_want_pass_in_tx(tx).await?;
    insert_in_tx(tx, actor, at, rule.clone(), None).await.map(Ok)
}

/// Whether a stored rule is one that the caller has seen.
pub type Seen<'a> = &'a (dyn Fn(&RuleRow) -> bool + Sync);

/// Replaces a rule, if it is one that the caller has `seen`, by what `change` makes of it; it keeps its key.
///
/// # Errors
/// When there is none, it is another one, the new one makes no sense, its name is taken, or the database failed.
pub async fn rule_change(
    db: &Db,
    actor: &Actor,
    at: Timestamp,
    id: i64,
    seen: Seen<'_>,
    change: &(dyn Fn(Rule) -> Result<Rule, Vec<Problem>> + Sync),
) -> Result<(), RuleError> {
    crate::transaction!(db, |tx| change_in_tx(tx, actor, at, id, seen, change).await?)?
}

async fn change_in_tx(
    tx: &mut Tx,
    actor: &Actor,
    at: Timestamp,
    id: i64,
    seen: Seen<'_>,
    change: &(dyn Fn(Rule) -> Result<Rule, Vec<Problem>> + Sync),
) -> Outcome<()> {
    worker_want_pass_in_tx(tx).await?;
    let Some(before) = rule_lock_in_tx(tx, id).await? else { return Ok(Err(RuleError::NotFound(id))) };
    if !seen(&before) {
        return Ok(Err(RuleError::Stale(Box::new(before))));
    }
    let changed = change(Rule::from_row(&before)?).and_then(|rule| check(id, rule.clone()).map(|_| rule));
    let rule = match changed {
        Ok(rule) => rule,
        Err(problems) => return Ok(Err(RuleError::Invalid(problems))),
    };
    if rule_named(tx, &rule.name).await?.is_some_and(|other| other != id) {
        return Ok(Err(taken()));
    }
    let after = rule.into_row(RuleRow { changed_at: at, ..before.clone() });
    rule_update_in_tx(tx, &after).await?;
    record_in_tx(tx, actor, at, Some(&before), Some(&after)).await.map(Ok)
}

/// Removes a rule. What it inferred is taken back.
///
/// # Errors
/// When there is none, it is another one than the caller has `seen`, or the database failed.
pub async fn rule_delete(db: &Db, actor: &Actor, at: Timestamp, id: i64, seen: Seen<'_>) -> Result<(), RuleError> {
    crate::transaction!(db, |tx| delete_in_tx(tx, actor, at, id, seen).await?)?
}

async fn delete_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, id: i64, seen: Seen<'_>) -> Outcome<()> {
    worker_want_pass_in_tx(tx).await?;
    let Some(before) = rule_lock_in_tx(tx, id).await? else { return Ok(Err(RuleError::NotFound(id))) };
    if !seen(&before) {
        return Ok(Err(RuleError::Stale(Box::new(before))));
    }
    rule_delete_in_tx(tx, id).await?;
    record_in_tx(tx, actor, at, Some(&before), None).await.map(Ok)
}

/// Makes the rules of the default set what they were at first; rules that people made stay. One of the default set whose
/// name a person's rule has is left out.
///
/// # Errors
/// When the database failed.
pub async fn rules_reset(db: &Db, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
    crate::transaction!(db, |tx| {
        worker_want_pass_in_tx(tx).await?;
        let dialect = tx.dialect();
        for row in rule_list(tx, dialect).await?.into_iter().filter(|row| row.default_key.is_some()) {
            rule_delete_in_tx(tx, row.id).await?;
            record_in_tx(tx, actor, at, Some(&row), None).await?;
        }
        make_defaults_in_tx(tx, actor, at).await?;
    })
}

/// Makes the default rules, once in the life of an installation.
///
/// # Errors
/// When the database failed.
pub async fn rules_install(db: &Db, at: Timestamp) -> Result<(), StoreError> {
    let mut executor = db;
    let sql = "SELECT name FROM discovery_settings WHERE name = ?";
    if executor.fetch_optional(sql.to_owned(), vec![MADE.into()]).await?.is_some() {
        return Ok(());
    }
    let actor = Actor::collector("defaults");
    crate::transaction!(db, |tx| {
        // The lock of the worker's row lets one collector make them.
        worker_want_pass_in_tx(tx).await?;
        if tx.fetch_optional(sql.to_owned(), vec![MADE.into()]).await?.is_none() {
            make_defaults_in_tx(tx, &actor, at).await?;
            let insert = "INSERT INTO discovery_settings (name, content) VALUES (?, ?)";
            tx.execute(insert, vec![MADE.into(), "made".into()]).await?;
        }
    })
}

async fn make_defaults_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
    for (key, rule) in defaults() {
        if rule_named(tx, &rule.name).await?.is_none() {
            insert_in_tx(tx, actor, at, rule, Some(key)).await?;
        }
    }
    Ok(())
}

async fn insert_in_tx(
    tx: &mut Tx,
    actor: &Actor,
    at: Timestamp,
    rule: Rule,
    default_key: Option<String>,
) -> Result<i64, StoreError> {
    let blank = RuleRow {
        id: 0,
        kind: String::new(),
        name: String::new(),
        description: None,
        priority: 0,
        enabled: true,
        environment_code: String::new(),
        other_code: None,
        confidence: 0,
        tags: None,
        conditions: Json::Null,
        scope: Json::Null,
        default_key,
        created_at: at,
        changed_at: at,
    };
    let mut row = rule.into_row(blank);
    row.id = rule_insert_in_tx(tx, &row).await?;
    record_in_tx(tx, actor, at, None, Some(&row)).await?;
    Ok(row.id)
}

fn taken() -> RuleError {
    RuleError::Invalid(vec![Problem {
        field: "name".to_owned(),
        reason: "is that of another rule".to_owned(),
        expected: "a name that no rule has".to_owned(),
    }])
}

async fn record_in_tx(
    tx: &mut Tx,
    actor: &Actor,
    at: Timestamp,
    before: Option<&RuleRow>,
    after: Option<&RuleRow>,
) -> Result<(), StoreError> {
    let Some(row) = after.or(before) else { return Ok(()) };
    let (kind, action) = match (before, after) {
        (None, _) => (HistoryKind::Appeared, "environment-rule.create"),
        (_, None) => (HistoryKind::Ended, "environment-rule.delete"),
        _ => (HistoryKind::Altered, "environment-rule.change"),
    };
    let entry = HistoryRow {
        happened_at: at,
        actor: actor.clone(),
        kind,
        resource_type: "environment_rule",
        resource_id: row.id,
        resource_key: String::new(),
        resource_name: row.name.clone(),
        compute_id: None,
        source: None,
        before: before.map(shown),
        after: after.map(shown),
        // Rules are no kind of the catalog.
        before_row: None,
    };
    history_insert_in_tx(tx, at, &[entry]).await?;
    let audit = AuditEntry {
        at,
        actor_kind: actor.kind,
        actor_id: &actor.id,
        action,
        resource_type: "environment_rule",
        resource_id: &row.id.to_string(),
        detail: json!({ "name": row.name }),
    };
    audit_insert_in_tx(tx, &audit).await
}

fn shown(row: &RuleRow) -> Json {
    Rule::from_row(row).ok().and_then(|rule| serde_json::to_value(rule).ok()).unwrap_or(Json::Null)
}
