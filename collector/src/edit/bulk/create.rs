//! Makes rows of one form in batches: one statement for what all of them ask, and one for the rows themselves as far as
//! they fill the same columns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

pub(super) use super::super::place::Clouds;
use super::{
    super::{
        By, EditError, Operation, Outcome, Verb, Words,
        check::{self, Given, Question},
        form::{Form, Need},
        place, reference, trail,
        write::{self, PERSON},
    },
    Attempt, Fault, Task,
};
use crate::{
    catalog::{FieldKind, KINDS, Kind},
    store::{
        Executor as _, StoreError, Tx, Value,
        rows::{
            record::{Shown, record_insert_in_tx, record_insert_many_in_tx},
            stored::{Stored, stored_many_in_tx},
        },
    },
};

/// A row to be made.
struct Draft {
    /// Its number in the batch.
    index: usize,
    given: Given,
}

pub(super) async fn many(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    tasks: Vec<Task>,
    clouds: &mut Clouds,
) -> Result<Vec<Attempt>, Fault> {
    let mut attempts: Vec<Option<Attempt>> = Vec::with_capacity(tasks.len());
    let mut drafts = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.into_iter().enumerate() {
        attempts.push(match task {
            Ok(Operation { verb: Verb::Create { data }, .. }) => {
                drafts.push(Draft { index, given: check::read(form, &data, None) });
                None
            }
            Ok(_) => Some(Attempt::Blocked),
            Err(attempt) => Some(attempt),
        });
    }
    let whole = |error: EditError| fault(0, error);
    answer(tx, by, form, &mut drafts).await.map_err(whole)?;
    attached(tx, form, &mut drafts).await.map_err(|error| Fault { index: 0, error })?;
    let mut made = Vec::with_capacity(drafts.len());
    let mut run = Vec::new();
    // What a row may not share with another one is looked for among those that are made.
    let together = form.is_numbered() && form.unique.is_empty();
    for Draft { index, mut given } in drafts {
        if !together {
            insert(tx, form, std::mem::take(&mut run), &mut made).await?;
        }
        let refused = |error: EditError| fault(index, error);
        place::agree(tx, form, &mut given, None, clouds).await.map_err(refused)?;
        reference::unique(tx, form, &mut given, None).await.map_err(refused)?;
        if let Err(error) = write::settle(&mut given) {
            attempts[index] = Some(Attempt::Failed(error));
            continue;
        }
        let row = New::of(by, form, index, given);
        if run.first().is_some_and(|first: &New| !first.fills_as(&row)) {
            insert(tx, form, std::mem::take(&mut run), &mut made).await?;
        }
        run.push(row);
    }
    insert(tx, form, run, &mut made).await?;
    let made = read_back(tx, form, made).await.map_err(|error| Fault { index: 0, error })?;
    for (index, (key, _)) in &made {
        attempts[*index] = Some(Attempt::Done { key: key.clone(), outcome: Outcome::Created, changes: Vec::new() });
    }
    let rows = made.into_iter().map(|(_, row)| row).collect();
    trail::leave_many(tx, by, form, rows).await.map_err(whole)?;
    Ok(attempts.into_iter().map(|attempt| attempt.unwrap_or(Attempt::Blocked)).collect())
}

fn fault(index: usize, error: EditError) -> Fault {
    let error = match error {
        EditError::Store(error) => error,
        // The functions here put what they refuse into the draft.
        _ => StoreError::Abandoned,
    };
    Fault { index, error }
}

/// Answers what the checks left over, once for each thing that is asked.
async fn answer(tx: &mut Tx, by: By<'_>, form: &'static Form, drafts: &mut [Draft]) -> Result<(), EditError> {
    let mut wanted: BTreeMap<&'static str, BTreeSet<i64>> = BTreeMap::new();
    for question in drafts.iter().flat_map(|draft| &draft.given.questions) {
        if let Question::Exists { kind, id, .. } = question {
            wanted.entry(kind).or_default().insert(*id);
        }
    }
    let mut there = BTreeSet::new();
    for (name, ids) in wanted {
        let Some(kind) = Kind::find(name) else { continue };
        let keys = ids.into_iter().map(Value::from).collect();
        for row in tx.fetch_in(&format!("SELECT id FROM {} WHERE", kind.table), "id", vec![], keys).await? {
            there.insert((name, row.get::<i64>("id")?));
        }
    }
    let mut in_use: BTreeMap<(&'static str, String), bool> = BTreeMap::new();
    for draft in drafts {
        for question in std::mem::take(&mut draft.given.questions) {
            match question {
                Question::Exists { field, kind, id } if !there.contains(&(kind, id)) => {
                    draft.given.problem(reference::unknown(field.name, kind, id));
                }
                Question::InUse { field, word, words } if by.words == Words::Known => {
                    let asked = (field.column, word);
                    let known = match in_use.get(&asked) {
                        Some(known) => *known,
                        None => reference::is_in_use(tx, form, field, &asked.1).await?,
                    };
                    if !known {
                        draft.given.problem(reference::unusual(field, &asked.1, words));
                    }
                    in_use.insert(asked, known);
                }
                Question::Exists { .. } | Question::InUse { .. } => {}
                Question::Discovered { field } => draft.given.problem(reference::empty(form, field)),
            }
        }
    }
    Ok(())
}

/// Checks the resources that rows are attached to, and keeps them from going until the transaction ends.
async fn attached(tx: &mut Tx, form: &'static Form, drafts: &mut [Draft]) -> Result<(), StoreError> {
    let Some((type_column, id_column)) = form.attached() else { return Ok(()) };
    let named = |given: &Given| {
        let word = given.columns.get(type_column).and_then(Json::as_str)?.to_owned();
        Some((word, given.columns.get(id_column).and_then(Json::as_i64)?))
    };
    let mut wanted: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for (word, id) in drafts.iter().filter_map(|draft| named(&draft.given)) {
        wanted.entry(word).or_default().insert(id);
    }
    let mut there = BTreeSet::new();
    for (word, ids) in wanted {
        let Some(kind) = KINDS.iter().find(|kind| kind.resource_type == word) else { continue };
        for id in ids {
            there.extend(lock(tx, kind, id).await?.then(|| (word.clone(), id)));
        }
    }
    for draft in drafts {
        let Some((word, id)) = named(&draft.given).filter(|named| !there.contains(named)) else { continue };
        let Some(kind) = KINDS.iter().find(|kind| kind.resource_type == word) else { continue };
        draft.given.problem(reference::unknown(form.name_of(id_column), kind.name, id));
    }
    Ok(())
}

async fn lock(tx: &mut Tx, kind: &Kind, id: i64) -> Result<bool, StoreError> {
    let sql = format!("SELECT id FROM {} WHERE id = ?{}", kind.table, tx.dialect().for_update());
    Ok(tx.fetch_optional(sql, vec![id.into()]).await?.is_some())
}

/// A row that was made: its number, or, when it has none, the row itself.
enum Made {
    Numbered(i64),
    Whole(Vec<Value>, Stored),
}

/// A row as it is going to be inserted.
struct New {
    /// Its number in the batch.
    index: usize,
    columns: Shown,
    bound: Vec<(&'static str, Value)>,
}

impl New {
    /// Unlike in a request, a field that was emptied on purpose is empty, whatever its default: an import makes a row as it
    /// is in the file.
    fn of(by: By<'_>, form: &'static Form, index: usize, given: Given) -> Self {
        let mut columns = given.columns;
        let may_be_empty =
            |column: &str| form.fields().any(|(input, field)| field.column == column && input.need == Need::Optional);
        columns.retain(|column, value| !value.is_null() || may_be_empty(column));
        columns.extend(form.origin.map(|column| (column, PERSON.into())));
        let mut bound = write::values(form, &columns);
        bound.extend(write::stamps(form, by, &["created_at", "updated_at"]));
        Self { index, columns, bound }
    }

    /// Whether it fills the same columns.
    fn fills_as(&self, other: &Self) -> bool {
        let columns = |row: &Self| row.bound.iter().map(|(column, _)| *column).collect::<Vec<_>>();
        columns(self) == columns(other)
    }
}

/// Makes rows that fill the same columns.
async fn insert(tx: &mut Tx, form: &'static Form, rows: Vec<New>, made: &mut Vec<(usize, Made)>) -> Result<(), Fault> {
    let table = form.kind.table;
    if rows.len() < 2 {
        for New { index, columns, bound } in rows {
            let id = record_insert_in_tx(tx, table, bound).await.map_err(|error| Fault { index, error })?;
            made.push((index, if form.is_numbered() { Made::Numbered(id) } else { unnumbered(form, columns) }));
        }
        return Ok(());
    }
    let columns: Vec<&'static str> = rows[0].bound.iter().map(|(column, _)| *column).collect();
    let cells = rows.iter().map(|row| row.bound.iter().map(|(_, value)| value.clone()).collect()).collect();
    match record_insert_many_in_tx(tx, table, &columns, cells).await {
        Ok(ids) => made.extend(rows.iter().zip(ids).map(|(row, id)| (row.index, Made::Numbered(id)))),
        // Nothing of it stays; which row it is about shows when each is tried alone.
        Err(error) if error.is_about_content() => {
            let mut fault = Fault { index: rows[0].index, error };
            for New { index, bound, .. } in rows {
                if let Err(error) = record_insert_in_tx(tx, table, bound).await {
                    fault = Fault { index, error };
                    break;
                }
            }
            return Err(fault);
        }
        Err(error) => return Err(Fault { index: rows[0].index, error }),
    }
    Ok(())
}

/// A row without a number, as it is stored: such kinds have no column with a default that is not given here.
fn unnumbered(form: &'static Form, columns: Shown) -> Made {
    let key = write::key_of(form, &columns);
    let mut stored = Stored::new();
    for (column, value) in columns {
        let json = form.kind.fields.iter().any(|field| field.column == column && field.kind == FieldKind::Json);
        let value = match value {
            Json::Null => continue,
            value if json => value.to_string().into(),
            value => value,
        };
        stored.insert(column.to_owned(), value);
    }
    Made::Whole(key, stored)
}

type Row = (usize, (Vec<Value>, Stored));

/// The rows as they are now, with what the database added.
async fn read_back(tx: &mut Tx, form: &'static Form, made: Vec<(usize, Made)>) -> Result<Vec<Row>, StoreError> {
    let ids: Vec<i64> = made
        .iter()
        .filter_map(|(_, made)| match made {
            Made::Numbered(id) => Some(*id),
            Made::Whole(..) => None,
        })
        .collect();
    let mut rows = if ids.is_empty() { BTreeMap::new() } else { stored_many_in_tx(tx, form.kind, ids).await? };
    let whole = |(index, made)| match made {
        Made::Numbered(id) => (index, (vec![Value::Int(id)], rows.remove(&id).unwrap_or_default())),
        Made::Whole(key, stored) => (index, (key, stored)),
    };
    Ok(made.into_iter().map(whole).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::forms;

    /// What [`super::unnumbered`] says of kinds without a number.
    #[test]
    fn kinds_without_a_number_are_wholly_given() {
        for form in forms::FORMS.iter().filter(|form| !form.is_numbered()) {
            let given = |column: &str| form.fields().any(|(_, field)| field.column == column);
            let known = |column: &str| Some(column) == form.origin || column == "discovered" || given(column);
            assert!(form.kind.fields.iter().all(|field| known(field.column)), "{}", form.word());
        }
    }
}
