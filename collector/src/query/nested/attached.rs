//! Criteria on what is attached to a resource: its environments and its tags.
//!
//! `"environment": {"code": "PROD", "inherited": true}`, a code, a list of codes or numbers, or `null` for none;
//! `"tags": {"owner": "web", "tier": {"$in": ["a", "b"]}, "x": {"$isnull": true}}`. Tags of the existing inventory's own
//! table count where discovery's table holds none with the same key.

use serde_json::{Map, Value as Json};

use super::{
    QueryError,
    criteria::{Condition, object},
    criterion::Criterion,
};
use crate::{
    catalog::{Field, FieldKind, Kind},
    environment::{ResourceType, sql::Wanted},
    store::Value,
};

/// Members of criteria that are no fields.
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const TAGS: &str = "tags";
const MEMBERS: [&str; 3] = ["code", "id", "inherited"];
/// Environments of one criterion.
const MAX_WANTED: usize = 100;

/// The value of a tag, in discovery's table and in the existing inventory's.
static TAG_VALUE: Field = Field { name: "value", column: "tag_value", kind: FieldKind::Text };
static LEGACY_VALUE: Field = Field { name: "value", column: "value", kind: FieldKind::Text };

/// The condition that rows of a kind belong to an environment.
pub(super) fn environment(kind: &Kind, wanted: &Json, path: &str) -> Result<Criterion, QueryError> {
    let kind = resource_type(kind, ENVIRONMENT, path)?;
    let mut inherited = true;
    let wanted = match wanted {
        Json::Object(members) => {
            if let Some(member) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
                return Err(QueryError::unknown("unknown-member", format!("{path}.{member}"), member, MEMBERS));
            }
            inherited = match members.get("inherited") {
                None => true,
                Some(Json::Bool(inherited)) => *inherited,
                Some(_) => {
                    return Err(QueryError::invalid(
                        "wrong-type",
                        format!("{path}.inherited"),
                        "expected true or false",
                    ));
                }
            };
            of_members(members, path)?
        }
        other => named(other, path)?,
    };
    let none = wanted.is_none();
    let wanted = wanted.unwrap_or(Wanted { any: true, ..Wanted::default() });
    Ok(Criterion::Environment { kind, wanted, inherited, none })
}

/// `None` for a resource without any environment.
fn of_members(members: &Map<String, Json>, path: &str) -> Result<Option<Wanted>, QueryError> {
    let (code, id) = (members.get("code"), members.get("id"));
    match (code, id) {
        (Some(wanted), None) => named(wanted, &format!("{path}.code")),
        (None, Some(wanted)) => named(wanted, &format!("{path}.id")),
        _ => Err(QueryError::invalid("missing", path, "expected either code or id")),
    }
}

fn named(wanted: &Json, path: &str) -> Result<Option<Wanted>, QueryError> {
    let one = |wanted: &Json, path: &str| match wanted {
        Json::String(code) => Ok((Some(code.clone()), None)),
        Json::Number(id) if id.is_i64() => Ok((None, id.as_i64())),
        _ => Err(QueryError::invalid(
            "wrong-type",
            path,
            format!("is {wanted}, expected a code or the number of an environment"),
        )),
    };
    let list = match wanted {
        Json::Null => return Ok(None),
        Json::Array(list) if list.len() > MAX_WANTED => {
            let message = format!("has {} values, at most {MAX_WANTED} are accepted", list.len());
            return Err(QueryError::invalid("too-many-values", path, message));
        }
        Json::Array(list) => {
            list.iter().enumerate().map(|(at, one_of)| one(one_of, &format!("{path}[{at}]"))).collect()
        }
        single => one(single, path).map(|single| vec![single]),
    };
    let (codes, ids): (Vec<_>, Vec<_>) = list?.into_iter().unzip();
    let (codes, ids) = (codes.into_iter().flatten().collect(), ids.into_iter().flatten().collect());
    Ok(Some(Wanted { codes, ids, any: false }))
}

/// The condition that rows of a kind have tags. `compare` compiles an operator on a field.
pub(super) fn tags(
    kind: &Kind,
    wanted: &Json,
    path: &str,
    compare: impl Fn(&Field, &str, &Json, &str) -> Result<Condition, QueryError>,
) -> Result<Condition, QueryError> {
    resource_type(kind, TAGS, path)?;
    let mut all = Vec::new();
    for (key, wanted) in object(wanted, path)? {
        let path = format!("{path}.{key}");
        let tag = Tag { kind, key, compare: &compare };
        match wanted {
            Json::Object(operators) => {
                for (operator, wanted) in operators {
                    all.push(tag.condition(operator, wanted, &format!("{path}.{operator}"))?);
                }
            }
            value => all.push(tag.condition("$eq", value, &path)?),
        }
    }
    Ok(Condition::join(all, " AND ", "1 = 1"))
}

struct Tag<'a, F> {
    kind: &'a Kind,
    key: &'a str,
    compare: &'a F,
}

impl<F: Fn(&Field, &str, &Json, &str) -> Result<Condition, QueryError>> Tag<'_, F> {
    /// A resource without the tag is told apart from one with another value as a column that is NULL would be.
    fn condition(&self, operator: &str, wanted: &Json, path: &str) -> Result<Condition, QueryError> {
        match (operator, wanted) {
            ("$eq", Json::Null) | ("$isnull", Json::Bool(true)) => Ok(negated(self.present())),
            ("$ne", Json::Null) | ("$isnull", Json::Bool(false)) => Ok(self.present()),
            ("$ne", _) => Ok(negated(self.having("$eq", wanted, path)?)),
            ("$nin", _) => Ok(negated(self.having("$in", wanted, path)?)),
            _ => self.having(operator, wanted, path),
        }
    }

    fn present(&self) -> Condition {
        let always = || Condition::new("1 = 1", Vec::new());
        self.found(always(), always())
    }

    fn having(&self, operator: &str, wanted: &Json, path: &str) -> Result<Condition, QueryError> {
        let value = (self.compare)(&TAG_VALUE, operator, wanted, path)?;
        Ok(self.found(value, (self.compare)(&LEGACY_VALUE, operator, wanted, path)?))
    }

    /// It has the tag, with a value that fulfils the condition; the second one is for the existing inventory's table.
    fn found(&self, value: Condition, legacy: Condition) -> Condition {
        // The inner `t` hides the outer one: a condition on a value is written like one on any column.
        let key = format!("t.{}", self.kind.key);
        let word = self.kind.resource_type;
        let mut sql = format!(
            "{key} IN (SELECT t.resource_id FROM resource_tags t WHERE t.resource_type = '{word}' AND t.tag_key = ? AND {})",
            value.sql
        );
        let mut values = vec![Value::from(self.key)];
        values.extend(value.values);
        if let Some(entity) = legacy_word(word) {
            sql = format!(
                "({sql} OR {key} IN (SELECT t.entity_id FROM tags t WHERE t.entity_type = '{entity}' AND t.key_name = ? \
                 AND {} AND t.entity_id NOT IN (SELECT r.resource_id FROM resource_tags r \
                 WHERE r.resource_type = '{word}' AND r.tag_key = ?)))",
                legacy.sql
            );
            values.push(self.key.into());
            values.extend(legacy.values);
            values.push(self.key.into());
        }
        Condition::new(sql, values)
    }
}

fn negated(condition: Condition) -> Condition {
    Condition::new(format!("NOT ({})", condition.sql), condition.values)
}

/// What the existing inventory's tags call a type of resource.
fn legacy_word(resource_type: &str) -> Option<&'static str> {
    match resource_type {
        "cloud" => Some("CLOUD"),
        "region" => Some("REGION"),
        "availability_zone" => Some("AZ"),
        "datacenter" => Some("DATACENTER"),
        "compute" => Some("COMPUTE"),
        _ => None,
    }
}

/// The type of resource of a kind, or an error that says which kinds have what was asked for.
pub(super) fn resource_type(kind: &Kind, what: &str, path: &str) -> Result<ResourceType, QueryError> {
    ResourceType::from_word(kind.resource_type).ok_or_else(|| {
        let valid: Vec<&str> = ResourceType::ALL.iter().map(|kind| kind.as_str()).collect();
        let message = format!("{} has no {what}; these have: {}", kind.name, valid.join(", "));
        QueryError::invalid("not-attached", path, message)
    })
}
