//! Whatever discovery writes can be read back: after each commit everything is read, and later as of that commit again.

use orchestrix_common::{
    model::{Change, Entity},
    time::Clock as _,
};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    catalog::KINDS,
    query::{
        as_of::{self, AsOf},
        nested::{self, Limits},
        sequence,
    },
};

on_both! {
    what_discovery_wrote_can_be_read_as_of_each_commit,
    old_history_is_forgotten_and_the_rest_still_reads,
}

/// Everything that can be read, but for what is measured anew all the time.
async fn everything(db: &Db) -> Vec<(&'static str, Vec<Json>)> {
    let mut all = Vec::new();
    for kind in KINDS {
        let request = json!({ "kind": kind.name });
        let mut rows = nested::answer(db, now().plus(DAY), &request, Limits::default()).await.unwrap().data;
        for row in &mut rows {
            for volatile in ["connectedAt", "reportedAt"] {
                row.as_object_mut().unwrap().remove(volatile);
            }
        }
        rows.sort_by_key(ToString::to_string);
        all.push((kind.name, rows));
    }
    all
}

const DAY: Duration = Duration::from_secs(86_400);

fn labelled(id: &str, name: &str, label: &str) -> Entity {
    let mut entity = container(id, name, ContainerState::Running);
    if let Body::Container(body) = &mut entity.body {
        body.labels = BTreeMap::from([("team".to_owned(), label.to_owned()), (label.to_owned(), "x".to_owned())]);
    }
    entity
}

fn capability(name: &str, version: &str) -> Entity {
    let body =
        Capability { name: name.to_owned(), version: Some(version.to_owned()), configuration: BTreeMap::default() };
    Entity { native_id: name.to_owned(), evidence: Vec::new(), body: Body::Capability(body) }
}

/// One random report of containers: new ones, changed ones, gone ones, recreated ones.
fn containers(random: &mut fastrand::Rng) -> Vec<Change> {
    let mut changes = Vec::new();
    for _ in 0..=random.usize(..4) {
        let number = random.u8(..6);
        let id = format!("{}{number}", ["a", "b"][random.usize(..2)]);
        changes.push(match random.u8(..5) {
            0 => gone(&id, Duration::from_millis(u64::from(random.u8(..200)))),
            1 => there(container(&id, &format!("name-{number}"), ContainerState::Paused)),
            2 => there(labelled(&id, &format!("name-{number}"), ["red", "blue"][random.usize(..2)])),
            _ => there(running(&id)),
        });
    }
    changes
}

async fn what_discovery_wrote_can_be_read_as_of_each_commit(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let mut random = fastrand::Rng::with_seed(3);
    let mut taken = Vec::new();
    for step in 1..=24_u64 {
        bench.clock.advance(Duration::from_secs(60));
        match step % 6 {
            5 => {
                let version = format!("1.{}", random.u8(..3));
                let change = match random.u8(..3) {
                    0 => gone("docker", Duration::ZERO),
                    _ => there(capability("docker", &version)),
                };
                bench.apply(&agent, step, Source::Capability, vec![change]).await;
            }
            0 if step % 12 == 0 => {
                let silent = bench.clock.now().plus(Duration::from_secs(1));
                bench.reconciler.sweep_silent(silent).await.unwrap();
            }
            0 => {
                let seen = [(agent.key.agent_id, bench.clock.now())];
                bench.reconciler.flush_liveness(&seen).await.unwrap();
            }
            _ => {
                bench.apply(&agent, step, Source::Docker, containers(&mut random)).await;
            }
        }
        // A person edits beside it; that must be part of what was.
        if step == 9 {
            run(db, "UPDATE containers SET image = 'mine' WHERE name = 'name-1'", vec![]).await;
        }
        // What other programs write leaves no history: only what is read after it can be read back.
        if step > 9 {
            taken.push((sequence::current(db, now().plus(DAY)).await.unwrap(), everything(db).await));
        }
    }
    assert!(taken.len() > 10 && taken[0].1.iter().any(|(kind, rows)| *kind == "workload" && rows.len() > 3));
    for (sequence, then) in &taken {
        let past = as_of::open(db, now().plus(DAY), AsOf::Sequence(*sequence)).await.unwrap();
        for ((kind, then), (_, read)) in then.iter().zip(everything(&past).await) {
            assert_eq!(&read, then, "{kind} as of {sequence}");
        }
    }
}

async fn old_history_is_forgotten_and_the_rest_still_reads(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let mut taken = Vec::new();
    for step in 1..=4_u64 {
        bench.clock.advance(DAY);
        let label = format!("label-{step}");
        bench.apply(&agent, step, Source::Docker, vec![there(labelled("a", "name", &label))]).await;
        taken.push((sequence::current(db, bench.clock.now().plus(DAY)).await.unwrap(), everything(db).await));
    }
    let stop = CancellationToken::new();
    let before = bench.count("history").await;
    assert_eq!(bench.reconciler.forget_history(DAY * 30, &stop).await.unwrap(), 0);
    let gone = bench.reconciler.forget_history(DAY + DAY / 2, &stop).await.unwrap();
    assert_eq!((i64::try_from(gone).unwrap(), gone > 0), (before - bench.count("history").await, true));
    assert_eq!(bench.reconciler.forget_history(DAY + DAY / 2, &stop).await.unwrap(), 0);
    // The last two days are there, and what the second day left.
    let later = bench.clock.now();
    for (at, (sequence, then)) in taken.iter().enumerate() {
        match as_of::open(db, later, AsOf::Sequence(*sequence)).await {
            Ok(past) => assert!(at >= 1 && everything(&past).await == *then, "as of {sequence}"),
            Err(error) => assert!(at < 1 && error.to_string().contains("the earliest possible time is"), "{error}"),
        }
    }
    let audited = bench.text("SELECT action AS x FROM audit_log WHERE resource_type = 'history'").await;
    assert_eq!(audited, "history.forget");
    assert!(sequence::forgotten(db, taken[0].0).await.unwrap() && !sequence::forgotten(db, taken[1].0).await.unwrap());
    // Even when all is old, the latest number stays.
    bench.clock.advance(DAY);
    bench.reconciler.forget_history(Duration::ZERO, &stop).await.unwrap();
    assert_eq!(bench.count("history").await, 1);
    assert_eq!(sequence::current(db, later.plus(DAY)).await.unwrap(), taken[3].0);
}
