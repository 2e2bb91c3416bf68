//! The rows of one table as of an earlier change, as SQL: same columns, same types, same collations.

use std::fmt::Write as _;

use crate::{
    catalog::{Field, FieldKind, Identity, Kind},
    store::Dialect,
};

/// What the rows of a past table depend on.
pub(super) struct Rows<'a> {
    pub(super) kind: &'a Kind,
    pub(super) sequence: i64,
    pub(super) dialect: Dialect,
    /// Only those whose column is in a list that is bound twice.
    pub(super) narrowed: Option<&'a str>,
    pub(super) type_of: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// The table itself, where its name stands for its rows of the past.
pub(super) fn own(table: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!("main.{table}"),
        // A name is not visible in its own definition.
        Dialect::MySql => table.to_owned(),
    }
}

/// What of a column is told of the past. Measurements are changed without history, so nothing is known of theirs.
enum Told {
    Whole,
    Nothing,
    /// Only where another column holds something: else it follows a measurement.
    With(&'static str),
}

fn told(table: &str, column: &str) -> Told {
    match (table, column) {
        ("agents", "connected_at_us" | "reported_at_us")
        | ("environment_associations", "measured_percentage")
        | ("k8s_clusters", "holder_agent_id" | "lease_transitions") => Told::Nothing,
        ("environment_associations", "allocated_percentage") => Told::With("declared_percentage"),
        _ => Told::Whole,
    }
}

impl Rows<'_> {
    pub(super) fn sql(&self) -> String {
        format!("{} UNION ALL {}", self.current(), self.former())
    }

    /// Rows that no later entry is about.
    fn current(&self) -> String {
        let columns: Vec<String> = self
            .kind
            .fields
            .iter()
            .map(|field| format!("{} AS {}", self.shown(field, &|column| format!("c.{column}")), field.column))
            .collect();
        let from = match self.narrowed {
            Some(column) => format!("{} q JOIN {} c ON c.{column} = q.value", self.keys(), self.table()),
            None => format!("{} c", self.table()),
        };
        format!(
            "SELECT {} FROM {from} WHERE NOT EXISTS (SELECT 1 FROM history e WHERE e.resource_type = '{}' AND {} \
             AND e.sequence > {} AND e.before_row IS NOT NULL)",
            columns.join(", "),
            self.kind.history_type(),
            self.same_row(),
            self.sequence,
        )
    }

    /// Rows before their first later entry; none where there was none.
    fn former(&self) -> String {
        let read = |column: &str| self.read(column);
        let columns: Vec<String> = self.kind.fields.iter().map(|field| self.shown(field, &read)).collect();
        let group = match self.kind.identity() {
            Identity::Text => "resource_key",
            Identity::Number | Identity::Part { .. } | Identity::Attached { .. } => "resource_key, resource_id",
        };
        let among = |column: &str| format!(" AND {column} IN (SELECT z.value FROM {} z)", self.keys());
        // The history knows rows by their numbers; any other column must be looked for in the rows.
        let by_number = self.kind.identity() == Identity::Number && self.narrowed == Some(self.kind.key);
        let mut sql = format!(
            "SELECT {} FROM (SELECT MIN(sequence) AS sequence FROM history WHERE resource_type = '{}' \
             AND sequence > {} AND before_row IS NOT NULL{} GROUP BY {group}) f JOIN history b ON b.sequence = f.sequence",
            columns.join(", "),
            self.kind.history_type(),
            self.sequence,
            if by_number { among("resource_id") } else { String::new() },
        );
        if self.dialect == Dialect::MySql {
            let _ = write!(sql, " JOIN JSON_TABLE(b.before_row, '$' COLUMNS ({})) j", self.json_columns());
        }
        let _ = write!(sql, " WHERE {} IS NOT NULL", read(self.kind.key));
        if let Some(column) = self.narrowed.filter(|_| !by_number) {
            sql.push_str(&among(&read(column)));
        }
        sql
    }

    fn table(&self) -> String {
        own(self.kind.table, self.dialect)
    }

    /// A bound JSON list as rows.
    const fn keys(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "json_each(?)",
            Dialect::MySql => "JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$'))",
        }
    }

    /// The entry `e` is about the row `c`.
    fn same_row(&self) -> String {
        match self.kind.identity() {
            Identity::Number => format!("e.resource_key = '' AND e.resource_id = c.{}", self.kind.key),
            Identity::Part { of, key } => format!("e.resource_key = c.{key} AND e.resource_id = c.{of}"),
            Identity::Attached { kind, of, key } => {
                let key = match self.dialect {
                    Dialect::Sqlite => format!("c.{kind} || ':' || c.{key}"),
                    Dialect::MySql => format!("CONCAT(c.{kind}, ':', c.{key})"),
                };
                format!("e.resource_key = {key} AND e.resource_id = c.{of}")
            }
            Identity::Text => format!("e.resource_key = c.{}", self.kind.key),
        }
    }

    /// A column of the past, read by `read`.
    fn shown(&self, field: &Field, read: &dyn Fn(&str) -> String) -> String {
        match told(self.kind.table, field.column) {
            Told::Whole => read(field.column),
            Told::Nothing => format!("CAST(NULL AS {})", self.cast(field.kind)),
            Told::With(other) => {
                format!("CASE WHEN {} IS NOT NULL THEN {} END", read(other), read(field.column))
            }
        }
    }

    /// A column of the row before the entry `b`.
    fn read(&self, column: &str) -> String {
        let position = self.kind.fields.iter().position(|field| field.column == column);
        let Some((position, field)) = position.and_then(|at| Some((at, self.kind.fields.get(at)?))) else {
            return "NULL".to_owned();
        };
        match self.dialect {
            // A cast gives the affinity of a column.
            Dialect::Sqlite => {
                format!("CAST(json_extract(b.before_row, '$.{column}') AS {})", self.cast(field.kind))
            }
            Dialect::MySql => format!("j.c{position}"),
        }
    }

    fn json_columns(&self) -> String {
        let columns = self.kind.fields.iter().enumerate().map(|(position, field)| {
            let named = match field.kind {
                FieldKind::Int | FieldKind::Bool | FieldKind::Micros => "BIGINT",
                FieldKind::Json | FieldKind::Connection => "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                FieldKind::Real => (self.type_of)(field.column).unwrap_or("DOUBLE"),
                FieldKind::DateTime => (self.type_of)(field.column).unwrap_or("DATETIME(6)"),
                FieldKind::Text => {
                    (self.type_of)(field.column).unwrap_or("LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
                }
            };
            format!("c{position} {named} PATH '$.{}'", field.column)
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    const fn cast(&self, kind: FieldKind) -> &'static str {
        match (self.dialect, kind) {
            (Dialect::Sqlite, FieldKind::Int | FieldKind::Bool | FieldKind::Micros) => "INTEGER",
            (Dialect::Sqlite, FieldKind::Real) => "REAL",
            (Dialect::Sqlite, FieldKind::Text | FieldKind::Json | FieldKind::Connection | FieldKind::DateTime) => {
                "TEXT"
            }
            (Dialect::MySql, FieldKind::Int | FieldKind::Bool | FieldKind::Micros) => "SIGNED",
            (Dialect::MySql, FieldKind::Real) => "DOUBLE",
            (Dialect::MySql, FieldKind::Text | FieldKind::Json | FieldKind::Connection | FieldKind::DateTime) => "CHAR",
        }
    }
}
