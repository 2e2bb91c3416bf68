//! What counts for a resource: the claims of a page, and the condition on a list, say the same.

use std::collections::BTreeSet;

use super::{associate, environment, installation};
use crate::{
    environment::{
        ResourceType,
        sql::{self, Wanted},
    },
    query::{
        environments_of,
        testing::{Seed, compute, on_both, run},
    },
    store::{Db, Executor as _},
};

on_both!(
    a_resource_without_its_own_inherits_from_the_nearest_ancestor,
    the_legacy_column_speaks_until_it_is_copied,
    what_was_measured_on_a_compute_is_not_inherited,
    a_compute_without_datacenter_belongs_to_its_cloud,
    a_container_and_its_workload_are_one_thing,
    the_condition_and_the_claims_agree_whatever_the_hierarchy,
);

/// `CODE reason`, the main one first.
async fn shown(db: &Db, kind: ResourceType, id: i64) -> Vec<String> {
    let found = environments_of(db, kind, &[id]).await.unwrap().remove(&id).unwrap_or_default();
    found.iter().map(|one| format!("{} {}", one.code, one.reason.as_deref().unwrap_or("own"))).collect()
}

/// Keys of the rows of a kind that the condition lets through.
async fn filtered(db: &Db, kind: ResourceType, code: &str, inherited: bool) -> BTreeSet<i64> {
    let wanted = Wanted { codes: vec![code.to_owned()], ..Wanted::default() };
    let condition = sql::effective_filter(kind, "t", &wanted, inherited);
    let mut executor = db;
    let mut found = Vec::new();
    // The form that suits the inventory says the same.
    let other = sql::effective_condition(db, kind, "t", &wanted, inherited).await.unwrap();
    assert!(kind != ResourceType::Workload || !inherited || other != condition, "there are few workloads here");
    for condition in [condition, other] {
        let sql = format!("SELECT t.id FROM {} t WHERE {} ORDER BY t.id", kind.table(), condition.sql);
        let rows = executor.fetch(sql, condition.values).await.unwrap();
        found.push(rows.iter().map(|row| row.get("id").unwrap()).collect::<BTreeSet<i64>>());
    }
    assert_eq!(found[0], found[1], "{kind:?} {code}");
    found.remove(0)
}

async fn a_resource_without_its_own_inherits_from_the_nearest_ancestor(db: &Db) {
    installation(db).await;
    Seed::container(1, 1, "web").store(db).await;
    assert_eq!(shown(db, ResourceType::Workload, 1).await, [""; 0]);
    associate(db, 1, "partner", 1, "person").await;
    assert_eq!(shown(db, ResourceType::Workload, 1).await, ["PROD from partner self"]);
    associate(db, 2, "availability_zone", 1, "person").await;
    assert_eq!(shown(db, ResourceType::Workload, 1).await, ["DEV from availability zone a"]);
    assert_eq!(shown(db, ResourceType::Region, 1).await, ["PROD from partner self"]);
    associate(db, 1, "datacenter", 1, "rule").await;
    assert_eq!(shown(db, ResourceType::Compute, 1).await, ["PROD from datacenter cellar"]);
    associate(db, 2, "workload", 1, "rule").await;
    run(db, "UPDATE compute_workloads SET environment_id = 2", vec![]).await;
    assert_eq!(shown(db, ResourceType::Workload, 1).await, ["DEV own"]);
    assert_eq!(filtered(db, ResourceType::Workload, "DEV", true).await, [1].into());
    assert_eq!(filtered(db, ResourceType::Workload, "PROD", true).await, [].into());
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", true).await, [1].into());
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", false).await, [].into(), "it only inherits it");
}

async fn the_legacy_column_speaks_until_it_is_copied(db: &Db) {
    installation(db).await;
    run(db, "UPDATE datacenters SET environment_id = 1", vec![]).await;
    assert_eq!(shown(db, ResourceType::Datacenter, 1).await, ["PROD own"]);
    assert_eq!(shown(db, ResourceType::Compute, 1).await, ["PROD from datacenter cellar"]);
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", true).await, [1].into());
    assert_eq!(filtered(db, ResourceType::Datacenter, "PROD", false).await, [1].into());
    run(db, "INSERT INTO environment_legacy (datacenter_id, environment_id, copied_at_us) VALUES (1, 1, 1)", vec![])
        .await;
    assert_eq!(shown(db, ResourceType::Compute, 1).await, [""; 0], "a person took the copy away");
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", true).await, [].into());
}

async fn what_was_measured_on_a_compute_is_not_inherited(db: &Db) {
    installation(db).await;
    Seed::container(1, 1, "web").store(db).await;
    associate(db, 1, "datacenter", 1, "person").await;
    associate(db, 2, "compute", 1, "measured").await;
    assert_eq!(shown(db, ResourceType::Compute, 1).await, ["DEV own"]);
    assert_eq!(shown(db, ResourceType::Workload, 1).await, ["PROD from datacenter cellar"]);
    assert_eq!(filtered(db, ResourceType::Compute, "DEV", true).await, [1].into());
    assert_eq!(filtered(db, ResourceType::Workload, "DEV", true).await, [].into());
    assert_eq!(filtered(db, ResourceType::Workload, "PROD", true).await, [1].into());
}

async fn a_compute_without_datacenter_belongs_to_its_cloud(db: &Db) {
    installation(db).await;
    compute(db, 2, "far", None).await;
    run(db, "UPDATE computes SET cloud_id = 1 WHERE id = 2", vec![]).await;
    associate(db, 1, "cloud", 1, "person").await;
    assert_eq!(shown(db, ResourceType::Compute, 2).await, ["PROD from cloud private"]);
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", true).await, [1, 2].into());
    associate(db, 2, "datacenter", 1, "person").await;
    assert_eq!(filtered(db, ResourceType::Compute, "PROD", true).await, [2].into());
}

async fn a_container_and_its_workload_are_one_thing(db: &Db) {
    installation(db).await;
    run(db, "INSERT INTO containers (id, name, compute_id) VALUES (5, 'web', 1), (6, 'db', 1)", vec![]).await;
    Seed::container(1, 1, "web").store(db).await;
    Seed::container(2, 1, "db").store(db).await;
    run(db, "UPDATE compute_workloads SET container_row_id = id + 4", vec![]).await;
    associate(db, 1, "container", 5, "person").await;
    associate(db, 2, "workload", 2, "rule").await;
    run(db, "UPDATE compute_workloads SET environment_id = 2 WHERE id = 2", vec![]).await;
    assert_eq!(shown(db, ResourceType::Workload, 1).await, ["PROD from container web"]);
    assert_eq!(shown(db, ResourceType::Container, 6).await, ["DEV from workload db"]);
    assert_eq!(filtered(db, ResourceType::Workload, "PROD", true).await, [1].into());
    assert_eq!(filtered(db, ResourceType::Container, "DEV", true).await, [6].into());
}

/// Many small hierarchies by chance, with gaps, claims at every level, and legacy columns.
async fn the_condition_and_the_claims_agree_whatever_the_hierarchy(db: &Db) {
    let mut chance = fastrand::Rng::with_seed(4);
    installation(db).await;
    environment(db, 3, "TEST").await;
    let sql = "INSERT INTO k8s_clusters (id, uid, name, first_seen_at_us, changed_at_us) VALUES (1, 'u', 'k', 1, 1)";
    run(db, sql, vec![]).await;
    let some =
        |chance: &mut fastrand::Rng, text: &str| if chance.u8(..3) == 0 { "NULL".to_owned() } else { text.to_owned() };
    for id in 2..=40_i64 {
        let parent = chance.i64(1..id);
        let zone = some(&mut chance, &parent.to_string());
        let cloud = some(&mut chance, &parent.to_string());
        let datacenter = some(&mut chance, &id.to_string());
        let legacy = if chance.u8(..3) == 0 { "1" } else { "NULL" };
        for sql in [
            format!("INSERT INTO partners (id, name, display_name, type) VALUES ({id}, 'p{id}', 'p', 'x')"),
            format!("INSERT INTO clouds (id, name, partner_id) VALUES ({id}, 'c{id}', {parent})"),
            format!("INSERT INTO regions (id, name, code, cloud_id) VALUES ({id}, 'r', 'r{id}', {parent})"),
            format!("INSERT INTO availability_zones (id, name, code, region_id) VALUES ({id}, 'z', 'z{id}', {parent})"),
            format!(
                "INSERT INTO datacenters (id, name, partner_id, cloud_id, availability_zone_id, environment_id) \
                 VALUES ({id}, 'd', {parent}, {cloud}, {zone}, {legacy})"
            ),
            format!(
                "INSERT INTO computes (id, name, cloud_id, datacenter_id) VALUES ({id}, 'm', {cloud}, {datacenter})"
            ),
            format!("INSERT INTO containers (id, name, compute_id) VALUES ({id}, 't', {parent})"),
            format!(
                "INSERT INTO k8s_namespaces (id, cluster_id, name, first_seen_at_us, changed_at_us) \
                 VALUES ({id}, 1, 'n{id}', 1, 1)"
            ),
        ] {
            run(db, &sql, vec![]).await;
        }
        if chance.bool() {
            run(db, &format!("INSERT INTO environment_legacy VALUES ({id}, {}, 1)", chance.u8(1..3)), vec![]).await;
        }
        Seed::process(id, parent, "w").store(db).await;
        let twin = some(&mut chance, &id.to_string());
        run(db, &format!("UPDATE compute_workloads SET container_row_id = {twin} WHERE id = {id}"), vec![]).await;
        let namespace = some(&mut chance, &parent.max(2).to_string());
        run(db, &format!("UPDATE compute_workloads SET k8s_namespace_id = {namespace} WHERE id = {id}"), vec![]).await;
        for kind in ResourceType::ALL {
            if chance.u8(..5) == 0 {
                let (one, origin) = (chance.i64(1..4), if kind == ResourceType::Compute { "measured" } else { "rule" });
                associate(db, one, kind.as_str(), id, origin).await;
                if chance.bool() {
                    associate(db, one % 3 + 1, kind.as_str(), id, "person").await;
                }
                if kind == ResourceType::Workload {
                    run(db, &format!("UPDATE compute_workloads SET environment_id = {one} WHERE id = {id}"), vec![])
                        .await;
                }
            }
        }
    }
    let keys: Vec<i64> = (1..=40).collect();
    let mut inheriting = 0;
    for kind in ResourceType::ALL {
        let found = environments_of(db, kind, &keys).await.unwrap();
        for code in ["PROD", "DEV", "TEST"] {
            for inherited in [true, false] {
                let expected: BTreeSet<i64> = found
                    .iter()
                    .filter(|(_, list)| list.iter().any(|one| one.code == code && (inherited || !one.inherited)))
                    .map(|(key, _)| *key)
                    .collect();
                inheriting += expected.len();
                assert_eq!(
                    filtered(db, kind, code, inherited).await,
                    expected,
                    "{kind:?} {code} inherited={inherited}"
                );
            }
        }
    }
    assert!(inheriting > 200, "the hierarchy holds too little to compare: {inheriting}");
}
