//! People and discovery on one compute at the same time: what was acknowledged is never lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use orchestrix_common::{
    id::{AgentId, OutboxId},
    model::{Body, Change, ChangeKind, Entity, Evidence, Host, Machine, Report, Source, SourceReport},
    wire,
};

use super::*;
use crate::{
    reconcile::{Opening, Outcome as Applied, Reconciler, SessionKey},
    store::rows::{
        agent::{NewAgent, agent_enrol_in_tx},
        record::{Record, record_get},
    },
};

on_both!(eight_writers_on_one_compute_lose_nothing);

/// Edits of each person, and reports of each agent.
const ROUNDS: usize = 12;

async fn eight_writers_on_one_compute_lose_nothing(db: &Db) {
    let reconciler = Reconciler::new(db.clone(), Arc::new(ManualClock::at(now())));
    let agent = enrol(&reconciler).await;
    assert_eq!(report(&reconciler, &agent, 1, 0).await, Applied::Applied);
    let desk = Desk::on(db);
    let (counted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Two count together in one column and name what they saw; three write a column each; two share one.
    let counting = async || {
        for _ in 0..ROUNDS {
            loop {
                let record = row(db).await;
                let number: usize = record.shown["notes"].as_str().map_or(0, |text| text.parse().unwrap());
                let data = json!({ "notes": (number + 1).to_string() });
                let expected = Expected::tags(vec![row_tag(&record)]);
                match desk.carry_out(&forms::COMPUTE, Verb::Update { key: vec![1_i64.into()], data, expected }).await {
                    Ok(_) => break,
                    Err(EditError::Stale { .. }) => refused.fetch_add(1, Ordering::Relaxed),
                    Err(error) => panic!("{error:?}"),
                };
            }
            counted.fetch_add(1, Ordering::Relaxed);
        }
    };
    let writing = async |field: &'static str, who: &'static str| {
        for round in 0..ROUNDS {
            let mut data = json!({});
            data[field] = format!("{who} {round}").into();
            desk.try_update(&forms::COMPUTE, 1, data).await.unwrap();
        }
    };
    let reporting = async || {
        for round in 1..=ROUNDS {
            let sequence = u64::try_from(round).unwrap() + 1;
            assert_eq!(report(&reconciler, &agent, sequence, round).await, Applied::Applied);
        }
    };
    futures::join!(
        counting(),
        counting(),
        writing("purpose", "ada"),
        writing("description", "bob"),
        writing("osVersion", "eve"),
        writing("brand", "one"),
        writing("brand", "two"),
        reporting(),
    );

    let last = ROUNDS - 1;
    let record = row(db).await;
    assert_eq!(record.shown["notes"], (2 * ROUNDS).to_string(), "each count is there; {refused:?} were refused");
    assert_eq!(record.shown["purpose"], format!("ada {last}"));
    assert_eq!(record.shown["description"], format!("bob {last}"));
    assert_eq!(record.shown["os_version"], format!("eve {last}"), "discovery sees another version and leaves it");
    assert!([format!("one {last}"), format!("two {last}")].iter().any(|brand| record.shown["brand"] == *brand));
    assert_eq!(record.shown["kernel_version"], format!("6.1.{ROUNDS}"), "what no person wrote follows the host");
    replays(db, &record).await;
}

/// The changes that people's entries tell, one on another, end in the row: none was written over what another one saw.
async fn replays(db: &Db, record: &Record) {
    let history = query::every::<query::HistoryEntry>(db, now()).await.unwrap();
    let mut told: std::collections::BTreeMap<String, Json> = std::collections::BTreeMap::new();
    let mut edits = 0;
    for entry in history.iter().rev().filter(|entry| entry.resource_type == "compute" && entry.actor_kind == "person") {
        let (Some(Json::Object(before)), Some(Json::Object(after))) = (&entry.before, &entry.after) else { continue };
        for (field, value) in after {
            if let Some(known) = told.get(field) {
                assert_eq!(before.get(field), Some(known), "{field} at {}", entry.sequence);
            }
            told.insert(field.clone(), value.clone());
        }
        edits += 1;
    }
    assert_eq!(edits, 7 * ROUNDS, "each acknowledged edit has its entry");
    for (field, value) in told.iter().filter(|(field, _)| *field != "updatedAt") {
        let column = crate::catalog::COMPUTE.field(field).unwrap().column;
        assert_eq!(&record.shown[column], value, "{field}");
    }
}

async fn row(db: &Db) -> Record {
    record_get(&mut &*db, db.dialect(), &crate::catalog::COMPUTE, &[("id", 1_i64.into())]).await.unwrap().unwrap()
}

fn machine() -> Machine {
    let machine_id = Some("1".repeat(32));
    Machine { hostname: "web-1".into(), machine_id, addresses: vec!["192.0.2.7".into()], ..Machine::default() }
}

pub(super) async fn enrol(reconciler: &Reconciler) -> SessionKey {
    let agent_id = AgentId::generate();
    let agent = NewAgent {
        id: agent_id,
        hostname: "web-1",
        version: "0.1.0",
        join_token_id: "token",
        datacenter_id: None,
        tags: &std::collections::BTreeMap::new(),
        enrolled_at: now(),
    };
    let mut tx = reconciler.db().begin().await.unwrap();
    agent_enrol_in_tx(&mut tx, &agent).await.unwrap();
    tx.commit().await.unwrap();
    let opening = Opening {
        agent_id,
        agent_version: "0.1.0".into(),
        boot_id: "boot".into(),
        outbox_id: OutboxId::try_from([7_u8; 16].as_slice()).unwrap(),
        machine: machine(),
        agent_time: now(),
        dropped_reports: 0,
    };
    reconciler.open_session(opening).await.unwrap().key(agent_id)
}

/// A host whose kernel and brand are others with every look.
async fn report(reconciler: &Reconciler, agent: &SessionKey, sequence: u64, round: usize) -> Applied {
    let host = Host {
        machine: machine(),
        os_version: Some("12".into()),
        kernel_release: Some(format!("6.1.{round}")),
        vendor: Some(format!("vendor {round}")),
        ..Host::default()
    };
    let evidence = vec![Evidence { source: Source::Host, native_id: "host".into() }];
    let entity = Entity { native_id: "host".into(), evidence, body: Body::Host(Box::new(host)) };
    let hash = wire::hash(&entity);
    apply(reconciler, agent, sequence, Source::Host, ChangeKind::Upsert { entity, hash }).await
}

/// Applies a report of one change.
pub(super) async fn apply(
    reconciler: &Reconciler,
    agent: &SessionKey,
    sequence: u64,
    source: Source,
    kind: ChangeKind,
) -> Applied {
    let changes = vec![Change { observed_at: now(), kind }];
    let sources = vec![SourceReport { source, status: None, changes }];
    let report = Report { sequence, base: sequence - 1, recorded_at: now(), sources };
    reconciler.apply(agent, report).await.unwrap().outcome
}
