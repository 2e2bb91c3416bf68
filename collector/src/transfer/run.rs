//! Carries an import out, from the files to the report.

use orchestrix_common::time::SharedClock;
use serde_json::json;

use super::{
    Input, Problem,
    plan::{Matching, Plan, plan},
    read::{self, Manner, Reading},
    report::{ChangeReport, Counts, Report, RowReport},
    sheet::{self, SHEETS},
};
use crate::{
    catalog::nearest,
    edit::{
        EditError, Editor, Mode, Outcome, Words,
        bulk::{Attempt, BulkError, Terms},
    },
    store::{Commits, Db, StoreError, rows::history::Actor},
};

/// How often a plan is made anew because rows were added meanwhile.
const TRIES: usize = 5;

/// How files are imported.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Rows that have a number are the rows with that number.
    pub by_id: bool,
    /// Words that are neither usual nor in use are taken, too.
    pub any_word: bool,
    /// Kind of the rows that do not say theirs.
    pub kind: Option<String>,
    /// What parts the cells; guessed when not given.
    pub delimiter: Option<u8>,
}

/// Told how far an import has come.
pub trait Progress: Send + Sync {
    /// A part begins, of so many steps.
    fn part(&self, what: &'static str, steps: usize);
    /// So many steps of it are done.
    fn at(&self, steps: usize);
}

/// An import came to no report.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The kind that was named is none.
    #[error("{given:?} is no kind that can be imported; nearest: {near}")]
    Kind {
        /// What was given.
        given: String,
        /// Kinds with names near to it.
        near: String,
    },
    /// Others add rows all the time.
    #[error("others are adding rows to the inventory; try again when they are done")]
    Busy,
    /// The database failed.
    #[error("the database failed; nothing was imported")]
    Store(#[from] StoreError),
}

/// Imports files: all of them, or, when something is wrong, nothing.
///
/// # Errors
/// When the database fails. What is wrong with the files is in the report.
pub async fn import(
    db: &Db,
    clock: SharedClock,
    commits: Commits,
    actor: &Actor,
    inputs: &[Input],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, ImportError> {
    let sheet = options.kind.as_deref().map(named).transpose()?;
    progress.part("reading", inputs.iter().map(|input| input.bytes.len()).sum());
    let manner = Manner { sheet, delimiter: options.delimiter };
    let mut reading = read::read(inputs, manner, &|read| progress.at(read));
    let editor = Editor::new(db.clone(), clock, commits);
    let matching = if options.by_id { Matching::Numbers } else { Matching::Names };
    let detail = json!({ "files": inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>() });
    for _ in 0..TRIES {
        progress.part("planning", 0);
        let mut plan = plan(db, &reading, matching).await?;
        let mut problems = reading.problems.clone();
        problems.append(&mut plan.problems);
        // What is wrong already is no reason not to look for more.
        let mode = if options.dry_run || !problems.is_empty() { Mode::Rehearse } else { Mode::Commit };
        progress.part(if mode == Mode::Commit { "writing" } else { "checking" }, plan.operations.len());
        let terms = Terms {
            mode,
            words: if options.any_word { Words::Any } else { Words::Known },
            seen: &plan.seen,
            progress: &|done| progress.at(done),
            detail: detail.clone(),
        };
        match editor.bulk(actor, &plan.operations, &terms).await {
            Ok(attempts) => {
                reading.problems = problems;
                return Ok(reported(reading, &plan, attempts, options.dry_run));
            }
            Err(BulkError::Moved) => {}
            Err(BulkError::Refused { index, source }) => {
                let entry = &reading.entries[plan.of[index]];
                let cause = std::error::Error::source(&source).map_or_else(|| source.to_string(), ToString::to_string);
                let reason = format!("the database refuses it: {cause}");
                problems.push(reading.problem(entry.spot, None, "refused", None, reason, "another value"));
                reading.problems = problems;
                return Ok(reported(reading, &plan, Vec::new(), options.dry_run));
            }
            Err(BulkError::Store(error)) => return Err(error.into()),
        }
    }
    Err(ImportError::Busy)
}

fn named(kind: &str) -> Result<usize, ImportError> {
    sheet::find(kind).ok_or_else(|| {
        let near = nearest(kind, SHEETS.iter().map(|sheet| sheet.form.kind.name)).join(", ");
        ImportError::Kind { given: kind.to_owned(), near }
    })
}

/// What became of an entry.
#[derive(Default)]
struct Became {
    outcome: Option<Outcome>,
    id: Option<i64>,
    changes: Vec<crate::edit::bulk::Change>,
}

fn reported(mut reading: Reading, plan: &Plan, attempts: Vec<Attempt>, dry_run: bool) -> Report {
    let mut became: Vec<Became> = Vec::new();
    became.resize_with(reading.entries.len(), Became::default);
    for (index, attempt) in attempts.into_iter().enumerate() {
        let entry = plan.of[index];
        match attempt {
            Attempt::Done { key, outcome, changes } => {
                let one = &mut became[entry];
                let made = one.outcome == Some(Outcome::Created);
                if !made && (one.outcome.is_none() || outcome != Outcome::Unchanged) {
                    one.outcome = Some(outcome);
                }
                let number = key.first().and_then(|value| match value {
                    crate::store::Value::Int(number) if key.len() == 1 => Some(*number),
                    _ => None,
                });
                one.id = number.filter(|_| !(dry_run && outcome == Outcome::Created)).or(one.id);
                one.changes.extend(changes.into_iter().filter(|_| !made));
            }
            Attempt::Failed(error) => {
                let told = refusals(&reading, entry, error);
                reading.problems.extend(told);
            }
            Attempt::Blocked => {}
        }
    }
    let mut problems = std::mem::take(&mut reading.problems);
    // Two operations of one entry may miss the same.
    problems.sort_by(|one, other| {
        (&one.file, one.line, one.column, &one.field).cmp(&(&other.file, other.line, other.column, &other.field))
    });
    problems.dedup();
    let mut report =
        Report { dry_run, counts: Vec::new(), rows: Vec::new(), problems, left_out: reading.left_out.clone() };
    if report.problems.is_empty() {
        tell(&mut report, &reading, plan, became);
    }
    report
}

fn tell(report: &mut Report, reading: &Reading, plan: &Plan, became: Vec<Became>) {
    let none = |sheet: &super::sheet::Sheet| Counts { kind: sheet.form.kind.name, made: 0, changed: 0, left: 0 };
    let mut counts: Vec<Counts> = SHEETS.iter().map(none).collect();
    for (index, (entry, Became { outcome, id, changes })) in reading.entries.iter().zip(became).enumerate() {
        let of = &mut counts[entry.sheet];
        let (count, action) = match outcome {
            Some(Outcome::Created) => (&mut of.made, "made"),
            Some(Outcome::Updated | Outcome::Deleted) => (&mut of.changed, "changed"),
            Some(Outcome::Unchanged) | None => (&mut of.left, "left"),
        };
        *count += 1;
        // What is only tried has no number yet, even where a later row of the files was tried against one.
        let id = id.filter(|_| !(report.dry_run && action == "made"));
        report.rows.push(RowReport {
            file: reading.name_of(entry.spot).to_owned(),
            line: entry.spot.line,
            kind: SHEETS[entry.sheet].form.kind.name,
            action,
            path: plan.title(index),
            id,
            changes: changes
                .into_iter()
                .map(|change| (change.field, ChangeReport { before: change.before, after: change.after }))
                .collect(),
        });
    }
    counts.retain(|counts| counts.made + counts.changed + counts.left > 0);
    report.counts = counts;
}

/// What the editor refuses of an entry, each at its place.
fn refusals(reading: &Reading, entry: usize, error: EditError) -> Vec<Problem> {
    let entry = &reading.entries[entry];
    let whole =
        |code, reason: String, expected: &str| vec![reading.problem(entry.spot, None, code, None, reason, expected)];
    match error {
        EditError::Invalid(problems) => problems
            .into_iter()
            .map(|problem| {
                let name = problem.field.split(['.', '[']).next().unwrap_or_default();
                let cell = entry.cell(name);
                let spot = cell.map_or(entry.spot, |cell| cell.spot);
                let value = cell.and_then(|cell| match &cell.says {
                    read::Says::Value(serde_json::Value::String(text)) | read::Says::Path(text) => Some(text.clone()),
                    read::Says::Value(value) => Some(value.to_string()),
                    read::Says::Number(number) => Some(number.to_string()),
                    read::Says::Entry(_) => None,
                });
                let (field, code) = (Some(problem.field.as_str()), problem.code);
                reading.problem(spot, field, code, value.as_deref(), problem.reason, problem.expected)
            })
            .collect(),
        EditError::NotFound { what, id } => {
            whole("not-found", format!("{what} {id} was deleted meanwhile"), "one that is there; import again")
        }
        other => whole("refused", other.to_string(), "another row"),
    }
}
