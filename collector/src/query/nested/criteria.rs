//! Criteria: what a row must fulfil, compiled to a condition with bound values.
//!
//! `{"status": "ACTIVE", "cpuCores": {"$gte": 8}, "$or": [{…}, {…}], "$not": {…}}`; the members of an object all hold.

use orchestrix_common::time::Timestamp;
use serde_json::{Map, Value as Json};

use super::{QueryError, attached, criterion::Criterion, names};
use crate::{
    catalog::{Field, FieldKind, Kind},
    store::Value,
};

/// Operators that compare one field.
const OPERATORS: [&str; 11] =
    ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$like", "$contains", "$isnull"];
/// Operators that join criteria.
const JOINS: [&str; 3] = ["$and", "$or", "$not"];
/// Depth of `$and`, `$or` and `$not` within each other.
const MAX_DEPTH: usize = 16;
/// Values of one `$in`.
const MAX_VALUES: usize = 1_000;

/// A condition over the columns of the table that is called `t`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Condition {
    /// SQL made of columns of the catalog and placeholders only.
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    pub(super) fn new(sql: impl Into<String>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }

    pub(super) fn join(parts: Vec<Self>, word: &str, empty: &str) -> Self {
        if parts.is_empty() {
            return Self::new(empty, Vec::new());
        }
        let sql: Vec<&str> = parts.iter().map(|part| part.sql.as_str()).collect();
        let sql = format!("({})", sql.join(word));
        Self { sql, values: parts.into_iter().flat_map(|part| part.values).collect() }
    }

    /// It is not true. A comparison with NULL is neither true nor false; what is not true is meant here.
    pub(super) fn untrue(self) -> Self {
        Self { sql: format!("(CASE WHEN {} THEN 0 ELSE 1 END = 1)", self.sql), ..self }
    }
}

/// Compiles criteria on rows of `kind`; `path` is their place in the request.
pub(super) fn compile(kind: &'static Kind, criteria: &Map<String, Json>, path: &str) -> Result<Criterion, QueryError> {
    Compiler { kind }.all(criteria, path, 0)
}

/// Whether criteria ask for one of these fields, at any depth.
pub(super) fn mention(kind: &Kind, criteria: &Map<String, Json>, fields: &[&str]) -> bool {
    criteria.iter().any(|(name, wanted)| match (name.as_str(), wanted) {
        ("$and" | "$or", Json::Array(members)) => {
            members.iter().filter_map(Json::as_object).any(|member| mention(kind, member, fields))
        }
        ("$not", Json::Object(inner)) => mention(kind, inner, fields),
        _ => kind.field(name).is_some_and(|field| fields.contains(&field.name)),
    })
}

struct Compiler {
    kind: &'static Kind,
}

impl Compiler {
    fn all(&self, criteria: &Map<String, Json>, path: &str, depth: usize) -> Result<Criterion, QueryError> {
        if depth > MAX_DEPTH {
            let message = format!("criteria are nested more than {MAX_DEPTH} deep");
            return Err(QueryError::invalid("too-deep", path, message));
        }
        let parts: Result<Vec<_>, _> = criteria
            .iter()
            .map(|(name, wanted)| {
                let path = format!("{path}.{name}");
                match name.as_str() {
                    "$and" => Ok(Criterion::all(self.list(wanted, &path, depth)?)),
                    "$or" => Ok(Criterion::one_of(self.list(wanted, &path, depth)?)),
                    "$not" => Ok(Criterion::Not(Box::new(self.all(object(wanted, &path)?, &path, depth + 1)?))),
                    attached::ENVIRONMENT if self.kind.field(name).is_none() => {
                        attached::environment(self.kind, wanted, &path)
                    }
                    attached::TAGS if self.kind.field(name).is_none() => {
                        let compare = |field: &Field, operator: &str, wanted: &Json, path: &str| {
                            self.compare(field, operator, wanted, path)
                        };
                        attached::tags(self.kind, wanted, &path, compare).map(Criterion::Plain)
                    }
                    _ if name.starts_with('$') => Err(QueryError::unknown("unknown-operator", &path, name, JOINS)),
                    _ => self.field(name, wanted, &path).map(Criterion::Plain),
                }
            })
            .collect();
        Ok(Criterion::all(parts?))
    }

    fn list(&self, wanted: &Json, path: &str, depth: usize) -> Result<Vec<Criterion>, QueryError> {
        let Json::Array(members) = wanted else {
            return Err(QueryError::invalid("wrong-type", path, "expected a list of criteria"));
        };
        let each = members.iter().enumerate().map(|(index, member)| {
            let path = format!("{path}[{index}]");
            self.all(object(member, &path)?, &path, depth + 1)
        });
        each.collect()
    }

    fn field(&self, name: &str, wanted: &Json, path: &str) -> Result<Condition, QueryError> {
        let field = names::field(self.kind, name, path)?;
        let Json::Object(operators) = wanted else { return self.compare(field, "$eq", wanted, path) };
        let parts: Result<Vec<_>, _> = operators
            .iter()
            .map(|(operator, wanted)| self.compare(field, operator, wanted, &format!("{path}.{operator}")))
            .collect();
        Ok(Condition::join(parts?, " AND ", "1 = 1"))
    }

    fn compare(&self, field: &Field, operator: &str, wanted: &Json, path: &str) -> Result<Condition, QueryError> {
        let column = format!("t.{}", field.column);
        let one = |sql: &str| -> Result<Condition, QueryError> {
            Ok(Condition::new(format!("{column} {sql} ?"), vec![value(field, wanted, path)?]))
        };
        match operator {
            "$eq" if wanted.is_null() => Ok(Condition::new(format!("{column} IS NULL"), Vec::new())),
            "$ne" if wanted.is_null() => Ok(Condition::new(format!("{column} IS NOT NULL"), Vec::new())),
            "$eq" => one("="),
            "$ne" => {
                Ok(Condition::new(format!("({column} <> ? OR {column} IS NULL)"), vec![value(field, wanted, path)?]))
            }
            "$gt" => one(">"),
            "$gte" => one(">="),
            "$lt" => one("<"),
            "$lte" => one("<="),
            "$in" | "$nin" => self.membership(field, &column, operator == "$nin", wanted, path),
            "$like" | "$contains" if !reads_as_text(field.kind) => {
                let message = format!("{} is compared by its value: $like and $contains apply to texts", field.name);
                Err(QueryError::invalid("not-comparable", path, message))
            }
            "$like" => Ok(Condition::new(format!("{column} LIKE ? ESCAPE '!'"), vec![text(wanted, path)?.into()])),
            "$contains" => {
                let wanted = text(wanted, path)?.replace('!', "!!").replace('%', "!%").replace('_', "!_");
                Ok(Condition::new(format!("{column} LIKE ? ESCAPE '!'"), vec![format!("%{wanted}%").into()]))
            }
            "$isnull" => match wanted {
                Json::Bool(true) => Ok(Condition::new(format!("{column} IS NULL"), Vec::new())),
                Json::Bool(false) => Ok(Condition::new(format!("{column} IS NOT NULL"), Vec::new())),
                _ => Err(QueryError::invalid("wrong-type", path, "expected true or false")),
            },
            _ => Err(QueryError::unknown("unknown-operator", path, operator, OPERATORS)),
        }
    }

    fn membership(
        &self,
        field: &Field,
        column: &str,
        negated: bool,
        wanted: &Json,
        path: &str,
    ) -> Result<Condition, QueryError> {
        let Json::Array(members) = wanted else {
            return Err(QueryError::invalid("wrong-type", path, "expected a list of values"));
        };
        if members.len() > MAX_VALUES {
            let message = format!("has {} values, at most {MAX_VALUES} are accepted", members.len());
            return Err(QueryError::invalid("too-many-values", path, message));
        }
        let values: Result<Vec<_>, _> = members
            .iter()
            .enumerate()
            .map(|(index, member)| value(field, member, &format!("{path}[{index}]")))
            .collect();
        let values = values?;
        if values.is_empty() {
            return Ok(Condition::new(if negated { "1 = 1" } else { "1 = 0" }, values));
        }
        let list = vec!["?"; values.len()].join(", ");
        let sql = if negated {
            format!("({column} NOT IN ({list}) OR {column} IS NULL)")
        } else {
            format!("{column} IN ({list})")
        };
        Ok(Condition::new(sql, values))
    }
}

/// Whether what is stored is the text that is shown, on every database.
const fn reads_as_text(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Text | FieldKind::Json | FieldKind::Int)
}

/// A value of the field's type.
fn value(field: &Field, wanted: &Json, path: &str) -> Result<Value, QueryError> {
    let wrong = |expected: &str| QueryError::invalid("wrong-type", path, format!("is {wanted}, expected {expected}"));
    match field.kind {
        FieldKind::Text => wanted.as_str().map(Value::from).ok_or_else(|| wrong("a text")),
        FieldKind::Int => wanted.as_i64().map(Value::Int).ok_or_else(|| wrong("a whole number")),
        FieldKind::Real => wanted.as_f64().map(Value::Real).ok_or_else(|| wrong("a number")),
        FieldKind::Bool => wanted.as_bool().map(Value::from).ok_or_else(|| wrong("true or false")),
        FieldKind::Micros => time(wanted).map(Value::from).ok_or_else(|| wrong("an RFC 3339 time")),
        FieldKind::DateTime => {
            let time = time(wanted).ok_or_else(|| wrong("an RFC 3339 time"))?;
            // Both databases compare this form of a DATETIME, by time and by text.
            Ok(Value::Text(time.to_string().chars().take(19).collect::<String>().replace('T', " ")))
        }
        // Comparing would tell, bit by bit, what is not shown.
        FieldKind::Connection => Err(QueryError::invalid(
            "not-comparable",
            path,
            format!("{} can hold secrets: only $isnull applies", field.name),
        )),
        FieldKind::Json => Err(QueryError::invalid(
            "not-comparable",
            path,
            format!("{} holds JSON: only $isnull, $like and $contains apply", field.name),
        )),
    }
}

fn time(wanted: &Json) -> Option<Timestamp> {
    wanted.as_str().and_then(Timestamp::parse_rfc3339)
}

fn text<'a>(wanted: &'a Json, path: &str) -> Result<&'a str, QueryError> {
    wanted.as_str().ok_or_else(|| QueryError::invalid("wrong-type", path, format!("is {wanted}, expected a text")))
}

/// An object, or an error that names its place.
pub(super) fn object<'a>(value: &'a Json, path: &str) -> Result<&'a Map<String, Json>, QueryError> {
    value.as_object().ok_or_else(|| QueryError::invalid("wrong-type", path, format!("is {value}, expected an object")))
}
