//! Associations with environments. Their rules are the environments' own, so that shares hold whoever writes and a
//! person's word stands above what was inferred; here they are only reached through the common path.

use serde_json::{Value as Json, json};

use super::{
    By, Done, EditError, FieldProblem, Key, Outcome,
    check::{self, Given},
    form::Form,
    reference,
    write::{key_text, read_back, settle},
};
use crate::{
    environment::{
        ResourceType,
        association::{
            NewAssociation, Refusal, association_change_in_tx, association_remove_in_tx, association_set_in_tx,
        },
        set::Statement,
    },
    store::{
        Tx,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            cut,
            record::{Record, Shown},
        },
    },
};

/// Says that a resource belongs to an environment.
pub(super) async fn create(tx: &mut Tx, by: By<'_>, form: &'static Form, data: &Json) -> Result<Done, EditError> {
    let mut given = check::read(form, data, None);
    reference::answer(tx, form, &mut given, None).await?;
    let new = new(&given);
    settle(&mut given)?;
    let Some(new) = new else { return Err(EditError::Invalid(given.problems)) };
    let id = association_set_in_tx(tx, by.actor, by.at, &new).await?.map_err(refused)?;
    let key = vec![id.into()];
    let record = read_back(tx, form, &key).await?;
    audit(tx, by, &key, "create", None, Some(&record)).await?;
    Ok(Done { form, key, outcome: Outcome::Created, record, also: Vec::new() })
}

/// Changes an association, which becomes the person's.
pub(super) async fn update(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &Key,
    before: Record,
    data: &Json,
) -> Result<Done, EditError> {
    let stored = &before.shown;
    let mut given = check::read(form, data, Some(stored));
    reference::answer(tx, form, &mut given, Some(stored)).await?;
    settle(&mut given)?;
    given.columns.retain(|column, value| stored.get(column) != Some(value));
    if given.columns.is_empty() {
        return Ok(Done { form, key: key.clone(), outcome: Outcome::Unchanged, record: before, also: Vec::new() });
    }
    let environment = given.columns.get("environment_id").and_then(Json::as_i64);
    let statement = statement(&given.columns);
    association_change_in_tx(tx, by.actor, by.at, id(stored), environment, &statement).await?.map_err(refused)?;
    let record = read_back(tx, form, key).await?;
    audit(tx, by, key, "update", Some(&before), Some(&record)).await?;
    Ok(Done { form, key: key.clone(), outcome: Outcome::Updated, record, also: Vec::new() })
}

/// Takes an association away; one that was inferred does not come back while its evidence is the same.
pub(super) async fn delete(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &Key,
    record: Record,
) -> Result<Done, EditError> {
    association_remove_in_tx(tx, by.actor, by.at, id(&record.shown)).await?.map_err(refused)?;
    audit(tx, by, key, "delete", Some(&record), None).await?;
    Ok(Done { form, key: key.clone(), outcome: Outcome::Deleted, record, also: Vec::new() })
}

fn id(shown: &Shown) -> i64 {
    shown.get("id").and_then(Json::as_i64).unwrap_or(0)
}

/// `None` when something that is needed is missing, which the problems tell.
fn new(given: &Given) -> Option<NewAssociation> {
    let number = |column: &str| given.columns.get(column).and_then(Json::as_i64);
    Some(NewAssociation {
        environment_id: number("environment_id")?,
        resource_type: given.columns.get("resource_type").and_then(Json::as_str).and_then(ResourceType::from_word)?,
        resource_id: number("resource_id")?,
        statement: statement(&given.columns),
    })
}

/// Hundredths of a per cent are kept.
#[allow(clippy::cast_possible_truncation, reason = "the form allows 0 to 100")]
fn statement(columns: &Shown) -> Statement {
    let share = |value: &Json| value.as_f64().map(|percent| (percent * 100.0).round() as i64);
    Statement {
        primary: columns.get("is_primary").and_then(|value| value.as_bool().or(value.as_i64().map(|flag| flag != 0))),
        declared: columns.get("allocated_percentage").map(share),
        metadata: columns.get("metadata").map(|value| Some(value.clone()).filter(|value| !value.is_null())),
    }
}

fn refused(refusal: Refusal) -> EditError {
    let Refusal { field, code, reason, expected } = refusal;
    match code {
        "not-found" => EditError::NotFound { what: "environment association", id: String::new() },
        "exists" => EditError::Invalid(vec![FieldProblem::new(field, super::problem::NOT_UNIQUE, reason, expected)]),
        code => EditError::Invalid(vec![FieldProblem::new(field, code, reason, expected)]),
    }
}

async fn audit(
    tx: &mut Tx,
    by: By<'_>,
    key: &Key,
    verb: &str,
    before: Option<&Record>,
    after: Option<&Record>,
) -> Result<(), EditError> {
    let shown = |record: Option<&Record>| record.map(|record| json!(record.shown));
    let key = key_text(key);
    let entry = AuditEntry {
        at: by.at,
        actor_kind: by.actor.kind,
        actor_id: cut(&by.actor.id, 64),
        action: &format!("environment-association.{verb}"),
        resource_type: "environment_association",
        resource_id: cut(&key, 64),
        detail: json!({ "before": shown(before), "after": shown(after) }),
    };
    audit_insert_in_tx(tx, &entry).await?;
    Ok(())
}
