//! Associations have rules of their own (shares that sum, one primary, origins): `environment` writes them and their
//! history. Here a body is checked like any other, and the audit entry is left.

use serde_json::Value as Json;

use super::{
    By, Done, EditError, FieldProblem, Key, Outcome,
    check::{self, Given},
    forms::ENVIRONMENT_ASSOCIATION as FORM,
    reference, trail,
    write::read_back,
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
        rows::record::{Record, record_lock_in_tx},
    },
};

/// Makes an association, or makes an inferred one the person's.
pub(super) async fn create(tx: &mut Tx, by: By<'_>, data: &Json) -> Result<Done, EditError> {
    let mut given = check::read(&FORM, data, None);
    reference::answer(tx, by, &FORM, &mut given, None).await?;
    reference::attached(tx, &FORM, &mut given, None).await?;
    super::write::settle(&mut given)?;
    let number = |column: &str| given.columns.get(column).and_then(Json::as_i64).unwrap_or(0);
    let word = given.columns.get("resource_type").and_then(Json::as_str).unwrap_or_default();
    let Some(resource_type) = ResourceType::from_word(word) else {
        let problem = FieldProblem::new("resourceType", "unknown-word", "has no environments", "another type");
        return Err(EditError::Invalid(vec![problem]));
    };
    let new = NewAssociation {
        environment_id: number("environment_id"),
        resource_type,
        resource_id: number("resource_id"),
        statement: statement(&given),
    };
    let id = association_set_in_tx(tx, by.actor, by.at, &new).await?.map_err(refused)?;
    let key = vec![id.into()];
    let record = read_back(tx, &FORM, &key).await?;
    trail::audit(tx, by, &FORM, &key, None, Some(&record)).await?;
    Ok(Done { form: &FORM, key, outcome: Outcome::Created, record, also: Vec::new() })
}

/// Changes an association; it becomes the person's.
pub(super) async fn update(tx: &mut Tx, by: By<'_>, key: &Key, before: Record, data: &Json) -> Result<Done, EditError> {
    let mut given = check::read(&FORM, data, Some(&before.shown));
    reference::answer(tx, by, &FORM, &mut given, Some(&before.shown)).await?;
    super::write::settle(&mut given)?;
    if given.columns.is_empty() {
        return Ok(Done {
            form: &FORM,
            key: key.clone(),
            outcome: Outcome::Unchanged,
            record: before,
            also: Vec::new(),
        });
    }
    let environment = given.columns.get("environment_id").and_then(Json::as_i64);
    let id = association_change_in_tx(tx, by.actor, by.at, id_of(key), environment, &statement(&given))
        .await?
        .map_err(refused)?;
    let key = vec![id.into()];
    let record = read_back(tx, &FORM, &key).await?;
    trail::audit(tx, by, &FORM, &key, Some(&before), Some(&record)).await?;
    Ok(Done { form: &FORM, key, outcome: Outcome::Updated, record, also: Vec::new() })
}

/// Removes an association. One that was inferred stays refused while its evidence is the same.
pub(super) async fn delete(tx: &mut Tx, by: By<'_>, key: &Key, record: Record) -> Result<Done, EditError> {
    association_remove_in_tx(tx, by.actor, by.at, id_of(key)).await?.map_err(refused)?;
    trail::audit(tx, by, &FORM, key, Some(&record), None).await?;
    Ok(Done { form: &FORM, key: key.clone(), outcome: Outcome::Deleted, record, also: Vec::new() })
}

/// Removes an association that may be gone by now, since those of a resource change together.
pub(super) async fn sweep(tx: &mut Tx, by: By<'_>, key: &Key) -> Result<(), EditError> {
    match record_lock_in_tx(tx, FORM.kind, &FORM.columns_of(key)).await? {
        Some(record) => delete(tx, by, key, record).await.map(drop),
        None => Ok(()),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "checked to be between 0 and 100")]
fn statement(given: &Given) -> Statement {
    let hundredths = |share: &Json| share.as_f64().map(|share| (share * 100.0).round() as i64);
    Statement {
        primary: given.columns.get("is_primary").and_then(Json::as_bool),
        declared: given.columns.get("allocated_percentage").map(hundredths),
        metadata: given.columns.get("metadata").map(|json| Some(json.clone()).filter(|json| !json.is_null())),
    }
}

fn id_of(key: &Key) -> i64 {
    match key.first() {
        Some(crate::store::Value::Int(id)) => *id,
        _ => 0,
    }
}

fn refused(refusal: Refusal) -> EditError {
    let Refusal { field, code, reason, expected } = refusal;
    let code = match code {
        "exists" => super::problem::NOT_UNIQUE,
        "out-of-range" => super::problem::NO_ROOM,
        other => other,
    };
    EditError::Invalid(vec![FieldProblem::new(field, code, reason, expected)])
}
