//! From a request to a plan: everything is checked before the database is asked for anything.

use serde_json::{Map, Value as Json};

use super::{
    QueryError, attached,
    criteria::{self, Condition, object},
    criterion::Criterion,
    lazy, names,
};
use crate::{
    catalog::{self, Field, Kind, Link},
    environment::ResourceType,
    query::as_of::AsOf,
    store::rows::compute::MERGED,
};

/// How large a query and its answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Levels of `include`, the root counted.
    pub depth: usize,
    /// Rows of all levels together.
    pub rows: usize,
    /// Rows of one page.
    pub page: usize,
    /// Seconds that the whole answer may take.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 10, rows: 100_000, page: 10_000, seconds: 15 }
    }
}

/// A checked query.
#[derive(Debug)]
pub struct Plan {
    pub(super) root: Level,
    pub(super) limits: Limits,
    /// The whole answer is as of this point.
    pub(super) as_of: Option<AsOf>,
}

/// One level of a query.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) kind: &'static Kind,
    /// How it hangs on the level above; `None` at the root.
    pub(super) link: Option<Link>,
    pub(super) criterion: Criterion,
    pub(super) select: Vec<&'static Field>,
    pub(super) sort: Vec<(&'static Field, Direction)>,
    pub(super) page: Option<Page>,
    pub(super) includes: Vec<Level>,
    /// Not read now: the answer says how to ask for it. Holds the request of this level.
    pub(super) lazy: Option<Map<String, Json>>,
    /// Each row shows the environments that count for it, if it is of this type.
    pub(super) environments: Option<ResourceType>,
}

/// Order of a sorted field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// A window on the rows below each parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) offset: usize,
}

/// Member that asks for the environments of each row, and the member of a row that holds them.
pub(super) const EFFECTIVE: &str = "effectiveEnvironments";
/// Member of the root alone.
pub(super) const AS_OF: &str = "asOf";
const MEMBERS: [&str; 9] = ["kind", "criteria", "select", "sort", "page", "include", "lazy", EFFECTIVE, AS_OF];

/// Checks a request and makes a plan.
///
/// # Errors
/// When a kind, field or operator is unknown, a value has the wrong type, or a limit is passed; the error names the
/// place in the request and what was expected.
pub fn parse(request: &Json, limits: Limits) -> Result<Plan, QueryError> {
    let parser = Parser { limits };
    let mut request = object(request, "query")?;
    let resumed;
    if let Some(key) = request.get(lazy::MEMBER) {
        resumed = lazy::request(key)?;
        request = object(&resumed, lazy::MEMBER)?;
    }
    let root = parser.level(request, None, "", 1)?;
    let as_of = match request.get(AS_OF) {
        None | Some(Json::Null) => None,
        Some(point) => Some(AsOf::from_json(point).ok_or_else(|| {
            QueryError::invalid("wrong-type", AS_OF, format!("is {point}, expected {}", AsOf::EXPECTED))
        })?),
    };
    if root.lazy.is_some() {
        return Err(QueryError::invalid("lazy-root", "lazy", "only an included level can be lazy"));
    }
    Ok(Plan { root, limits, as_of })
}

struct Parser {
    limits: Limits,
}

impl Parser {
    fn level(
        &self,
        request: &Map<String, Json>,
        above: Option<&'static Kind>,
        path: &str,
        depth: usize,
    ) -> Result<Level, QueryError> {
        let at = |member: &str| if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") };
        if depth > self.limits.depth {
            let message = format!("levels are nested more than {} deep", self.limits.depth);
            return Err(QueryError::invalid("too-deep", path, message));
        }
        if let Some(member) = request.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
            return Err(QueryError::unknown("unknown-member", at(member), member, MEMBERS));
        }
        if above.is_some() && request.contains_key(AS_OF) {
            return Err(QueryError::invalid("not-at-the-root", at(AS_OF), "the whole answer is as of one point"));
        }
        let name = request.get("kind").and_then(Json::as_str);
        let name = name.ok_or_else(|| QueryError::invalid("missing", at("kind"), "expected the name of a kind"))?;
        let kind = names::kind(name, &at("kind"))?;
        let link =
            above.map(|above| names::relation(above, kind, &at("kind")).map(|relation| relation.link)).transpose()?;
        let criterion = criterion(kind, link, request.get("criteria"), &at("criteria"))?;
        let lazy = match request.get("lazy") {
            None | Some(Json::Bool(false) | Json::Null) => None,
            Some(Json::Bool(true)) => Some(request.clone()),
            Some(_) => return Err(QueryError::invalid("wrong-type", at("lazy"), "expected true or false")),
        };
        let environments = match request.get(EFFECTIVE) {
            None | Some(Json::Bool(false) | Json::Null) => None,
            Some(Json::Bool(true)) => Some(attached::resource_type(kind, "environments", &at(EFFECTIVE))?),
            Some(_) => return Err(QueryError::invalid("wrong-type", at(EFFECTIVE), "expected true or false")),
        };
        Ok(Level {
            environments,
            kind,
            link,
            criterion,
            select: select(kind, request.get("select"), &at("select"))?,
            sort: sort(kind, request.get("sort"), &at("sort"))?,
            page: self.page(request.get("page"), &at("page"))?,
            includes: self.includes(kind, request.get("include"), &at("include"), depth)?,
            lazy,
        })
    }

    fn includes(
        &self,
        kind: &'static Kind,
        request: Option<&Json>,
        path: &str,
        depth: usize,
    ) -> Result<Vec<Level>, QueryError> {
        let Some(request) = request.filter(|request| !request.is_null()) else { return Ok(Vec::new()) };
        let Json::Array(members) = request else {
            return Err(QueryError::invalid("wrong-type", path, "expected a list of levels"));
        };
        let mut levels: Vec<Level> = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let level = self.level(object(member, &path)?, Some(kind), &path, depth + 1)?;
            if levels.iter().any(|other| other.kind.name == level.kind.name) {
                let message = format!("{} is included twice", level.kind.name);
                return Err(QueryError::invalid("included-twice", format!("{path}.kind"), message));
            }
            levels.push(level);
        }
        Ok(levels)
    }

    fn page(&self, request: Option<&Json>, path: &str) -> Result<Option<Page>, QueryError> {
        let Some(request) = request.filter(|request| !request.is_null()) else { return Ok(None) };
        let members = object(request, path)?;
        if let Some(member) = members.keys().find(|member| !["limit", "offset"].contains(&member.as_str())) {
            return Err(QueryError::unknown("unknown-member", format!("{path}.{member}"), member, ["limit", "offset"]));
        }
        let number = |member: &str, absent: usize, most: usize| match members.get(member) {
            None | Some(Json::Null) => Ok(absent),
            Some(value) => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| *number <= most)
                .ok_or_else(|| {
                    let message = format!("is {value}, expected a whole number from 0 to {most}");
                    QueryError::invalid("out-of-range", format!("{path}.{member}"), message)
                }),
        };
        let limit = number("limit", self.limits.page, self.limits.page)?;
        Ok(Some(Page { limit, offset: number("offset", 0, 100_000_000)? }))
    }
}

/// What rows of a level must fulfil. Computes that were merged into others are left out, as from lists, unless they are
/// asked for by their status or number, or something names them.
fn criterion(
    kind: &'static Kind,
    link: Option<Link>,
    request: Option<&Json>,
    path: &str,
) -> Result<Criterion, QueryError> {
    let nothing = Map::new();
    let criteria = match request {
        None | Some(Json::Null) => &nothing,
        Some(criteria) => object(criteria, path)?,
    };
    let asked = criteria::compile(kind, criteria, path)?;
    let named = matches!(link, Some(Link::Above { .. })) || criteria::mention(kind, criteria, &["id", "status"]);
    if kind.name != catalog::COMPUTE.name || named {
        return Ok(asked);
    }
    let present = Condition::new("(t.status IS NULL OR t.status <> ?)", vec![MERGED.into()]);
    Ok(Criterion::all(vec![Criterion::Plain(present), asked]))
}

/// The fields to show: those named, or all.
fn select(kind: &'static Kind, request: Option<&Json>, path: &str) -> Result<Vec<&'static Field>, QueryError> {
    let Some(request) = request.filter(|request| !request.is_null()) else { return Ok(kind.fields.iter().collect()) };
    let Json::Array(names) = request else {
        return Err(QueryError::invalid("wrong-type", path, "expected a list of field names"));
    };
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let path = format!("{path}[{index}]");
            let name =
                name.as_str().ok_or_else(|| QueryError::invalid("wrong-type", &path, "expected a field name"))?;
            names::field(kind, name, &path)
        })
        .collect()
}

/// `["name", "-createdAt"]`, `[{"field": "name", "order": "desc"}]`, or one of either.
fn sort(
    kind: &'static Kind,
    request: Option<&Json>,
    path: &str,
) -> Result<Vec<(&'static Field, Direction)>, QueryError> {
    match request {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(members)) => members
            .iter()
            .enumerate()
            .map(|(index, member)| sort_by(kind, member, &format!("{path}[{index}]")))
            .collect(),
        Some(member) => Ok(vec![sort_by(kind, member, path)?]),
    }
}

fn sort_by(kind: &'static Kind, member: &Json, path: &str) -> Result<(&'static Field, Direction), QueryError> {
    match member {
        Json::String(name) => match name.strip_prefix('-') {
            Some(name) => Ok((names::field(kind, name, path)?, Direction::Descending)),
            None => Ok((names::field(kind, name, path)?, Direction::Ascending)),
        },
        Json::Object(members) => {
            let name = members.get("field").and_then(Json::as_str);
            let name = name.ok_or_else(|| {
                QueryError::invalid("missing", format!("{path}.field"), "expected the name of a field")
            })?;
            let order = members.get("order").or_else(|| members.get("direction")).and_then(Json::as_str);
            let direction = match order.unwrap_or("asc").to_ascii_lowercase().as_str() {
                "asc" => Direction::Ascending,
                "desc" => Direction::Descending,
                other => {
                    let message = format!("is {other:?}, expected \"asc\" or \"desc\"");
                    return Err(QueryError::invalid("out-of-range", format!("{path}.order"), message));
                }
            };
            Ok((names::field(kind, name, &format!("{path}.field"))?, direction))
        }
        _ => Err(QueryError::invalid("wrong-type", path, "expected a field name or {\"field\", \"order\"}")),
    }
}
