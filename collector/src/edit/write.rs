//! Carries out one operation in the caller's transaction.

use serde_json::Value as Json;

use super::{
    By, Done, EditError, Expected, FieldProblem, Key, Operation, Outcome, Verb, association, capability,
    check::{self, Given},
    delete, discovered,
    form::Form,
    forms::{CAPABILITY, ENVIRONMENT_ASSOCIATION},
    place::{self, Clouds},
    reference, row_tag, tag, trail,
};
use crate::{
    catalog::{FieldKind, fold},
    store::{
        Tx, Value,
        rows::record::{Record, Shown, record_insert_in_tx, record_lock_in_tx, record_update_in_tx},
    },
};

/// Who set a row that a person wrote.
pub(super) const PERSON: &str = "person";

pub(super) async fn carry_out_in_tx(tx: &mut Tx, by: By<'_>, operation: &Operation) -> Result<Done, EditError> {
    let form = operation.form;
    let associations = form.kind.name == ENVIRONMENT_ASSOCIATION.kind.name;
    match &operation.verb {
        Verb::Create { data } if associations => association::create(tx, by, data).await,
        Verb::Create { data } => create(tx, by, form, data).await,
        Verb::Update { key, data, expected } => {
            let record = locked(tx, form, key, expected).await?;
            if associations {
                return association::update(tx, by, key, record, data).await;
            }
            update(tx, by, form, key, record, data).await
        }
        Verb::Put { key, data, expected } => match record_lock_in_tx(tx, form.kind, &form.columns_of(key)).await? {
            Some(record) => {
                unchanged_since(form, &record, expected)?;
                update(tx, by, form, key, record, &whole(form, data)).await
            }
            None => create(tx, by, form, &with_key(form, key, data)).await,
        },
        Verb::Delete { key, expected, cascade } => {
            let record = locked(tx, form, key, expected).await?;
            if associations {
                return association::delete(tx, by, key, record).await;
            }
            if form.kind.name == CAPABILITY.kind.name && !capability::is_gone_with(&record.shown)? {
                return capability::give_back(tx, by, key, record).await;
            }
            tag::may_be_deleted(form, &record.shown)?;
            delete::delete(tx, by, form, key, record, *cascade).await
        }
    }
}

async fn locked(tx: &mut Tx, form: &'static Form, key: &Key, expected: &Expected) -> Result<Record, EditError> {
    let record = record_lock_in_tx(tx, form.kind, &form.columns_of(key)).await?;
    let record = record.ok_or_else(|| EditError::NotFound { what: form.one, id: key_text(key) })?;
    unchanged_since(form, &record, expected)?;
    Ok(record)
}

fn unchanged_since(form: &'static Form, record: &Record, expected: &Expected) -> Result<(), EditError> {
    if expected.fits(record) {
        return Ok(());
    }
    Err(EditError::Stale { what: form.one, current: form.show(record), tag: row_tag(record) })
}

/// A body with the fields that the path names.
fn with_key(form: &'static Form, key: &Key, data: &Json) -> Json {
    let mut data = data.clone();
    if let Json::Object(members) = &mut data {
        for (column, value) in form.columns_of(key) {
            members.insert(form.name_of(column).to_owned(), shown(&value));
        }
    }
    data
}

/// A body that replaces a row: what it does not say is emptied.
fn whole(form: &'static Form, data: &Json) -> Json {
    let mut data = data.clone();
    if let Json::Object(members) = &mut data {
        let given: Vec<String> = members.keys().map(|name| fold(name)).collect();
        for input in form.inputs.iter().filter(|input| !input.fixed && !given.contains(&fold(input.name))) {
            members.insert(input.name.to_owned(), Json::Null);
        }
    }
    data
}

async fn create(tx: &mut Tx, by: By<'_>, form: &'static Form, data: &Json) -> Result<Done, EditError> {
    let mut given = check::read(form, data, None);
    reference::answer(tx, by, form, &mut given, None).await?;
    reference::attached(tx, form, &mut given, None).await?;
    place::agree(tx, form, &mut given, None, &mut Clouds::default()).await?;
    reference::unique(tx, form, &mut given, None).await?;
    settle(&mut given)?;
    // What is not there has its default, which null would take away.
    given.columns.retain(|_, value| !value.is_null());
    given.columns.extend(form.origin.map(|column| (column, PERSON.into())));
    let mut columns = values(form, &given.columns);
    columns.extend(stamps(form, by, &["created_at", "updated_at"]));
    let id = record_insert_in_tx(tx, form.kind.table, columns).await?;
    let key = if form.is_numbered() { vec![id.into()] } else { key_of(form, &given.columns) };
    let record = read_back(tx, form, &key).await?;
    trail::leave(tx, by, form, &key, None, Some(&record)).await?;
    Ok(Done { form, key, outcome: Outcome::Created, record, also: Vec::new() })
}

async fn update(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &Key,
    before: Record,
    data: &Json,
) -> Result<Done, EditError> {
    let stored = &before.shown;
    let mut given = check::read(form, data, Some(stored));
    let handed = discovered::hand_over(tx, form, key, &mut given, stored).await?;
    reference::answer(tx, by, form, &mut given, Some(stored)).await?;
    reference::attached(tx, form, &mut given, Some(stored)).await?;
    place::agree(tx, form, &mut given, Some(stored), &mut Clouds::default()).await?;
    reference::unique(tx, form, &mut given, Some((key, stored))).await?;
    settle(&mut given)?;
    given.columns.retain(|column, value| stored.get(column) != Some(value));
    if let Some(handed) = handed {
        handed.store(tx).await?;
    }
    if given.columns.is_empty() {
        return Ok(Done { form, key: key.clone(), outcome: Outcome::Unchanged, record: before, also: Vec::new() });
    }
    capability::keep_discovered(form, stored, &mut given.columns);
    given.columns.extend(form.origin.map(|column| (column, PERSON.into())));
    let mut columns = values(form, &given.columns);
    columns.extend(stamps(form, by, &["updated_at"]));
    record_update_in_tx(tx, form.kind.table, &form.columns_of(key), columns).await?;
    let record = read_back(tx, form, key).await?;
    trail::leave(tx, by, form, key, Some(&before), Some(&record)).await?;
    place::follow(tx, by, form, stored, &record.shown).await?;
    Ok(Done { form, key: key.clone(), outcome: Outcome::Updated, record, also: Vec::new() })
}

/// Ends when something is wrong, with all of it.
pub(super) fn settle(given: &mut Given) -> Result<(), EditError> {
    if given.problems.is_empty() {
        return Ok(());
    }
    Err(EditError::Invalid(std::mem::take(&mut given.problems)))
}

pub(super) async fn read_back(tx: &mut Tx, form: &'static Form, key: &Key) -> Result<Record, EditError> {
    let record = record_lock_in_tx(tx, form.kind, &form.columns_of(key)).await?;
    record.ok_or_else(|| EditError::NotFound { what: form.one, id: key_text(key) })
}

pub(super) fn key_of(form: &'static Form, columns: &Shown) -> Key {
    form.key.iter().map(|column| value(columns.get(column).unwrap_or(&Json::Null))).collect()
}

/// Columns as they are bound.
pub(super) fn values(form: &'static Form, columns: &Shown) -> Vec<(&'static str, Value)> {
    let bound = |column: &str, shown: &Json| {
        let is_json = |kind| matches!(kind, FieldKind::Json | FieldKind::Connection);
        let json = form.kind.fields.iter().any(|field| field.column == column && is_json(field.kind));
        if json && !shown.is_null() { Value::from(shown) } else { value(shown) }
    };
    columns.iter().map(|(column, shown)| (*column, bound(column, shown))).collect()
}

pub(super) fn value(shown: &Json) -> Value {
    match shown {
        Json::Null => Value::Null,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => number.as_i64().map_or_else(|| number.as_f64().into(), Value::Int),
        Json::String(text) => text.into(),
        Json::Array(_) | Json::Object(_) => Value::from(shown),
    }
}

pub(super) fn shown(value: &Value) -> Json {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Real(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Null | Value::Bytes(_) => Json::Null,
    }
}

/// A key as it stands in a path.
pub(super) fn key_text(key: &[Value]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|part| match part {
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            _ => String::new(),
        })
        .collect();
    parts.join("/")
}

/// The columns that say when the row was made and changed, where the table has them.
pub(super) fn stamps(form: &'static Form, by: By<'_>, columns: &[&'static str]) -> Vec<(&'static str, Value)> {
    let text = by.at.to_string();
    let at: String = text.chars().take(19).map(|letter| if letter == 'T' { ' ' } else { letter }).collect();
    let has = |column: &&'static str| form.kind.fields.iter().any(|field| field.column == *column);
    columns.iter().copied().filter(|column| has(column)).map(|column| (column, Value::from(at.as_str()))).collect()
}

impl Given {
    pub(super) fn problem(&mut self, problem: FieldProblem) {
        self.problems.push(problem);
    }

    /// The value that a column is going to have: what is given, else what is stored.
    pub(super) fn future<'a>(&'a self, column: &str, current: Option<&'a Shown>) -> &'a Json {
        let stored = || current.and_then(|current| current.get(column));
        self.columns.get(column).or_else(stored).unwrap_or(&Json::Null)
    }
}
