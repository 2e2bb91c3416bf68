//! Capabilities that people say a compute has, beside those that discovery sees.
//!
//! There is one row for each capability of a compute. What a person writes stands in it, and what discovery sees is kept
//! beside it (`discovered`) and follows the host. When the person takes their word back, the row is discovery's again, or
//! goes when discovery sees no such thing. What only discovery says cannot be taken away: the agent would not tell it
//! anew, since to it nothing changed.

use serde_json::{Value as Json, json};

use super::{
    By, Done, EditError, FieldProblem, Key, Outcome,
    form::Form,
    forms::CAPABILITY as FORM,
    problem::DISCOVERED,
    trail,
    write::{PERSON, read_back, values},
};
use crate::store::{
    Tx,
    rows::{
        capability::DISCOVERY,
        record::{Record, Shown, record_update_in_tx},
    },
};

/// Keeps what discovery said in a row that becomes a person's.
pub(super) fn keep_discovered(form: &Form, stored: &Shown, columns: &mut Shown) {
    if form.kind.name != FORM.kind.name || stored.get("origin").and_then(Json::as_str) == Some(PERSON) {
        return;
    }
    let seen = json!({ "capabilityVersion": stored["capability_version"], "configuration": stored["configuration"] });
    columns.insert("discovered", seen);
}

/// Whether the row goes when a person deletes it; else discovery still sees the capability.
pub(super) fn is_gone_with(stored: &Shown) -> Result<bool, EditError> {
    if stored.get("origin").and_then(Json::as_str) == Some(PERSON) {
        return Ok(stored["discovered"].is_null());
    }
    let expected = "a capability that a person entered; this one goes by itself when the host no longer has it";
    let problem = FieldProblem::new("capabilityType", DISCOVERED, "was discovered on the host", expected);
    Err(EditError::Invalid(vec![problem]))
}

/// Makes a row discovery's again.
pub(super) async fn give_back(tx: &mut Tx, by: By<'_>, key: &Key, before: Record) -> Result<Done, EditError> {
    let seen = &before.shown["discovered"];
    let columns: Shown = [
        ("capability_version", seen["capabilityVersion"].clone()),
        ("configuration", seen["configuration"].clone()),
        ("origin", DISCOVERY.into()),
        ("discovered", Json::Null),
    ]
    .into();
    record_update_in_tx(tx, FORM.kind.table, &FORM.columns_of(key), values(&FORM, &columns)).await?;
    let record = read_back(tx, &FORM, key).await?;
    trail::leave(tx, by, &FORM, key, Some(&before), Some(&record)).await?;
    Ok(Done { form: &FORM, key: key.clone(), outcome: Outcome::Updated, record, also: Vec::new() })
}
