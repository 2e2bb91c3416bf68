//! Changes rows of one form in batches: what is so already is found in one statement, and only the rest is locked.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    super::{
        By, EditError, Operation, Outcome, Verb, check,
        form::Form,
        write::{self, key_text},
    },
    Attempt, Change, Fault, Task, judged,
};
use crate::store::{
    StoreError, Tx,
    rows::{
        compute::{ACTIVE, UNREACHABLE},
        record::{Record, Shown, record_find},
    },
};

pub(super) async fn many(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    tasks: Vec<Task>,
) -> Result<Vec<Attempt>, Fault> {
    let known = known(tx, form, &tasks).await.map_err(|error| Fault { index: 0, error })?;
    let mut attempts = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.into_iter().enumerate() {
        let operation = match task {
            Ok(operation) => operation,
            Err(attempt) => {
                attempts.push(attempt);
                continue;
            }
        };
        let Verb::Update { key, data, .. } = &operation.verb else { continue };
        let Some(record) = known.get(&key_text(key)) else {
            attempts.push(Attempt::Failed(EditError::NotFound { what: form.one, id: key_text(key) }));
            continue;
        };
        let mut given = check::read(form, data, Some(&record.shown));
        if is_silent(form, &record.shown) && given.columns.get("status").and_then(Json::as_str) == Some(ACTIVE) {
            given.columns.remove("status");
        }
        if given.columns.is_empty() && given.problems.is_empty() && given.questions.is_empty() {
            attempts.push(Attempt::Done { key: key.clone(), outcome: Outcome::Unchanged, changes: Vec::new() });
            continue;
        }
        let operation = told(operation, &given.columns);
        let done = write::carry_out_in_tx(tx, by, &operation).await;
        let done = done.map(|done| Attempt::Done {
            changes: changes(form, &record.shown, &done.record.shown),
            key: done.key,
            outcome: done.outcome,
        });
        attempts.push(judged(index, done)?);
    }
    Ok(attempts)
}

/// Whether a host that is in use does not answer at the moment. That it is in use is no news of it then.
fn is_silent(form: &Form, stored: &Shown) -> bool {
    form.word() == "compute" && stored.get("status").and_then(Json::as_str) == Some(UNREACHABLE)
}

/// The operation without a status that is no news.
fn told(mut operation: Operation, columns: &Shown) -> Operation {
    if let Verb::Update { data: Json::Object(members), .. } = &mut operation.verb {
        let active = |value: &Json| value.as_str() == Some(ACTIVE);
        members.retain(|name, value| name != "status" || !active(value) || columns.contains_key("status"));
    }
    operation
}

/// The rows of a batch, by key.
async fn known(tx: &mut Tx, form: &'static Form, tasks: &[Task]) -> Result<HashMap<String, Record>, StoreError> {
    let key = |task: &Task| match task {
        Ok(Operation { verb: Verb::Update { key, .. }, .. }) => Some(key.clone()),
        _ => None,
    };
    let keys: Vec<_> = tasks.iter().filter_map(key).collect();
    let dialect = tx.dialect();
    let records = record_find(tx, dialect, form.kind, form.key, &keys).await?;
    let by_key = |record: Record| (key_text(&write::key_of(form, &record.shown)), record);
    Ok(records.into_iter().map(by_key).collect())
}

/// The fields that are other ones than before.
fn changes(form: &'static Form, before: &Shown, after: &Shown) -> Vec<Change> {
    let value = |row: &Shown, column: &str| row.get(column).cloned().unwrap_or(Json::Null);
    form.fields()
        .map(|(_, field)| Change {
            field: field.name,
            before: value(before, field.column),
            after: value(after, field.column),
        })
        .filter(|change| change.before != change.after)
        .collect()
}
