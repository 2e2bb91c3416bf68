//! The nested query on a small inventory, on SQLite.

use serde_json::{Value as Json, json};

use super::{Answer, Limits, QueryError, parse, run};
use crate::{
    catalog::KINDS,
    store::{self, Db, Tx},
};

const SEED: [&str; 12] = [
    "INSERT INTO partners (id, name, display_name, type, roles) VALUES (1, 'self', 'Our own', 'both', '[\"vendor\"]'), \
     (2, 'other', 'Another', 'vendor', NULL)",
    "INSERT INTO environments (id, name, code, type, partner_id) VALUES (1, 'Production', 'PROD', 'PRODUCTION', 1), \
     (2, 'Staging', 'STG', 'STAGING', 1)",
    "INSERT INTO clouds (id, name, partner_id) VALUES (1, 'Main', 1), (2, 'Second', 1)",
    "INSERT INTO regions (id, name, code, cloud_id) VALUES (1, 'Central', 'central', 1)",
    "INSERT INTO availability_zones (id, name, code, region_id, is_default) VALUES (1, 'Central A', 'a', 1, 1)",
    "INSERT INTO datacenters (id, name, cloud_id, availability_zone_id, environment_id, latitude) \
     VALUES (1, 'DC1', 1, 1, 1, 23.75), (2, 'DC2', 1, 1, NULL, NULL)",
    "INSERT INTO computes (id, name, hostname, cpu_cores, datacenter_id, cloud_id) VALUES (1, 'web-1', 'web-1', 8, 1, 1), \
     (2, 'web-2', 'web-2', 16, 1, 1), (3, 'db-1', 'db_1', NULL, 1, 1), (4, 'far', 'far', 4, 2, 1)",
    "INSERT INTO containers (id, name, image, status, compute_id) VALUES (1, 'nginx', 'nginx', 'RUNNING', 1)",
    "INSERT INTO network_devices (id, name, device_type, datacenter_id) VALUES (1, 'router', 'Router', 1)",
    "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, \
     allocated_percentage) VALUES (1, 'compute', 1, 1, 60.0), (2, 'compute', 1, 0, 40.0), (1, 'datacenter', 1, 1, NULL)",
    "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 1, 'owner', 'web'), \
     ('datacenter', 1, 'owner', 'facility')",
    "INSERT INTO compute_workloads (id, compute_id, workload_type, workload_name, workload_id, status, source, ports, \
     first_seen_at_us, changed_at_us) VALUES (1, 1, 'container', 'nginx', 'abc', 'running', 'docker', \
     '[{\"containerPort\": 80}]', 1700000000000000, 1700000000000000)",
];

async fn inventory() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let db = store::open(&format!("sqlite://{}/inventory.db", dir.path().display())).await.unwrap();
    store::migrate(&db).await.unwrap();
    let mut tx: Tx = db.begin().await.unwrap();
    for statement in SEED {
        tx.execute(statement, Vec::new()).await.unwrap();
    }
    tx.commit().await.unwrap();
    (dir, db)
}

async fn ask(db: &Db, request: Json) -> Result<Answer, QueryError> {
    run(db, &parse(&request, Limits::default())?).await
}

async fn names(db: &Db, kind: &str, criteria: Json) -> Vec<String> {
    let request = json!({ "kind": kind, "criteria": criteria, "select": ["name"], "sort": "name" });
    let answer = ask(db, request).await.unwrap();
    answer.data.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn refusal(request: &Json) -> (&'static str, String, String) {
    match parse(request, Limits::default()) {
        Err(QueryError::Invalid { code, field, message }) => (code, field, message),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn every_field_of_the_catalog_can_be_read() {
    let (_dir, db) = inventory().await;
    for kind in KINDS {
        ask(&db, json!({ "kind": kind.name })).await.unwrap();
    }
}

#[tokio::test]
async fn the_front_ends_query_takes_one_statement_per_level() {
    let (_dir, db) = inventory().await;
    let request = json!({
        "kind": "partner", "criteria": { "name": "self" }, "page": { "limit": 10, "offset": 0 },
        "include": [
            { "kind": "environment", "include": [{ "kind": "environmentassociation" }] },
            { "kind": "cloud", "include": [{ "kind": "region", "include": [{ "kind": "availabilityzone", "include": [
                { "kind": "datacenter", "include": [{ "kind": "compute" }, { "kind": "networkdevice" }] },
            ] }] }] },
        ],
    });
    let answer = ask(&db, request).await.unwrap();
    assert_eq!((answer.data.len(), answer.statements), (1, 9));
    let partner = &answer.data[0];
    assert_eq!(partner["roles"], json!(["vendor"]));
    assert_eq!(partner["environments"][0]["environmentassociations"].as_array().unwrap().len(), 2);
    assert_eq!(partner["clouds"][1]["regions"], json!([]));
    let center = &partner["clouds"][0]["regions"][0]["availabilityzones"][0]["datacenters"][0];
    assert_eq!(center["computes"].as_array().unwrap().len(), 3);
    assert_eq!(center["networkdevices"][0]["name"], "router");
    assert_eq!(center["latitude"], 23.75);
}

#[tokio::test]
async fn includes_go_upwards_and_to_what_is_attached() {
    let (_dir, db) = inventory().await;
    let request = json!({
        "kind": "workload", "select": ["workload_name", "firstSeenAt", "ports"],
        "include": [{ "kind": "compute", "select": ["name"], "include": [
            { "kind": "tag", "select": ["tagValue"] },
            { "kind": "environmentassociation", "criteria": { "isPrimary": true }, "select": ["allocatedPercentage"] },
            { "kind": "datacenter", "select": ["name"] },
        ] }],
    });
    assert_eq!(
        ask(&db, request).await.unwrap().data,
        vec![json!({
            "workloadName": "nginx", "firstSeenAt": "2023-11-14T22:13:20Z", "ports": [{ "containerPort": 80 }],
            "computes": [{
                "name": "web-1", "tags": [{ "tagValue": "web" }], "datacenters": [{ "name": "DC1" }],
                "environmentassociations": [{ "allocatedPercentage": 60.0 }],
            }],
        })]
    );
}

#[tokio::test]
async fn each_operator_selects_what_it_says() {
    let (_dir, db) = inventory().await;
    let cases = [
        (json!({ "name": "far" }), vec!["far"]),
        (json!({ "cpuCores": { "$gt": 4, "$lte": 16 } }), vec!["web-1", "web-2"]),
        (json!({ "cpu_cores": { "$gte": 16 } }), vec!["web-2"]),
        (json!({ "cpuCores": { "$lt": 8 } }), vec!["far"]),
        (json!({ "cpuCores": { "$ne": 8 } }), vec!["db-1", "far", "web-2"]),
        (json!({ "cpuCores": null }), vec!["db-1"]),
        (json!({ "cpuCores": { "$isnull": false } }), vec!["far", "web-1", "web-2"]),
        (json!({ "name": { "$in": ["far", "web-2", "none"] } }), vec!["far", "web-2"]),
        (json!({ "name": { "$in": [] } }), vec![]),
        (json!({ "cpuCores": { "$nin": [8, 16] } }), vec!["db-1", "far"]),
        (json!({ "name": { "$like": "web-%" } }), vec!["web-1", "web-2"]),
        (json!({ "hostname": { "$contains": "_" } }), vec!["db-1"]),
        (json!({ "name": { "$contains": "' OR 1=1 --" } }), vec![]),
        (
            json!({ "$or": [{ "name": "far" }, { "$and": [{ "name": "web-1" }, { "cpuCores": 8 }] }] }),
            vec!["far", "web-1"],
        ),
        (json!({ "$not": { "cpuCores": { "$gt": 4 } } }), vec!["db-1", "far"]),
    ];
    for (criteria, expected) in cases {
        assert_eq!(names(&db, "compute", criteria.clone()).await, expected, "{criteria}");
    }
}

#[tokio::test]
async fn a_page_counts_per_parent() {
    let (_dir, db) = inventory().await;
    let page = json!({ "limit": 1, "offset": 0 });
    let request = json!({
        "kind": "datacenter", "select": ["name"], "sort": ["-name"],
        "include": [{ "kind": "compute", "select": ["name"], "sort": [{ "field": "cpuCores", "order": "desc" }], "page": page }],
    });
    assert_eq!(
        ask(&db, request).await.unwrap().data,
        vec![
            json!({ "name": "DC2", "computes": [{ "name": "far" }] }),
            json!({ "name": "DC1", "computes": [{ "name": "web-2" }] }),
        ]
    );
}

#[tokio::test]
async fn a_lazy_level_is_read_with_its_key() {
    let (_dir, db) = inventory().await;
    let request = json!({
        "kind": "datacenter", "criteria": { "name": "DC1" }, "select": ["name"],
        "include": [{ "kind": "compute", "criteria": { "cpuCores": 8 }, "select": ["name"], "lazy": true }],
    });
    let answer = ask(&db, request).await.unwrap();
    assert_eq!(answer.statements, 1);
    let key = answer.data[0]["computes"]["lazyLoadKey"].clone();
    let later = ask(&db, json!({ "lazyLoadKey": key })).await.unwrap();
    assert_eq!(later.data, vec![json!({ "name": "web-1" })]);
}

#[test]
fn a_refusal_names_the_place_and_the_nearest_names() {
    let (code, field, message) = refusal(&json!({ "kind": "computer" }));
    assert_eq!((code, field.as_str()), ("unknown-kind", "kind"));
    assert!(message.contains("nearest: compute"), "{message}");
    let (code, field, message) =
        refusal(&json!({ "kind": "cloud", "include": [{ "kind": "region", "criteria": { "nmae": "x" } }] }));
    assert_eq!((code, field.as_str()), ("unknown-field", "include[0].criteria.nmae"));
    assert!(message.contains("nearest: name"), "{message}");
    let (code, field, message) = refusal(&json!({ "kind": "cloud", "criteria": { "name": { "$lik": "x" } } }));
    assert_eq!((code, field.as_str()), ("unknown-operator", "criteria.name.$lik"));
    assert!(message.contains("$like"), "{message}");
    let (code, field, message) = refusal(&json!({ "kind": "compute", "criteria": { "cpuCores": "8" } }));
    assert_eq!((code, field.as_str()), ("wrong-type", "criteria.cpuCores"));
    assert!(message.contains("expected a whole number"), "{message}");
    let (code, field, _) = refusal(&json!({ "kind": "partner", "include": [{ "kind": "capability" }] }));
    assert_eq!((code, field.as_str()), ("unrelated-kind", "include[0].kind"));
    let (code, field, _) = refusal(&json!({ "kind": "partner", "select": ["apiSecret"] }));
    assert_eq!((code, field.as_str()), ("unknown-field", "select[0]"));
    let (code, field, _) = refusal(&json!({ "kind": "partner", "page": { "limit": -1 } }));
    assert_eq!((code, field.as_str()), ("out-of-range", "page.limit"));
    let mut deep = json!({ "kind": "partner" });
    for level in 0..12 {
        deep = json!({ "kind": if level % 2 == 0 { "cloud" } else { "partner" }, "include": [deep] });
    }
    assert_eq!(refusal(&deep).0, "too-deep");
}

#[tokio::test]
async fn an_answer_above_the_limit_is_refused() {
    let (_dir, db) = inventory().await;
    let limits = Limits { rows: 3, ..Limits::default() };
    let plan = parse(&json!({ "kind": "compute" }), limits).unwrap();
    assert!(matches!(run(&db, &plan).await, Err(QueryError::TooManyRows(3))));
}
