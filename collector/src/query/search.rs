//! Finding anything by a piece of what people know of it: a name, an address, an image, a port, a tag, a label.
//!
//! One statement per kind, each with a limit of its own, so that thousands of workloads do not hide the one compute.
//! What equals the text comes first, then what begins with it, then what contains it. What was typed is always bound.

use serde::Serialize;
use utoipa::ToSchema;

use super::sequence;
use crate::store::{Db, Dialect, Executor as _, Row, StoreError, Value};

/// Hits of a kind when no number is given.
pub const DEFAULT_HITS: usize = 10;
/// Hits of a kind at most.
pub const MOST_HITS: usize = 500;
/// Letters of what is looked for.
pub const MOST_LETTERS: usize = 200;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// `partner`, `cloud`, `region`, `availability_zone`, `datacenter`, `compute`, `workload`, `environment`, `agent` or
    /// `tag`.
    pub kind: &'static str,
    /// Identifier; of a tag, that of the resource it is on.
    pub id: String,
    /// Name; of a tag, `key=value`.
    pub name: String,
    /// What it is, in a few words; `null` when nothing is known.
    pub detail: Option<String>,
    /// What was found in it, for example `name`, `image` or `port`.
    pub matched: String,
    /// Its status; `null` when it has none.
    pub status: Option<String>,
    /// Of a tag: the type of the resource it is on.
    pub resource_type: Option<String>,
    /// The compute it is on.
    pub compute_id: Option<i64>,
    /// Name of that compute.
    pub compute_name: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The hits, kind by kind.
    pub items: Vec<Hit>,
    /// Kinds of which there is more than was asked for.
    pub more: Vec<&'static str>,
    /// Every change up to this number is contained.
    pub sequence: i64,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// What was typed.
    pub text: String,
    /// Only these kinds; all when empty.
    pub kinds: Vec<String>,
    /// Hits of each kind.
    pub limit: usize,
    /// Also what ended.
    pub ended: bool,
}

/// A kind and where in it is looked.
struct Place {
    kind: &'static str,
    from: &'static str,
    id: &'static str,
    name: &'static str,
    detail: &'static str,
    status: &'static str,
    resource_type: &'static str,
    compute: Option<(&'static str, &'static str)>,
    /// Names of what can match, each with its column.
    fields: &'static [(&'static str, &'static str)],
    /// Columns of JSON with ports and labels, which are looked into by their form.
    json: Option<(&'static str, &'static str)>,
    /// Holds for what still exists.
    present: &'static str,
}

const fn place(kind: &'static str, from: &'static str, detail: &'static str) -> Place {
    Place {
        kind,
        from,
        id: "t.id",
        name: "t.name",
        detail,
        status: "t.status",
        resource_type: "NULL",
        compute: None,
        fields: &[("name", "t.name")],
        json: None,
        present: "1 = 1",
    }
}

const CODED: &[(&str, &str)] = &[("name", "t.name"), ("code", "t.code")];

static PLACES: [Place; 10] = [
    Place {
        fields: &[("name", "t.name"), ("name", "t.display_name")],
        ..place("partner", "partners t", "t.display_name")
    },
    place("cloud", "clouds t", "t.description"),
    Place { fields: CODED, ..place("region", "regions t", "t.code") },
    Place { fields: CODED, ..place("availability_zone", "availability_zones t", "t.code") },
    place("datacenter", "datacenters t", "t.provider"),
    Place { fields: CODED, ..place("environment", "environments t", "t.code") },
    Place {
        fields: &[
            ("name", "t.name"),
            ("host name", "t.hostname"),
            ("address", "t.ip_address"),
            ("system", "t.operating_system"),
            ("serial number", "t.serial_number"),
        ],
        ..place("compute", "computes t", "COALESCE(t.ip_address, t.operating_system)")
    },
    Place {
        name: "t.workload_name",
        compute: Some(("t.compute_id", "c.name")),
        fields: &[
            ("name", "t.workload_name"),
            ("image", "t.image"),
            ("address", "t.ip_address"),
            ("id", "t.workload_id"),
        ],
        json: Some(("t.ports", "t.labels")),
        present: "t.ended_at_us IS NULL",
        ..place(
            "workload",
            "compute_workloads t LEFT JOIN computes c ON c.id = t.compute_id",
            "COALESCE(t.image, t.workload_type)",
        )
    },
    Place {
        name: "t.hostname",
        status: "t.state",
        compute: Some(("t.compute_id", "c.name")),
        fields: &[("host name", "t.hostname"), ("id", "t.id")],
        ..place("agent", "agents t LEFT JOIN computes c ON c.id = t.compute_id", "t.version")
    },
    Place {
        id: "t.resource_id",
        name: "t.tag_key",
        status: "NULL",
        resource_type: "t.resource_type",
        fields: &[("tag", "t.tag_value"), ("tag", "t.tag_key")],
        ..place("tag", "resource_tags t", "t.tag_value")
    },
];

/// Kinds that can be looked for.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    PLACES.iter().map(|place| place.kind)
}

/// Looks for it.
///
/// # Errors
/// When a statement fails.
pub async fn search(db: &Db, now: orchestrix_common::time::Timestamp, search: &Search) -> Result<Found, StoreError> {
    let sequence = sequence::current(db, now).await?;
    let (mut items, mut more) = (Vec::new(), Vec::new());
    for place in &PLACES {
        if !search.kinds.is_empty() && !search.kinds.iter().any(|kind| kind == place.kind) {
            continue;
        }
        let (sql, values) = statement(db.dialect(), place, search);
        let mut executor = db;
        let mut rows = executor.fetch(sql, values).await?;
        if rows.len() > search.limit {
            more.push(place.kind);
            rows.truncate(search.limit);
        }
        for row in &rows {
            items.push(read(place, row)?);
        }
    }
    Ok(Found { items, more, sequence })
}

fn read(place: &Place, row: &Row) -> Result<Hit, StoreError> {
    let (name, detail): (String, Option<String>) = (row.get("name")?, row.get("detail")?);
    let tag = place.kind == "tag";
    let name = if tag { format!("{name}={}", detail.as_deref().unwrap_or_default()) } else { name };
    Ok(Hit {
        kind: place.kind,
        id: row.get("id")?,
        name,
        detail: detail.filter(|_| !tag),
        matched: row.get("matched")?,
        status: row.get("status")?,
        resource_type: row.get("resource_type")?,
        compute_id: row.get("compute_id")?,
        compute_name: row.get("compute_name")?,
    })
}

/// A way to match, with what is bound in it.
struct Way {
    name: &'static str,
    sql: String,
    values: Vec<Value>,
}

fn statement(dialect: Dialect, place: &Place, search: &Search) -> (String, Vec<Value>) {
    let ways = ways(dialect, place, search.text.trim());
    let mut values: Vec<Value> = Vec::new();
    let mut matched = String::from("CASE");
    for way in &ways {
        matched.push_str(&format!(" WHEN {} THEN '{}'", way.sql, way.name));
        values.extend(way.values.iter().cloned());
    }
    matched.push_str(" END");
    let any: Vec<&str> = ways.iter().map(|way| way.sql.as_str()).collect();
    values.extend(ways.iter().flat_map(|way| way.values.iter().cloned()));
    let name = folded(place.name);
    let typed = search.text.trim().to_lowercase();
    values.extend([Value::from(typed.as_str()), Value::from(format!("{}%", escaped(&typed)))]);
    values.push(Value::from(u64::try_from(search.limit + 1).unwrap_or(u64::MAX)));
    let (compute_id, compute_name) = place.compute.unwrap_or(("NULL", "NULL"));
    let present = if search.ended { "1 = 1" } else { place.present };
    let id = match dialect {
        Dialect::Sqlite => format!("CAST({} AS TEXT)", place.id),
        Dialect::MySql => format!("CAST({} AS CHAR)", place.id),
    };
    let sql = format!(
        "SELECT {id} AS id, {} AS name, {} AS detail, {} AS status, {} AS resource_type, {compute_id} AS compute_id, \
         {compute_name} AS compute_name, {matched} AS matched FROM {} WHERE {present} AND ({}) \
         ORDER BY CASE WHEN {name} = ? THEN 0 WHEN {name} LIKE ? ESCAPE '!' THEN 1 ELSE 2 END, {}, {} LIMIT ?",
        place.name,
        place.detail,
        place.status,
        place.resource_type,
        place.from,
        any.join(" OR "),
        place.name,
        place.id,
    );
    (sql, values)
}

fn ways(dialect: Dialect, place: &Place, text: &str) -> Vec<Way> {
    let typed = text.to_lowercase();
    let contains = |text: &str| Value::from(format!("%{}%", escaped(text)));
    let mut ways: Vec<Way> = place
        .fields
        .iter()
        .map(|(name, column)| Way {
            name,
            sql: format!("{} LIKE ? ESCAPE '!'", folded(column)),
            values: vec![contains(&typed)],
        })
        .collect();
    if let Some((ports, labels)) = place.json {
        let (ports, labels) = (dialect.json_text(ports), dialect.json_text(labels));
        if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
            // `"port":80,` or `"hostPort": 80}`: MySQL writes a space, MariaDB and SQLite keep what was stored.
            let forms =
                [",", "}"].into_iter().flat_map(|end| ["", " "].map(|space| format!("ort\":{space}{port}{end}")));
            let values: Vec<Value> = forms.map(|form| contains(&form)).collect();
            let sql = vec![format!("{ports} LIKE ? ESCAPE '!'"); values.len()].join(" OR ");
            ways.push(Way { name: "port", sql: format!("({sql})"), values });
        }
        let label = match text.split_once('=') {
            Some((key, value)) => format!("\"{key}\":\"{value}").to_lowercase(),
            None => typed.clone(),
        };
        let sql = format!("REPLACE({}, '\": \"', '\":\"') LIKE ? ESCAPE '!'", folded(&labels));
        ways.push(Way { name: "label", sql, values: vec![contains(&label)] });
    }
    if place.kind == "tag"
        && let Some((key, value)) = typed.split_once('=')
    {
        let sql = format!("({} = ? AND {} LIKE ? ESCAPE '!')", folded("t.tag_key"), folded("t.tag_value"));
        ways.push(Way { name: "tag", sql, values: vec![key.into(), Value::from(format!("{}%", escaped(value)))] });
    }
    ways
}

/// A column regardless of case, also where its collation has one.
fn folded(column: &str) -> String {
    format!("LOWER({column})")
}

/// Takes the meaning from `%` and `_`.
pub(super) fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
