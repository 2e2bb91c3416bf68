//! A collector lives on an existing database: agents discover, people edit, and what was there before stays.

use std::{collections::BTreeSet, process::Command, time::Duration};

use orchestrix_tests::{
    agent::AgentProcess,
    docker::RealDocker,
    installation::Installation,
    inventory::{SOON, wait_for_truth},
    legacy::{self, Changed, Picture, Variant},
    mariadb::RealMariaDb,
    programs, wait,
};
use serde_json::{Value, json};

/// Tables that neither discovery nor the people of this story write to.
const UNTOUCHED: [&str; 9] = [
    "partners",
    "environments",
    "clouds",
    "regions",
    "availability_zones",
    "datacenters",
    "resource_pools",
    "tags",
    "network_devices",
];

/// This host's name and an address of it, by which it is known as a compute.
fn this_host() -> Option<(String, String)> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let mut command = Command::new("ip");
    command.args(["-o", "-4", "addr", "show", "scope", "global"]);
    let out = programs::run_command(command, Duration::from_secs(10)).ok();
    // Bridges of engines come and go with the tests.
    let lines = out
        .lines()
        .filter(|line| !["docker", "br-", "orx", "veth", "cni", "podman"].iter().any(|own| line.contains(own)));
    let address = lines.filter_map(|line| line.split_whitespace().nth(3)).next()?;
    Some((name, address.split('/').next()?.to_owned()))
}

/// Makes compute 1 this host, as somebody might have entered it.
fn enter_this_host(database: &RealMariaDb) {
    let (name, address) = this_host().expect("this host has an address");
    database.ask(&format!("UPDATE computes SET hostname = '{name}', ip_address = '{address}' WHERE id = 1"));
}

#[track_caller]
fn send(installation: &Installation, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let answer = installation.request(method, &format!("/api/v1/{path}"), Some(body)).unwrap();
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    answer.json()
}

fn names(row: &Value, list: &str) -> Vec<String> {
    let rows = row[list].as_array().unwrap_or_else(|| panic!("no {list} in {row}"));
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// The two requests of the existing front end, with its page limits: every level is filled.
fn the_front_end_is_answered(installation: &Installation) {
    let page = |limit: u16| json!({ "limit": limit, "offset": 0 });
    let root = |include: Value| json!({ "kind": "partner", "criteria": { "name": "self" }, "page": page(10), "include": [include] });
    let answer = |include: Value| -> Value {
        let answer = send(installation, "POST", "query", &root(include), 200);
        assert_eq!((&answer["success"], &answer["count"]), (&json!(true), &json!(1)), "{answer}");
        answer["data"][0].clone()
    };
    let partner = answer(json!({ "kind": "environment", "page": page(20), "include": [
        { "kind": "environmentassociation", "page": page(50) }] }));
    assert_eq!(names(&partner, "environments"), ["Production", "Staging", "Development", "Testing"]);
    // Rules may have found that a compute or a container is for one of them, too.
    let on = |index: usize| {
        let associations = partner["environments"][index]["environmentassociations"].as_array().unwrap().clone();
        let of_places = associations.into_iter().filter(|one| one["resourceType"] == "datacenter");
        of_places.map(|one| json!([one["resourceType"], one["resourceId"], one["isPrimary"]])).collect::<Vec<_>>()
    };
    assert_eq!(on(0), [json!(["datacenter", 1, true])]);
    assert_eq!(on(1), [json!(["datacenter", 4, true])]);
    assert_eq!(on(2), [json!(["datacenter", 2, true])]);

    let partner = answer(json!({ "kind": "cloud", "page": page(20), "include": [
        { "kind": "region", "page": page(20), "include": [
            { "kind": "availabilityzone", "page": page(20), "include": [
                { "kind": "datacenter", "page": page(50), "include": [
                    { "kind": "compute", "page": page(100) }, { "kind": "networkdevice", "page": page(100) }] }] }] }] }));
    let cloud = &partner["clouds"][0];
    let zone = &cloud["regions"][0]["availabilityzones"][0];
    assert_eq!(names(&partner, "clouds"), ["Main Cloud"]);
    assert_eq!(names(cloud, "regions"), ["Bangladesh Central"]);
    assert_eq!(names(&cloud["regions"][0], "availabilityzones"), ["BD-Central-1A"]);
    assert_eq!(names(zone, "datacenters"), ["Dhaka-DC1", "Dhaka-DC2", "Singapore-DR"]);
    assert_eq!(names(&zone["datacenters"][0], "computes"), ["prod-server-01", "shared-server-01"]);
    assert_eq!(names(&zone["datacenters"][0], "networkdevices"), ["core-router-1"]);
    assert_eq!(names(&zone["datacenters"][1], "computes"), ["dev-vm-01"]);
    assert_eq!(zone["datacenters"][0]["computes"][0]["notes"], "entered by hand: keep");
}

/// What the old inventory says is read through the API as if it had always been there.
fn the_old_is_read_through_the_api(installation: &Installation) {
    let tags = installation.list("tags");
    let shown: BTreeSet<String> = tags
        .iter()
        .map(|tag| {
            let text = |name: &str| tag[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {}={} {}",
                text("resourceType"),
                tag["resourceId"],
                text("tagKey"),
                text("tagValue"),
                text("origin")
            )
        })
        .collect();
    for wanted in ["datacenter 1 owner=platform-team legacy", "compute 1 tier=gold legacy"] {
        assert!(shown.contains(wanted), "{wanted} is missing: {shown:?}");
    }
    assert_eq!(legacy_associations(installation), [json!([1, 1, true]), json!([2, 3, true]), json!([4, 2, true])]);
    let compute = installation.get("/api/v1/computes/2");
    let environment = &compute["environments"][0];
    assert_eq!((&environment["code"], &environment["reason"]), (&json!("PROD"), &json!("from datacenter Dhaka-DC1")));
}

/// Datacenter, environment, and whether it is the primary one.
fn legacy_associations(installation: &Installation) -> Vec<Value> {
    let all = installation.list("environment-associations?resourceType=datacenter");
    let mut rows: Vec<Value> =
        all.iter().map(|one| json!([one["resourceId"], one["environmentId"], one["isPrimary"]])).collect();
    rows.sort_by_key(|row| row[0].as_i64());
    rows
}

/// What people do through the API; returns which values of existing rows they meant to change.
fn people_edit(installation: &Installation, variant: Variant) -> BTreeSet<Changed> {
    send(installation, "PATCH", "computes/2", &json!({ "notes": "second row, left" }), 200);
    let made = json!({ "name": "db-01", "datacenterId": 3, "cloudId": 1 });
    send(installation, "POST", "computes", &made, 201);
    let associated =
        json!({ "environmentId": 2, "resourceType": "compute", "resourceId": 2, "allocatedPercentage": 40 });
    send(installation, "POST", "environment-associations", &associated, 201);
    let associated = json!({ "environmentId": 4, "resourceType": "container", "resourceId": 3, "isPrimary": true });
    send(installation, "POST", "environment-associations", &associated, 201);
    let tag = json!({ "resourceType": "compute", "resourceId": 1, "tagKey": "tier", "tagValue": "platinum" });
    send(installation, "POST", "tags", &tag, 201);
    assert_eq!(installation.get("/api/v1/tags/compute/1/tier")["tagValue"], "platinum", "a person's word counts");
    // A text that an older character set has no letters for is refused by name, and nothing is mangled.
    let letters = match variant {
        Variant::Latin1 => Some("名前"),
        Variant::Utf8mb3 => Some("🚀"),
        _ => None,
    };
    if let Some(letters) = letters {
        let answer =
            installation.request("PATCH", "/api/v1/computes/2", Some(&json!({ "description": letters }))).unwrap();
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("description"), "the field is named: {}", answer.body);
    }
    // The time of the last change follows.
    ["notes", "updated_at"].map(|column| ("computes", 2, column.to_owned())).into()
}

fn live(variant: Variant) {
    let Some(database) = legacy::load(variant) else { return };
    let Some(docker) = RealDocker::start() else { return };
    enter_this_host(&database);
    let before = Picture::of(&database);

    let mut installation = Installation::at(&database.url());
    assert!(before.changes(&Picture::of(&database)).is_empty(), "a start changes nothing");
    the_front_end_is_answered(&installation);
    the_old_is_read_through_the_api(&installation);

    let api = docker.run_sleeper("prod-api", &[]);
    docker.run_sleeper("prod-web", &[]);
    docker.run_sleeper("cache", &[]);
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    wait_for_truth(&installation, &docker);
    let agents = installation.list("agents");
    assert_eq!(agents[0]["computeId"], 1, "the host is the compute that somebody had entered: {agents:?}");
    let edited = people_edit(&installation, variant);
    docker.cli(&["stop", "-t", "0", "prod-web"]);
    docker.cli(&["rm", "-f", "cache"]);
    docker.run_sleeper("later", &[]);
    wait_for_truth(&installation, &docker);

    // Another start copies nothing a second time, and does not undo what people said.
    installation.stop();
    installation.start();
    wait_for_truth(&installation, &docker);
    assert_eq!(legacy_associations(&installation), [json!([1, 1, true]), json!([2, 3, true]), json!([4, 2, true])]);
    the_front_end_is_answered(&installation);
    wait::until("the row that somebody had entered to have its container's identifier", SOON, || {
        let row = installation.get("/api/v1/containers/2");
        wait::check(row["containerId"] == api.as_str(), || row.to_string())
    });
    wait::until("what differs from what people entered to be told", SOON, || {
        let drifts = installation.list("drifts");
        let told = |(resource, id, field): (&str, i64, &str)| {
            drifts.iter().any(|one| one["resourceType"] == resource && one["resourceId"] == id && one["field"] == field)
        };
        let wanted = [("compute", 1, "cpuCores"), ("container", 1, "containerId"), ("container", 1, "status")];
        let missing = wanted.into_iter().find(|one| !told(*one));
        wait::check(missing.is_none(), || format!("{missing:?} is missing: {drifts:#?}"))
    });
    agent.stop();
    installation.stop();

    only_what_is_empty_was_filled(&before, &Picture::of(&database), &edited);
}

/// No definition is another one, no row is gone, and no value is another one, but for those that people changed, and empty
/// ones of the rows that were discovered. Even a status that somebody entered stays, and is told as drift.
fn only_what_is_empty_was_filled(before: &Picture, after: &Picture, edited: &BTreeSet<Changed>) {
    let mut changes = before.changes(after);
    for change in edited {
        assert!(changes.remove(change), "{change:?} was lost");
    }
    assert!(changes.contains(&("containers", 2, "container_id".to_owned())), "{changes:?}");
    assert_eq!(
        after.value("containers", 1, "status"),
        "RUNNING",
        "prod-web was stopped, and somebody had entered this"
    );
    for (table, id, column) in &changes {
        let was = before.value(table, *id, column);
        let discovered = match *table {
            "computes" => *id == 1,
            "containers" => [1, 2].contains(id),
            _ => false,
        };
        let empty = was.is_null() || was == "";
        let now = after.value(table, *id, column);
        assert!(discovered && empty, "{column} of {table} {id} was {was} and is {now}");
    }
    let untouched = before.untouched(after);
    for table in UNTOUCHED {
        assert!(untouched.contains(table), "something was written to {table}");
    }
}

#[test]
fn discovery_and_people_leave_an_existing_inventory_as_it_was() {
    live(Variant::AsItStands);
}

#[test]
fn an_inventory_with_unsigned_keys_lives_on() {
    live(Variant::UnsignedKeys);
}

#[test]
fn an_inventory_in_the_older_utf8_lives_on() {
    live(Variant::Utf8mb3);
}

#[test]
fn an_inventory_in_latin1_lives_on() {
    live(Variant::Latin1);
}

#[test]
fn an_inventory_with_tables_that_know_no_transactions_lives_on() {
    live(Variant::MyIsam);
}
