//! What people and programs ask, and the statements that somebody who knows the tables would write for it.

use std::time::Duration;

use orchestrix_tests::{generate::Cell, http::Kept};
use serde_json::{Value as Json, json};

use crate::{
    compare::{Goal, compare},
    raw::Raw,
};

/// What a list may cost above the statements themselves: reading them, writing JSON, and HTTP.
const PAGE: Goal = Goal::Above(Duration::from_millis(3));
const NESTED: Goal = Goal::Times(1.25);
const ROWS: usize = 100;

/// Everything of a workload that a list shows.
const WORKLOAD: &str = "SELECT w.*, c.name AS compute_name, a.id AS agent_id, a.state, a.reachable, l.seen_at_us, \
     s.health, s.completeness, s.reason, u.cpu_millicores, u.memory_bytes, u.measured_at_us \
     FROM compute_workloads w JOIN computes c ON c.id = w.compute_id LEFT JOIN agents a ON a.compute_id = c.id \
     LEFT JOIN agent_liveness l ON l.agent_id = a.id LEFT JOIN agent_sources s ON s.agent_id = a.id \
     AND s.source = w.source LEFT JOIN workload_usage u ON u.workload_id = w.id";
/// Everything of a compute that a list shows, but for its sources.
const COMPUTE: &str = "SELECT c.*, a.id AS agent_id, a.state, a.version, a.reachable, l.seen_at_us, u.cpu_millicores, \
     u.memory_bytes, u.measured_at_us, f.facts, f.changed_at_us FROM computes c LEFT JOIN agents a \
     ON a.compute_id = c.id LEFT JOIN agent_liveness l ON l.agent_id = a.id LEFT JOIN compute_usage u \
     ON u.compute_id = c.id LEFT JOIN compute_facts f ON f.compute_id = c.id";

/// Both ends of a comparison.
pub(crate) struct Asker {
    pub(crate) http: Kept,
    pub(crate) raw: Raw,
}

impl Asker {
    /// Reads a list's page; returns its keys.
    fn page(&mut self, path: &str) -> Vec<i64> {
        let answer = self.http.request("GET", &format!("/api/v1/{path}"), None).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let items = answer.json()["items"].as_array().unwrap_or_else(|| panic!("{path}: {}", answer.body)).clone();
        items.iter().filter_map(|item| item["id"].as_i64()).collect()
    }

    /// Compares a page of workloads with the statement that finds the same ones.
    fn workloads(&mut self, what: &str, parameters: &str, condition: &str, values: &[Cell]) {
        let path = format!("workloads?limit={ROWS}&{parameters}");
        let found = format!("WHERE w.ended_at_us IS NULL AND {condition} ORDER BY w.id LIMIT {}", ROWS + 1);
        let keys = self.page(&path);
        let mut raw = self.raw.numbers(&format!("SELECT w.id FROM compute_workloads w {found}"), values);
        raw.truncate(ROWS);
        assert_eq!(keys, raw, "{path} and {found} must find the same");
        if std::env::var_os("ORCHESTRIX_BENCH_EXPLAIN").is_some() {
            println!("{what}: {:#?}", self.raw.explain(&format!("{WORKLOAD} {found}"), values));
        }
        let Self { http, raw } = self;
        compare(
            &format!("workloads {what} ({} of them)", keys.len()),
            PAGE,
            || {
                let answer = http.request("GET", &format!("/api/v1/{path}"), None).unwrap();
                assert_eq!(answer.status, 200);
            },
            || {
                raw.rows(&format!("{WORKLOAD} {found}"), values);
                claims(raw, "workload", &keys);
            },
        );
    }

    /// Compares a page of computes with the statements that find the same ones.
    fn computes(&mut self, what: &str, parameters: &str, condition: &str) {
        let path = format!("computes?limit={ROWS}{parameters}");
        let found = format!("WHERE {condition} ORDER BY c.id LIMIT {}", ROWS + 1);
        let keys = self.page(&path);
        let mut raw = self.raw.numbers(&format!("SELECT c.id FROM computes c {found}"), &[]);
        raw.truncate(ROWS);
        assert_eq!(keys, raw, "{path} and {found} must find the same");
        let Self { http, raw } = self;
        let sources = format!(
            "SELECT s.* FROM agents a JOIN agent_sources s ON s.agent_id = a.id WHERE a.compute_id IN ({})",
            marks(keys.len())
        );
        compare(
            &format!("computes {what} ({} of them)", keys.len()),
            PAGE,
            || {
                let answer = http.request("GET", &format!("/api/v1/{path}"), None).unwrap();
                assert_eq!(answer.status, 200);
            },
            || {
                raw.rows(&format!("{COMPUTE} {found}"), &[]);
                raw.rows(&sources, &cells(&keys));
                claims(raw, "compute", &keys);
            },
        );
    }

    /// Asks a nested query; returns its data.
    fn query(&mut self, body: &Json) -> Json {
        let answer = self.http.request("POST", "/api/v1/query", Some(body)).unwrap();
        let json = answer.json();
        assert_eq!((answer.status, &json["success"]), (200, &Json::Bool(true)), "{}", answer.body);
        json["data"].clone()
    }

    /// Compares a nested query with one statement per level.
    fn nested(&mut self, what: &str, body: &Json, levels: &[String]) {
        let data = self.query(body);
        let found: usize = levels.iter().map(|sql| self.raw.rows(sql, &[])).sum();
        assert_eq!(count(&data), found, "{what}: both must find as many rows");
        let Self { http, raw } = self;
        compare(
            &format!("{what} ({found} rows)"),
            NESTED,
            || {
                let answer = http.request("POST", "/api/v1/query", Some(body)).unwrap();
                assert_eq!(answer.status, 200);
            },
            || {
                for sql in levels {
                    raw.rows(sql, &[]);
                }
            },
        );
    }
}

fn marks(count: usize) -> String {
    vec!["?"; count.max(1)].join(", ")
}

fn cells(keys: &[i64]) -> Vec<Cell> {
    if keys.is_empty() { vec![Cell::Null] } else { keys.iter().map(|key| Cell::Int(*key)).collect() }
}

/// What is said of the environments of some resources and of all places above them.
fn claims(raw: &mut Raw, kind: &str, keys: &[i64]) {
    let own =
        "SELECT a.*, e.code, e.name FROM environment_associations a JOIN environments e ON e.id = a.environment_id";
    raw.rows(
        &format!("{own} WHERE a.resource_type = '{kind}' AND a.resource_id IN ({})", marks(keys.len())),
        &cells(keys),
    );
    let (row, rows) = match kind {
        "workload" => ("w.id", "compute_workloads w JOIN computes c ON c.id = w.compute_id"),
        _ => ("c.id", "computes c"),
    };
    let places = format!(
        "SELECT DISTINCT c.id, d.id AS d, z.id AS z, r.id AS r, cl.id AS cl, p.id AS p, d.name FROM {rows} \
         LEFT JOIN datacenters d ON d.id = c.datacenter_id LEFT JOIN availability_zones z \
         ON z.id = d.availability_zone_id LEFT JOIN regions r ON r.id = z.region_id \
         LEFT JOIN clouds cl ON cl.id = r.cloud_id LEFT JOIN partners p ON p.id = cl.partner_id \
         LEFT JOIN environment_associations a ON a.resource_type = 'datacenter' AND a.resource_id = d.id \
         WHERE {row} IN ({})",
        marks(keys.len())
    );
    raw.rows(&places, &cells(keys));
}

/// Rows of a nested answer, on all levels.
fn count(data: &Json) -> usize {
    match data {
        Json::Array(rows) => rows.iter().map(|row| usize::from(row.is_object()) + count_below(row)).sum(),
        _ => 0,
    }
}

fn count_below(row: &Json) -> usize {
    // Lists of texts and JSON columns are no levels; those are under the plural of a kind.
    const LEVELS: [&str; 9] = [
        "environments",
        "environmentassociations",
        "clouds",
        "regions",
        "availabilityzones",
        "datacenters",
        "computes",
        "networkdevices",
        "workloads",
    ];
    row.as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| LEVELS.contains(&name.as_str()))
        .map(|(_, rows)| count(rows))
        .sum()
}

/// The query that the existing front end sends: what a partner has, by purpose and by place.
pub(crate) fn front_end(asker: &mut Asker) {
    let page = |limit: usize| json!({ "limit": limit, "offset": 0 });
    let body = json!({
        "kind": "partner", "criteria": { "name": "self" }, "page": page(10),
        "include": [
            { "kind": "environment", "page": page(10), "include": [{ "kind": "environmentassociation", "page": page(50) }] },
            { "kind": "cloud", "page": page(10), "include": [{ "kind": "region", "page": page(10), "include": [
                { "kind": "availabilityzone", "page": page(10), "include": [
                    { "kind": "datacenter", "page": page(10), "include": [
                        { "kind": "compute", "page": page(50) }, { "kind": "networkdevice", "page": page(20) },
                    ] },
                ] },
            ] }] },
        ],
    });
    let down = |upto: usize| {
        let joins = [
            "JOIN clouds cl ON cl.partner_id = p.id",
            "JOIN regions r ON r.cloud_id = cl.id",
            "JOIN availability_zones z ON z.region_id = r.id",
            "JOIN datacenters d ON d.availability_zone_id = z.id",
        ];
        format!("FROM partners p {}", joins[..upto].join(" "))
    };
    let own = "WHERE p.name = 'self'";
    let paged = |columns: &str, from: &str, by: &str, key: &str, limit: usize| {
        format!(
            "SELECT * FROM (SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY {key}) AS place {from} {own}) x \
             WHERE place <= {limit}"
        )
    };
    let of_environments = "FROM partners p JOIN environments e ON e.partner_id = p.id \
                           JOIN environment_associations a ON a.environment_id = e.id";
    let levels = [
        format!("SELECT p.id, p.name, p.display_name, p.type, p.roles, p.status FROM partners p {own} LIMIT 10"),
        paged("e.*", "FROM partners p JOIN environments e ON e.partner_id = p.id", "p.id", "e.id", 10),
        paged("a.*", of_environments, "e.id", "a.id", 50),
        paged("cl.*", &down(1), "p.id", "cl.id", 10),
        paged("r.*", &down(2), "cl.id", "r.id", 10),
        paged("z.*", &down(3), "r.id", "z.id", 10),
        paged("d.*", &down(4), "z.id", "d.id", 10),
        paged("c.*", &format!("{} JOIN computes c ON c.datacenter_id = d.id", down(4)), "d.id", "c.id", 50),
        paged("n.*", &format!("{} JOIN network_devices n ON n.datacenter_id = d.id", down(4)), "d.id", "n.id", 20),
    ];
    asker.nested("nested query of the front end", &body, &levels);
}

/// Pages of lists.
pub(crate) fn pages(asker: &mut Asker) {
    asker.computes("as a page", "", "1 = 1");
    asker.workloads("as a page", "", "1 = 1", &[]);
    asker.workloads("of one compute", "computeId=9", "w.compute_id = ?", &[Cell::Int(9)]);
}

/// Searches for workloads.
pub(crate) fn searches(asker: &mut Asker) {
    let text = |text: &str| [Cell::Text(text.to_owned())];
    let often = "nginx:1.27";
    asker.workloads("by an image of many", &format!("image={often}"), "w.image = ?", &text(often));
    let seldom = "registry.example.org/voice/api:v3.11";
    asker.workloads("by an image of few", &format!("image={seldom}"), "w.image = ?", &text(seldom));
    let name = "voice-mail-31";
    asker.workloads("by name", &format!("name={name}"), "w.workload_name = ?", &text(name));
    let has_label = if asker.raw.is_sqlite() {
        "EXISTS (SELECT 1 FROM json_each(w.labels) j WHERE j.key = 'environment' AND j.value = 'dr')"
    } else {
        r#"JSON_CONTAINS(w.labels, '{"environment": "dr"}')"#
    };
    asker.workloads("by a label", "label=environment=dr", has_label, &[]);
}

/// What belongs to an environment, by itself or because of where it is.
pub(crate) fn environments(asker: &mut Asker) {
    let wanted = "(SELECT e.id FROM environments e WHERE e.code = 'PROD')";
    let own = |kind: &str, key: &str| {
        format!("SELECT 1 FROM environment_associations a WHERE a.resource_type = '{kind}' AND a.resource_id = {key}")
    };
    // The nearest place that says anything decides.
    let places = ["datacenter d.id", "availability_zone z.id", "region r.id", "cloud cl.id", "partner p.id"];
    let cases: Vec<String> = places
        .iter()
        .map(|place| {
            let (kind, key) = place.split_once(' ').unwrap();
            let own = own(kind, key);
            format!("WHEN EXISTS ({own}) THEN EXISTS ({own} AND a.environment_id IN {wanted})")
        })
        .collect();
    let datacenters = format!(
        "SELECT d.id FROM datacenters d LEFT JOIN availability_zones z ON z.id = d.availability_zone_id \
         LEFT JOIN regions r ON r.id = z.region_id LEFT JOIN clouds cl ON cl.id = r.cloud_id \
         LEFT JOIN partners p ON p.id = cl.partner_id WHERE CASE {} ELSE 0 END",
        cases.join(" ")
    );
    let clouds = format!(
        "SELECT cl.id FROM clouds cl LEFT JOIN partners p ON p.id = cl.partner_id WHERE CASE {} ELSE 0 END",
        cases[3..].join(" ")
    );
    let computes = |alias: &str| {
        let own = own("compute", &format!("{alias}.id"));
        format!(
            "CASE WHEN EXISTS ({own}) THEN EXISTS ({own} AND a.environment_id IN {wanted}) \
             WHEN {alias}.datacenter_id IS NOT NULL THEN {alias}.datacenter_id IN ({datacenters}) \
             ELSE {alias}.cloud_id IN ({clouds}) END"
        )
    };
    asker.computes("of an environment", "&environment=PROD", &computes("c"));
    let (twin, space) = (own("container", "w.container_row_id"), own("k8s_namespace", "w.k8s_namespace_id"));
    let workloads = format!(
        "CASE WHEN w.environment_id IS NOT NULL THEN w.environment_id IN {wanted} \
         WHEN w.container_row_id IS NOT NULL AND EXISTS ({twin}) THEN EXISTS ({twin} AND a.environment_id IN {wanted}) \
         WHEN w.k8s_namespace_id IS NOT NULL AND EXISTS ({space}) THEN EXISTS ({space} AND a.environment_id IN {wanted}) \
         ELSE w.compute_id IN (SELECT c2.id FROM computes c2 WHERE {}) END",
        computes("c2")
    );
    asker.workloads("of an environment", "environment=PROD", &workloads, &[]);
}
