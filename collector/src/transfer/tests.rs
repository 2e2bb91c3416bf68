//! Files into an inventory and back, on both databases.

use std::sync::Arc;

use orchestrix_common::time::ManualClock;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    query::{
        self, nested,
        testing::{TestDb, now, on_both, one_host, run},
    },
    store::{Commits, Db, Executor as _, rows::history::Actor},
};

on_both!(
    a_spreadsheet_makes_an_inventory_and_the_second_time_changes_nothing,
    what_differs_is_changed_and_nothing_else,
    everything_that_is_wrong_is_told_at_once_and_nothing_is_written,
    a_dry_run_tells_and_writes_nothing,
    people_win_over_discovery_and_what_is_so_stays_discoverys,
    an_answer_of_the_nested_query_is_imported,
    rows_of_the_same_name_are_told_apart,
    two_who_import_the_same_make_it_once,
    an_entry_of_the_audit_log_tells_of_the_whole,
    tags_associations_targets_and_capabilities_are_found_again,
);

struct Quiet;

impl Progress for Quiet {
    fn part(&self, _: &'static str, _: usize) {}
    fn at(&self, _: usize) {}
}

fn input(name: &str, text: &str) -> Input {
    Input { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

async fn imported(db: &Db, inputs: &[Input], options: &Options) -> Report {
    let clock = Arc::new(ManualClock::at(now()));
    import(db, clock, Commits::default(), &Actor::person("cli:ada"), inputs, options, &Quiet).await.unwrap()
}

async fn sound(db: &Db, inputs: &[Input]) -> Report {
    let report = imported(db, inputs, &Options::default()).await;
    assert!(report.problems.is_empty(), "{}", told(&report).join("\n"));
    report
}

fn told(report: &Report) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

fn counts(report: &Report) -> Vec<(&'static str, usize, usize, usize)> {
    report.counts.iter().map(|counts| (counts.kind, counts.made, counts.changed, counts.left)).collect()
}

async fn count(mut db: &Db, table: &str) -> i64 {
    db.fetch(format!("SELECT COUNT(*) AS n FROM {table}"), vec![]).await.unwrap()[0].get("n").unwrap()
}

async fn texts(mut db: &Db, sql: &str) -> Vec<String> {
    let rows = db.fetch(sql.to_owned(), vec![]).await.unwrap();
    rows.iter().map(|row| row.get("x").unwrap()).collect()
}

async fn exported(db: &Db) -> (String, Json) {
    let export = export(db, &[], false).await.unwrap();
    (String::from_utf8(export.csv().unwrap()).unwrap(), export.json())
}

/// What somebody would fill in, children before their parents.
fn files() -> Vec<Input> {
    vec![
        input(
            "computes.csv",
            "name,datacenter,hostname,ipAddress,cpuCores,notes\n\
             web-1,Frankfurt,web-1.example.org,10.0.0.1,8,\"two\nlines\"\n\
             web-2,self/Main Cloud/Europe/eu-a/Frankfurt,,10.0.0.2,,\n\
             db-1,Berlin,,,16,'=1+1\n",
        ),
        input(
            "places.csv",
            "\u{feff}kind;name;code;partner;cloud;region;zone;environment;drPairedWith;displayName;type;tier;latitude\r\n\
             datacenter;Frankfurt;;;;;eu-a;PROD;Berlin;;;4;50,11\r\n\
             datacenter;Berlin;;;;;Europe/eu-a;;;;;;\r\n\
             availability zone;Zone A;eu-a;;;Europe;;;;;;;\r\n\
             region;Europe;eu;;Main Cloud;;;;;;;;\r\n\
             cloud;Main Cloud;;self;;;;;;;;;\r\n\
             environment;Production;PROD;self;;;;;;;PRODUCTION;;\r\n\
             partner;self;;;;;;;;Our organisation;both;;\r\n",
        ),
        input("tags.csv", "resourceType,resource,key,value\ncompute,web-1,team,red\ndatacenter,Frankfurt,room,'7\n"),
        input(
            "rest.json",
            r#"[{"kind": "capability", "compute": "web-1", "type": "ansible", "version": "2.16"},
                {"kind": "environmentassociation", "environment": "PROD", "resourceType": "compute", "resource": "db-1", "allocatedPercentage": 50},
                {"kind": "automationtarget", "name": "ssh", "targetType": "compute", "target": "web-2", "capabilities": ["deploy"]}]"#,
        ),
    ]
}

async fn a_spreadsheet_makes_an_inventory_and_the_second_time_changes_nothing(db: &Db) {
    let report = sound(db, &files()).await;
    let expected = [
        ("partner", 1, 0, 0),
        ("environment", 1, 0, 0),
        ("cloud", 1, 0, 0),
        ("region", 1, 0, 0),
        ("availabilityzone", 1, 0, 0),
        ("datacenter", 2, 0, 0),
        ("compute", 3, 0, 0),
        ("capability", 1, 0, 0),
        ("environmentassociation", 1, 0, 0),
        ("tag", 2, 0, 0),
        ("automationtarget", 1, 0, 0),
    ];
    assert_eq!(counts(&report), expected);
    assert_eq!(report.rows[0].path, "self/Main Cloud/Europe/Zone A/Frankfurt/web-1");
    let sql = "SELECT CONCAT(c.name, ' ', d.name, ' ', COALESCE(c.notes, '-'), ' ', COALESCE(c.cpu_cores, 0), ' ', c.cloud_id) AS x \
               FROM computes c JOIN datacenters d ON d.id = c.datacenter_id ORDER BY c.id";
    assert_eq!(
        texts(db, sql).await,
        ["web-1 Frankfurt two\nlines 8 1", "web-2 Frankfurt - 0 1", "db-1 Berlin =1+1 16 1"]
    );
    let sql = "SELECT CONCAT(a.name, ' ', b.name, ' ', a.tier, ' ', a.partner_id, ' ', ROUND(a.latitude, 2)) AS x FROM datacenters a \
               JOIN datacenters b ON b.id = a.dr_paired_with";
    assert_eq!(texts(db, sql).await, ["Frankfurt Berlin 4 1 50.11"]);
    let sql = "SELECT CONCAT(tag_key, '=', tag_value, ' ', origin) AS x FROM resource_tags ORDER BY tag_key";
    assert_eq!(texts(db, sql).await, ["room='7 person", "team=red person"]);
    assert_eq!(texts(db, "SELECT DISTINCT actor_id AS x FROM history").await, ["cli:ada"]);
    assert_eq!(count(db, "history").await, 16, "one for each row, and one for the pair");
    let findings = query::consistency::findings(db, now()).await.unwrap();
    assert!(findings.iter().all(|finding| finding.code == "no-admin-token"), "{findings:#?}");

    let (audit, history) = (count(db, "audit_log").await, count(db, "history").await);
    let again = sound(db, &files()).await;
    assert_eq!(again.changed(), 0, "{:?}", counts(&again));
    assert_eq!((count(db, "audit_log").await, count(db, "history").await), (audit, history));
}

async fn what_differs_is_changed_and_nothing_else(db: &Db) {
    sound(db, &files()).await;
    let text = "name,cpuCores,notes,hostname,cloud\nweb-1,12,NULL,,\nweb-2,,,web-2.example.org,Main Cloud\ndb-1,16,,,\nnew-1,1,,,Main Cloud\n";
    let report = sound(db, &[input("computes.csv", text)]).await;
    assert_eq!(counts(&report), [("compute", 1, 2, 1)]);
    let changes = serde_json::to_value(&report.rows[0].changes).unwrap();
    let expected =
        json!({ "cpuCores": { "before": 8, "after": 12 }, "notes": { "before": "two\nlines", "after": null } });
    assert_eq!(changes, expected);
    let sql = "SELECT CONCAT(name, ' ', COALESCE(hostname, '-'), ' ', COALESCE(ip_address, '-')) AS x FROM computes ORDER BY id";
    let expected = ["web-1 web-1.example.org 10.0.0.1", "web-2 web-2.example.org 10.0.0.2", "db-1 - -", "new-1 - -"];
    assert_eq!(texts(db, sql).await, expected);
    // A number is only a number of this inventory when that is said.
    let renamed = [input("computes.csv", "id,name\n1,web-one\n")];
    let by_id = Options { by_id: true, ..Options::default() };
    assert_eq!(counts(&imported(db, &renamed, &by_id).await), [("compute", 0, 1, 0)]);
    assert_eq!(counts(&sound(db, &[input("computes.csv", "id,name\n1,web-ten\n")]).await), [("compute", 1, 0, 0)]);
}

async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_written(db: &Db) {
    sound(db, &files()).await;
    let before = exported(db).await;
    let wrong = [
        input(
            "computes.csv",
            "name,datacenter,ipAddress,status,cloud,nth\n\
             a,Frankfrt,,,,\n\
             b,Berlin,10.0.0.300,,,\n\
             c,Berlin,,ACTVE,,\n\
             web-1,Frankfurt,10.0.0.9,,,\n\
             web-1,Frankfurt,10.0.0.8,,,\n\
             ,Berlin,,,,\n\
             d,,,,nowhere,\n\
             e,Berlin,,,,3\n\
             good,Berlin,,,,\n",
        ),
        input("clouds.csv", "name,partner\nbroken,self\nx,nobody\n"),
        input("regions.csv", "name,code,cloud\nEurope,eu-9,x\n"),
        input(
            "tags.csv",
            "resourceType,resource,key,value\ncompute,a,k,v\ncompute,zzz,k,v\nmoon,x,k,v\ncompute,db-1,k,v\ncompute,db-1,k,w\n",
        ),
        input(
            "environments.json",
            "[\n  {\"kind\": \"environment\", \"code\": \"QA\", \"type\": \"QA\", \"partner\": \"self\"}\n]",
        ),
    ];
    let report = imported(db, &wrong, &Options::default()).await;
    let told = told(&report);
    for expected in [
        "clouds.csv:3: column 2 (partner): there is no partner \"nobody\"; expected",
        "computes.csv:2: column 2 (datacenter): there is no datacenter \"Frankfrt\"; expected one that is there, for example \"Frankfurt\"",
        "computes.csv:3: column 3 (ipAddress): is \"10.0.0.300\"; expected an IPv4 or IPv6 address",
        "computes.csv:4: column 4 (status): is \"ACTVE\"; expected one of ACTIVE",
        "computes.csv:6: name: is the same compute as in line 5; expected",
        "computes.csv:7: name: is missing; expected",
        "computes.csv:8: column 5 (cloud): there is no cloud \"nowhere\"; expected",
        "computes.csv:9: nth: is 3, but there are 0 of this name; expected",
        "environments.json:2: column 3 (name): is missing; expected",
        "tags.csv:3: column 2 (resource): there is no compute \"zzz\"; expected",
        "tags.csv:4: column 1 (resourceType): is \"moon\"; expected one of partner",
        "tags.csv:6: is the same tag as in line 5; expected one row for each",
    ] {
        assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n{told:#?}");
    }
    assert_eq!(told.len(), 12, "what hangs on something wrong is not told again: {told:#?}");
    assert!(report.rows.is_empty());
    assert_eq!(exported(db).await, before);
}

async fn a_dry_run_tells_and_writes_nothing(db: &Db) {
    let dry = Options { dry_run: true, ..Options::default() };
    let report = imported(db, &files(), &dry).await;
    assert_eq!((report.changed(), report.dry_run), (16 - 1, true));
    let other: Vec<_> = report.rows.iter().filter(|row| row.action != "made" || row.id.is_some()).collect();
    assert!(other.is_empty(), "{other:#?}");
    for table in ["partners", "computes", "history", "audit_log"] {
        assert_eq!(count(db, table).await, 0, "{table}");
    }
    let unusual = [input("partners.csv", "name,displayName,type\na,A,sponsor\n")];
    assert_eq!(told(&imported(db, &unusual, &dry).await).len(), 1);
    let any = Options { any_word: true, ..dry };
    assert_eq!(counts(&imported(db, &unusual, &any).await), [("partner", 1, 0, 0)]);
}

async fn people_win_over_discovery_and_what_is_so_stays_discoverys(db: &Db) {
    one_host(db).await;
    let filled = json!({ "operating_system": "Debian GNU/Linux 12", "name": "web-1", "cpu_cores": 2, "memory_gb": 24, "hostname": "web-1", "ip_address": "192.0.2.7" });
    let sql = "INSERT INTO compute_facts (compute_id, facts, filled, changed_at_us) VALUES (1, '{}', ?, 1)";
    run(db, sql, vec![(&filled).into()]).await;
    // What discovery wrote is not exported; what is imported and so already stays discovery's.
    let (csv, _) = exported(db).await;
    assert!(csv.contains("web-1") && !csv.contains("Debian") && !csv.contains("192.0.2.7"), "{csv}");
    let all = export(db, &[], true).await.unwrap().csv().unwrap();
    assert!(String::from_utf8(all).unwrap().contains("Debian GNU/Linux 12"));
    let text = "name,operatingSystem,cpuCores\nweb-1,Debian hardened,2\n";
    assert_eq!(counts(&sound(db, &[input("computes.csv", text)]).await), [("compute", 0, 1, 0)]);
    let mut reader = db;
    let row = reader.fetch("SELECT filled FROM compute_facts".to_owned(), vec![]).await.unwrap();
    let remembered: Json = row[0].json("filled").unwrap().unwrap();
    assert_eq!((remembered.get("operating_system"), remembered.get("cpu_cores")), (None, Some(&json!(2))));
    assert!(exported(db).await.0.contains("Debian hardened"));
    // That a host does not answer is not exported as its status, and an import does not take it back.
    run(db, "UPDATE computes SET status = 'UNREACHABLE'", vec![]).await;
    let csv = exported(db).await.0;
    assert!(csv.contains("ACTIVE") && !csv.contains("UNREACHABLE"), "{csv}");
    let report = imported(db, &[input("all.csv", &csv)], &Options { any_word: true, ..Options::default() }).await;
    assert_eq!((told(&report).len(), report.changed()), (0, 0), "{:?} {:?}", told(&report), report.rows);
    assert_eq!(texts(db, "SELECT status AS x FROM computes").await, ["UNREACHABLE"]);
}

async fn an_answer_of_the_nested_query_is_imported(db: &Db) {
    sound(db, &files()).await;
    let request = json!({ "kind": "partner", "include": [
        { "kind": "environment", "include": [{ "kind": "environmentassociation" }] },
        { "kind": "cloud", "effectiveEnvironments": true, "include": [{ "kind": "region", "include": [{ "kind": "availabilityzone",
            "include": [{ "kind": "datacenter", "include": [{ "kind": "tag" }, { "kind": "compute", "include": [
                { "kind": "capability" }, { "kind": "tag" }, { "kind": "automationtarget" }, { "kind": "workload" }] }] }] }] }] }] });
    let answer = nested::answer(db, now(), &request, nested::Limits::default()).await.unwrap();
    let text = json!({ "success": true, "data": answer.data, "count": 1 }).to_string();
    let again = sound(db, &[input("-", &text)]).await;
    assert_eq!(again.changed(), 0, "{:#?}", again.rows);
    let other = TestDb::sqlite().await;
    let report = sound(&other.db, &[input("-", &text)]).await;
    assert_eq!(report.changed(), 15, "{:?}", counts(&report));
    assert_eq!(exported(&other.db).await, exported(db).await);
    other.close().await;
}

async fn rows_of_the_same_name_are_told_apart(db: &Db) {
    sound(db, &files()).await;
    let text = "name,datacenter,cloud,nth,notes\n\
                twin,Frankfurt,,,a\ntwin,Frankfurt,,2,b\ntwin,Berlin,,,c\ntwin,NULL,Main Cloud,,d\ntwin,NULL,NULL,,e\n";
    assert_eq!(counts(&sound(db, &[input("computes.csv", text)]).await), [("compute", 5, 0, 0)]);
    let unclear = imported(db, &[input("computes.csv", text)], &Options::default()).await;
    assert!(told(&unclear)[0].contains("\"twin\" is the name of 2 computes"), "{:?}", told(&unclear));
    let on = "resourceType,resource,key,value\ncompute,Frankfurt/twin#2,k,v\ncompute,twin,k,v\n";
    let report = imported(db, &[input("tags.csv", on)], &Options::default()).await;
    assert!(
        told(&report)[0].starts_with("tags.csv:3: column 2 (resource): \"twin\" is the name of 5 computes"),
        "{:?}",
        told(&report)
    );
    sound(db, &[input("tags.csv", &on.lines().take(2).collect::<Vec<_>>().join("\n"))]).await;
    let sql = "SELECT c.notes AS x FROM resource_tags t JOIN computes c ON c.id = t.resource_id WHERE t.tag_key = 'k'";
    assert_eq!(texts(db, sql).await, ["b"]);
    let (csv, json) = exported(db).await;
    for text in [csv, json.to_string()] {
        assert_eq!(sound(db, &[input("-all.csv", &text)]).await.changed(), 0, "{text}");
    }
}

async fn two_who_import_the_same_make_it_once(db: &Db) {
    let (first, second) = (files(), files());
    let (first, second) = futures::join!(sound(db, &first), sound(db, &second));
    let mut made = [first.changed(), second.changed()];
    made.sort_unstable();
    assert_eq!(made, [0, 15]);
    assert_eq!((count(db, "computes").await, count(db, "clouds").await), (3, 1));
}

async fn an_entry_of_the_audit_log_tells_of_the_whole(db: &Db) {
    sound(db, &files()).await;
    let audit = query::every::<query::AuditEntry>(db, now()).await.unwrap();
    let entry = audit.iter().find(|entry| entry.action == "inventory.import").unwrap();
    let files = json!(["computes.csv", "places.csv", "tags.csv", "rest.json"]);
    assert_eq!(entry.detail, Some(json!({ "files": files, "created": 15, "updated": 1 })));
    assert_eq!(entry.actor_id, "cli:ada");
}

async fn tags_associations_targets_and_capabilities_are_found_again(db: &Db) {
    sound(db, &files()).await;
    run(
        db,
        "INSERT INTO tags (key_name, value, entity_type, entity_id) VALUES ('owner', 'ops', 'DATACENTER', 1)",
        vec![],
    )
    .await;
    let text = json!([
        { "kind": "tag", "resourceType": "datacenter", "resource": "Frankfurt", "key": "owner", "value": "ops" },
        { "kind": "tag", "resourceType": "compute", "resource": "web-1", "key": "team", "value": "blue" },
        { "kind": "capability", "compute": "web-1", "type": "ansible", "version": "2.17" },
        { "kind": "environmentassociation", "environment": "PROD", "resourceType": "compute", "resource": "db-1", "allocatedPercentage": 60 },
        { "kind": "automationtarget", "name": "ssh", "targetType": "compute", "targetId": 2, "status": "PAUSED" },
        { "kind": "automationtarget", "name": "ssh", "targetType": "workload", "targetId": 99 },
    ]);
    let mut list = text.as_array().unwrap().clone();
    let report = imported(db, &[input("-", &text.to_string())], &Options::default()).await;
    assert!(told(&report)[0].contains("there is no workload 99"), "{:?}", told(&report));
    list.pop();
    let report = sound(db, &[input("-", &json!(list).to_string())]).await;
    let expected =
        [("capability", 0, 1, 0), ("environmentassociation", 0, 1, 0), ("tag", 0, 1, 1), ("automationtarget", 0, 1, 0)];
    assert_eq!(counts(&report), expected);
    assert_eq!(count(db, "resource_tags").await, 2, "what the existing inventory says already is not said again");
    assert!(exported(db).await.0.contains("owner"), "but exported");
}

/// Everything that a kind can hold, with what files find hard: every letter that means something, empty texts, rows of the
/// same name, rows without a place, words from older days.
async fn odd_inventory(db: &Db) {
    sound(db, &files()).await;
    for sql in [
        "UPDATE partners SET roles = '[\"a, b\", \"=c\"]', website = '-x', status = NULL, contact_email = '''=2'",
        "INSERT INTO partners (id, name, display_name, type) VALUES (7, 'AC/DC #1 \\\\ x', 'NULL', 'sponsor')",
        "INSERT INTO environments (id, name, code, type, partner_id, description) VALUES (7, 'Lab', 'PROD', 'LAB', NULL, 'a\r\nb;\"c\"\t,')",
        "INSERT INTO clouds (id, name, partner_id) VALUES (7, 'Main Cloud', 7), (8, 'Main Cloud', 7)",
        "INSERT INTO regions (id, name, code, cloud_id) VALUES (7, 'Europe', 'eu-7', 7), (8, 'Europe', 'eu-8', 7)",
        "INSERT INTO availability_zones (id, name, code, region_id, is_default, zone_type) VALUES (7, 'Zone A', 'eu-a', 7, 1, NULL)",
        "INSERT INTO datacenters (id, name, partner_id, cloud_id, tier, longitude) VALUES (7, 'Frankfurt', 7, 7, NULL, -1.5)",
        "INSERT INTO datacenters (id, name) VALUES (8, 'Frankfurt')",
        "INSERT INTO resource_pools (id, name, type, datacenter_id) VALUES (7, 'pool', 'COMPUTE', 7), (8, 'pool', 'COMPUTE', NULL)",
        "INSERT INTO network_devices (id, name, device_type, datacenter_id) VALUES (7, 'router', 'Router', 8)",
        "INSERT INTO computes (id, name, datacenter_id, cloud_id, resource_pool_id, status, is_physical) VALUES \
         (7, 'web-1', 1, 1, 7, 'LEASED', 1), (8, 'web-1', 1, 1, NULL, NULL, NULL), (9, 'web-1', NULL, 1, NULL, 'ACTIVE', 0), \
         (10, 'web-1', NULL, NULL, NULL, 'ACTIVE', 0), (11, 'gone', 1, 1, NULL, 'MERGED', 0)",
        "INSERT INTO containers (id, name, compute_id, status, auto_start) VALUES (7, '@c', 8, 'RUNNING', 1), (8, '@c', 8, NULL, NULL), (9, 'x', 11, NULL, 0)",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value, origin) VALUES ('container', 8, 'a', '', 'person'), \
         ('container', 8, 'b', ' blank ', 'person'), ('compute', 10, 'c', '+1', 'person'), ('compute', 10, 'd', 'x', 'docker-label'), \
         ('environment', 7, 'e', 'NULL', 'person'), ('workload', 1, 'f', 'x', 'person')",
        "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, origin, declared_percentage, \
         allocated_percentage, measured_percentage, metadata) VALUES (7, 'compute', 8, 1, 'person', NULL, 20.5, 20.5, '{\"a\": [1, \"x\"]}'), \
         (1, 'compute', 8, 0, 'person', 30.25, 30.25, NULL, NULL), (1, 'compute', 9, 1, 'rule', NULL, NULL, NULL, NULL), \
         (1, 'datacenter', 7, 1, 'legacy', NULL, NULL, NULL, NULL)",
        "INSERT INTO automation_targets (id, name, target_type, target_id, connection_info, capabilities) VALUES \
         (7, '=ssh', 'container', 8, '{\"host\": \"10.0.0.1\"}', '[]')",
        "INSERT INTO compute_capabilities (compute_id, capability_type, capability_version, configuration, origin) VALUES \
         (8, 'docker', '26', '{\"x\": true}', 'discovery'), (8, 'ansible', NULL, NULL, 'person')",
    ] {
        let sql =
            if db.dialect() == crate::store::Dialect::Sqlite { sql.replace("\\\\", "\\") } else { sql.to_owned() };
        run(db, &sql, vec![]).await;
    }
}

async fn goes_round(db: &Db, empty: [&Db; 3]) {
    odd_inventory(db).await;
    let (csv, json) = exported(db).await;
    for word in ["LEASED", "'=2", "'-x", "\"[\"\"a, b\"\",\"\"=c\"\"]\"", "AC\\/DC \\#1", "'NULL", "' blank '"] {
        assert!(csv.contains(word) || word == "' blank '", "{word}\n{csv}");
    }
    assert!(!csv.contains("MERGED") && !csv.contains("docker-label"), "{csv}");
    let any = Options { any_word: true, ..Options::default() };
    let sheets = export(db, &[], false).await.unwrap().sheets().unwrap();
    let sheets: Vec<Input> =
        sheets.into_iter().map(|(name, bytes)| Input { name: format!("{name}.csv"), bytes }).collect();
    for (other, inputs) in
        empty.into_iter().zip([vec![input("all.csv", &csv)], vec![input("-", &json.to_string())], sheets])
    {
        let report = imported(other, &inputs, &any).await;
        assert!(report.problems.is_empty(), "{}\n{csv}", told(&report).join("\n"));
        let again = exported(other).await;
        assert_eq!(again.0, csv);
        assert_eq!(again.1, json);
        let report = imported(other, &inputs, &any).await;
        assert_eq!((report.problems.len(), report.changed()), (0, 0), "{:?} {:#?}", told(&report), report.rows);
    }
}

#[tokio::test]
async fn exported_imported_and_exported_again_it_is_the_same_on_sqlite() {
    let tests = [TestDb::sqlite().await, TestDb::sqlite().await, TestDb::sqlite().await, TestDb::sqlite().await];
    goes_round(&tests[0].db, [&tests[1].db, &tests[2].db, &tests[3].db]).await;
    for test in tests {
        test.close().await;
    }
}

#[tokio::test]
async fn exported_imported_and_exported_again_it_is_the_same_on_mariadb_and_across() {
    let (Some(one), Some(two), Some(three)) =
        (TestDb::mariadb().await, TestDb::mariadb().await, TestDb::mariadb().await)
    else {
        return;
    };
    let other = TestDb::sqlite().await;
    goes_round(&one.db, [&two.db, &other.db, &three.db]).await;
    for test in [one, two, three, other] {
        test.close().await;
    }
}
