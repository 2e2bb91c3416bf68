//! What only the database can tell of a body: whether what it names is there, and whether it is the only one of its kind.

use serde_json::Value as Json;

use super::{
    By, EditError, FieldProblem, Key, Words,
    check::{Given, Question},
    form::Form,
    problem::{NOT_UNIQUE, UNKNOWN_REFERENCE},
    rule,
    write::value,
};
use crate::{
    catalog::{Field, KINDS, Kind},
    store::{
        Executor, Tx, Value,
        rows::record::{Shown, record_exists},
    },
};

/// Answers what the check left over.
pub(super) async fn answer(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    given: &mut Given,
    current: Option<&Shown>,
) -> Result<(), EditError> {
    for question in std::mem::take(&mut given.questions) {
        match question {
            Question::Exists { field, kind, id } => {
                let there = match Kind::find(kind) {
                    Some(kind) => record_exists(tx, kind.table, &[("id", id.into())], None).await?,
                    None => false,
                };
                let same = form.kind.name == kind && current.and_then(|row| row.get("id")) == Some(&Json::from(id));
                if !there {
                    given.problem(unknown(field.name, kind, id));
                } else if same {
                    let expected = format!("another {}", rule::title(kind));
                    given.problem(FieldProblem::new(field.name, UNKNOWN_REFERENCE, "names the row itself", expected));
                }
            }
            Question::InUse { field, word, words } => {
                if by.words == Words::Known && !is_in_use(tx, form, field, &word).await? {
                    given.problem(unusual(field, &word, words));
                }
            }
            // Nobody knows better.
            Question::Discovered { field } => given.problem(empty(form, field)),
        }
    }
    Ok(())
}

/// Whether a column holds a word somewhere already.
pub(super) async fn is_in_use(tx: &mut Tx, form: &Form, field: &Field, word: &str) -> Result<bool, EditError> {
    Ok(record_exists(tx, form.kind.table, &[(field.column, word.into())], None).await?)
}

/// A word that is neither usual nor in use.
pub(super) fn unusual(field: &Field, word: &str, words: &[&str]) -> FieldProblem {
    let expected = format!("one of {}, or a word that is in use already", words.join(", "));
    let word: String = word.chars().take(64).collect();
    FieldProblem::new(field.name, "unknown-word", format!("is {word:?}"), expected)
}

/// What is needed was emptied.
pub(super) fn empty(form: &'static Form, field: &Field) -> FieldProblem {
    let expected = form.input(field.name).map(|(input, _)| rule::expected(input.rule)).unwrap_or_default();
    FieldProblem::new(field.name, "required", "is empty", expected)
}

pub(super) fn unknown(field: &str, kind: &str, id: i64) -> FieldProblem {
    let title = rule::title(kind);
    FieldProblem::new(field, UNKNOWN_REFERENCE, format!("there is no {title} {id}"), format!("the id of a {title}"))
}

/// Checks the resource that a row is attached to, and keeps it from going until the transaction ends: no foreign key
/// does.
pub(super) async fn attached(
    tx: &mut Tx,
    form: &'static Form,
    given: &mut Given,
    current: Option<&Shown>,
) -> Result<(), EditError> {
    let Some((type_column, id_column)) = form.attached() else { return Ok(()) };
    if !given.columns.contains_key(type_column) && !given.columns.contains_key(id_column) {
        return Ok(());
    }
    let (word, id) = (given.future(type_column, current).as_str(), given.future(id_column, current).as_i64());
    let (Some(word), Some(id)) = (word, id) else { return Ok(()) };
    let Some(kind) = KINDS.iter().find(|kind| kind.resource_type == word) else { return Ok(()) };
    let sql = format!("SELECT id FROM {} WHERE id = ?{}", kind.table, tx.dialect().for_update());
    if tx.fetch_optional(sql, vec![id.into()]).await?.is_none() {
        given.problem(unknown(form.name_of(id_column), kind.name, id));
    }
    Ok(())
}

/// Checks that no other row holds what only one may. The database compares, by its own rules.
pub(super) async fn unique(
    tx: &mut Tx,
    form: &'static Form,
    given: &mut Given,
    current: Option<(&Key, &Shown)>,
) -> Result<(), EditError> {
    let own = current.map(|(key, _)| form.columns_of(key));
    let keys = (!form.is_numbered() && current.is_none()).then_some(form.key);
    for columns in form.unique.iter().copied().chain(keys) {
        if !columns.iter().any(|column| given.columns.contains_key(column)) {
            continue;
        }
        let stored = current.map(|(_, record)| record);
        let holds: Vec<(&'static str, Value)> =
            columns.iter().map(|column| (*column, value(given.future(column, stored)))).collect();
        // NULL is never the same as anything.
        if holds.iter().any(|(_, value)| *value == Value::Null) {
            continue;
        }
        if record_exists(tx, form.kind.table, &holds, own.as_deref()).await? {
            let names: Vec<&str> = columns.iter().map(|column| form.name_of(column)).collect();
            let field = names.last().copied().unwrap_or_default();
            let (one, within) = (form.one, names.join(" and "));
            let reason = format!("another {one} has the same {within}");
            given.problem(FieldProblem::new(field, NOT_UNIQUE, reason, format!("a {field} that no other {one} has")));
        }
    }
    Ok(())
}

impl Form {
    /// The columns that name the resource which a row is attached to.
    pub(crate) fn attached(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [("resource_type", "resource_id"), ("target_type", "target_id")];
        let has = |column: &str| self.kind.fields.iter().any(|field| field.column == column);
        pairs.into_iter().find(|(type_column, id_column)| has(type_column) && has(id_column))
    }
}
