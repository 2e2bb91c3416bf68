//! DECIDE, by people: the one path on which a person writes the inventory.
//!
//! REST, `mutate`, imports and the page all come through [`Editor`]. It knows the catalog and what people may write of
//! it ([`form`]), and nothing of HTTP. What discovery writes goes through `reconcile`. Invariants:
//!
//! - A list of operations is one transaction: all of them are done, or none. It is retried as a whole when a lock or a
//!   node is lost.
//! - The row is locked before it is looked at. Only the columns that were given are written, so that two people who
//!   change different fields both keep their change, whoever is last.
//! - Everything that is wrong with a body is told at once, each with its field, the reason and what would be right.
//! - What was written is in the history and in the audit log, in the same transaction. What changes nothing is in neither.
//! - A column of a compute that a person writes is a person's; one that a person empties is discovery's again. The same
//!   holds for a capability as a whole.

mod association;
pub(crate) mod bulk;
mod capability;
pub(crate) mod chain;
mod check;
mod delete;
mod discovered;
pub(crate) mod form;
pub(crate) mod forms;
mod place;
mod problem;
mod reference;
pub(crate) mod rule;
mod tag;
#[cfg(test)]
mod tests;
mod trail;
mod write;

use orchestrix_common::time::{SharedClock, Timestamp};
use serde_json::{Map, Value as Json};

use self::form::Form;
use crate::{
    catalog::FieldKind,
    connection,
    store::{
        Commits, Db, Dialect, Executor, StoreError, Value,
        rows::{
            history::Actor,
            record::{Record, record_get},
        },
    },
};

pub(crate) use problem::{EditError, FieldProblem, Hung};

/// Writes what people decide. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Editor {
    db: Db,
    clock: SharedClock,
    commits: Commits,
}

/// Values of the columns that identify a row, in the order of [`Form::key`].
pub(crate) type Key = Vec<Value>;

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) form: &'static Form,
    pub(crate) verb: Verb,
    /// The row is the one of this earlier operation of the list.
    pub(crate) of: Option<usize>,
}

impl Operation {
    pub(crate) const fn new(form: &'static Form, verb: Verb) -> Self {
        Self { form, verb, of: None }
    }
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    /// Make a row of these fields.
    Create { data: Json },
    /// Change these fields of a row (RFC 7396: what is not given stays, `null` empties).
    Update { key: Key, data: Json, expected: Expected },
    /// Change these fields of a row, or make one of them. For kinds whose key people choose.
    Put { key: Key, data: Json, expected: Expected },
    /// Delete a row.
    Delete { key: Key, expected: Expected, cascade: bool },
}

/// What the caller believes of the row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected(Option<Vec<String>>);

impl Expected {
    /// The row has one of these tags ([`row_tag`]).
    pub(crate) const fn tags(tags: Vec<String>) -> Self {
        Self(Some(tags))
    }

    fn fits(&self, record: &Record) -> bool {
        self.0.as_ref().is_none_or(|tags| tags.contains(&row_tag(record)))
    }
}

/// Whether what was asked for is done, or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is done.
    Commit,
    /// It is tried and taken back; nobody else sees anything of it.
    Rehearse,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) form: &'static Form,
    pub(crate) key: Key,
    pub(crate) outcome: Outcome,
    /// The row as it is now; as it last was when it is gone.
    pub(crate) record: Record,
    /// What else is gone or was emptied, by kind.
    pub(crate) also: Vec<Hung>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Updated,
    /// It was so already.
    Unchanged,
    Deleted,
}

/// Who does it, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) at: Timestamp,
    pub(crate) words: Words,
}

/// Which words a field takes that has a list of usual ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Words {
    /// Those of the list, and those that are in use.
    #[default]
    Known,
    /// Any.
    Any,
}

/// Why a list of operations was not carried out, and which of them is to blame.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) index: usize,
    pub(crate) error: EditError,
}

impl Editor {
    /// An editor of this database; what it commits is announced to `commits`.
    #[must_use]
    pub const fn new(db: Db, clock: SharedClock, commits: Commits) -> Self {
        Self { db, clock, commits }
    }

    /// Carries out one operation.
    pub(crate) async fn one(&self, actor: &Actor, operation: &Operation, mode: Mode) -> Result<Done, EditError> {
        let mut done = self.all(actor, std::slice::from_ref(operation), mode).await.map_err(|failed| failed.error)?;
        done.pop().ok_or_else(|| EditError::Store(StoreError::Abandoned))
    }

    /// Carries out operations in their order: all, or none.
    pub(crate) async fn all(&self, actor: &Actor, operations: &[Operation], mode: Mode) -> Result<Vec<Done>, Failed> {
        match self.attempt(actor, operations, mode).await {
            // Somebody else was faster by a moment: what the database refused without words, the checks now name.
            Err(Failed { error: EditError::Store(error), .. }) if error.is_about_content() => {
                self.attempt(actor, operations, mode).await
            }
            done => done,
        }
    }

    async fn attempt(&self, actor: &Actor, operations: &[Operation], mode: Mode) -> Result<Vec<Done>, Failed> {
        let by = By { actor, at: self.clock.now(), words: Words::Known };
        let (mut given_up, mut reached) = (None, 0);
        let committed = crate::transaction!(self.db, |tx| {
            let mut done = Vec::with_capacity(operations.len());
            for (index, operation) in operations.iter().enumerate() {
                reached = index;
                let carried_out = match chain::resolved(operation, |index| chain::made(&done, index)) {
                    Ok(operation) => write::carry_out_in_tx(tx, by, &operation).await,
                    Err(error) => Err(error),
                };
                match carried_out {
                    Ok(one) => done.push(one),
                    Err(EditError::Store(error)) => return Err(error),
                    Err(error) => {
                        given_up = Some(Err(Failed { index, error }));
                        return Err(StoreError::Abandoned);
                    }
                }
            }
            if mode == Mode::Rehearse {
                given_up = Some(Ok(done));
                return Err(StoreError::Abandoned);
            }
            done
        });
        match (committed, given_up) {
            (Ok(done), _) => {
                if done.iter().any(|done| done.outcome != Outcome::Unchanged) {
                    self.commits.announce();
                }
                Ok(done)
            }
            (Err(StoreError::Abandoned), Some(end)) => end,
            (Err(error), _) => Err(Failed { index: reached, error: refused(error, operations.get(reached)) }),
        }
    }
}

/// What the database refused, in words where a person can do something about it.
fn refused(error: StoreError, operation: Option<&Operation>) -> EditError {
    let Some(column) = error.column_without_letters() else { return error.into() };
    let fields = operation.map_or(&[][..], |operation| operation.form.kind.fields);
    let name = fields.iter().find(|field| field.column == column).map_or(column.as_str(), |field| field.name);
    EditError::Invalid(vec![FieldProblem::new(
        name,
        "unstorable",
        "holds letters that its column cannot store: the table is in an older character set",
        "letters of that character set, or the table converted to utf8mb4, which is never done by us",
    )])
}

/// The tag of a stored row: changes whenever one of its columns does.
pub(crate) fn row_tag(record: &Record) -> String {
    let text = serde_json::to_vec(&record.shown).unwrap_or_default();
    blake3::hash(&text).to_hex().chars().take(16).collect()
}

/// Reads the tag of a stored row; `None` when there is no such row.
pub(crate) async fn stored_tag(
    from: &mut impl Executor,
    dialect: Dialect,
    form: &Form,
    key: &[Value],
) -> Result<Option<String>, StoreError> {
    let record = record_get(from, dialect, form.kind, &form.columns_of(key)).await?;
    Ok(record.as_ref().map(row_tag))
}

impl Form {
    /// The columns of a key with their values.
    fn columns_of(&self, key: &[Value]) -> Vec<(&'static str, Value)> {
        self.key.iter().copied().zip(key.iter().cloned()).collect()
    }

    /// A row by the names of its fields.
    pub(crate) fn show(&self, record: &Record) -> Json {
        let shown: Map<String, Json> = self
            .kind
            .fields
            .iter()
            .filter_map(|field| {
                let value = record.shown.get(field.column)?;
                let shown = if field.kind == FieldKind::Connection { connection::masked(value) } else { value.clone() };
                Some((field.name.to_owned(), shown))
            })
            .collect();
        Json::Object(shown)
    }
}
