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
const LABEL: Goal = Goal::Within(Duration::from_millis(10));
const ROWS: usize = 100;

/// Everything of a workload that a list shows.
const WORKLOAD: &str = "SELECT w.*, c.name AS compute_name, a.id AS agent_id, a.state, a.reachable, l.seen_at_us, \
     s.health, s.completeness, s.reason, u.cpu_millicores, u.memory_bytes, u.measured_at_us \
     FROM compute_workloads w LEFT JOIN computes c ON c.id = w.compute_id LEFT JOIN agents a ON a.compute_id = c.id \
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
        self.workloads_within(PAGE, what, parameters, condition, values);
    }

    fn workloads_within(&mut self, goal: Goal, what: &str, parameters: &str, condition: &str, values: &[Cell]) {
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
            goal,
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

const SELF: &str = "WHERE p.name = 'self'";

/// From a partner so many levels down.
fn down(upto: usize) -> String {
    let joins = [
        "JOIN clouds cl ON cl.partner_id = p.id",
        "JOIN regions r ON r.cloud_id = cl.id",
        "JOIN availability_zones z ON z.region_id = r.id",
        "JOIN datacenters d ON d.availability_zone_id = z.id",
    ];
    format!("FROM partners p {}", joins[..upto].join(" "))
}

/// The first rows of each parent.
fn paged(columns: &str, from: &str, by: &str, key: &str, limit: usize) -> String {
    format!(
        "SELECT * FROM (SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY {key}) AS place {from} {SELF}) x \
         WHERE place <= {limit}"
    )
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
    let of_environments = "FROM partners p JOIN environments e ON e.partner_id = p.id \
                           JOIN environment_associations a ON a.environment_id = e.id";
    let levels = [
        format!("SELECT p.id, p.name, p.display_name, p.type, p.roles, p.status FROM partners p {SELF} LIMIT 10"),
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
    for (what, key, value) in [("by a label of many", "environment", "dr"), ("by a label of few", "canary", "true")] {
        let has_label = if asker.raw.is_sqlite() {
            format!("EXISTS (SELECT 1 FROM json_each(w.labels) j WHERE j.key = '{key}' AND j.value = '{value}')")
        } else {
            format!("JSON_CONTAINS(w.labels, '{{\"{key}\": \"{value}\"}}')")
        };
        asker.workloads_within(LABEL, what, &format!("label={key}={value}"), &has_label, &[]);
    }
}

/// Finding workloads by a piece of text, wherever in them it stands.
pub(crate) fn free_text(asker: &mut Asker) {
    let wanted = "voice-mail-31";
    let path = format!("/api/v1/search?q={wanted}&kinds=workload&limit=10");
    let columns = ["workload_name", "image", "ip_address", "workload_id", "labels"];
    let any = columns.map(|column| format!("LOWER(w.{column}) LIKE '%{wanted}%'")).join(" OR ");
    let sql = format!(
        "SELECT w.id, w.workload_name, w.image, w.status, c.id, c.name FROM compute_workloads w LEFT JOIN computes c \
         ON c.id = w.compute_id WHERE w.ended_at_us IS NULL AND ({any}) ORDER BY CASE WHEN LOWER(w.workload_name) = \
         '{wanted}' THEN 0 WHEN LOWER(w.workload_name) LIKE '{wanted}%' THEN 1 ELSE 2 END, w.workload_name, w.id LIMIT 10"
    );
    let answer = asker.http.request("GET", &path, None).unwrap();
    let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
    let found = asker.raw.rows(&sql, &[]);
    assert_eq!(items.len(), found, "{path} and {sql} must find as many: {}", answer.body);
    let Asker { http, raw } = asker;
    compare(
        &format!("search for a text in workloads ({found} shown)"),
        NESTED,
        || assert_eq!(http.request("GET", &path, None).unwrap().status, 200),
        || {
            raw.rows(&sql, &[]);
        },
    );
}

/// What is in each place: the top of a tree.
pub(crate) fn places(asker: &mut Asker) {
    let answer = asker.http.request("GET", "/api/v1/places", None).unwrap();
    let running = "SELECT COUNT(*) FROM compute_workloads WHERE ended_at_us IS NULL";
    let running = asker.raw.numbers(running, &[])[0];
    assert_eq!(answer.json()["total"]["workloads"].as_i64(), Some(running), "as many as there are");
    let levels = ["partners", "clouds", "regions", "availability_zones", "datacenters"];
    let statements: Vec<String> = levels
        .iter()
        .map(|table| format!("SELECT * FROM {table} ORDER BY name"))
        .chain([
            "SELECT c.datacenter_id, COUNT(*), SUM(w.n) FROM computes c LEFT JOIN (SELECT compute_id, COUNT(*) AS n \
             FROM compute_workloads WHERE ended_at_us IS NULL GROUP BY compute_id) w ON w.compute_id = c.id \
             GROUP BY c.datacenter_id"
                .to_owned(),
            "SELECT c.datacenter_id, COUNT(a.id), SUM(a.reachable = 1 AND l.seen_at_us > 0), SUM(s.troubled = 0) \
             FROM computes c LEFT JOIN agents a ON a.compute_id = c.id LEFT JOIN agent_liveness l ON l.agent_id = a.id \
             LEFT JOIN (SELECT agent_id, SUM(health NOT IN ('healthy', 'absent')) AS troubled FROM agent_sources \
             GROUP BY agent_id) s ON s.agent_id = a.id GROUP BY c.datacenter_id"
                .to_owned(),
        ])
        .collect();
    let Asker { http, raw } = asker;
    compare(
        "all places with what is in them",
        NESTED,
        || assert_eq!(http.request("GET", "/api/v1/places", None).unwrap().status, 200),
        || {
            for sql in &statements {
                raw.rows(sql, &[]);
            }
        },
    );
}

/// Conditions on what belongs to one of the wanted environments, by itself or because of where it is.
struct Belongs {
    /// `(SELECT …)` of their keys.
    wanted: String,
    datacenters: String,
    clouds: String,
}

fn own(kind: &str, key: &str) -> String {
    format!("SELECT 1 FROM environment_associations a WHERE a.resource_type = '{kind}' AND a.resource_id = {key}")
}

impl Belongs {
    fn to(wanted: &str) -> Self {
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
        Self { wanted: wanted.to_owned(), datacenters, clouds }
    }

    fn computes(&self, alias: &str) -> String {
        let Self { wanted, datacenters, clouds } = self;
        let own = own("compute", &format!("{alias}.id"));
        format!(
            "CASE WHEN EXISTS ({own}) THEN EXISTS ({own} AND a.environment_id IN {wanted}) \
             WHEN {alias}.datacenter_id IS NOT NULL THEN {alias}.datacenter_id IN ({datacenters}) \
             ELSE {alias}.cloud_id IN ({clouds}) END"
        )
    }

    fn workloads(&self) -> String {
        let wanted = &self.wanted;
        let (twin, space) = (own("container", "w.container_row_id"), own("k8s_namespace", "w.k8s_namespace_id"));
        format!(
            "CASE WHEN w.environment_id IS NOT NULL THEN w.environment_id IN {wanted} \
             WHEN w.container_row_id IS NOT NULL AND EXISTS ({twin}) THEN EXISTS ({twin} AND a.environment_id IN {wanted}) \
             WHEN w.k8s_namespace_id IS NOT NULL AND EXISTS ({space}) THEN EXISTS ({space} AND a.environment_id IN {wanted}) \
             ELSE w.compute_id IN (SELECT c2.id FROM computes c2 WHERE {}) END",
            self.computes("c2")
        )
    }
}

/// What belongs to an environment, by itself or because of where it is.
pub(crate) fn environments(asker: &mut Asker) {
    let production = Belongs::to("(SELECT e.id FROM environments e WHERE e.code = 'PROD')");
    asker.computes("of an environment", "&environment=PROD", &production.computes("c"));
    asker.workloads("of an environment", "environment=PROD", &production.workloads(), &[]);
    filtered_tree(asker, &production);
    summary(asker);
}

/// The tree from a partner down to what runs, as far as it belongs to an environment.
fn filtered_tree(asker: &mut Asker, production: &Belongs) {
    let page = |limit: usize| json!({ "limit": limit, "offset": 0 });
    let belongs = json!({ "environment": { "code": "PROD", "inherited": true } });
    let body = json!({
        "kind": "partner", "criteria": { "name": "self" }, "page": page(10),
        "include": [{ "kind": "cloud", "page": page(10), "include": [{ "kind": "region", "page": page(10), "include": [
            { "kind": "availabilityzone", "page": page(10), "include": [{ "kind": "datacenter", "page": page(10), "include": [
                { "kind": "compute", "page": page(50), "criteria": belongs, "include": [
                    { "kind": "workload", "page": page(10), "criteria": belongs },
                ] },
            ] }] },
        ] }] }],
    });
    let computes = format!("{} JOIN computes c ON c.datacenter_id = d.id AND {}", down(4), production.computes("c"));
    let shown = paged("c.id", &computes, "d.id", "c.id", 50);
    let shown = shown.replace("SELECT * FROM", "SELECT x.id FROM");
    let workloads = format!("FROM compute_workloads w JOIN ({shown}) s ON s.id = w.compute_id");
    let levels = [
        format!("SELECT p.id, p.name, p.display_name, p.type, p.roles, p.status FROM partners p {SELF} LIMIT 10"),
        paged("cl.*", &down(1), "p.id", "cl.id", 10),
        paged("r.*", &down(2), "cl.id", "r.id", 10),
        paged("z.*", &down(3), "r.id", "z.id", 10),
        paged("d.*", &down(4), "z.id", "d.id", 10),
        paged("c.*", &computes, "d.id", "c.id", 50),
        format!(
            "SELECT * FROM (SELECT w.*, ROW_NUMBER() OVER (PARTITION BY w.compute_id ORDER BY w.id) AS place {workloads} \
             WHERE {}) y WHERE y.place <= 10",
            production.workloads()
        ),
    ];
    asker.nested("tree of an environment", &body, &levels);
}

/// What an environment has.
fn summary(asker: &mut Asker) {
    let sql = "SELECT e.id FROM environments e JOIN partners p ON p.id = e.partner_id WHERE p.name = 'self' AND e.code = 'PROD'";
    let id = asker.raw.numbers(sql, &[])[0];
    let path = format!("/api/v1/environments/{id}/summary");
    let mine = Belongs::to(&format!("(SELECT {id})"));
    let by_type = format!(
        "SELECT w.workload_type, COUNT(*) FROM compute_workloads w WHERE w.ended_at_us IS NULL AND {} \
         GROUP BY w.workload_type",
        mine.workloads()
    );
    let computes = format!("SELECT c.id, c.name FROM computes c WHERE {}", mine.computes("c"));
    let answer = asker.http.request("GET", &path, None).unwrap();
    let told = answer.json();
    let count: i64 = asker.raw.pairs(&by_type).iter().map(|(_, count)| count).sum();
    let sum: i64 = told["workloads"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_i64()).sum();
    assert_eq!(sum, count, "{path} and {by_type} must count as many: {}", answer.body);
    let Asker { http, raw } = asker;
    compare(
        &format!("summary of an environment ({count} workloads)"),
        NESTED,
        || assert_eq!(http.request("GET", &path, None).unwrap().status, 200),
        || {
            raw.rows(&by_type, &[]);
            raw.rows(&computes, &[]);
            raw.rows("SELECT * FROM compute_allocations", &[]);
        },
    );
}
