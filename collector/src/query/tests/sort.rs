//! The order of lists: by any field, in both directions, from page to page.

use super::*;
use crate::query::sortable;

on_both!(
    an_order_holds_from_page_to_page,
    every_field_of_every_list_orders_it,
    an_order_that_makes_no_sense_names_the_nearest_field,
    a_part_of_a_text_is_found_regardless_of_case,
);

/// The keys of all pages, two rows at a time.
async fn paged<R: Resource>(db: &Db, parameters: &[(&str, &str)]) -> Vec<Json> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut given = vec![("limit", "2"), ("cursor", cursor.as_str())];
        given.extend(parameters);
        let page = page::<R>(db, &given).await.unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        all.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
        assert!(all.len() < 100, "the pages do not end");
    }
}

async fn hosts(db: &Db) {
    one_host(db).await;
    for (id, cores, name) in [(2, Some(8), "b"), (3, None, "B"), (4, Some(8), "a"), (5, Some(4), "c"), (6, None, "d")] {
        compute(db, id, name, Some(1)).await;
        run(db, "UPDATE computes SET cpu_cores = ? WHERE id = ?", vec![cores.into(), id.into()]).await;
    }
    run(db, "UPDATE computes SET cpu_cores = 16 WHERE id = 1", vec![]).await;
}

async fn an_order_holds_from_page_to_page(db: &Db) {
    hosts(db).await;
    let ids = async |sort: &str| {
        let items = paged::<Compute>(db, &[("sort", sort)]).await;
        items.iter().map(|item| item["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("cpuCores").await, [3, 6, 5, 2, 4, 1], "what is not known comes first");
    assert_eq!(ids("-cpuCores").await, [1, 2, 4, 5, 3, 6], "and last");
    assert_eq!(ids("-cpuCores,-id").await, [1, 4, 2, 5, 6, 3]);
    assert_eq!(ids("cpuCores,-name").await.len(), 6);
    assert_eq!(ids("-id").await, [6, 5, 4, 3, 2, 1]);
    let first = page::<Compute>(db, &[("limit", "2"), ("sort", "name")]).await.unwrap();
    let next = first["next"].as_str().unwrap();
    let other = page::<Compute>(db, &[("cursor", next), ("sort", "-name")]).await.unwrap_err();
    assert!(matches!(other, QueryError::Parameter(ParameterError { code: "invalid-cursor", .. })), "{other:?}");
}

async fn ordered<R: Resource>(db: &Db) {
    let whole = paged::<R>(db, &[]).await;
    for field in sortable::<R>() {
        for sort in [field.to_owned(), format!("-{field}")] {
            let items = paged::<R>(db, &[("sort", &sort)]).await;
            let mut keys: Vec<String> = items.iter().map(ToString::to_string).collect();
            let mut all: Vec<String> = whole.iter().map(ToString::to_string).collect();
            keys.sort();
            all.sort();
            assert_eq!(keys, all, "{} by {sort}: each row once", R::LIST);
            let values: Vec<f64> = items.iter().filter_map(|item| item[field].as_f64()).collect();
            assert!(values.is_sorted() || sort.starts_with('-'), "{} by {sort}: {values:?}", R::LIST);
        }
    }
}

async fn every_field_of_every_list_orders_it(db: &Db) {
    hosts(db).await;
    for id in 10..14 {
        Seed::container(id, 1 + id % 3, "web").store(db).await;
    }
    for sql in [
        "INSERT INTO environments (name, code, type, partner_id) VALUES ('Production', 'PROD', 'PRODUCTION', 1), \
         ('Staging', 'STG', 'STAGING', NULL), ('Test', 'TEST', 'TESTING', 1)",
        "INSERT INTO containers (name, compute_id, status) VALUES ('a', 1, 'RUNNING'), ('b', 1, 'STOPPED'), ('c', 1, NULL)",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 1, 'a', 'x'), \
         ('compute', 1, 'b', 'x'), ('compute', 2, 'a', 'y')",
        "INSERT INTO audit_log (at_us, actor_kind, actor_id, action, resource_type, resource_id) VALUES \
         (1, 'person', 'a', 'x', 'y', '1'), (1, 'person', 'b', 'x', 'y', '2'), (2, 'person', 'a', 'z', 'y', '1')",
    ] {
        run(db, sql, vec![]).await;
    }
    ordered::<Partner>(db).await;
    ordered::<Datacenter>(db).await;
    ordered::<Compute>(db).await;
    ordered::<ComputeSummary>(db).await;
    ordered::<Container>(db).await;
    ordered::<Environment>(db).await;
    ordered::<EnvironmentAssociation>(db).await;
    ordered::<EnvironmentRule>(db).await;
    ordered::<Workload>(db).await;
    ordered::<Tag>(db).await;
    ordered::<Capability>(db).await;
    ordered::<AutomationTarget>(db).await;
    ordered::<Agent>(db).await;
    ordered::<AuditEntry>(db).await;
    ordered::<HistoryEntry>(db).await;
    ordered::<Match>(db).await;
    ordered::<JoinToken>(db).await;
    ordered::<ApiToken>(db).await;
    ordered::<Drift>(db).await;
    ordered::<Operation>(db).await;
    ordered::<JunkValue>(db).await;
    ordered::<K8sCluster>(db).await;
    ordered::<K8sNamespace>(db).await;
    ordered::<K8sNode>(db).await;
    ordered::<K8sService>(db).await;
    ordered::<K8sIngress>(db).await;
    ordered::<NetworkDevice>(db).await;
    ordered::<ResourcePool>(db).await;
    ordered::<Cloud>(db).await;
    ordered::<Region>(db).await;
    ordered::<AvailabilityZone>(db).await;
}

async fn an_order_that_makes_no_sense_names_the_nearest_field(db: &Db) {
    for (sort, near) in [("cpucores", "cpuCores"), ("-nmae", "name"), ("facts", "status")] {
        match page::<Compute>(db, &[("sort", sort)]).await {
            Err(QueryError::Parameter(error)) => {
                assert_eq!((error.code, error.field.as_str()), ("invalid-parameter", "sort"));
                let named = error.problem.ends_with(&format!("did you mean {near}?")) || sort == "facts";
                assert!(named && error.expected.contains("cpuCores"), "{error}");
            }
            other => panic!("{sort}: {other:?}"),
        }
    }
    assert!(page::<Compute>(db, &[("sort", "id,name,hostname,status,cpuCores")]).await.is_err());
}

async fn a_part_of_a_text_is_found_regardless_of_case(db: &Db) {
    one_host(db).await;
    compute(db, 2, "Db-Master_1", Some(1)).await;
    compute(db, 3, "db-slave%1", Some(1)).await;
    let found = async |parameters: &[(&str, &str)]| ids::<Compute>(db, parameters).await;
    assert_eq!(found(&[("name~", "dB-")]).await, [2, 3]);
    assert_eq!(found(&[("name~", "r_1")]).await, [2], "no pattern");
    assert_eq!(found(&[("name~", "%")]).await, [3]);
    assert_eq!(found(&[("name~", "slave"), ("name~", "web")]).await, [1, 3]);
    assert_eq!(found(&[("name~", "db"), ("name", "db-slave%1")]).await, [3]);
    for name in ["cloudId~", "nam~", "~"] {
        match page::<Compute>(db, &[(name, "1")]).await {
            Err(QueryError::Parameter(error)) => assert!(error.expected.contains("name~"), "{error}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
