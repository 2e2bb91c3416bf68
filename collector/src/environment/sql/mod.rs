//! The same as [`inherit`](super::inherit), for whole lists: a condition on rows ([`effective_filter`]), and the claims of
//! a page of rows ([`claims`]).

mod chain;
mod filter;
mod rare;

use crate::store::Value;

pub(crate) use chain::above_compute;
pub(super) use chain::chain;
pub use chain::{claims, claims_from, column};
pub use filter::{effective_filter, effective_filter_from, hosting};
pub use rare::effective_condition;

/// SQL with the values that are bound in it, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// The text, with a `?` for each value.
    pub sql: String,
    /// The values.
    pub values: Vec<Value>,
}

/// Which environments are wanted: those with one of the codes, of whichever partner, or with one of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Codes, for example `PROD`.
    pub codes: Vec<String>,
    /// Keys.
    pub ids: Vec<i64>,
    /// Whichever; the others then say nothing.
    pub any: bool,
}

/// Where a statement reads a table from: its name, or a derived table (in brackets) of its rows at a past time.
pub type Tables<'a> = &'a (dyn Fn(&'static str) -> String + Sync);

/// Reads every table as it is now.
#[must_use]
pub fn current(table: &'static str) -> String {
    table.to_owned()
}
