//! Which compute a host becomes, from its first session to what people decide, on SQLite and on MariaDB.

use orchestrix_common::model::{ContainerState, Machine, Source};
use serde_json::json;

use super::{
    testing::{Bench, container, host, machine, there},
    *,
};
use crate::{
    admin,
    query::testing::{compute, on_both, places, run},
    reconcile::identity::{Evidence, Verdict},
    store::rows::match_conflict::match_conflict_open_in_tx,
};

on_both! {
    every_decision_is_kept_once_with_its_reasons,
    cloned_machines_do_not_steal_each_others_row,
    a_copied_disk_on_other_hardware_is_another_host,
    a_reimaged_host_keeps_its_row_and_its_history,
    a_held_host_is_placed_by_itself_when_it_becomes_clear,
    a_renamed_host_stays_one_row_under_its_new_name,
    a_machine_seen_in_the_other_byte_order_is_the_same,
    a_row_made_by_hand_is_matched_and_why_not_is_told,
    vendor_junk_and_what_people_add_to_it_merge_nobody,
    a_container_does_not_pass_for_its_host,
    an_agent_that_speaks_for_a_compute_is_not_given_another_by_a_match,
    what_an_agent_told_of_another_compute_is_asked_for_again,
}

const UUID: &str = "4c4c4544-0044-4a10-8052-b4c04f4e3132";
const OTHER: &str = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

fn with_uuid(machine_id: &str, uuid: &str) -> Machine {
    Machine { product_uuid: Some(uuid.into()), ..machine(machine_id) }
}

fn named(hostname: &str, address: &str, machine: Machine) -> Machine {
    Machine { hostname: hostname.into(), addresses: vec![address.into()], ..machine }
}

async fn outcomes(bench: &Bench) -> Vec<String> {
    let rows = bench.rows("SELECT outcome AS x FROM match_decisions ORDER BY id").await;
    rows.iter().map(|row| row.get("x").unwrap()).collect()
}

async fn every_decision_is_kept_once_with_its_reasons(db: &Db) {
    let bench = Bench::on(db);
    let first = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    let id = bench.enrol().await;
    for _ in 0..3 {
        let held = bench.open(id, with_uuid("m1", UUID)).await;
        assert_eq!(held.opened.held_reason.as_deref(), Some(HELD_AMBIGUOUS_MATCH));
    }
    assert_eq!(outcomes(&bench).await, ["NEW", "UNDECIDED"], "asking again adds nothing");
    let told = crate::query::match_explanation(db, bench.now(), &id.to_string(), None).await.unwrap().unwrap();
    let explanation = &told.decisions[0].explanation;
    assert_eq!(told.summary, "a person must decide: another agent speaks for it and still answers");
    assert_eq!(explanation.candidates[0].compute_id, first.opened.compute_id.unwrap());
    assert_eq!(explanation.candidates[0].agrees, ["product_uuid", "machine_id", "hostname", "address"]);
    assert_eq!(explanation.candidates[0].verdict, Verdict::Possible);
    let conflict: i64 = bench.rows("SELECT id AS x FROM match_conflicts").await[0].get("x").unwrap();
    bench.reconciler.resolve_match(conflict, MatchChoice::New, &Actor::person("ada")).await.unwrap();
    let told = crate::query::match_explanation(db, bench.now(), &id.to_string(), None).await.unwrap().unwrap();
    assert_eq!((told.decisions.len(), told.decisions[0].actor_id.as_str()), (2, "ada"));
    assert!(told.summary.starts_with("ada decided: new compute"), "{}", told.summary);
    assert!(crate::query::match_explanation(db, bench.now(), "nobody", None).await.unwrap().is_none());
}

async fn cloned_machines_do_not_steal_each_others_row(db: &Db) {
    let bench = Bench::on(db);
    let one = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    let clone = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    assert_eq!((clone.opened.compute_id, bench.count("computes").await), (None, 1));
    let conflict: i64 = bench.rows("SELECT id AS x FROM match_conflicts").await[0].get("x").unwrap();
    bench.reconciler.resolve_match(conflict, MatchChoice::New, &Actor::person("ada")).await.unwrap();
    for _ in 0..3 {
        let again = bench.open(one.key.agent_id, with_uuid("m1", UUID)).await;
        assert_eq!(again.opened.compute_id, one.opened.compute_id, "the row is bound to the certificate");
        bench.open(clone.key.agent_id, with_uuid("m1", UUID)).await;
    }
    assert_eq!(bench.count("computes").await, 2);
    // Two living hosts show it now: it identifies nobody any more.
    let third = bench.open(bench.enrol().await, named("web-3", "192.0.2.9", with_uuid("m1", UUID))).await;
    assert_eq!((third.opened.held_reason, bench.count("computes").await), (None, 3));
}

async fn a_copied_disk_on_other_hardware_is_another_host(db: &Db) {
    let bench = Bench::on(db);
    let original = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    let copy = bench.open(bench.enrol().await, named("web-2", "192.0.2.8", with_uuid("m1", OTHER))).await;
    assert_eq!(copy.opened.held_reason, None);
    assert_ne!(copy.opened.compute_id, original.opened.compute_id);
    bench.later(3_600);
    // A third copy while nobody answers: whether the disk was moved or copied, a person must say.
    let third = "9f2c1d3e-8a7b-4c6d-9e0f-112233445566";
    let silent = bench.open(bench.enrol().await, named("web-3", "192.0.2.9", with_uuid("m1", third))).await;
    assert_eq!(silent.opened.held_reason.as_deref(), Some(HELD_AMBIGUOUS_MATCH));
}

async fn a_reimaged_host_keeps_its_row_and_its_history(db: &Db) {
    let bench = Bench::on(db);
    let old = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    bench.apply(&old, 1, Source::Docker, vec![there(container("a", "web", ContainerState::Running))]).await;
    let history = bench.count("history").await;
    bench.later(3_600);
    let fresh = named("fresh-install", "192.0.2.44", with_uuid("m2", UUID));
    let new = bench.open(bench.enrol().await, fresh).await;
    assert_eq!((new.opened.compute_id, new.opened.held_reason), (old.opened.compute_id, None));
    assert_eq!((bench.count("computes").await, bench.count("compute_workloads").await), (1, 1));
    assert!(bench.count("history").await > history);
    assert_eq!(outcomes(&bench).await, ["NEW", "EXISTING"]);
    let summary = bench.text("SELECT summary AS x FROM operations WHERE kind = 'MATCH'").await;
    assert!(summary.ends_with("(fresh-install)"), "it can be undone: {summary}");
}

async fn a_held_host_is_placed_by_itself_when_it_becomes_clear(db: &Db) {
    let bench = Bench::on(db);
    let old = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    let id = bench.enrol().await;
    assert!(bench.open(id, with_uuid("m2", UUID)).await.opened.held_reason.is_some(), "the former one still answers");
    bench.later(3_600);
    let again = bench.open(id, with_uuid("m2", UUID)).await;
    assert_eq!((again.opened.compute_id, again.opened.held_reason), (old.opened.compute_id, None));
    assert_eq!(bench.count("match_conflicts WHERE state = 'OPEN'").await, 0, "nobody is asked any more");
    let resolution = bench.text("SELECT resolution AS x FROM match_conflicts").await;
    assert!(resolution.contains("without a person"), "{resolution}");
}

async fn a_renamed_host_stays_one_row_under_its_new_name(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    bench.apply(&agent, 1, Source::Host, vec![there(host("m1", "Debian 12", 4))]).await;
    let mut renamed = host("m1", "Debian 12", 4);
    if let orchestrix_common::model::Body::Host(host) = &mut renamed.body {
        host.machine.hostname = "web-9".into();
    }
    let again = bench.open(agent.key.agent_id, named("web-9", "192.0.2.7", machine("m1"))).await;
    bench.apply(&again, 2, Source::Host, vec![there(renamed)]).await;
    assert_eq!(bench.count("computes").await, 1);
    assert_eq!(bench.text("SELECT CONCAT(name, ' ', hostname) AS x FROM computes").await, "web-9 web-9");
    assert!(bench.count("history WHERE before_state LIKE '%web-1%'").await > 0, "the old name stays searchable");
}

async fn a_machine_seen_in_the_other_byte_order_is_the_same(db: &Db) {
    let bench = Bench::on(db);
    let guest = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    bench.later(3_600);
    let swapped = "44454c4c-4400-104a-8052-b4c04f4e3132";
    let seen = named("guest-17", "198.51.100.1", with_uuid("m2", swapped));
    let again = bench.open(bench.enrol().await, seen).await;
    assert_eq!(again.opened.compute_id, guest.opened.compute_id);
}

async fn a_row_made_by_hand_is_matched_and_why_not_is_told(db: &Db) {
    let bench = Bench::on(db);
    places(db).await;
    compute(db, 7, "rack 4", Some(1)).await;
    compute(db, 8, "elsewhere", Some(1)).await;
    run(db, "UPDATE computes SET hostname = NULL, ip_address = NULL, primary_mac_address = '52:54:00:6B:3C:58', serial_number = NULL WHERE id = 7", vec![]).await;
    run(db, "UPDATE computes SET hostname = 'db-1', ip_address = '203.0.113.5' WHERE id = 8", vec![]).await;
    let seen = Machine { mac_addresses: vec!["52:54:00:6b:3c:58".into()], ..machine("m1") };
    let id = bench.enrol().await;
    let held = bench.open(id, seen).await;
    assert_eq!(held.opened.held_reason.as_deref(), Some(HELD_AMBIGUOUS_MATCH), "an interface alone is for a person");
    let fit = weigh(db, id, 8, bench.now()).await.unwrap().unwrap();
    let why_not: Vec<&str> = fit.why_not.iter().map(|reason| reason.evidence.as_str()).collect();
    assert_eq!((fit.verdict, why_not), (Verdict::Rejected, vec!["hostname", "address"]));
    assert!(weigh(db, id, 999, bench.now()).await.unwrap().is_none());
    let conflict: i64 = bench.rows("SELECT id AS x FROM match_conflicts").await[0].get("x").unwrap();
    bench.reconciler.resolve_match(conflict, MatchChoice::Claim(7), &Actor::person("ada")).await.unwrap();
    assert_eq!(bench.open(id, machine("m1")).await.opened.compute_id, Some(7));
}

async fn vendor_junk_and_what_people_add_to_it_merge_nobody(db: &Db) {
    let bench = Bench::on(db);
    let junk = "03000200-0400-0500-0006-000700080009";
    let one = bench.open(bench.enrol().await, named("a", "192.0.2.1", with_uuid("m1", junk))).await;
    bench.later(3_600);
    let other = bench.open(bench.enrol().await, named("b", "192.0.2.2", with_uuid("m2", junk))).await;
    assert_ne!(other.opened.compute_id, one.opened.compute_id);
    let ada = Actor::person("ada");
    let shared = bench.open(bench.enrol().await, named("c", "192.0.2.3", with_uuid("m3", UUID))).await;
    admin::add_junk(db, bench.now(), Evidence::ProductUuid, &UUID.to_uppercase(), "bad batch", &ada).await.unwrap();
    bench.later(3_600);
    let next = bench.open(bench.enrol().await, named("d", "192.0.2.4", with_uuid("m4", UUID))).await;
    assert_ne!(next.opened.compute_id, shared.opened.compute_id, "what is junk identifies nobody");
    let twice = admin::add_junk(db, bench.now(), Evidence::ProductUuid, UUID, "", &ada).await;
    assert!(matches!(twice, Err(admin::AdminError::Conflict(_))), "{twice:?}");
    let id: i64 = bench.rows("SELECT id AS x FROM identity_junk").await[0].get("x").unwrap();
    admin::remove_junk(db, bench.now(), id, &ada).await.unwrap();
    assert!(matches!(admin::remove_junk(db, bench.now(), id, &ada).await, Err(admin::AdminError::NotFound { .. })));
    let actions = bench.rows("SELECT action AS x FROM audit_log WHERE actor_id = 'ada' ORDER BY id").await;
    let actions: Vec<String> = actions.iter().map(|row| row.get("x").unwrap()).collect();
    assert_eq!(actions, ["identity-junk.add", "identity-junk.remove"]);
}

async fn a_container_does_not_pass_for_its_host(db: &Db) {
    let bench = Bench::on(db);
    let outer = bench.open(bench.enrol().await, with_uuid("m1", UUID)).await;
    bench.later(3_600);
    let inner = Machine { in_container: true, ..named("lxc-1", "10.0.3.15", with_uuid("m2", UUID)) };
    let inner = bench.open(bench.enrol().await, inner).await;
    assert_eq!(inner.opened.held_reason, None);
    assert_ne!(inner.opened.compute_id, outer.opened.compute_id);
    let ignored = bench.count("match_decisions WHERE explanation LIKE '%inside-container%'").await;
    assert_eq!(ignored, 1);
}

/// Asks about a host that was placed long ago, as a row that was left open does.
async fn ask_about(bench: &Bench, agent: AgentId, machine: &Machine) -> i64 {
    let mut tx = bench.db().begin().await.unwrap();
    let (machine, none) = (json!(machine), json!([]));
    match_conflict_open_in_tx(&mut tx, agent, &machine, &none, bench.now()).await.unwrap();
    tx.commit().await.unwrap();
    bench.text("SELECT CONCAT(MAX(id), '') AS x FROM match_conflicts WHERE state = 'OPEN'").await.parse().unwrap()
}

async fn an_agent_that_speaks_for_a_compute_is_not_given_another_by_a_match(db: &Db) {
    let bench = Bench::on(db);
    let web = |name: &str| container("aaaaaaaaaaaa", name, ContainerState::Running);
    let (first, second) = (named("one", "192.0.2.1", machine("m1")), named("two", "192.0.2.2", machine("m2")));
    let one = bench.open(bench.enrol().await, first.clone()).await;
    bench.apply(&one, 1, Source::Docker, vec![there(web("web"))]).await;
    let two = bench.open(bench.enrol().await, second).await;
    bench.apply(&two, 1, Source::Docker, vec![there(web("web"))]).await;
    let (speaks_for, wanted) = (one.opened.compute_id.unwrap(), two.opened.compute_id.unwrap());
    let conflict = ask_about(&bench, one.key.agent_id, &first).await;
    let ada = Actor::person("ada");
    let picture = async || {
        let rows = bench.rows("SELECT CONCAT(agent_id, ' ', native_id) AS x FROM agent_entities ORDER BY 1").await;
        rows.iter().map(|row| row.get::<String>("x").unwrap()).collect::<Vec<_>>()
    };
    let before = picture().await;

    let refused = bench.reconciler.resolve_match(conflict, MatchChoice::Claim(wanted), &ada).await.unwrap_err();
    let told = refused.to_string();
    assert!(told.contains(&format!("POST /api/v1/computes/{wanted}/claim")), "{told}");
    let refused = bench.reconciler.resolve_match(conflict, MatchChoice::New, &ada).await.unwrap_err();
    let told = refused.to_string();
    assert!(told.contains(&format!("POST /api/v1/computes/{speaks_for}/split")), "{told}");
    assert_eq!((picture().await, bench.count("agents WHERE state = 'ACTIVE'").await), (before.clone(), 2));
    assert_eq!(bench.count("match_conflicts WHERE state = 'OPEN'").await, 1, "a person still has to answer");

    bench.reconciler.resolve_match(conflict, MatchChoice::Claim(speaks_for), &ada).await.unwrap();
    assert_eq!((picture().await, bench.count("match_conflicts WHERE state = 'OPEN'").await), (before, 0));
    assert_eq!(bench.open(one.key.agent_id, first.clone()).await.opened.compute_id, Some(speaks_for));

    let conflict = ask_about(&bench, one.key.agent_id, &first).await;
    admin::revoke_agent(db, bench.now(), one.key.agent_id, "sold", &ada).await.unwrap();
    let refused = bench.reconciler.resolve_match(conflict, MatchChoice::Claim(wanted), &ada).await.unwrap_err();
    assert!(refused.to_string().contains("is revoked (sold); let the host enrol"), "{refused}");
    assert_eq!(bench.count("agents WHERE state = 'ACTIVE'").await, 1, "nobody gives way to one that is gone");
}

async fn what_an_agent_told_of_another_compute_is_asked_for_again(db: &Db) {
    let bench = Bench::on(db);
    let web = |id: &str, name: &str| container(id, name, ContainerState::Running);
    let (first, second) = (named("one", "192.0.2.1", machine("m1")), named("two", "192.0.2.2", machine("m2")));
    let one = bench.open(bench.enrol().await, first.clone()).await;
    let both = [there(web("aaaaaaaaaaaa", "web")), there(web("bbbbbbbbbbbb", "own"))];
    bench.apply(&one, 1, Source::Docker, both.to_vec()).await;
    let two = bench.open(bench.enrol().await, second).await;
    let theirs = [there(web("aaaaaaaaaaaa", "web")), there(web("cccccccccccc", "left"))];
    bench.apply(&two, 1, Source::Docker, theirs.to_vec()).await;
    let compute = two.opened.compute_id.unwrap();
    // Without a compute, and still with what it reported of the one that it had.
    let agent = one.key.agent_id;
    run(db, "UPDATE agents SET compute_id = NULL, state = 'HELD' WHERE id = ?", vec![agent.into()]).await;
    let conflict = ask_about(&bench, agent, &first).await;
    bench.reconciler.resolve_match(conflict, MatchChoice::Claim(compute), &Actor::person("ada")).await.unwrap();
    let held = bench.rows("SELECT native_id AS x FROM agent_entities ORDER BY native_id").await;
    let held: Vec<String> = held.iter().map(|row| row.get("x").unwrap()).collect();
    assert_eq!(held, ["cccccccccccc"], "only what stands on the compute is taken for known");
    let again = bench.open(agent, first).await;
    assert_eq!((again.opened.compute_id, again.opened.held_reason.as_deref()), (Some(compute), None));
    bench.apply(&again, 2, Source::Docker, both.to_vec()).await;
    let running = format!("compute_workloads WHERE compute_id = {compute} AND ended_at_us IS NULL");
    assert_eq!(bench.count(&running).await, 3, "web once, own, and left, which is this agent's to end");
}
