//! How a list of what a cluster tells is declared: each field once, with its meaning and its type. What is selected, how
//! it is read and what is left out by default follow from that.

use serde_json::Value as Json;

use super::super::{Context, Filter, Test, Time, time, value};
use crate::store::{Row, StoreError};

/// What ended is listed on request only.
pub(super) const ENDED: Filter = Filter::new(
    "ended",
    Test::Word(&[("false", "t.ended_at_us IS NULL"), ("true", "t.ended_at_us IS NOT NULL"), ("any", "")]),
    "false: those that exist (the default); true: those that ended; any: both.",
);

/// A field of a list, by its type. Its column has the name of the field; one of a time holds microseconds and says so.
pub(super) trait Field: Sized {
    /// What is selected for the field `name` of the table `t`.
    fn select(name: &str, context: &Context) -> String;

    /// Reads it.
    fn read(row: &Row, name: &str) -> Result<Self, StoreError>;
}

macro_rules! plain {
    ($($type:ty),*) => { $(
        impl Field for $type {
            fn select(name: &str, _: &Context) -> String {
                format!("t.{name}")
            }

            fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                row.get(name)
            }
        }
    )* };
}

plain!(i64, Option<i64>, String, Option<String>);

impl Field for Option<Json> {
    fn select(name: &str, context: &Context) -> String {
        format!("{} AS {name}", context.dialect.json_text(&format!("t.{name}")))
    }

    fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
        value::read(row, name)
    }
}

macro_rules! moment {
    ($type:ty, $read:path) => {
        impl Field for $type {
            fn select(name: &str, _: &Context) -> String {
                format!("t.{name}_us")
            }

            fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                $read(row, &format!("{name}_us"))
            }
        }
    };
}

moment!(Time, time::read);
moment!(Option<Time>, time::read_opt);

/// Declares the struct of a list and how it is read from `table`; `unless` names the condition that holds by default and
/// the parameter that lifts it.
macro_rules! listed {
    (
        $(#[$about:meta])*
        $name:ident from $table:literal as $list:literal, $one:literal: $sentence:literal
        $(, $condition:literal unless $parameter:literal)?;
        filters [$($filter:expr),* $(,)?]
        $($(#[$meaning:meta])* $field:ident: $type:ty,)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$meaning])* pub $field: $type,)*
        }

        impl Resource for $name {
            const LIST: &'static str = $list;
            const ONE: &'static str = $one;
            const ABOUT: &'static str = $sentence;
            const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
            const FILTERS: &'static [Filter] = &[$($filter),*];

            fn select(context: &Context) -> String {
                let fields = [$(<$type as Field>::select(stringify!($field), context)),*];
                format!("SELECT {} FROM {} t", fields.join(", "), $table)
            }

            fn read(row: &Row) -> Result<Self, StoreError> {
                Ok(Self { $($field: Field::read(row, stringify!($field))?),* })
            }

            fn key(&self) -> Vec<Value> {
                vec![self.id.into()]
            }

            $(fn implied(given: &[&str]) -> Option<&'static str> {
                (!given.contains(&$parameter)).then_some($condition)
            })?
        }
    };
}
pub(super) use listed;
