//! The worker on real databases: what it infers, what it leaves alone, and that it does no work twice.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use orchestrix_common::time::{Clock as _, ManualClock};
use serde_json::json;

use super::{environment, installation};
use crate::{
    environment::{
        ResourceType, Round, Worker,
        association::{NewAssociation, association_remove_in_tx, association_set_in_tx},
        dry_run::{Budget, Proposal, dry_run},
        rule::{Condition, EvidenceKind, Operator, Rule, RuleKind, check},
        rules::{rule_change, rule_create, rule_delete, rules_install, rules_reset},
        set::Statement,
        violation::violations,
    },
    query::testing::{Seed, compute, now, on_both, run, usage},
    store::{
        Db, Executor as _,
        rows::{
            history::Actor,
            tag::{TagSource, Tags, tag_set_in_tx},
        },
    },
};

on_both!(
    what_labels_say_is_inferred_with_rule_and_evidence,
    nothing_is_written_when_nothing_changed,
    a_changed_label_moves_the_workload_and_a_removed_rule_takes_back,
    a_persons_word_and_a_refusal_stay,
    one_of_two_workers_works_and_the_other_takes_over,
    the_default_rules_are_made_once_and_can_be_restored,
    a_dry_run_tells_what_would_change_and_changes_nothing,
    measured_shares_show_on_a_compute_that_hosts_several,
    computes_that_break_a_separation_are_found_with_the_reasons,
    a_namespace_named_after_an_environment_gives_it_to_its_pods,
    an_environment_that_another_program_made_is_noticed,
    what_a_rule_tags_is_set_told_and_taken_back,
    tags_of_people_and_labels_stand_above_those_of_rules,
    a_dry_run_tells_of_tags_and_changes_none,
);

async fn texts(db: &Db, sql: &str) -> Vec<String> {
    let mut executor = db;
    executor.fetch(sql.to_owned(), vec![]).await.unwrap().iter().map(|row| row.get("x").unwrap()).collect()
}

async fn count(db: &Db, sql: &str) -> i64 {
    let mut executor = db;
    executor.fetch_optional(sql.to_owned(), vec![]).await.unwrap().unwrap().get("n").unwrap()
}

fn worker(db: &Db) -> Worker {
    Worker::new(db.clone(), Arc::new(ManualClock::at(now())))
}

/// Rounds until there is nothing more to do.
async fn settle(worker: &mut Worker) -> usize {
    let mut changed = 0;
    for _ in 0..50 {
        let Round { held, changed: some, more } = worker.round().await.unwrap();
        assert!(held, "another one holds the lease");
        changed += some;
        if !more && some == 0 {
            return changed;
        }
    }
    panic!("the worker finds no end");
}

fn labelled(code: &str, value: &str) -> Rule {
    Rule {
        name: format!("{code} by label"),
        environment_code: code.to_owned(),
        confidence: 90,
        conditions: vec![Condition {
            evidence: EvidenceKind::Label,
            key: Some("environment".to_owned()),
            operator: Operator::Equals,
            values: vec![value.to_owned()],
        }],
        ..Rule::default()
    }
}

fn alice() -> Actor {
    Actor::person("alice")
}

async fn label(db: &Db, id: i64, value: &str) {
    let labels = json!({ "environment": value });
    run(db, "UPDATE compute_workloads SET labels = ? WHERE id = ?", vec![(&labels).into(), id.into()]).await;
    // As a report would tell it.
    let sql = "INSERT INTO history (recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, \
               resource_id, resource_name, compute_id) VALUES (1, 1, 'agent', 'a', 'altered', 'workload', ?, 'w', 1)";
    run(db, sql, vec![id.into()]).await;
}

/// Two containers on a compute, and rules for both environments.
async fn ready(db: &Db) -> i64 {
    installation(db).await;
    Seed::container(1, 1, "web").store(db).await;
    Seed::container(2, 1, "db").store(db).await;
    label(db, 1, "production").await;
    label(db, 2, "dev").await;
    rule_create(db, &alice(), now(), labelled("DEV", "dev")).await.unwrap();
    rule_create(db, &alice(), now(), labelled("PROD", "production")).await.unwrap()
}

const ENVIRONMENTS: &str = "SELECT CONCAT(w.workload_name, '=', COALESCE(e.code, 'none')) AS x FROM compute_workloads w \
                            LEFT JOIN environments e ON e.id = w.environment_id ORDER BY w.id";

async fn what_labels_say_is_inferred_with_rule_and_evidence(db: &Db) {
    let rule = ready(db).await;
    assert!(settle(&mut worker(db)).await >= 2);
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=PROD", "db=DEV"]);
    let sql = "SELECT * FROM environment_associations WHERE resource_type = 'workload' AND resource_id = 1";
    let mut executor = db;
    let row = executor.fetch_optional(sql.to_owned(), vec![]).await.unwrap().unwrap();
    assert_eq!(row.get::<String>("origin").unwrap(), "rule");
    assert_eq!((row.get::<i64>("rule_id").unwrap(), row.get::<bool>("is_primary").unwrap()), (rule, true));
    let evidence = row.json::<serde_json::Value>("evidence").unwrap().unwrap();
    assert_eq!(evidence, json!([{ "evidence": "label", "key": "environment", "value": "production" }]));
    let told = "SELECT actor_id AS x FROM history WHERE resource_type = 'environment_association' \
                AND actor_kind = 'rule' ORDER BY resource_id";
    assert_eq!(texts(db, told).await, ["PROD by label", "DEV by label"]);
}

async fn nothing_is_written_when_nothing_changed(db: &Db) {
    ready(db).await;
    let mut worker = worker(db);
    settle(&mut worker).await;
    let entries = "SELECT COUNT(*) AS n FROM history";
    let before = count(db, entries).await;
    assert_eq!(worker.round().await.unwrap(), Round { held: true, changed: 0, more: false });
    // Everything again, and it comes to the same.
    run(db, "UPDATE environment_worker SET wanted_pass = wanted_pass + 1", vec![]).await;
    assert_eq!(settle(&mut worker).await, 0);
    assert_eq!(count(db, entries).await, before);
}

async fn a_changed_label_moves_the_workload_and_a_removed_rule_takes_back(db: &Db) {
    let rule = ready(db).await;
    let mut worker = worker(db);
    settle(&mut worker).await;
    label(db, 2, "production").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=PROD", "db=PROD"]);
    let never = |_| Ok(labelled("PROD", "never"));
    rule_change(db, &alice(), now(), rule, &|_| true, &never).await.unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=none", "db=none"]);
    label(db, 2, "dev").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=none", "db=DEV"]);
    rule_delete(db, &alice(), now(), 1, &|_| true).await.unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=none", "db=none"]);
    let left = "SELECT COUNT(*) AS n FROM environment_associations WHERE resource_type = 'workload'";
    assert_eq!(count(db, left).await, 0);
}

async fn a_persons_word_and_a_refusal_stay(db: &Db) {
    ready(db).await;
    let mut worker = worker(db);
    settle(&mut worker).await;
    let statement = Statement::default();
    let new = NewAssociation { environment_id: 2, resource_type: ResourceType::Workload, resource_id: 1, statement };
    crate::transaction!(db, |tx| association_set_in_tx(tx, &alice(), now(), &new).await?).unwrap().unwrap();
    let inferred = "SELECT id AS n FROM environment_associations WHERE resource_type = 'workload' AND resource_id = 2";
    let inferred = count(db, inferred).await;
    crate::transaction!(db, |tx| association_remove_in_tx(tx, &alice(), now(), inferred).await?).unwrap().unwrap();
    run(db, "UPDATE environment_worker SET wanted_pass = wanted_pass + 1", vec![]).await;
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=DEV", "db=none"], "the refused one stays refused");
    label(db, 2, "production").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=DEV", "db=PROD"], "the evidence is another one");
}

async fn one_of_two_workers_works_and_the_other_takes_over(db: &Db) {
    ready(db).await;
    let clock = Arc::new(ManualClock::at(now()));
    let mut first = Worker::new(db.clone(), clock.clone());
    let mut second = Worker::new(db.clone(), clock.clone());
    settle(&mut first).await;
    assert_eq!(second.round().await.unwrap(), Round::default());
    label(db, 2, "production").await;
    // The first one is gone without a word.
    clock.advance(Duration::from_secs(31));
    settle(&mut second).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=PROD", "db=PROD"]);
    assert_eq!(first.round().await.unwrap(), Round::default(), "it lost the lease");
    assert!(clock.now() > now());
}

async fn the_default_rules_are_made_once_and_can_be_restored(db: &Db) {
    let rules = "SELECT COUNT(*) AS n FROM environment_rules";
    rules_install(db, now()).await.unwrap();
    let all = count(db, rules).await;
    assert!(all >= 20);
    rule_delete(db, &alice(), now(), 1, &|_| true).await.unwrap();
    rules_install(db, now()).await.unwrap();
    assert_eq!(count(db, rules).await, all - 1, "what people deleted stays deleted");
    let own = rule_create(db, &alice(), now(), labelled("PROD", "x")).await.unwrap();
    rules_reset(db, &alice(), now()).await.unwrap();
    assert_eq!(count(db, rules).await, all + 1);
    assert_eq!(count(db, &format!("SELECT COUNT(*) AS n FROM environment_rules WHERE id = {own}")).await, 1);
    let twice = rule_create(db, &alice(), now(), labelled("PROD", "y")).await.unwrap_err();
    assert!(format!("{twice:?}").contains("name"), "{twice:?}");
    let audited = "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'environment-rule.create' AND actor_id = 'alice'";
    assert!(count(db, audited).await > all);
}

async fn a_dry_run_tells_what_would_change_and_changes_nothing(db: &Db) {
    let rule = ready(db).await;
    let mut worker = worker(db);
    settle(&mut worker).await;
    let entries = "SELECT COUNT(*) AS n FROM history";
    let before = count(db, entries).await;
    let budget = Budget { time: Duration::from_secs(10), listed: 1 };
    let instead = check(rule, labelled("DEV", "production")).unwrap();
    let found = dry_run(db, Proposal { rules: vec![instead], removed: vec![1] }, budget).await.unwrap();
    assert!(found.complete && found.scanned == 3, "a compute and two workloads: {found:?}");
    let counts: Vec<_> = found.counts.iter().map(|((from, to), n)| (from.as_deref(), to.as_deref(), *n)).collect();
    assert_eq!(counts, [(Some("DEV"), None, 1), (Some("PROD"), Some("DEV"), 1)]);
    assert_eq!((found.changes.len(), found.changes[0].name.as_str()), (1, "web"));
    assert_eq!(count(db, entries).await, before);
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=PROD", "db=DEV"]);
}

/// 2 cores and 24 GiB: half of the memory is production's, an eighth of a core development's.
async fn measured_shares_show_on_a_compute_that_hosts_several(db: &Db) {
    ready(db).await;
    usage(db, 1, Some(100), Some(12 << 30)).await;
    usage(db, 2, Some(250), Some(1 << 20)).await;
    let sql =
        "INSERT INTO compute_usage (compute_id, cpu_millicores, memory_bytes, measured_at_us) VALUES (1, 550, 0, 5)";
    run(db, sql, vec![]).await;
    // Limits count only where nothing else is known.
    let mut worker = worker(db);
    settle(&mut worker).await;
    let shares = format!(
        "SELECT CONCAT(e.code, ' ', a.origin, ' ', a.is_primary, ' ', {}) AS x FROM environment_associations a \
         JOIN environments e ON e.id = a.environment_id WHERE a.resource_type = 'compute' ORDER BY e.id",
        "CAST(ROUND(a.allocated_percentage * 100) AS INTEGER)"
    );
    assert_eq!(texts(db, &shares).await, ["PROD measured 1 5000", "DEV measured 0 1250"]);
    let mut executor = db;
    let row = executor.fetch_optional("SELECT * FROM compute_allocations".to_owned(), vec![]).await.unwrap().unwrap();
    let (unclaimed, idle): (i64, i64) = (row.get("unclaimed").unwrap(), row.get("idle").unwrap());
    assert_eq!((unclaimed, idle), (1_000, 2_750), "the host itself uses a fifth of a core");
    // Less than a step: nothing is stored.
    run(db, "UPDATE workload_usage SET cpu_millicores = 255 WHERE workload_id = 2", vec![]).await;
    run(db, "UPDATE compute_usage SET measured_at_us = 6", vec![]).await;
    assert_eq!(settle(&mut worker).await, 0);
    run(db, "UPDATE workload_usage SET cpu_millicores = 500 WHERE workload_id = 2", vec![]).await;
    run(db, "UPDATE compute_usage SET measured_at_us = 7", vec![]).await;
    assert_eq!(settle(&mut worker).await, 1);
    assert_eq!(texts(db, &shares).await, ["PROD measured 1 5000", "DEV measured 0 2500"]);
    // What a person says of the compute stands; what was measured is kept beside it.
    let statement = Statement { declared: Some(Some(8_000)), ..Statement::default() };
    let new = NewAssociation { environment_id: 2, resource_type: ResourceType::Compute, resource_id: 1, statement };
    crate::transaction!(db, |tx| association_set_in_tx(tx, &alice(), now(), &new).await?).unwrap().unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, &shares).await, ["DEV person 1 8000"]);
}

async fn computes_that_break_a_separation_are_found_with_the_reasons(db: &Db) {
    ready(db).await;
    compute(db, 2, "web-2", Some(1)).await;
    environment(db, 3, "TEST").await;
    let apart = Rule {
        kind: RuleKind::Separate,
        name: "production stands alone".to_owned(),
        environment_code: "PROD".to_owned(),
        other_code: Some("DEV".to_owned()),
        ..Rule::default()
    };
    rule_create(db, &alice(), now(), apart).await.unwrap();
    assert!(violations(db, None, 10).await.unwrap().is_empty());
    settle(&mut worker(db)).await;
    let found = violations(db, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].compute_name.as_str(), found[0].rule_name.as_str()), ("web-1", "production stands alone"));
    let reasons: Vec<_> = found[0].environments.iter().map(|(code, why)| (code.as_str(), why[0].as_str())).collect();
    assert_eq!(reasons, [("DEV", "runs db"), ("PROD", "runs web")]);
    let statement = Statement::default();
    let new = NewAssociation { environment_id: 2, resource_type: ResourceType::Datacenter, resource_id: 1, statement };
    crate::transaction!(db, |tx| association_set_in_tx(tx, &alice(), now(), &new).await?).unwrap().unwrap();
    assert_eq!(violations(db, None, 10).await.unwrap()[0].environments["DEV"][0], "given to datacenter cellar");
}

async fn a_namespace_named_after_an_environment_gives_it_to_its_pods(db: &Db) {
    installation(db).await;
    rules_install(db, now()).await.unwrap();
    for sql in [
        "INSERT INTO k8s_clusters (id, uid, name, first_seen_at_us, changed_at_us) VALUES (1, 'u', 'k', 1, 1)",
        "INSERT INTO k8s_nodes (id, cluster_id, name, compute_id, first_seen_at_us, changed_at_us) VALUES (1, 1, 'n', 1, 1, 1)",
        "INSERT INTO k8s_namespaces (id, cluster_id, name, first_seen_at_us, changed_at_us) VALUES (7, 1, 'shop-prod', 1, 1)",
    ] {
        run(db, sql, vec![]).await;
    }
    Seed::container(1, 1, "web").store(db).await;
    run(db, "UPDATE compute_workloads SET k8s_namespace_id = 7, labels = NULL", vec![]).await;
    settle(&mut worker(db)).await;
    let found = crate::query::environments_of(db, ResourceType::Workload, &[1]).await.unwrap();
    let badge = &found[&1][0];
    assert_eq!((badge.code.as_str(), badge.reason.as_deref()), ("PROD", Some("from namespace shop-prod")));
    let measured = crate::environment::allocation::measure(db, &[1]).await.unwrap();
    assert_eq!(measured[&1].workloads, [(Some(1), 1)].into(), "its share of the compute is production's");
}

async fn an_environment_that_another_program_made_is_noticed(db: &Db) {
    ready(db).await;
    let clock = Arc::new(ManualClock::at(now()));
    let mut worker = Worker::new(db.clone(), clock.clone());
    rule_create(db, &alice(), now(), Rule { priority: 1, ..labelled("LIVE", "production") }).await.unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=PROD", "db=DEV"], "there is no such environment");
    environment(db, 3, "LIVE").await;
    clock.advance(Duration::from_secs(30));
    settle(&mut worker).await;
    assert_eq!(texts(db, ENVIRONMENTS).await, ["web=LIVE", "db=DEV"]);
}

fn tagger(name: &str, value: &str, tags: &[(&str, &str)]) -> Rule {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let Rule { conditions, .. } = labelled("X", value);
    Rule { kind: RuleKind::Tag, name: name.to_owned(), tags, conditions, ..Rule::default() }
}

const TAGS: &str = "SELECT CONCAT(resource_type, ' ', resource_id, ' ', tag_key, '=', tag_value, ' ', origin) AS x \
                    FROM resource_tags ORDER BY resource_type, resource_id, tag_key";
const TOLD: &str = "SELECT CONCAT(change_kind, ' ', resource_key, ' by ', actor_kind, ' ', actor_id) AS x FROM history \
                    WHERE resource_type = 'tag' ORDER BY sequence";

async fn what_a_rule_tags_is_set_told_and_taken_back(db: &Db) {
    ready(db).await;
    let mut worker = worker(db);
    settle(&mut worker).await;
    let rule = rule_create(db, &alice(), now(), tagger("tiers", "production", &[("tier", "gold")])).await.unwrap();
    assert!(settle(&mut worker).await >= 1);
    assert_eq!(texts(db, TAGS).await, ["workload 1 tier=gold rule"]);
    assert_eq!(texts(db, TOLD).await, ["appeared workload:tier by rule tiers"]);
    let history = count(db, "SELECT COUNT(*) AS n FROM history").await;
    assert_eq!(settle(&mut worker).await, 0, "what is so already costs nothing");
    assert_eq!(count(db, "SELECT COUNT(*) AS n FROM history").await, history);

    // The rule says something else; then the evidence goes; then it comes back and the rule goes.
    let silver = |rule: Rule| Ok(Rule { tags: [("tier".to_owned(), "silver".to_owned())].into(), ..rule });
    rule_change(db, &alice(), now(), rule, &|_| true, &silver).await.unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, ["workload 1 tier=silver rule"]);
    label(db, 1, "dev").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, [""; 0]);
    label(db, 1, "production").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, ["workload 1 tier=silver rule"]);
    rule_delete(db, &alice(), now(), rule, &|_| true).await.unwrap();
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, [""; 0]);
    let told =
        ["appeared", "altered", "ended", "appeared", "ended"].map(|kind| format!("{kind} workload:tier by rule tiers"));
    assert_eq!(texts(db, TOLD).await, told);
}

async fn tags_of_people_and_labels_stand_above_those_of_rules(db: &Db) {
    ready(db).await;
    let mut worker = worker(db);
    let (tier, stage) = (("tier", "gold"), ("environment", "dev"));
    rule_create(db, &alice(), now(), tagger("tiers", "production", &[tier, stage])).await.unwrap();
    let by_tag = |value: &str| Rule {
        priority: 1,
        conditions: vec![Condition {
            evidence: EvidenceKind::Tag,
            key: Some("environment".to_owned()),
            operator: Operator::Equals,
            values: vec![value.to_owned()],
        }],
        ..labelled("DEV", "x")
    };
    rule_create(db, &alice(), now(), Rule { name: "by tag".to_owned(), ..by_tag("dev") }).await.unwrap();
    let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value, origin) \
               VALUES ('workload', 1, 'tier', 'mine', 'person')";
    run(db, sql, vec![]).await;
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, ["workload 1 environment=dev rule", "workload 1 tier=mine person"]);
    assert_eq!(texts(db, ENVIRONMENTS).await[0], "web=DEV", "what a rule tagged is evidence for an environment");

    // A label of the same key is a fact: it takes the place of what a rule concluded.
    let agent = Actor { kind: "agent", id: "a".to_owned() };
    let source =
        TagSource { resource_type: "workload", origin: "docker-label", compute_id: Some(1), actor: &agent, at: now() };
    let labels = BTreeMap::from([(1, Tags::from([("environment".to_owned(), "production".to_owned())]))]);
    crate::transaction!(db, |tx| tag_set_in_tx(tx, source, &labels).await?).unwrap();
    let wanted = ["workload 1 environment=production docker-label", "workload 1 tier=mine person"];
    assert_eq!(texts(db, TAGS).await, wanted);
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await, wanted);
    assert_eq!(texts(db, ENVIRONMENTS).await[0], "web=PROD");

    // The person takes theirs back: the rule's comes.
    let sql = "DELETE FROM resource_tags WHERE origin = 'person'";
    run(db, sql, vec![]).await;
    label(db, 1, "production").await;
    settle(&mut worker).await;
    assert_eq!(texts(db, TAGS).await[1], "workload 1 tier=gold rule");
}

async fn a_dry_run_tells_of_tags_and_changes_none(db: &Db) {
    ready(db).await;
    let mut worker = worker(db);
    rule_create(db, &alice(), now(), tagger("tiers", "production", &[("tier", "gold"), ("old", "x")])).await.unwrap();
    settle(&mut worker).await;
    let (tags, history) = (texts(db, TAGS).await, count(db, "SELECT COUNT(*) AS n FROM history").await);
    let id = count(db, "SELECT id AS n FROM environment_rules WHERE name = 'tiers'").await;
    let changed = check(id, tagger("tiers", "production", &[("tier", "silver"), ("new", "y")])).unwrap();
    let proposal = Proposal { rules: vec![changed], removed: vec![] };
    let budget = Budget { time: Duration::from_secs(10), listed: 10 };
    let found = dry_run(db, proposal, budget).await.unwrap();
    assert_eq!((found.changed, found.retagged, found.counts.len()), (1, 1, 0));
    let shown: Vec<String> = found.changes[0]
        .tags
        .iter()
        .map(|tag| format!("{} {:?} {:?} {:?}", tag.key, tag.from.as_deref(), tag.to.as_deref(), tag.rule.as_deref()))
        .collect();
    let tiers = "Some(\"tiers\")";
    let wanted = [
        format!("new None Some(\"y\") {tiers}"),
        "old Some(\"x\") None None".to_owned(),
        format!("tier Some(\"gold\") Some(\"silver\") {tiers}"),
    ];
    assert_eq!(shown, wanted);
    assert_eq!((texts(db, TAGS).await, count(db, "SELECT COUNT(*) AS n FROM history").await), (tags, history));
}
