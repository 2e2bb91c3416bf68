//! The nested query: a request names a kind, what to filter, and which related kinds to include, to any depth.
//!
//! `parse` checks the request against the [`catalog`](crate::catalog) and makes a plan; `sql` turns each level of it into exactly one
//! statement, however many parents there are; `run` executes the levels from the top and hangs the rows below their
//! parents. Nothing of a request ever becomes part of a statement's text: kinds, fields and operators are looked up in
//! the catalog, values are bound.

mod attached;
mod criteria;
mod criterion;
mod error;
mod lazy;
mod names;
mod parse;
mod run;
mod sql;

pub use error::QueryError;
pub use parse::{Limits, Plan, parse};
pub use run::{Answer, answer, run};

#[cfg(test)]
mod tests;
