//! DECIDE and SHOW, for files: an inventory from spreadsheets and JSON, and back to them.
//!
//! A file holds rows that name each other by path or by name ([`path`], [`sheet`]); numbers belong to one database and are
//! not needed. [`import`] reads files ([`read`]), finds the rows that are there already ([`book`]), plans what must be done
//! ([`plan`]) and hands it to the editor, so that the rules, the history and the audit of people's edits hold. [`export`]
//! writes what [`import`] reads. Invariants:
//!
//! - All of it is done, or nothing. Everything that is wrong is told at once, each with its place.
//! - Importing the same twice changes nothing the second time.
//! - Exported, imported into an empty inventory and exported again, it is the same.
//! - The work is in proportion to the rows.

mod book;
pub(crate) mod cell;
mod export;
mod path;
mod plan;
mod problem;
mod read;
mod report;
mod run;
pub(crate) mod sheet;
#[cfg(test)]
mod tests;

pub use export::{Export, export};
pub use problem::Problem;
pub use read::Input;
pub use report::{Counts, Report, RowReport};
pub use run::{ImportError, Options, Progress, import};
