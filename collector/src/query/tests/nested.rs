//! The nested query on both databases: filters by environment and tag, pages, depth, limits, hostile texts.

use super::*;
use crate::{
    catalog::{KINDS, Link},
    query::nested::{Answer, Limits, QueryError as NestedError, answer},
};

on_both!(
    environments_filter_at_any_level,
    tags_filter_those_of_the_existing_inventory_too,
    each_row_can_show_the_environments_that_count,
    every_relation_can_be_followed_both_ways,
    pages_and_order_hold_for_each_parent,
    a_statement_that_takes_too_long_is_given_up,
    hostile_texts_find_nothing_and_break_nothing,
);

async fn ask(db: &Db, request: Json) -> Result<Answer, NestedError> {
    answer(db, now(), &request, Limits::default()).await
}

async fn found(db: &Db, kind: &str, criteria: Json) -> Vec<i64> {
    let request = json!({ "kind": kind, "criteria": criteria, "select": ["id"], "sort": "id" });
    let answer = ask(db, request).await.unwrap();
    answer.data.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Two datacenters of two environments; a compute of the first has one of its own, a compute without place has none.
async fn inventory(db: &Db) {
    places(db).await;
    for sql in [
        "INSERT INTO environments (id, name, code, type, partner_id) VALUES (1, 'Production', 'PROD', 'PRODUCTION', 1), \
         (2, 'Staging', 'STG', 'STAGING', 1)",
        "INSERT INTO datacenters (id, name, environment_id) VALUES (2, 'attic', 2)",
        "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, origin) VALUES \
         (1, 'datacenter', 1, 1, 'person'), (2, 'compute', 2, 1, 'person')",
        "INSERT INTO tags (key_name, value, entity_type, entity_id) VALUES ('tier', 'gold', 'COMPUTE', 1), \
         ('owner', 'old', 'COMPUTE', 2)",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 2, 'owner', 'web'), \
         ('compute', 3, 'owner', 'web'), ('workload', 1, 'team', 'red')",
    ] {
        run(db, sql, vec![]).await;
    }
    for (id, datacenter) in [(1, Some(1)), (2, Some(1)), (3, Some(2)), (4, None)] {
        compute(db, id, &format!("host-{id}"), datacenter).await;
    }
    for (id, compute) in [(1, 1), (2, 1), (3, 2), (4, 4)] {
        Seed::container(id, compute, "web").store(db).await;
    }
}

async fn environments_filter_at_any_level(db: &Db) {
    inventory(db).await;
    for (criteria, expected) in [
        (json!({ "environment": { "code": "PROD" } }), vec![1]),
        (json!({ "environment": { "code": "PROD", "inherited": false } }), vec![]),
        (json!({ "environment": "STG" }), vec![2, 3]),
        (json!({ "environment": ["PROD", "STG"] }), vec![1, 2, 3]),
        (json!({ "environment": { "id": 2, "inherited": false } }), vec![2]),
        (json!({ "environment": 1 }), vec![1]),
        (json!({ "environment": null }), vec![4]),
        (json!({ "environment": { "code": null, "inherited": false } }), vec![1, 3, 4]),
        (json!({ "environment": "NONE" }), vec![]),
        (json!({ "$not": { "environment": "PROD" } }), vec![2, 3, 4]),
        (json!({ "$or": [{ "environment": null }, { "environment": "PROD" }] }), vec![1, 4]),
    ] {
        assert_eq!(found(db, "compute", criteria.clone()).await, expected, "{criteria}");
    }
    assert_eq!(found(db, "workload", json!({ "environment": "PROD" })).await, vec![1, 2]);
    assert_eq!(found(db, "datacenter", json!({ "environment": "STG" })).await, vec![2]);
    let request = json!({ "kind": "datacenter", "select": ["id"], "sort": "id", "include": [
        { "kind": "compute", "select": ["id"], "criteria": { "environment": "STG" } }] });
    let data = ask(db, request).await.unwrap().data;
    assert_eq!(
        data,
        vec![json!({ "id": 1, "computes": [{ "id": 2 }] }), json!({ "id": 2, "computes": [{ "id": 3 }] })]
    );
    for (wrong, code) in [
        (json!({ "environment": { "cod": "PROD" } }), "unknown-member"),
        (json!({ "environment": true }), "wrong-type"),
        (json!({ "environment": {} }), "missing"),
    ] {
        let refused = ask(db, json!({ "kind": "compute", "criteria": wrong })).await;
        assert!(matches!(&refused, Err(NestedError::Invalid { code: told, .. }) if *told == code), "{refused:?}");
    }
    let refused = ask(db, json!({ "kind": "tag", "criteria": { "environment": "PROD" } })).await;
    assert!(matches!(&refused, Err(NestedError::Invalid { code: "not-attached", .. })), "{refused:?}");
}

async fn tags_filter_those_of_the_existing_inventory_too(db: &Db) {
    inventory(db).await;
    for (criteria, expected) in [
        (json!({ "tags": { "owner": "web" } }), vec![2, 3]),
        (json!({ "tags": { "tier": "gold" } }), vec![1]),
        (json!({ "tags": { "owner": "old" } }), vec![]),
        (json!({ "tags": { "tier": { "$in": ["gold", "silver"] } } }), vec![1]),
        (json!({ "tags": { "owner": { "$isnull": true } } }), vec![1, 4]),
        (json!({ "tags": { "owner": { "$isnull": false } } }), vec![2, 3]),
        (json!({ "tags": { "owner": { "$ne": "web" } } }), vec![1, 4]),
        (json!({ "tags": { "owner": { "$nin": ["db"] }, "tier": null } }), vec![2, 3, 4]),
        (json!({ "tags": { "owner": { "$like": "w%" } } }), vec![2, 3]),
        (json!({ "tags": {} }), vec![1, 2, 3, 4]),
    ] {
        assert_eq!(found(db, "compute", criteria.clone()).await, expected, "{criteria}");
    }
    assert_eq!(found(db, "workload", json!({ "tags": { "team": "red" } })).await, vec![1]);
    let refused = ask(db, json!({ "kind": "compute", "criteria": { "tags": { "owner": { "$lik": "x" } } } })).await;
    assert!(matches!(&refused, Err(NestedError::Invalid { code: "unknown-operator", .. })), "{refused:?}");
}

async fn each_row_can_show_the_environments_that_count(db: &Db) {
    inventory(db).await;
    let request = json!({ "kind": "compute", "select": ["id"], "sort": "id", "effectiveEnvironments": true, "include": [
        { "kind": "workload", "select": ["id"], "effectiveEnvironments": true }] });
    let answer = ask(db, request).await.unwrap();
    assert_eq!(answer.statements, 4, "one for each level, and one for the environments of each");
    let badge = &answer.data[0]["effectiveEnvironments"][0];
    assert_eq!(
        (&badge["code"], &badge["inherited"], &badge["reason"]),
        (&json!("PROD"), &json!(true), &json!("from datacenter cellar"))
    );
    assert_eq!(answer.data[1]["effectiveEnvironments"][0]["inherited"], false);
    assert_eq!(answer.data[3]["effectiveEnvironments"], json!([]));
    assert_eq!(answer.data[0]["workloads"][0]["effectiveEnvironments"][0]["code"], "PROD");
}

async fn every_relation_can_be_followed_both_ways(db: &Db) {
    inventory(db).await;
    for kind in KINDS {
        for relation in kind.relations {
            let request = json!({ "kind": kind.name, "include": [{ "kind": relation.kind, "page": { "limit": 1 } }] });
            ask(db, request).await.unwrap_or_else(|error| panic!("{} with {}: {error:?}", kind.name, relation.kind));
        }
    }
    let up = |kind: &str| KINDS.iter().find(|one| one.name == kind).unwrap().relations;
    let mut request = json!({ "kind": "partner", "select": ["name"] });
    for kind in ["cloud", "region", "availabilityzone", "datacenter", "compute", "workload"] {
        assert!(up(kind).iter().any(|relation| matches!(relation.link, Link::Above { .. })));
        request = json!({ "kind": kind, "select": ["id"], "include": [request] });
    }
    let answer = ask(db, request).await.unwrap();
    assert_eq!(answer.statements, 7);
    let workload = answer.data.iter().find(|row| row["id"] == 1).unwrap();
    let pointer = "/computes/0/datacenters/0/availabilityzones/0/regions/0/clouds/0/partners/0/name";
    assert_eq!(workload.pointer(pointer), Some(&json!("self")));
}

async fn pages_and_order_hold_for_each_parent(db: &Db) {
    inventory(db).await;
    for id in 10..16 {
        Seed::container(id, 1 + id % 2, "more").store(db).await;
    }
    let below = |sort: &str, limit: u8, offset: u8| {
        json!({ "kind": "compute", "criteria": { "id": { "$in": [1, 2] } }, "select": ["id"], "sort": "id", "include": [
            { "kind": "workload", "select": ["id"], "sort": sort, "page": { "limit": limit, "offset": offset } }] })
    };
    let ids = |row: &Json| -> Vec<i64> {
        row["workloads"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    let answer = ask(db, below("-id", 2, 0)).await.unwrap();
    assert_eq!((ids(&answer.data[0]), ids(&answer.data[1])), (vec![14, 12], vec![15, 13]));
    let answer = ask(db, below("id", 2, 1)).await.unwrap();
    assert_eq!((ids(&answer.data[0]), ids(&answer.data[1])), (vec![2, 10], vec![11, 13]));
    let answer = ask(db, below("id", 0, 0)).await.unwrap();
    assert_eq!((ids(&answer.data[0]), ids(&answer.data[1])), (vec![], vec![]));
    let answer = ask(db, below("-id", 10, 4)).await.unwrap();
    assert_eq!((ids(&answer.data[0]), ids(&answer.data[1])), (vec![1], vec![]));
}

async fn a_statement_that_takes_too_long_is_given_up(db: &Db) {
    // Ten thousand million steps, told by the database itself.
    let digits = "SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL \
                  SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9";
    let many: Vec<String> = (0..10).map(|number| format!("({digits}) d{number}")).collect();
    let sql = format!("SELECT SUM(d0.n * d1.n + d9.n) AS x FROM {}", many.join(", "));
    let limit = Some(std::time::Duration::from_millis(200));
    let started = std::time::Instant::now();
    let error = db.fetch_within(sql, vec![], limit).await.unwrap_err();
    assert!(error.is_too_slow(), "{error:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    let rows = db.fetch_within("SELECT 1 AS x".to_owned(), vec![], limit).await.unwrap();
    assert_eq!(rows[0].get::<i64>("x").unwrap(), 1);
}

const HOSTILE: [&str; 12] = [
    "' OR 1=1 --",
    "'; DROP TABLE computes; --",
    "\") OR (\"1\"=\"1",
    "\\' OR 1=1 #",
    "`; DELETE FROM computes",
    "%27%20OR%201=1",
    "/*! OR 1=1 */",
    "?",
    ":name",
    "\u{0}",
    "𝕏' UNION SELECT api_secret FROM partners --",
    "$.a' || '",
];

/// Puts a text into every place of a request.
fn requests(text: &str) -> Vec<Json> {
    let mut all = vec![
        json!({ "kind": text }),
        json!({ text: 1, "kind": "compute" }),
        json!({ "kind": "compute", "select": [text] }),
        json!({ "kind": "compute", "sort": text }),
        json!({ "kind": "compute", "sort": [{ "field": "id", "order": text }] }),
        json!({ "kind": "compute", "sort": [{ "field": text }] }),
        json!({ "kind": "compute", "page": { text: 1 } }),
        json!({ "kind": "compute", "page": { "limit": text } }),
        json!({ "kind": "compute", "include": [{ "kind": text }] }),
        json!({ "kind": "compute", "criteria": text }),
        json!({ "kind": "compute", "criteria": { text: 1 } }),
        json!({ "kind": "compute", "criteria": { "name": { text: 1 } } }),
        json!({ "kind": "compute", "criteria": { "$or": [{ text: text }] } }),
        json!({ "kind": "compute", "criteria": { "environment": text } }),
        json!({ "kind": "compute", "criteria": { "environment": [text, text] } }),
        json!({ "kind": "compute", "criteria": { "environment": { text: 1 } } }),
        json!({ "kind": "compute", "criteria": { "tags": { text: text } } }),
        json!({ "kind": "compute", "criteria": { "tags": { text: { "$in": [text] } } } }),
        json!({ "kind": "compute", "criteria": { "tags": { "a": { text: text } } } }),
        json!({ "kind": "compute", "asOf": text }),
        json!({ "kind": "compute", "lazy": text }),
        json!({ "lazyLoadKey": text }),
    ];
    for operator in ["$eq", "$gt", "$gte", "$lt", "$lte", "$like", "$contains"] {
        all.push(json!({ "kind": "compute", "criteria": { "name": { operator: text }, "id": 99 } }));
        all.push(json!({ "kind": "workload", "criteria": { "labels": { operator: text }, "id": 99 } }));
    }
    all.push(json!({ "kind": "compute", "criteria": { "name": { "$in": [text, text] } } }));
    all.push(json!({ "kind": "compute", "criteria": { "name": text }, "include": [
        { "kind": "tag", "criteria": { "tagValue": text } }] }));
    all
}

async fn hostile_texts_find_nothing_and_break_nothing(db: &Db) {
    inventory(db).await;
    let mut random = fastrand::Rng::with_seed(11);
    let pieces =
        ["'", "\"", "`", "\\", ";", "--", " OR ", "1=1", "(", ")", "%", "_", "!", "?", "$", "{", "ü", "\n", "NULL"];
    let made = (0..20).map(|_| (0..6).map(|_| pieces[random.usize(..pieces.len())]).collect::<String>());
    for text in HOSTILE.into_iter().map(str::to_owned).chain(made) {
        for request in requests(&text) {
            match ask(db, request.clone()).await {
                Ok(answer) => assert_eq!(answer.data, Vec::<Json>::new(), "{request}"),
                Err(NestedError::Invalid { .. }) => {}
                Err(error) => panic!("{request}: {error:?}"),
            }
        }
    }
    assert_eq!(found(db, "compute", json!({})).await, vec![1, 2, 3, 4]);
}
