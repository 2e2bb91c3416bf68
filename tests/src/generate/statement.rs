//! Rows on their way into a table: gathered, then sent as one statement.

use std::sync::Arc;

/// Rows per statement; with the widest table still far below both databases' limits of bound values.
pub(super) const ROWS: usize = 256;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// A whole number; booleans are 0 and 1.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(String),
    /// A text that many rows share.
    Word(&'static str),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! cell_from {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Cell {
            fn from($value: $type) -> Self {
                $make
            }
        })*
    };
}

cell_from! {
    i64 => |value| Self::Int(value);
    u32 => |value| Self::Int(value.into());
    bool => |value| Self::Int(value.into());
    f64 => |value| Self::Real(value);
    String => |value| Self::Text(value);
    &'static str => |value| Self::Word(value);
    Vec<u8> => |value| Self::Bytes(value);
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A table, and those of its columns that are written.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// Makes a row out of anything that is a [`Cell`].
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::generate::Cell::from($value)),*] };
}
pub(super) use row;

/// Rows of one table, to be inserted at once.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) table: &'static Table,
    pub(super) cells: Vec<Cell>,
}

impl Statement {
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, cells: Vec::with_capacity(ROWS * table.columns.len()) }
    }

    pub(super) fn rows(&self) -> usize {
        self.cells.len() / self.table.columns.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows() >= ROWS
    }

    /// Its text, into the table itself or into another one of the same columns.
    pub(super) fn sql(&self, prefix: &str) -> Arc<str> {
        let row = format!("({})", vec!["?"; self.table.columns.len()].join(", "));
        let list = vec![row.as_str(); self.rows()].join(", ");
        format!("INSERT INTO {prefix}{} ({}) VALUES {list}", self.table.name, self.table.columns.join(", ")).into()
    }
}
