//! Why something is not written.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::store::StoreError;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field, by its place in the body.
    pub field: String,
    /// Stable word for programs, for example `too-long`.
    pub code: &'static str,
    /// What is wrong.
    pub reason: String,
    /// What would be right.
    pub expected: String,
}

impl FieldProblem {
    pub(crate) fn new(
        field: impl Into<String>,
        code: &'static str,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), code, reason: reason.into(), expected: expected.into() }
    }

    /// Whether the same body may be right at another time: it depends on what is stored.
    pub(crate) fn is_about_state(&self) -> bool {
        matches!(self.code, UNKNOWN_REFERENCE | NOT_UNIQUE | INCONSISTENT_PLACE | NO_ROOM | DISCOVERED)
    }
}

/// A field names something that is not there.
pub(crate) const UNKNOWN_REFERENCE: &str = "unknown-reference";
/// Another row holds the same values already.
pub(crate) const NOT_UNIQUE: &str = "not-unique";
/// Two fields place a resource at two places.
pub(crate) const INCONSISTENT_PLACE: &str = "inconsistent-place";

/// A row is what discovery sees.
pub(crate) const DISCOVERED: &str = "discovered";
/// The shares of a resource would be more than the whole.
pub(crate) const NO_ROOM: &str = "no-room";

/// What hangs on a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hung {
    /// Kind of what hangs on it, for example `computes`.
    pub kind: &'static str,
    /// The field of it that names the row.
    pub field: &'static str,
    /// How many.
    pub count: u64,
    /// What a cascading deletion does with it: `delete`, `clear` (it stays and no longer names the row) or `refuse`.
    pub cascade: &'static str,
}

/// Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such row.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which one was asked for.
        id: String,
    },
    /// The row is otherwise than the caller believes.
    #[error("the {what} was changed in the meantime")]
    Stale {
        /// What kind of thing.
        what: &'static str,
        /// The row as it is now.
        current: Json,
        /// Its tag.
        tag: String,
    },
    /// What was to be written makes no sense.
    #[error("{}", told(.0))]
    Invalid(Vec<FieldProblem>),
    /// Something hangs on what was to be deleted.
    #[error("the {what} cannot be deleted: {}", hangs(.hanging))]
    Hanging {
        /// What kind of thing.
        what: &'static str,
        /// What hangs on it.
        hanging: Vec<Hung>,
    },
    /// The database failed.
    #[error("store the change")]
    Store(#[from] StoreError),
}

fn told(problems: &[FieldProblem]) -> String {
    let told: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.field, problem.reason)).collect();
    told.join("; ")
}

fn hangs(hanging: &[Hung]) -> String {
    let told: Vec<String> =
        hanging.iter().map(|hung| format!("{} {} name it as {}", hung.count, hung.kind, hung.field)).collect();
    told.join(", ")
}
