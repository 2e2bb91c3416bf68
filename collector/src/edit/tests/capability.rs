//! What people say that a compute can do, beside what discovery sees of it.

use std::collections::BTreeMap;

use orchestrix_common::{
    model::{Body, Capability, ChangeKind, Entity, Evidence, RemovalReason, Source},
    wire,
};

use super::{
    concurrent::{apply, enrol},
    *,
};
use crate::reconcile::{Outcome as Applied, Reconciler, SessionKey};

on_both!(a_persons_capability_stays_whatever_discovery_sees, a_discovered_capability_is_not_deleted_by_hand);

struct Host {
    reconciler: Reconciler,
    agent: SessionKey,
    sequence: u64,
}

impl Host {
    async fn on(db: &Db) -> Self {
        let reconciler = Reconciler::new(db.clone(), Arc::new(ManualClock::at(now())));
        let agent = enrol(&reconciler).await;
        Self { reconciler, agent, sequence: 0 }
    }

    /// The agent sees this version, or that there is none.
    async fn sees(&mut self, name: &str, version: Option<&str>) {
        self.sequence += 1;
        let body = |version: &str| {
            let version = Some(version.to_owned());
            Body::Capability(Capability { name: name.to_owned(), version, configuration: BTreeMap::new() })
        };
        let kind = match version {
            None => ChangeKind::Removal { native_id: name.to_owned(), reason: RemovalReason::Removed },
            Some(version) => {
                let evidence = vec![Evidence { source: Source::Capability, native_id: name.to_owned() }];
                let entity = Entity { native_id: name.to_owned(), evidence, body: body(version) };
                let hash = wire::hash(&entity);
                ChangeKind::Upsert { entity, hash }
            }
        };
        let applied = apply(&self.reconciler, &self.agent, self.sequence, Source::Capability, kind).await;
        assert_eq!(applied, Applied::Applied);
    }
}

fn key(name: &str) -> Key {
    vec![1_i64.into(), name.into()]
}

async fn shown(db: &Db, name: &str) -> Option<(Option<String>, String, Json)> {
    let found = query::get::<query::Capability>(db, now(), key(name)).await.unwrap()?;
    let seen = found.discovered.map_or(Json::Null, |seen| seen["capabilityVersion"].clone());
    Some((found.capability_version, found.origin, seen))
}

fn is(version: &str, origin: &str, seen: Json) -> Option<(Option<String>, String, Json)> {
    Some((Some(version.to_owned()), origin.to_owned(), seen))
}

async fn a_persons_capability_stays_whatever_discovery_sees(db: &Db) {
    let mut host = Host::on(db).await;
    let desk = Desk::on(db);
    let update = |name: &str, data: Json| Verb::Update { key: key(name), data, expected: Expected::default() };
    let delete = |name: &str| Verb::Delete { key: key(name), expected: Expected::default(), cascade: false };

    // Entered where discovery sees nothing, then something, then nothing again.
    let ansible = json!({ "computeId": 1, "capabilityType": "ansible", "capabilityVersion": "2.16" });
    assert_eq!(desk.create(&forms::CAPABILITY, ansible).await["origin"], "person");
    host.sees("ansible", Some("2.10")).await;
    assert_eq!(shown(db, "ansible").await, is("2.16", "person", json!("2.10")));
    host.sees("ansible", Some("2.11")).await;
    host.sees("ansible", None).await;
    assert_eq!(shown(db, "ansible").await, is("2.16", "person", Json::Null));
    desk.carry_out(&forms::CAPABILITY, delete("ansible")).await.unwrap();
    assert_eq!(shown(db, "ansible").await, None);

    // Said otherwise of what discovery sees, and taken back.
    host.sees("docker", Some("20.10")).await;
    desk.carry_out(&forms::CAPABILITY, update("docker", json!({ "capabilityVersion": "27" }))).await.unwrap();
    assert_eq!(shown(db, "docker").await, is("27", "person", json!("20.10")));
    host.sees("docker", Some("26.1")).await;
    assert_eq!(shown(db, "docker").await, is("27", "person", json!("26.1")));
    let back = desk.carry_out(&forms::CAPABILITY, delete("docker")).await.unwrap();
    assert_eq!(back.outcome, Outcome::Updated);
    assert_eq!(shown(db, "docker").await, is("26.1", "discovery", Json::Null));
    host.sees("docker", None).await;
    assert_eq!(shown(db, "docker").await, None);

    let history = query::every::<query::HistoryEntry>(db, now()).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .rev()
        .filter(|entry| entry.resource_type == "capability" && entry.resource_name == "docker")
        .map(|entry| (entry.change_kind.as_str(), entry.actor_kind.as_str()))
        .collect();
    let expected =
        [("appeared", "agent"), ("altered", "person"), ("altered", "agent"), ("altered", "person"), ("ended", "agent")];
    assert_eq!(told, expected);
}

async fn a_discovered_capability_is_not_deleted_by_hand(db: &Db) {
    let mut host = Host::on(db).await;
    let desk = Desk::on(db);
    host.sees("docker", Some("20.10")).await;
    let delete = Verb::Delete { key: key("docker"), expected: Expected::default(), cascade: false };
    let refused = desk.carry_out(&forms::CAPABILITY, delete).await;
    assert_eq!(problems(refused), [("capabilityType".into(), "discovered")]);
    let same = json!({ "capabilityVersion": "20.10" });
    let same = Verb::Update { key: key("docker"), data: same, expected: Expected::default() };
    assert_eq!(desk.carry_out(&forms::CAPABILITY, same).await.unwrap().outcome, Outcome::Unchanged);
    assert_eq!(shown(db, "docker").await, is("20.10", "discovery", Json::Null), "what is so already stays whose it is");
    let twice = json!({ "computeId": 1, "capabilityType": "docker" });
    let twice = desk.carry_out(&forms::CAPABILITY, Verb::Create { data: twice }).await;
    assert_eq!(problems(twice), [("capabilityType".into(), "not-unique")]);
    let secret = json!({ "computeId": 1, "capabilityType": "ssh", "configuration": { "password": "hunter2" } });
    let secret = desk.carry_out(&forms::CAPABILITY, Verb::Create { data: secret }).await;
    assert_eq!(problems(secret), [("configuration.password".into(), "credential")]);
}
