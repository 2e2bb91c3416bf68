//! Behaviour of what people write, the same on both databases.

mod capability;
mod concurrent;

use std::sync::Arc;

use orchestrix_common::time::ManualClock;
use serde_json::json;

use super::*;
use crate::{
    query::{
        self,
        testing::{now, on_both, one_host, places, run},
    },
    store::Executor as _,
};

on_both!(
    what_is_made_is_there_with_its_defaults,
    only_what_is_given_is_written,
    who_believes_something_old_is_refused,
    what_is_named_must_be_there_and_what_is_unique_stays_so,
    words_from_older_days_may_be_used_again,
    a_cloud_follows_from_the_place_and_never_contradicts_it,
    what_stands_in_a_place_moves_along,
    an_association_keeps_to_the_rules_of_shares,
    later_operations_speak_of_earlier_ones,
    what_others_hang_on_is_not_deleted,
    a_cascade_takes_everything_below_and_tells_of_it,
    what_is_said_of_a_resource_goes_with_it,
    a_list_is_carried_out_whole_or_not_at_all,
    a_rehearsal_leaves_nothing,
    a_column_that_a_person_writes_is_theirs_until_they_empty_it,
    every_write_is_in_the_history_and_in_the_audit_log,
    every_reference_to_an_editable_table_is_known,
    an_audit_log_that_was_tampered_with_is_found_out,
);

pub(super) struct Desk {
    pub(super) editor: Editor,
    actor: Actor,
}

impl Desk {
    pub(super) fn on(db: &Db) -> Self {
        let clock = Arc::new(ManualClock::at(now()));
        Self { editor: Editor::new(db.clone(), clock, Commits::default()), actor: Actor::person("ada") }
    }

    pub(super) async fn carry_out(&self, form: &'static Form, verb: Verb) -> Result<Done, EditError> {
        self.editor.one(&self.actor, &Operation::new(form, verb), Mode::Commit).await
    }

    async fn create(&self, form: &'static Form, data: Json) -> Json {
        let done = self.carry_out(form, Verb::Create { data }).await.unwrap();
        assert_eq!(done.outcome, Outcome::Created);
        form.show(&done.record)
    }

    async fn update(&self, form: &'static Form, id: i64, data: Json) -> Json {
        form.show(&self.try_update(form, id, data).await.unwrap().record)
    }

    pub(super) async fn try_update(&self, form: &'static Form, id: i64, data: Json) -> Result<Done, EditError> {
        self.carry_out(form, Verb::Update { key: vec![id.into()], data, expected: Expected::default() }).await
    }

    async fn delete(&self, form: &'static Form, id: i64, cascade: bool) -> Result<Done, EditError> {
        self.carry_out(form, Verb::Delete { key: vec![id.into()], expected: Expected::default(), cascade }).await
    }
}

fn problems<T: std::fmt::Debug>(result: Result<T, EditError>) -> Vec<(String, &'static str)> {
    match result {
        Err(EditError::Invalid(problems)) => {
            problems.into_iter().map(|problem| (problem.field, problem.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn hangs<T: std::fmt::Debug>(result: Result<T, EditError>) -> Vec<(&'static str, &'static str, u64, &'static str)> {
    match result {
        Err(EditError::Hanging { hanging, .. }) => {
            hanging.into_iter().map(|hung| (hung.kind, hung.field, hung.count, hung.cascade)).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn count(db: &Db, table: &str) -> i64 {
    let mut db = db;
    db.fetch(format!("SELECT COUNT(*) AS n FROM {table}"), vec![]).await.unwrap()[0].get("n").unwrap()
}

async fn what_is_made_is_there_with_its_defaults(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let made = desk.create(&forms::DATACENTER, json!({ "name": " Attic ", "tier": null, "latitude": 52.5 })).await;
    assert_eq!((&made["name"], &made["tier"], &made["servers"]), (&json!("Attic"), &json!(3), &json!(0)));
    assert_eq!((&made["latitude"], &made["isDrSite"], &made["provider"]), (&json!(52.5), &json!(false), &Json::Null));
    assert_eq!((&made["status"], &made["createdAt"]), (&json!("ACTIVE"), &json!("2026-03-01T12:00:00Z")));
    let partner =
        desk.create(&forms::PARTNER, json!({ "name": "b", "display_name": "B", "type": "both", "roles": ["x"] })).await;
    assert_eq!(partner["roles"], json!(["x"]));
    let tag = json!({ "resourceType": "datacenter", "resourceId": 1, "tagKey": "a.b/c", "tagValue": "" });
    assert_eq!(desk.create(&forms::TAG, tag).await["origin"], "person");
    for form in forms::FORMS.iter().filter(|form| !form.inputs.is_empty()) {
        let example: Json = serde_json::from_str(form.example).unwrap();
        let given = check::read(form, &example, None);
        assert!(given.problems.is_empty(), "{}: {:?}", form.word(), given.problems);
    }
}

async fn only_what_is_given_is_written(db: &Db) {
    one_host(db).await;
    let desk = Desk::on(db);
    run(db, "UPDATE computes SET notes = 'changed by another program' WHERE id = 1", vec![]).await;
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "purpose": "web\nserver", "memory_gb": 32 })).await;
    assert_eq!((&shown["purpose"], &shown["memoryGb"]), (&json!("web\nserver"), &json!(32)));
    assert_eq!((&shown["notes"], &shown["cpuCores"]), (&json!("changed by another program"), &json!(2)));
    assert_eq!(shown["updatedAt"], "2026-03-01T12:00:00Z");
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "notes": null })).await;
    assert_eq!((&shown["notes"], &shown["memoryGb"]), (&Json::Null, &json!(32)));
    let same = desk.try_update(&forms::COMPUTE, 1, json!({ "memoryGb": 32 })).await.unwrap();
    assert_eq!(same.outcome, Outcome::Unchanged);
    let missing = desk.try_update(&forms::COMPUTE, 99, json!({})).await;
    assert!(matches!(missing, Err(EditError::NotFound { what: "compute", .. })), "{missing:?}");
}

async fn who_believes_something_old_is_refused(db: &Db) {
    one_host(db).await;
    let desk = Desk::on(db);
    let tag = stored_tag(&mut &*db, db.dialect(), &forms::COMPUTE, &[1_i64.into()]).await.unwrap().unwrap();
    let expecting = |tag: &str, data: Json| Verb::Update {
        key: vec![1_i64.into()],
        data,
        expected: Expected::tags(vec!["other".to_owned(), tag.to_owned()]),
    };
    let first = desk.carry_out(&forms::COMPUTE, expecting(&tag, json!({ "notes": "one" }))).await.unwrap();
    let second = desk.carry_out(&forms::COMPUTE, expecting(&tag, json!({ "notes": "two" }))).await;
    let Err(EditError::Stale { current, tag: newer, .. }) = second else { panic!("{second:?}") };
    assert_eq!((&current["notes"], newer.as_str()), (&json!("one"), row_tag(&first.record).as_str()));
    desk.carry_out(&forms::COMPUTE, expecting(&newer, json!({ "notes": "two" }))).await.unwrap();
    let delete = Verb::Delete { key: vec![1_i64.into()], expected: Expected::tags(vec![tag]), cascade: true };
    assert!(matches!(desk.carry_out(&forms::COMPUTE, delete).await, Err(EditError::Stale { .. })));
}

async fn what_is_named_must_be_there_and_what_is_unique_stays_so(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let create = |form, data| desk.carry_out(form, Verb::Create { data });
    let found = problems(create(&forms::CLOUD, json!({ "name": "x", "partnerId": 99, "nam": 1 })).await);
    assert_eq!(found, [("nam".into(), "unknown-field"), ("partnerId".into(), "unknown-reference")]);
    let data = json!({ "name": "self", "displayName": "Again", "type": "both" });
    assert_eq!(problems(create(&forms::PARTNER, data).await), [("name".into(), "not-unique")]);
    let zone = |code: &str| json!({ "name": "b", "code": code, "regionId": 1 });
    assert_eq!(problems(create(&forms::AVAILABILITY_ZONE, zone("north-1a")).await), [("code".into(), "not-unique")]);
    desk.create(&forms::AVAILABILITY_ZONE, zone("north-1b")).await;
    let same = desk.try_update(&forms::AVAILABILITY_ZONE, 2, json!({ "code": "north-1a" })).await;
    assert_eq!(problems(same), [("code".into(), "not-unique")]);
    desk.update(&forms::AVAILABILITY_ZONE, 2, json!({ "code": "north-1b", "name": "c" })).await;
    let paired = desk.try_update(&forms::DATACENTER, 1, json!({ "drPairedWith": 1 })).await;
    assert_eq!(problems(paired), [("drPairedWith".into(), "unknown-reference")]);
    let tag = |kind: &str, id: i64| json!({ "resourceType": kind, "resourceId": id, "tagKey": "a", "tagValue": "b" });
    assert_eq!(problems(create(&forms::TAG, tag("datacenter", 9)).await), [("resourceId".into(), "unknown-reference")]);
    assert_eq!(problems(create(&forms::TAG, tag("dataenter", 1)).await), [("resourceType".into(), "unknown-word")]);
    desk.create(&forms::TAG, tag("datacenter", 1)).await;
    assert_eq!(problems(create(&forms::TAG, tag("datacenter", 1)).await), [("tagKey".into(), "not-unique")]);
    assert_eq!(count(db, "clouds").await, 1);
}

async fn words_from_older_days_may_be_used_again(db: &Db) {
    one_host(db).await;
    let desk = Desk::on(db);
    let leased = json!({ "name": "web-2", "status": "LEASED" });
    let refused = desk.carry_out(&forms::COMPUTE, Verb::Create { data: leased.clone() }).await;
    assert_eq!(problems(refused), [("status".into(), "unknown-word")]);
    run(db, "UPDATE computes SET status = 'LEASED' WHERE id = 1", vec![]).await;
    assert_eq!(desk.create(&forms::COMPUTE, leased).await["status"], "LEASED");
}

async fn a_cloud_follows_from_the_place_and_never_contradicts_it(db: &Db) {
    places(db).await;
    run(db, "INSERT INTO clouds (id, name, partner_id) VALUES (2, 'other', 1)", vec![]).await;
    let desk = Desk::on(db);
    let made = desk.create(&forms::COMPUTE, json!({ "name": "web-1", "datacenterId": 1 })).await;
    assert_eq!(made["cloudId"], 1);
    let data = json!({ "name": "web-2", "datacenterId": 1, "cloudId": 2 });
    let refused = desk.carry_out(&forms::COMPUTE, Verb::Create { data }).await;
    assert_eq!(problems(refused), [("cloudId".into(), "inconsistent-place")]);
    let refused = desk.try_update(&forms::COMPUTE, 1, json!({ "cloudId": 2 })).await;
    assert_eq!(problems(refused), [("cloudId".into(), "inconsistent-place")]);
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "cloudId": null })).await;
    assert_eq!(shown["cloudId"], 1, "it follows from the datacenter");
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "datacenterId": null, "cloudId": 2 })).await;
    assert_eq!((&shown["datacenterId"], &shown["cloudId"]), (&Json::Null, &json!(2)));
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "datacenterId": 1 })).await;
    assert_eq!(shown["cloudId"], 1);
    let made = desk.create(&forms::DATACENTER, json!({ "name": "attic", "availabilityZoneId": 1 })).await;
    assert_eq!((&made["cloudId"], &made["partnerId"]), (&json!(1), &json!(1)));
}

async fn what_stands_in_a_place_moves_along(db: &Db) {
    one_host(db).await;
    run(db, "UPDATE computes SET cloud_id = 1", vec![]).await;
    run(db, "INSERT INTO clouds (id, name, partner_id) VALUES (2, 'other', 1)", vec![]).await;
    let desk = Desk::on(db);
    desk.update(&forms::REGION, 1, json!({ "cloudId": 2 })).await;
    let datacenter = query::every::<query::Datacenter>(db, now()).await.unwrap();
    let compute = query::every::<query::Compute>(db, now()).await.unwrap();
    assert_eq!((datacenter[0].cloud_id, compute[0].cloud_id), (Some(2), Some(2)));
    let history = query::every::<query::HistoryEntry>(db, now()).await.unwrap();
    let moved: Vec<_> = history.iter().rev().map(|entry| entry.resource_type.as_str()).collect();
    assert_eq!(moved, ["region", "datacenter", "compute"]);
}

async fn what_others_hang_on_is_not_deleted(db: &Db) {
    one_host(db).await;
    let desk = Desk::on(db);
    desk.create(&forms::CONTAINER, json!({ "name": "web", "computeId": 1 })).await;
    assert_eq!(
        hangs(desk.delete(&forms::PARTNER, 1, false).await),
        [("clouds", "partnerId", 1, "delete"), ("datacenters", "partnerId", 1, "clear")]
    );
    assert_eq!(hangs(desk.delete(&forms::REGION, 1, false).await), [("availability-zones", "regionId", 1, "delete")]);
    assert_eq!(
        hangs(desk.delete(&forms::COMPUTE, 1, false).await),
        [
            ("agents", "computeId", 1, "refuse"),
            ("workloads", "computeId", 2, "delete"),
            ("containers", "computeId", 1, "delete"),
            ("capabilities", "computeId", 2, "delete")
        ]
    );
    // A host that still reports would come back by itself.
    assert_eq!(hangs(desk.delete(&forms::COMPUTE, 1, true).await), [("agents", "computeId", 1, "refuse")]);
    assert_eq!((count(db, "partners").await, count(db, "computes").await), (1, 1));
    assert_eq!(desk.delete(&forms::CONTAINER, 1, false).await.unwrap().outcome, Outcome::Deleted);
}

async fn a_cascade_takes_everything_below_and_tells_of_it(db: &Db) {
    one_host(db).await;
    run(db, "UPDATE agents SET state = 'REVOKED'", vec![]).await;
    run(db, "INSERT INTO compute_facts (compute_id, facts, filled, changed_at_us) VALUES (1, '{}', '{}', 1)", vec![])
        .await;
    let desk = Desk::on(db);
    desk.create(&forms::CONTAINER, json!({ "name": "web", "computeId": 1 })).await;
    desk.create(&forms::RESOURCE_POOL, json!({ "name": "pool", "type": "COMPUTE", "datacenterId": 1 })).await;
    desk.update(&forms::COMPUTE, 1, json!({ "resourcePoolId": 1 })).await;
    let done = desk.delete(&forms::PARTNER, 1, true).await.unwrap();
    let also: Vec<_> = done.also.iter().map(|hung| (hung.kind, hung.count, hung.cascade)).collect();
    for expected in [("computes", 1, "delete"), ("workloads", 2, "delete"), ("resource-pools", 1, "delete")] {
        assert!(also.contains(&expected), "{also:?}");
    }
    for table in [
        "partners",
        "clouds",
        "regions",
        "datacenters",
        "computes",
        "containers",
        "compute_workloads",
        "compute_facts",
        "workload_usage",
        "compute_capabilities",
        "resource_pools",
    ] {
        assert_eq!(count(db, table).await, 0, "{table}");
    }
    let history = query::every::<query::HistoryEntry>(db, now()).await.unwrap();
    let ended = history.iter().filter(|entry| entry.change_kind == "ended").count();
    assert_eq!(
        ended, 12,
        "each row of them: five places, a pool, a host, a container, two workloads, two capabilities"
    );
}

async fn what_is_said_of_a_resource_goes_with_it(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    desk.create(&forms::COMPUTE, json!({ "name": "web-1" })).await;
    desk.create(&forms::TAG, json!({ "resourceType": "compute", "resourceId": 1, "tagKey": "a", "tagValue": "b" }))
        .await;
    desk.create(&forms::AUTOMATION_TARGET, json!({ "name": "ssh", "targetType": "compute", "targetId": 1 })).await;
    let done = desk.delete(&forms::COMPUTE, 1, false).await.unwrap();
    let also: Vec<_> = done.also.iter().map(|hung| (hung.kind, hung.count)).collect();
    assert_eq!(also, [("automation-targets", 1), ("tags", 1)]);
    assert_eq!((count(db, "resource_tags").await, count(db, "automation_targets").await), (0, 0));
}

async fn a_list_is_carried_out_whole_or_not_at_all(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let create = |name: &str| Operation::new(&forms::COMPUTE, Verb::Create { data: json!({ "name": name }) });
    let failed = desk.editor.all(&desk.actor, &[create("web-1"), create(" ")], Mode::Commit).await.unwrap_err();
    assert_eq!((failed.index, problems::<()>(Err(failed.error))), (1, vec![("name".into(), "required")]));
    assert_eq!((count(db, "computes").await, count(db, "history").await), (0, 0));
    let done = desk.editor.all(&desk.actor, &[create("web-1"), create("web-2")], Mode::Commit).await.unwrap();
    assert_eq!((done.len(), count(db, "computes").await), (2, 2));
}

async fn a_rehearsal_leaves_nothing(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let verb = Verb::Delete { key: vec![1_i64.into()], expected: Expected::default(), cascade: true };
    let operation = Operation::new(&forms::PARTNER, verb);
    let done = desk.editor.one(&desk.actor, &operation, Mode::Rehearse).await.unwrap();
    assert_eq!(done.outcome, Outcome::Deleted);
    assert_eq!((count(db, "datacenters").await, count(db, "history").await, count(db, "audit_log").await), (1, 0, 0));
}

async fn a_column_that_a_person_writes_is_theirs_until_they_empty_it(db: &Db) {
    one_host(db).await;
    let facts = json!({
        "machine": { "hostname": "web-1", "machineId": null, "productUuid": null, "productSerial": null,
            "cloudInstanceId": null, "macAddresses": [], "addresses": ["192.0.2.9"], "inContainer": false },
        "osName": "Debian", "osVersion": "13", "disks": [], "interfaces": [], "virtualization": "kvm",
    });
    let filled = json!({ "operating_system": "Debian 12", "name": "web-1" });
    let sql = "INSERT INTO compute_facts (compute_id, facts, filled, changed_at_us) VALUES (1, ?, ?, 1)";
    run(db, sql, vec![(&facts).into(), (&filled).into()]).await;
    let desk = Desk::on(db);
    let remembered = async || {
        let mut reader = db;
        let sql = "SELECT filled FROM compute_facts WHERE compute_id = 1".to_owned();
        reader.fetch(sql, vec![]).await.unwrap()[0].json::<Json>("filled").unwrap().unwrap()
    };
    // The same as discovery wrote once: a person's all the same.
    desk.update(&forms::COMPUTE, 1, json!({ "operatingSystem": "Debian 12" })).await;
    assert_eq!(remembered().await, json!({ "name": "web-1" }));
    // What is there already stays whose it is.
    desk.update(&forms::COMPUTE, 1, json!({ "name": "web-1", "notes": "x" })).await;
    assert_eq!(remembered().await, json!({ "name": "web-1" }));
    // Emptied: filled with what was seen last.
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "operatingSystem": null, "isPhysical": true })).await;
    assert_eq!((&shown["operatingSystem"], &shown["isPhysical"]), (&json!("Debian 13"), &json!(true)));
    assert_eq!(remembered().await, json!({ "name": "web-1", "operating_system": "Debian 13" }));
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "isPhysical": null, "name": "mine", "brand": null })).await;
    assert_eq!((&shown["isPhysical"], &shown["name"]), (&json!(false), &json!("mine")));
    let shown = desk.update(&forms::COMPUTE, 1, json!({ "name": null })).await;
    assert_eq!(shown["name"], "web-1", "even what is needed, since discovery knows it");
    run(db, "DELETE FROM compute_facts", vec![]).await;
    assert_eq!(
        problems(desk.try_update(&forms::COMPUTE, 1, json!({ "name": null })).await),
        [("name".into(), "required")]
    );
}

async fn every_write_is_in_the_history_and_in_the_audit_log(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let readers = desk.editor.commits.subscribe();
    desk.create(&forms::COMPUTE, json!({ "name": "web-1", "datacenterId": 1 })).await;
    desk.update(&forms::COMPUTE, 1, json!({ "notes": "x" })).await;
    desk.update(&forms::COMPUTE, 1, json!({ "notes": "x" })).await;
    desk.delete(&forms::COMPUTE, 1, false).await.unwrap();
    assert_eq!(*readers.borrow(), 3, "what changed nothing is not announced");
    let history = query::every::<query::HistoryEntry>(db, now()).await.unwrap();
    let told: Vec<_> =
        history.iter().rev().map(|entry| (entry.change_kind.as_str(), entry.actor_id.as_str())).collect();
    assert_eq!(told, [("appeared", "ada"), ("altered", "ada"), ("ended", "ada")]);
    assert!(history.iter().all(|entry| entry.compute_id == Some(1) && entry.resource_name == "web-1"));
    assert_eq!(history[1].before, Some(json!({ "notes": null })));
    assert_eq!(history[1].after, Some(json!({ "notes": "x" })));
    let audit = query::every::<query::AuditEntry>(db, now()).await.unwrap();
    let actions: Vec<_> = audit.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["compute.create", "compute.update", "compute.delete"]);
    assert_eq!(audit[1].detail, Some(json!({ "before": { "notes": null }, "after": { "notes": "x" } })));
}

async fn an_association_keeps_to_the_rules_of_shares(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    for code in ["PROD", "TEST"] {
        desk.create(&forms::ENVIRONMENT, json!({ "name": code, "code": code, "type": "TESTING" })).await;
    }
    let belongs = |environment: i64, share: f64| json!({ "environmentId": environment, "resourceType": "datacenter", "resourceId": 1, "allocatedPercentage": share });
    let form = &forms::ENVIRONMENT_ASSOCIATION;
    let made = desk.create(form, belongs(1, 60.0)).await;
    assert_eq!(
        (&made["isPrimary"], &made["origin"], &made["allocatedPercentage"]),
        (&json!(true), &json!("person"), &json!(60.0))
    );
    let refused = desk.carry_out(form, Verb::Create { data: belongs(2, 50.0) }).await;
    assert_eq!(problems(refused), [("allocatedPercentage".into(), "no-room")]);
    let refused = desk.carry_out(form, Verb::Create { data: belongs(1, 1.0) }).await;
    assert_eq!(problems(refused), [("environmentId".into(), "not-unique")]);
    desk.create(form, belongs(2, 40.0)).await;
    let shown = desk.update(form, 1, json!({ "allocatedPercentage": 10, "metadata": { "why": "x" } })).await;
    assert_eq!((&shown["allocatedPercentage"], &shown["metadata"]), (&json!(10.0), &json!({ "why": "x" })));
    desk.delete(form, 1, false).await.unwrap();
    assert!(query::every::<query::EnvironmentAssociation>(db, now()).await.unwrap()[0].is_primary);
    assert_eq!(
        hangs(desk.delete(&forms::ENVIRONMENT, 2, false).await),
        [("environment-associations", "environmentId", 1, "delete")]
    );
    desk.delete(&forms::ENVIRONMENT, 2, true).await.unwrap();
    assert_eq!(count(db, "environment_associations").await, 0);
    let audit = query::every::<query::AuditEntry>(db, now()).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action.starts_with("environment-association.")).count(), 5);
}

async fn later_operations_speak_of_earlier_ones(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    let region =
        Operation::new(&forms::REGION, Verb::Create { data: json!({ "name": "s", "code": "s", "cloudId": 1 }) });
    let zone = json!({ "name": "s1", "code": "s1", "regionId": { "$ref": 0 } });
    let zone = Operation::new(&forms::AVAILABILITY_ZONE, Verb::Create { data: zone });
    let rename =
        Verb::Update { key: vec![Value::Null], data: json!({ "name": "south" }), expected: Expected::default() };
    let rename = Operation { of: Some(0), ..Operation::new(&forms::REGION, rename) };
    let done = desk.editor.all(&desk.actor, &[region, zone.clone(), rename], Mode::Commit).await.unwrap();
    assert_eq!(done[1].record.shown["region_id"], done[0].record.shown["id"]);
    assert_eq!(done[2].record.shown["name"], "south");
    let failed = desk.editor.all(&desk.actor, &[zone], Mode::Commit).await.unwrap_err();
    assert_eq!(problems::<()>(Err(failed.error)), [("regionId".into(), "wrong-reference")]);
}

async fn an_audit_log_that_was_tampered_with_is_found_out(db: &Db) {
    places(db).await;
    let desk = Desk::on(db);
    for name in ["a", "b", "c"] {
        desk.create(&forms::COMPUTE, json!({ "name": name })).await;
    }
    let found = async || {
        let findings = query::consistency::findings(db, now()).await.unwrap();
        let breaks = findings.into_iter().filter(|finding| finding.code == "audit-chain");
        breaks.map(|finding| finding.subject).collect::<Vec<_>>()
    };
    assert_eq!(found().await, [] as [&str; 0]);
    run(db, "UPDATE audit_log SET actor_id = 'eve' WHERE id = 2", vec![]).await;
    assert_eq!(found().await, ["audit entry 2"]);
    run(db, "UPDATE audit_log SET actor_id = 'ada' WHERE id = 2", vec![]).await;
    assert_eq!(found().await, [] as [&str; 0]);
    run(db, "DELETE FROM audit_log WHERE id = 3", vec![]).await;
    assert_eq!(found().await, ["audit log"], "the newest is missing");
    run(db, "DELETE FROM audit_log WHERE id = 1", vec![]).await;
    assert_eq!(found().await, ["audit entry 2"]);
}

/// A table that names a compute or a place and that no form knows would keep rows from being deleted, without words.
async fn every_reference_to_an_editable_table_is_known(db: &Db) {
    let sql = match db.dialect() {
        Dialect::Sqlite => {
            "SELECT m.name AS child, f.\"from\" AS named, f.\"table\" AS parent FROM sqlite_master m, \
             pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        }
        Dialect::MySql => {
            "SELECT table_name AS child, column_name AS named, referenced_table_name AS parent \
             FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
        }
    };
    let mut reader = db;
    for row in reader.fetch(sql.to_owned(), vec![]).await.unwrap() {
        let [child, column, parent] = ["child", "named", "parent"].map(|name| row.get::<String>(name).unwrap());
        let Some(form) = forms::FORMS.iter().find(|form| form.kind.table == parent) else { continue };
        let hanging = form.hanging.iter().any(|hanging| {
            let kind = crate::catalog::Kind::find(hanging.kind).unwrap();
            kind.table == child && hanging.column == column
        });
        let known = hanging || form.belongings.contains(&(child.as_str(), column.as_str())) || child == "agents";
        assert!(known, "{child}.{column} names {parent}: say in its form what becomes of it");
    }
}
