//! Many operations at once: what an import does.
//!
//! The rules, the history and the audit are those of single operations. What differs is how often the database is asked:
//! rows of one form are checked, read back and written down in batches, and a row that is as it should be costs no lock.
//! And it does not end at the first thing that is wrong: everything is tried, so that all of it can be told, and then
//! nothing of it stays.

mod create;
mod update;

use std::fmt;

use serde_json::Value as Json;

use super::{By, EditError, Editor, Key, Mode, Operation, Outcome, Verb, Words, chain, form::Form, forms, write};
use crate::store::{
    Dialect, Executor as _, StoreError, Tx,
    rows::{
        audit::{AuditEntry, audit_insert_in_tx},
        cut,
        history::Actor,
    },
};

/// Operations of one batch.
const BATCH: usize = Dialect::ROWS_PER_STATEMENT;
/// Row of the settings that keeps imports apart.
const TURN: &str = "import";

/// How a list is carried out.
pub(crate) struct Terms<'a> {
    pub(crate) mode: Mode,
    pub(crate) words: Words,
    /// The largest number among the rows of each form when the list was made. When others were added since, the list may
    /// make them a second time, and is not carried out.
    pub(crate) seen: &'a [(&'static Form, i64)],
    /// Told how many operations were tried so far.
    pub(crate) progress: &'a (dyn Fn(usize) + Send + Sync),
    /// What the audit log says of the whole.
    pub(crate) detail: Json,
}

impl fmt::Debug for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms").field("mode", &self.mode).field("words", &self.words).finish_non_exhaustive()
    }
}

/// What became of one operation.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It was carried out, or would be.
    Done { key: Key, outcome: Outcome, changes: Vec<Change> },
    /// It is refused.
    Failed(EditError),
    /// It was not tried: it speaks of a row of an operation that was refused.
    Blocked,
}

/// A field that is another one than it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) field: &'static str,
    pub(crate) before: Json,
    pub(crate) after: Json,
}

/// A list was not carried out, for a reason that lies in none of its operations.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BulkError {
    /// Rows were added since the list was made.
    #[error("rows were added meanwhile")]
    Moved,
    /// The database refuses what the checks let pass.
    #[error("the database refuses it")]
    Refused { index: usize, source: StoreError },
    /// The database failed.
    #[error("store the changes")]
    Store(#[from] StoreError),
}

impl Editor {
    /// Tries operations in their order and tells what became of each. All of them are carried out, or, when one is refused
    /// or this is a rehearsal, none.
    pub(crate) async fn bulk(
        &self,
        actor: &Actor,
        operations: &[Operation],
        terms: &Terms<'_>,
    ) -> Result<Vec<Attempt>, BulkError> {
        let by = By { actor, at: self.clock.now(), words: terms.words };
        let mut given_up = None;
        let committed = crate::transaction!(self.db, |tx| {
            match attempt(tx, by, operations, terms).await {
                Err(BulkError::Store(error)) => return Err(error),
                Ok(attempts) if terms.mode == Mode::Commit && attempts.iter().all(Attempt::is_done) => attempts,
                end => {
                    given_up = Some(end);
                    return Err(StoreError::Abandoned);
                }
            }
        });
        match (committed, given_up) {
            (Ok(attempts), _) => {
                if attempts.iter().any(Attempt::changed) {
                    self.commits.announce();
                }
                Ok(attempts)
            }
            (Err(StoreError::Abandoned), Some(end)) => end,
            (Err(error), _) => Err(error.into()),
        }
    }
}

impl Attempt {
    const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    fn changed(&self) -> bool {
        matches!(self, Self::Done { outcome, .. } if *outcome != Outcome::Unchanged)
    }

    /// The number of the row.
    fn made(&self) -> Option<i64> {
        match self {
            Self::Done { key, .. } => chain::numbered(key),
            Self::Failed(_) | Self::Blocked => None,
        }
    }
}

async fn attempt(
    tx: &mut Tx,
    by: By<'_>,
    operations: &[Operation],
    terms: &Terms<'_>,
) -> Result<Vec<Attempt>, BulkError> {
    take_turn(tx, terms.seen).await?;
    (terms.progress)(0);
    let mut attempts: Vec<Attempt> = Vec::with_capacity(operations.len());
    let mut clouds = create::Clouds::default();
    while let Some(first) = operations.get(attempts.len()) {
        let start = attempts.len();
        let alike = |one: &&Operation| {
            one.form.kind.name == first.form.kind.name
                && std::mem::discriminant(&one.verb) == std::mem::discriminant(&first.verb)
        };
        let batch = operations[start..].iter().take(BATCH).take_while(alike);
        let mut tasks = Vec::with_capacity(BATCH);
        for operation in batch {
            tasks.push(task(operation, &attempts));
        }
        let done = match first.verb {
            Verb::Create { .. } if first.form.kind.name != forms::ENVIRONMENT_ASSOCIATION.kind.name => {
                create::many(tx, by, first.form, tasks, &mut clouds).await
            }
            Verb::Update { .. } => {
                // A place may be another one after this.
                clouds = create::Clouds::default();
                update::many(tx, by, first.form, tasks).await
            }
            _ => singly(tx, by, tasks).await,
        };
        attempts.extend(done.map_err(|failed| failed.at(start))?);
        (terms.progress)(attempts.len());
    }
    if attempts.iter().any(Attempt::changed) {
        summarise(tx, by, &attempts, terms).await?;
    }
    Ok(attempts)
}

/// An operation that can be tried, or what became of it without.
type Task = Result<Operation, Attempt>;

fn task(operation: &Operation, attempts: &[Attempt]) -> Task {
    let failed = |index: usize| attempts.get(index).is_some_and(|attempt| !attempt.is_done());
    if chain::spoken_of(operation).any(failed) {
        return Err(Attempt::Blocked);
    }
    chain::resolved(operation, |index| attempts.get(index).and_then(Attempt::made)).map_err(Attempt::Failed)
}

/// A statement failed: at which operation of the batch, and why.
struct Fault {
    index: usize,
    error: StoreError,
}

impl Fault {
    fn at(self, start: usize) -> BulkError {
        match self.error {
            error if error.is_about_content() => BulkError::Refused { index: start + self.index, source: error },
            StoreError::Abandoned => BulkError::Moved,
            error => BulkError::Store(error),
        }
    }
}

/// Sorts what was refused from what failed.
fn judged(index: usize, carried_out: Result<Attempt, EditError>) -> Result<Attempt, Fault> {
    match carried_out {
        Ok(attempt) => Ok(attempt),
        Err(EditError::Store(error)) => Err(Fault { index, error }),
        Err(error) => Ok(Attempt::Failed(error)),
    }
}

async fn singly(tx: &mut Tx, by: By<'_>, tasks: Vec<Task>) -> Result<Vec<Attempt>, Fault> {
    let mut attempts = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.into_iter().enumerate() {
        attempts.push(match task {
            Ok(operation) => {
                let done = write::carry_out_in_tx(tx, by, &operation).await;
                let done = done.map(|done| Attempt::Done { key: done.key, outcome: done.outcome, changes: Vec::new() });
                judged(index, done)?
            }
            Err(attempt) => attempt,
        });
    }
    Ok(attempts)
}

/// One import at a time, each on what the one before it left behind.
async fn take_turn(tx: &mut Tx, seen: &[(&'static Form, i64)]) -> Result<(), BulkError> {
    let ending = tx.dialect().on_conflict(&["name"], &["content"]);
    let row = vec![TURN.into(), "turn".into()];
    tx.insert_many("discovery_settings", &["name", "content"], vec![row], &ending).await?;
    for (form, largest) in seen {
        let sql = format!("SELECT COALESCE(MAX(id), 0) AS largest FROM {}", form.kind.table);
        let row = tx.fetch_optional(sql, vec![]).await?;
        if row.map_or(Ok(0), |row| row.get::<i64>("largest"))? != *largest {
            return Err(BulkError::Moved);
        }
    }
    Ok(())
}

async fn summarise(tx: &mut Tx, by: By<'_>, attempts: &[Attempt], terms: &Terms<'_>) -> Result<(), StoreError> {
    let count = |wanted: Outcome| {
        let is = |attempt: &&Attempt| matches!(attempt, Attempt::Done { outcome, .. } if *outcome == wanted);
        attempts.iter().filter(is).count()
    };
    let mut detail = terms.detail.clone();
    if let Json::Object(members) = &mut detail {
        members.insert("created".to_owned(), count(Outcome::Created).into());
        members.insert("updated".to_owned(), count(Outcome::Updated).into());
    }
    let entry = AuditEntry {
        at: by.at,
        actor_kind: by.actor.kind,
        actor_id: cut(&by.actor.id, 64),
        action: "inventory.import",
        resource_type: "inventory",
        resource_id: "",
        detail,
    };
    audit_insert_in_tx(tx, &entry).await
}
