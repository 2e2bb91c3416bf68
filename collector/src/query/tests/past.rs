//! Reading as of the past, on both databases: every kind and every operator then as it was read at the time.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;

use super::*;
use crate::{
    catalog::{FieldKind, KINDS, Kind},
    query::{
        as_of::{self, AsOf, AsOfError},
        nested::{self, Limits},
        testing::agent_id,
    },
    store::{
        StoreError, Tx,
        rows::{
            history::{Actor, HistoryStart, history_insert_in_tx, history_start_set_in_tx},
            row_change::RowChange,
            stored::{Stored, stored_in_tx},
        },
    },
};

on_both!(
    each_recorded_change_can_be_read_back,
    each_operator_means_in_the_past_what_it_meant_then,
    a_point_outside_of_the_known_past_is_refused,
    what_is_not_kept_is_null_in_the_past,
    a_lazy_level_and_pages_stay_in_the_past,
);

/// Everything that can be read, by kind. What follows measurements is not part of the past.
type Snapshot = BTreeMap<&'static str, Vec<Json>>;

async fn snapshot(db: &Db) -> Snapshot {
    let mut all = Snapshot::new();
    for kind in KINDS {
        let request = json!({ "kind": kind.name, "sort": kind.fields[0].name });
        let mut rows = nested::answer(db, now(), &request, Limits::default()).await.unwrap().data;
        for row in &mut rows {
            for volatile in ["connectedAt", "reportedAt", "measuredPercentage", "allocatedPercentage"] {
                row.as_object_mut().unwrap().remove(volatile);
            }
        }
        rows.sort_by_key(ToString::to_string);
        all.insert(kind.name, rows);
    }
    all
}

/// Writes rows of a kind as every writer does: with the history of what changed, in the same transaction.
struct Writer<'a> {
    db: &'a Db,
    at: Timestamp,
}

impl Writer<'_> {
    /// `None` when the database does not take it, or nothing changes by it: such a write nobody does.
    async fn write(&self, kind: &'static Kind, row: (&str, Vec<Value>), sql: &str, values: Vec<Value>) -> Option<i64> {
        let mut tx = self.db.begin().await.unwrap();
        let changed = self.write_in_tx(&mut tx, kind, row, sql, values).await.ok()?;
        if !changed {
            return None;
        }
        tx.commit().await.unwrap();
        Some(sequence::current(self.db, now()).await.unwrap())
    }

    async fn write_in_tx(
        &self,
        tx: &mut Tx,
        kind: &'static Kind,
        (condition, keys): (&str, Vec<Value>),
        sql: &str,
        values: Vec<Value>,
    ) -> Result<bool, StoreError> {
        let one = |rows: Vec<Stored>| rows.into_iter().next().unwrap_or_default();
        let before = one(stored_in_tx(tx, kind, condition, keys.clone()).await?);
        tx.execute(sql, values).await?;
        let after = one(stored_in_tx(tx, kind, condition, keys).await?);
        let entry = RowChange { kind, before, after }.entry(&Actor::collector("test"), self.at);
        history_insert_in_tx(tx, self.at, entry.as_slice()).await?;
        Ok(entry.is_some())
    }
}

fn kind(name: &str) -> &'static Kind {
    Kind::find(name).unwrap()
}

/// A host with everything, and rows of the other kinds.
async fn inventory(db: &Db) {
    one_host(db).await;
    for sql in [
        "INSERT INTO environments (id, name, code, type, partner_id) VALUES (1, 'Production', 'PROD', 'PRODUCTION', 1)",
        "INSERT INTO environment_associations (id, environment_id, resource_type, resource_id, is_primary, origin, \
         declared_percentage, allocated_percentage) VALUES (1, 1, 'compute', 1, 1, 'person', 40.5, 40.5)",
        "INSERT INTO containers (id, name, image, status, compute_id) VALUES (1, 'web', 'nginx', 'RUNNING', 1)",
        "INSERT INTO network_devices (id, name, device_type, datacenter_id) VALUES (1, 'router', 'Router', 1)",
        "INSERT INTO automation_targets (id, name, target_type, target_id) VALUES (1, 'web', 'compute', 1)",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 1, 'owner', 'web')",
    ] {
        run(db, sql, vec![]).await;
    }
    compute(db, 2, "Äpfel 100%", None).await;
}

/// A value that a column may hold.
fn value(random: &mut fastrand::Rng, kind: FieldKind) -> Value {
    if random.u8(..5) == 0 {
        return Value::Null;
    }
    match kind {
        FieldKind::Text => {
            let texts = ["web", "WEB", "wéb", "", "a'b\"c\\d", "100%_!", "日本 😀", " x"];
            texts[random.usize(..texts.len())].into()
        }
        FieldKind::Int | FieldKind::Micros => random.i64(0..90).into(),
        FieldKind::Real => (f64::from(random.u8(0..100)) / 4.0).into(),
        FieldKind::Bool => random.bool().into(),
        FieldKind::DateTime => format!("2026-02-{:02} 03:04:05", random.u8(1..28)).into(),
        FieldKind::Json | FieldKind::Connection => {
            json!({ "a": [random.u8(..3), "ü\"\\"], "b": null }).to_string().into()
        }
    }
}

/// Whether a column may change by itself: it names no row and follows no other change.
fn is_free(column: &str) -> bool {
    let bound = ["resource_type", "tag_key", "capability_type", "updated_at", "connected_at_us", "reported_at_us"];
    !column.ends_with("id") && !bound.contains(&column)
}

/// Changes something, somewhere; the number that this got, if the database took it.
async fn change_something(writer: &Writer<'_>, random: &mut fastrand::Rng) -> Option<i64> {
    let tag = |key: &str| ("resource_type = 'compute' AND resource_id = 1 AND tag_key = ?", vec![Value::from(key)]);
    match random.u8(..10) {
        0 => {
            let key = format!("key-{}", random.u8(..4));
            let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 1, ?, 'x')";
            return writer.write(kind("tag"), tag(&key), sql, vec![key.as_str().into()]).await;
        }
        1 => {
            let key = format!("key-{}", random.u8(..4));
            let sql = "DELETE FROM resource_tags WHERE resource_type = 'compute' AND resource_id = 1 AND tag_key = ?";
            return writer.write(kind("tag"), tag(&key), sql, vec![key.as_str().into()]).await;
        }
        2 => {
            let id = random.i64(100..104);
            let sql = "INSERT INTO network_devices (id, name, device_type) VALUES (?, 'switch', 'Switch')";
            return writer.write(kind("networkdevice"), ("id = ?", vec![id.into()]), sql, vec![id.into()]).await;
        }
        3 => {
            let id = random.i64(100..104);
            let sql = "DELETE FROM network_devices WHERE id = ?";
            return writer.write(kind("networkdevice"), ("id = ?", vec![id.into()]), sql, vec![id.into()]).await;
        }
        4 => {
            let sql = if random.bool() {
                "DELETE FROM compute_capabilities WHERE compute_id = 1 AND capability_type = 'docker'"
            } else {
                "INSERT INTO compute_capabilities (compute_id, capability_type) VALUES (1, 'docker')"
            };
            let row = ("compute_id = 1 AND capability_type = 'docker'", vec![]);
            return writer.write(kind("capability"), row, sql, vec![]).await;
        }
        _ => {}
    }
    let kind = KINDS[random.usize(..KINDS.len())];
    let fields: Vec<_> = kind.fields.iter().filter(|field| is_free(field.column)).collect();
    let field = fields[random.usize(..fields.len())];
    let row = match kind.name {
        "tag" => ("resource_type = 'compute' AND resource_id = 1 AND tag_key = 'owner'", vec![]),
        "capability" => ("compute_id = 1 AND capability_type = 'python'", vec![]),
        "agent" => ("id = ?", vec![agent_id(1).into()]),
        _ => ("id = 1", vec![]),
    };
    let sql = format!("UPDATE {} SET {} = ? WHERE {}", kind.table, field.column, row.0);
    let values = [value(random, field.kind)].into_iter().chain(row.1.clone()).collect();
    writer.write(kind, row, &sql, values).await
}

async fn each_recorded_change_can_be_read_back(db: &Db) {
    inventory(db).await;
    let mut random = fastrand::Rng::with_seed(7);
    let mut taken: BTreeMap<i64, (Snapshot, Timestamp)> = BTreeMap::new();
    for step in 0..90 {
        let at = ago(3_600 - step * 10);
        if let Some(sequence) = change_something(&Writer { db, at }, &mut random).await.filter(|number| *number > 0) {
            taken.insert(sequence, (snapshot(db).await, at));
        }
    }
    assert!(taken.len() > 25, "{} changes", taken.len());
    for (sequence, (then, at)) in &taken {
        let past = as_of::open(db, now(), AsOf::Sequence(*sequence)).await.unwrap();
        let read = snapshot(&past).await;
        for (kind, rows) in then {
            assert_eq!(&read[kind], rows, "{kind} as of {sequence}");
        }
        let by_time = as_of::open(db, now(), AsOf::Time(*at)).await.unwrap();
        assert_eq!(by_time.past().map(crate::store::Past::sequence), Some(*sequence), "as of {at}");
    }
}

/// Every operator that a field takes, with values that are there and that are not.
fn criteria(kind: &Kind) -> Vec<Json> {
    let mut all = Vec::new();
    for (at, field) in kind.fields.iter().enumerate() {
        let values = match field.kind {
            FieldKind::Text => {
                let texts = ["web", "WEB", "ACTIVE", "docker", "Äpfel 100%"];
                vec![json!(texts[at % texts.len()])]
            }
            FieldKind::Int => vec![json!(1)],
            FieldKind::Real => vec![json!(40.5)],
            FieldKind::Bool => vec![json!(true)],
            FieldKind::DateTime | FieldKind::Micros => {
                vec![json!(ago(3_600).to_string())]
            }
            FieldKind::Json | FieldKind::Connection => vec![],
        };
        for value in &values {
            for operator in ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"] {
                all.push(json!({ field.name: { operator: value } }));
            }
        }
        if !values.is_empty() {
            all.push(json!({ field.name: { "$in": values } }));
            all.push(json!({ "$not": { field.name: { "$nin": values } } }));
        }
        if matches!(field.kind, FieldKind::Text | FieldKind::Json | FieldKind::Int) {
            let (pattern, part) = [("%e%", "e"), ("W%", "%"), ("1", "\"")][at % 3];
            all.push(json!({ field.name: { "$like": pattern } }));
            all.push(json!({ field.name: { "$contains": part } }));
        }
        all.push(json!({ field.name: { "$isnull": true } }));
        all.push(json!({ field.name: null }));
    }
    all
}

async fn answers(db: &Db, kinds: &[&'static Kind]) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    for kind in kinds {
        for criteria in criteria(kind) {
            let volatile = ["connectedAt", "reportedAt", "measuredPercentage", "allocatedPercentage"];
            if criteria.as_object().unwrap().keys().any(|name| volatile.contains(&name.as_str())) {
                continue;
            }
            let select = [kind.fields[0].name];
            let request =
                json!({ "kind": kind.name, "criteria": criteria, "select": select, "sort": kind.fields[0].name });
            let answer = nested::answer(db, now(), &request, Limits::default()).await.unwrap();
            all.push((format!("{} {criteria}", kind.name), Json::from(answer.data)));
        }
    }
    all
}

async fn each_operator_means_in_the_past_what_it_meant_then(db: &Db) {
    inventory(db).await;
    // Every row changes in every column that may hold nothing, so that all of them come out of the history.
    let writer = Writer { db, at: ago(60) };
    let first =
        writer.write(kind("partner"), ("id = 1", vec![]), "UPDATE partners SET website = 'x' WHERE id = 1", vec![]);
    let first = first.await.unwrap();
    let then = answers(db, KINDS).await;
    for kind in KINDS {
        let keys = match kind.name {
            "tag" => vec![("resource_type = 'compute'", vec![])],
            "capability" => {
                vec![("capability_type = 'docker'", vec![]), ("capability_type = 'python'", vec![])]
            }
            "agent" => vec![("id = ?", vec![agent_id(1).into()])],
            _ => vec![("id = 1", vec![]), ("id = 2", vec![])],
        };
        for row in keys {
            for field in kind.fields.iter().filter(|field| is_free(field.column)) {
                let values = match field.kind {
                    FieldKind::Text => vec![Value::Null, "zz".into()],
                    FieldKind::DateTime => vec![Value::Null, "2027-07-07 07:07:07".into()],
                    FieldKind::Json | FieldKind::Connection => vec![Value::Null, "[]".into()],
                    _ => vec![Value::Null, Value::Int(0)],
                };
                for value in values {
                    let sql = format!("UPDATE {} SET {} = ? WHERE {}", kind.table, field.column, row.0);
                    let values = [value].into_iter().chain(row.1.clone()).collect();
                    writer.write(kind, row.clone(), &sql, values).await;
                }
            }
        }
    }
    let past = as_of::open(db, now(), AsOf::Sequence(first)).await.unwrap();
    let read = answers(&past, KINDS).await;
    assert_eq!(read.len(), then.len());
    for ((question, read), (_, then)) in read.iter().zip(&then) {
        assert_eq!(read, then, "{question}");
    }
    let today = answers(db, &[kind("compute")]).await;
    let of_computes = then.iter().filter(|(question, _)| question.starts_with("compute {"));
    let changed = today.iter().zip(of_computes).filter(|(now, then)| now.1 != then.1).count();
    assert!(changed > 40, "only {changed} answers are other ones now");
}

async fn a_point_outside_of_the_known_past_is_refused(db: &Db) {
    places(db).await;
    assert!(matches!(as_of::open(db, now(), AsOf::Sequence(1)).await, Err(AsOfError::NoHistory)));
    let at = ago(100);
    let write = |name: &'static str| async move {
        let sql = "UPDATE partners SET website = ? WHERE id = 1";
        Writer { db, at }.write(kind("partner"), ("id = 1", vec![]), sql, vec![name.into()]).await.unwrap()
    };
    let (first, last) = (write("a").await, write("b").await);
    let refused = |point| async move { as_of::open(db, now(), point).await.unwrap_err().to_string() };
    assert!(refused(AsOf::Time(now().plus(std::time::Duration::from_secs(1)))).await.contains("lies in the future"));
    assert!(refused(AsOf::Sequence(last + 1)).await.contains(&format!("the latest change is {last}")));
    let early = refused(AsOf::Time(ago(101))).await;
    assert!(early.contains(&format!("the earliest possible time is {at}")), "{early}");
    assert!(refused(AsOf::Sequence(first - 1)).await.contains("before what is known"));
    assert!(as_of::open(db, now(), AsOf::Time(ago(100))).await.is_ok());
    // What retention forgot while it was read is noticed.
    let past = as_of::open(db, now(), AsOf::Sequence(first)).await.unwrap();
    as_of::confirm(&past).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let start = HistoryStart { sequence: last, at, forgotten: true };
    history_start_set_in_tx(&mut tx, start).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(as_of::confirm(&past).await, Err(AsOfError::TooEarly { earliest }) if earliest == start));
    assert!(matches!(past.begin().await, Err(StoreError::Past)));
}

async fn what_is_not_kept_is_null_in_the_past(db: &Db) {
    inventory(db).await;
    let writer = Writer { db, at: ago(60) };
    let sql = "UPDATE computes SET notes = 'later' WHERE id = 1";
    let first = writer.write(kind("compute"), ("id = 1", vec![]), sql, vec![]).await.unwrap();
    let sql = "UPDATE agents SET reachable = 0 WHERE compute_id = 1";
    writer.write(kind("agent"), ("compute_id = 1", vec![]), sql, vec![]).await.unwrap();
    let past = as_of::open(db, now(), AsOf::Sequence(first)).await.unwrap();
    let compute = get::<Compute>(&past, now(), vec![1.into()]).await.unwrap().unwrap();
    let agent = compute.agent.unwrap();
    assert!(agent.connected, "it was reachable then");
    assert_eq!((agent.last_seen_at, compute.coverage.len()), (None, 0));
    assert!(compute.usage.is_none() && compute.facts.is_none());
    assert_eq!(compute.status.as_deref(), Some("ACTIVE"));
    let running = get::<Workload>(&past, now(), vec![1.into()]).await.unwrap().unwrap();
    assert_eq!((running.status.as_str(), running.usage.is_none()), ("running", true));
    let later = get::<Workload>(db, now(), vec![1.into()]).await.unwrap().unwrap();
    assert_eq!(later.status, "unknown");
    let page = list::<Compute>(&past, now(), &ListRequest::all()).await.unwrap();
    assert_eq!((page.items.len(), page.sequence), (2, first));
    let tree = crate::query::tree::tree(&past, now(), crate::query::tree::LEVELS).await.unwrap();
    assert_eq!((tree.sequence, tree.summary.computes), (first, 2));
}

async fn a_lazy_level_and_pages_stay_in_the_past(db: &Db) {
    inventory(db).await;
    let writer = Writer { db, at: ago(60) };
    let rename = "UPDATE compute_workloads SET workload_name = ? WHERE id = 1";
    let row = || ("id = 1", vec![]);
    let first = writer.write(kind("workload"), row(), rename, vec!["first".into()]).await.unwrap();
    writer.write(kind("workload"), row(), rename, vec!["second".into()]).await.unwrap();
    let ask = |request: Json| async move { nested::answer(db, now(), &request, Limits::default()).await.unwrap() };
    let level =
        json!({ "kind": "workload", "select": ["workloadName"], "sort": "workloadName", "page": { "limit": 1 } });
    let mut lazy = level.clone();
    lazy["lazy"] = true.into();
    let request = |level: Json| json!({ "kind": "compute", "criteria": { "id": 1 }, "select": ["id"], "asOf": first, "include": [level] });
    let whole = ask(request(level)).await;
    assert_eq!(whole.data[0]["workloads"], json!([{ "workloadName": "first" }]));
    assert_eq!((whole.sequence, whole.statements), (first, 2));
    let key = ask(request(lazy)).await.data[0]["workloads"]["lazyLoadKey"].clone();
    let later = ask(json!({ "lazyLoadKey": key })).await;
    assert_eq!((later.data, later.sequence), (vec![json!({ "workloadName": "first" })], first));
    let today = ask(json!({ "kind": "workload", "criteria": { "id": 1 }, "select": ["workloadName"] })).await;
    assert_eq!(today.data, vec![json!({ "workloadName": "second" })]);
}
