//! Values that go into a statement and columns that come out of a row.

use orchestrix_common::{hash::EntityHash, id::AgentId, time::Timestamp};
use sqlx::{Row as _, TypeInfo as _, ValueRef as _, mysql::MySqlRow, sqlite::SqliteRow};

use super::StoreError;

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A whole number; booleans are 0 and 1.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The whole number that it is.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

macro_rules! value_from {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $make
            }
        })*
    };
}

value_from! {
    i64 => |value| Self::Int(value);
    i32 => |value| Self::Int(value.into());
    u32 => |value| Self::Int(value.into());
    u16 => |value| Self::Int(value.into());
    // Sequence numbers and byte counts stay far below 2^63; a hostile larger one is stored as the largest.
    u64 => |value| Self::Int(i64::try_from(value).unwrap_or(i64::MAX));
    bool => |value| Self::Int(value.into());
    f64 => |value| Self::Real(value);
    String => |value| Self::Text(value);
    &str => |value| Self::Text(value.to_owned());
    &String => |value| Self::Text(value.clone());
    Vec<u8> => |value| Self::Bytes(value);
    &[u8] => |value| Self::Bytes(value.to_vec());
    EntityHash => |value| Self::Bytes(value.0.to_vec());
    Timestamp => |value| Self::Int(value.as_micros());
    AgentId => |value| Self::Text(value.to_string());
    &serde_json::Value => |value| Self::Text(value.to_string());
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From MariaDB or MySQL.
    MySql(MySqlRow),
}

impl Row {
    /// Reads a column by name. `Option` reads NULL as `None`.
    ///
    /// # Errors
    /// When there is no such column or it holds another type.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        T::read(self, column).map_err(StoreError::from)
    }

    /// Reads a column of microseconds.
    ///
    /// # Errors
    /// When there is no such column or it holds another type.
    pub fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp::from_micros)
    }

    /// Reads a column of microseconds that may be NULL.
    ///
    /// # Errors
    /// When there is no such column or it holds another type.
    pub fn time_opt(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }

    /// Reads a JSON column; NULL is `None`.
    ///
    /// # Errors
    /// When there is no such column or it does not hold the JSON of a `T`.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.get::<Option<String>>(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|source| StoreError::Json { column: column.to_owned(), source })
    }
}

/// A type that a column can be read as, on both databases.
pub trait Column: Sized {
    /// Reads the column.
    ///
    /// # Errors
    /// When there is no such column or it holds another type.
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error>;
}

macro_rules! column {
    ($($type:ty),*) => {
        $(impl Column for $type {
            fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
                match row {
                    Row::Sqlite(row) => row.try_get(column),
                    Row::MySql(row) => row.try_get(column),
                }
            }
        })*
    };
}

column!(f64, Option<f64>, String, Option<String>, Vec<u8>, Option<Vec<u8>>);

/// Keys of an existing inventory may be unsigned, and its flags single bits; sqlx reads neither as a signed number. Where
/// such keys and ours stand in one column of a UNION, MariaDB makes DECIMALs of both.
impl Column for Option<i64> {
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::MySql(row) => match row.try_get(column) {
                Err(sqlx::Error::ColumnDecode { .. }) => match row.try_get::<Option<u64>, _>(column) {
                    Err(error @ sqlx::Error::ColumnDecode { .. }) => whole_decimal(row, column).ok_or(error)?,
                    unsigned => Ok(unsigned?.map(|number| i64::try_from(number).unwrap_or(i64::MAX))),
                },
                read => read,
            },
        }
    }
}

/// A DECIMAL without fraction, which the protocol writes as a text; `None` for another type.
fn whole_decimal(row: &MySqlRow, column: &str) -> Option<Result<Option<i64>, sqlx::Error>> {
    let is_decimal = row.try_get_raw(column).ok()?.type_info().name() == "DECIMAL";
    let text: Option<String> =
        is_decimal.then(|| row.try_get_unchecked::<Option<String>, _>(column)).transpose().ok()??;
    let Some(text) = text else { return Some(Ok(None)) };
    text.parse().ok().map(|number| Ok(Some(number)))
}

impl Column for i64 {
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        Option::<Self>::read(row, column)?.ok_or_else(|| sqlx::Error::ColumnDecode {
            index: format!("{column:?}"),
            source: Box::new(sqlx::error::UnexpectedNullError),
        })
    }
}

impl Column for bool {
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        i64::read(row, column).map(|number| number != 0)
    }
}

impl Column for Option<bool> {
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        Ok(Option::<i64>::read(row, column)?.map(|number| number != 0))
    }
}

impl Column for u64 {
    fn read(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        i64::read(row, column).map(|number| u64::try_from(number).unwrap_or(0))
    }
}
