//! What people may write: for each kind its fields with their rules, what makes a row unique, and what hangs on it.
//!
//! A form is plain data beside the catalog. The checks, the statements and the description of the API all follow from
//! it. Sizes and ranges are those of the columns as the existing inventory has them on MariaDB, also on SQLite, so that
//! an inventory can move from one to the other.

use crate::catalog::{Field, Kind};

/// What people may write into a kind.
#[derive(Debug)]
pub(crate) struct Form {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// What one of them is called in prose.
    pub(crate) one: &'static str,
    /// Columns that identify a row.
    pub(crate) key: &'static [&'static str],
    /// What may be written.
    pub(crate) inputs: &'static [Input],
    /// The column that says who set a row, where there is one.
    pub(crate) origin: Option<&'static str>,
    /// Sets of columns that no two rows share.
    pub(crate) unique: &'static [&'static [&'static str]],
    /// What keeps a row from being deleted.
    pub(crate) hanging: &'static [Hanging],
    /// Tables of discovery's own whose rows go with a row, by the column that names it.
    pub(crate) belongings: &'static [(&'static str, &'static str)],
    /// A body that makes one, for the description of the API.
    pub(crate) example: &'static str,
}

/// A field that may be written.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its name in the catalog.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) rule: Rule,
    /// Whether it may be left out, and may be empty.
    pub(crate) need: Need,
    /// It is given once, when the row is made.
    pub(crate) fixed: bool,
}

/// Whether a field may be left out, and may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It must be given, and is never empty.
    Needed,
    /// It may be left out, and may be empty.
    Optional,
    /// It may be left out, then it has a default; it is never empty.
    Defaulted,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// One line of at most so many characters. Blanks at its ends are dropped.
    Line(usize),
    /// One line of at most so many characters, also an empty one, exactly as it is given.
    Exact(usize),
    /// Text of several lines.
    Text(usize),
    /// One of these words, or another one that the column holds already.
    Word(&'static [&'static str], usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An IPv4 or IPv6 address.
    Address,
    /// A hardware address.
    Mac,
    /// A whole number in a range.
    Int(i64, i64),
    /// A number in a range, with so many decimal places.
    Real(f64, f64, i32),
    /// True or false.
    Bool,
    /// A list of texts, each at most so long.
    List(usize),
    /// A JSON object.
    Object,
    /// A JSON object that holds no credential in clear.
    Connection,
    /// The key of a row of this kind.
    Reference(&'static str),
}

/// Something that hangs on a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hanging {
    /// The kind that hangs on it.
    pub(crate) kind: &'static str,
    /// The column of that kind that names the row.
    pub(crate) column: &'static str,
    /// What becomes of it when a deletion cascades.
    pub(crate) cascade: Cascade,
}

/// What becomes of what hangs on a row that is deleted with everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cascade {
    /// It is deleted, too.
    Delete,
    /// It stays and no longer names the row.
    Clear,
}

/// The largest INT.
pub(crate) const INT_MAX: i64 = 2_147_483_647;
/// Characters that fit into a TEXT column whatever they are.
pub(crate) const TEXT_MAX: usize = 16_383;

pub(super) const fn needed(name: &'static str, rule: Rule) -> Input {
    Input { name, rule, need: Need::Needed, fixed: false }
}

pub(super) const fn optional(name: &'static str, rule: Rule) -> Input {
    Input { name, rule, need: Need::Optional, fixed: false }
}

pub(super) const fn defaulted(name: &'static str, rule: Rule) -> Input {
    Input { name, rule, need: Need::Defaulted, fixed: false }
}

impl Input {
    /// The same, given once when the row is made.
    pub(super) const fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }
}

pub(super) const fn child(kind: &'static str, column: &'static str) -> Hanging {
    Hanging { kind, column, cascade: Cascade::Delete }
}

pub(super) const fn referrer(kind: &'static str, column: &'static str) -> Hanging {
    Hanging { kind, column, cascade: Cascade::Clear }
}

impl Form {
    /// The input with this name, regardless of case and underscores.
    pub(crate) fn input(&self, name: &str) -> Option<(&'static Input, &'static Field)> {
        let field = self.kind.field(name)?;
        let input = self.inputs.iter().find(|input| input.name == field.name)?;
        Some((input, field))
    }

    /// Every input with its field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static Input, &'static Field)> {
        self.inputs.iter().filter_map(|input| self.input(input.name))
    }

    /// The name of a column in requests.
    pub(crate) fn name_of(&self, column: &str) -> &'static str {
        self.kind.fields.iter().find(|field| field.column == column).map_or("", |field| field.name)
    }

    /// What the history calls it.
    pub(crate) fn word(&self) -> &'static str {
        self.kind.history_type()
    }

    /// Whether the database numbers the rows.
    pub(crate) fn is_numbered(&self) -> bool {
        self.key == ["id"]
    }
}
