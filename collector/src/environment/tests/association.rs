//! What people decide, on real databases and with others who write at the same time.

use super::{associate, environment, installation};
use crate::{
    environment::{
        ResourceType,
        association::{
            NewAssociation, Refusal, association_accept_in_tx, association_change_in_tx, association_remove_in_tx,
            association_set_in_tx,
        },
        copy_legacy,
        set::Statement,
    },
    query::testing::{Seed, compute, now, on_both, run},
    store::{Db, Executor as _, rows::history::Actor},
};

on_both!(
    a_person_gives_a_resource_to_an_environment,
    the_sum_of_shares_holds_with_eight_writers,
    only_one_is_primary_whoever_writes,
    a_workloads_row_names_its_primary_environment,
    accepting_changing_and_removing_say_what_a_person_decided,
    the_legacy_column_is_copied_once,
);

async fn set(db: &Db, kind: ResourceType, id: i64, environment_id: i64, declared: Option<i64>) -> Result<i64, Refusal> {
    let statement = Statement { declared: declared.map(Some), ..Statement::default() };
    let new = NewAssociation { environment_id, resource_type: kind, resource_id: id, statement };
    let actor = Actor::person("alice");
    crate::transaction!(db, |tx| association_set_in_tx(tx, &actor, now(), &new).await?).unwrap()
}

/// `environment primary origin allocated`, in order.
async fn stored(db: &Db, kind: ResourceType, id: i64) -> Vec<String> {
    let sql = format!(
        "SELECT environment_id, is_primary, origin, {} AS share FROM environment_associations \
         WHERE resource_type = ? AND resource_id = ? ORDER BY environment_id",
        db.dialect().decimal("allocated_percentage")
    );
    let mut executor = db;
    let rows = executor.fetch(sql, vec![kind.as_str().into(), id.into()]).await.unwrap();
    let text = |row: &crate::store::Row| {
        let primary = if row.get::<bool>("is_primary").unwrap() { " primary" } else { "" };
        let share = row.get::<Option<f64>>("share").unwrap().map(|share| format!(" {share}")).unwrap_or_default();
        let (environment, origin) = (row.get::<i64>("environment_id").unwrap(), row.get::<String>("origin").unwrap());
        format!("{environment}{primary} {origin}{share}")
    };
    rows.iter().map(text).collect()
}

async fn count(db: &Db, sql: &str) -> i64 {
    let mut executor = db;
    executor.fetch_optional(sql.to_owned(), vec![]).await.unwrap().unwrap().get("n").unwrap()
}

async fn a_person_gives_a_resource_to_an_environment(db: &Db) {
    installation(db).await;
    let id = set(db, ResourceType::Compute, 1, 1, Some(6_000)).await.unwrap();
    assert_eq!(stored(db, ResourceType::Compute, 1).await, ["1 primary person 60"]);
    let again = set(db, ResourceType::Compute, 1, 1, None).await.unwrap_err();
    assert_eq!((again.field, again.code), ("environmentId", "exists"));
    let above = set(db, ResourceType::Compute, 1, 2, Some(4_001)).await.unwrap_err();
    assert_eq!((above.field, above.expected.as_str()), ("allocatedPercentage", "at most 40"));
    assert_eq!(set(db, ResourceType::Compute, 9, 1, None).await.unwrap_err().field, "resourceId");
    assert_eq!(set(db, ResourceType::Compute, 1, 9, None).await.unwrap_err().field, "environmentId");
    assert_eq!(stored(db, ResourceType::Compute, 1).await, ["1 primary person 60"], "what is refused writes nothing");
    let told = count(db, "SELECT COUNT(*) AS n FROM history WHERE resource_type = 'environment_association'").await;
    assert_eq!(told, 1);
    let mut executor = db;
    let row = executor.fetch_optional("SELECT * FROM history".to_owned(), vec![]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("resource_id").unwrap(), id);
    assert_eq!(row.get::<String>("resource_name").unwrap(), "PROD on compute web-1");
    assert_eq!(row.get::<String>("actor_id").unwrap(), "alice");
}

/// Eight at once, each wanting 30 of 100: three get it, and five are told what is left.
async fn the_sum_of_shares_holds_with_eight_writers(db: &Db) {
    installation(db).await;
    for id in 3..=8 {
        environment(db, id, &format!("E{id}")).await;
    }
    let writers = (1..=8).map(|environment| {
        let db = db.clone();
        tokio::spawn(async move { set(&db, ResourceType::Compute, 1, environment, Some(3_000)).await })
    });
    let mut refused = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        refused.extend(writer.await.unwrap().err());
    }
    assert_eq!(refused.len(), 5);
    assert!(refused.iter().all(|refusal| refusal.expected == "at most 10"), "{refused:?}");
    let sum = count(db, "SELECT CAST(SUM(allocated_percentage) AS INTEGER) AS n FROM environment_associations").await;
    assert_eq!(sum, 90);
}

async fn only_one_is_primary_whoever_writes(db: &Db) {
    installation(db).await;
    for id in 3..=8 {
        environment(db, id, &format!("E{id}")).await;
    }
    let writers = (1..=8).map(|environment_id| {
        let db = db.clone();
        tokio::spawn(async move {
            let statement = Statement { primary: Some(true), ..Statement::default() };
            let new =
                NewAssociation { environment_id, resource_type: ResourceType::Compute, resource_id: 1, statement };
            let actor = Actor::person("alice");
            crate::transaction!(db, |tx| association_set_in_tx(tx, &actor, now(), &new).await?).unwrap().unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(count(db, "SELECT COUNT(*) AS n FROM environment_associations").await, 8);
    assert_eq!(count(db, "SELECT COUNT(*) AS n FROM environment_associations WHERE is_primary = 1").await, 1);
}

async fn a_workloads_row_names_its_primary_environment(db: &Db) {
    installation(db).await;
    Seed::container(1, 1, "web").store(db).await;
    let first = set(db, ResourceType::Workload, 1, 1, None).await.unwrap();
    let named = || count(db, "SELECT COALESCE(environment_id, 0) AS n FROM compute_workloads");
    assert_eq!(named().await, 1);
    let actor = Actor::person("alice");
    crate::transaction!(db, |tx| {
        association_change_in_tx(tx, &actor, now(), first, Some(2), &Statement::default()).await?
    })
    .unwrap()
    .unwrap();
    assert_eq!(named().await, 2);
    assert_eq!(stored(db, ResourceType::Workload, 1).await, ["2 primary person"]);
    crate::transaction!(db, |tx| association_remove_in_tx(tx, &actor, now(), first).await?).unwrap().unwrap();
    assert_eq!(named().await, 0);
    let told = "SELECT COUNT(*) AS n FROM history WHERE resource_type = 'workload' AND actor_id = 'alice'";
    assert_eq!(count(db, told).await, 3, "the workload's own history tells of it");
}

async fn accepting_changing_and_removing_say_what_a_person_decided(db: &Db) {
    installation(db).await;
    compute(db, 2, "web-2", Some(1)).await;
    associate(db, 1, "compute", 1, "rule").await;
    associate(db, 2, "compute", 2, "rule").await;
    let ids = [1, 2].map(|id| format!("SELECT id AS n FROM environment_associations WHERE resource_id = {id}"));
    let (one, two) = (count(db, &ids[0]).await, count(db, &ids[1]).await);
    let actor = Actor::person("alice");
    crate::transaction!(db, |tx| association_accept_in_tx(tx, &actor, now(), one).await?).unwrap().unwrap();
    assert_eq!(stored(db, ResourceType::Compute, 1).await, ["1 primary person"]);
    crate::transaction!(db, |tx| association_remove_in_tx(tx, &actor, now(), two).await?).unwrap().unwrap();
    assert_eq!(stored(db, ResourceType::Compute, 2).await, [""; 0]);
    let refusals = "SELECT COUNT(*) AS n FROM environment_refusals WHERE resource_id = 2 AND environment_id = 2";
    assert_eq!(count(db, refusals).await, 1);
    let gone = crate::transaction!(db, |tx| association_remove_in_tx(tx, &actor, now(), two).await?).unwrap();
    assert_eq!(gone.unwrap_err().code, "not-found");
}

async fn the_legacy_column_is_copied_once(db: &Db) {
    installation(db).await;
    run(db, "UPDATE datacenters SET environment_id = 1", vec![]).await;
    assert_eq!(copy_legacy(db, now()).await.unwrap(), 1);
    assert_eq!(copy_legacy(db, now()).await.unwrap(), 0);
    assert_eq!(stored(db, ResourceType::Datacenter, 1).await, ["1 primary legacy"]);
    let id = count(db, "SELECT id AS n FROM environment_associations").await;
    let actor = Actor::person("alice");
    crate::transaction!(db, |tx| association_remove_in_tx(tx, &actor, now(), id).await?).unwrap().unwrap();
    assert_eq!(copy_legacy(db, now()).await.unwrap(), 0, "what a person removed does not come back");
    run(db, "UPDATE datacenters SET environment_id = 2", vec![]).await;
    assert_eq!(copy_legacy(db, now()).await.unwrap(), 1, "somebody changed the column");
    assert_eq!(stored(db, ResourceType::Datacenter, 1).await, ["2 primary legacy"]);
    run(db, "UPDATE datacenters SET environment_id = NULL", vec![]).await;
    assert_eq!(copy_legacy(db, now()).await.unwrap(), 1);
    assert_eq!(stored(db, ResourceType::Datacenter, 1).await, [""; 0]);
    assert_eq!(count(db, "SELECT COUNT(*) AS n FROM datacenters WHERE environment_id IS NULL").await, 1);
}
