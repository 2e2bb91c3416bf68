//! The query that the existing front end sends, on the existing installation's database.

use std::path::{Path, PathBuf};

use super::*;
use crate::{
    query::{
        nested::{Limits, answer},
        testing::TestDb,
    },
    store,
};

/// The dump of an existing installation, which lies beside the tree.
fn dump() -> Option<String> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(Path::to_path_buf);
    let mut places = above.map(|folder: PathBuf| folder.join("shared/fixtures/legacy-orchestrix.sql"));
    let found = places.find(|place| place.exists());
    if found.is_none() {
        println!("SKIPPED legacy dump: no shared/fixtures/legacy-orchestrix.sql above the tree");
    }
    found.map(|place| std::fs::read_to_string(place).unwrap())
}

/// The statements of a dump, without comments.
fn statements(dump: &str) -> Vec<String> {
    let lines = dump.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    text.split(";\n").map(|one| one.trim().trim_end_matches(';').to_owned()).filter(|one| !one.is_empty()).collect()
}

fn front_end(first: Json, second: Json) -> [Json; 2] {
    let page = json!({ "limit": 10, "offset": 0 });
    let root = |include: Json| json!({ "kind": "partner", "criteria": { "name": "self" }, "page": page, "include": [include] });
    [root(first), root(second)]
}

/// Every level is filled, with the page limits that the front end sends.
async fn is_answered(db: &Db) {
    let page = |limit: u16| json!({ "limit": limit, "offset": 0 });
    let [environments, hierarchy] = front_end(
        json!({ "kind": "environment", "page": page(20), "include": [{ "kind": "environmentassociation", "page": page(50) }] }),
        json!({ "kind": "cloud", "page": page(20), "include": [{ "kind": "region", "page": page(20), "include": [
            { "kind": "availabilityzone", "page": page(20), "include": [{ "kind": "datacenter", "page": page(50), "include": [
                { "kind": "compute", "page": page(100) }, { "kind": "networkdevice", "page": page(100) }] }] }] }] }),
    );
    let told = answer(db, now(), &environments, Limits::default()).await.unwrap();
    assert_eq!((told.data.len(), told.statements), (1, 3));
    let of_partner = told.data[0]["environments"].as_array().unwrap();
    let codes: Vec<&str> = of_partner.iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["PROD", "STG", "DEV", "TEST"]);
    let on = |code: &str| -> Vec<Json> {
        let environment = of_partner.iter().find(|one| one["code"] == code).unwrap();
        let associations = environment["environmentassociations"].as_array().unwrap();
        associations.iter().map(|one| json!([one["resourceType"], one["resourceId"], one["isPrimary"]])).collect()
    };
    assert_eq!(on("PROD"), [json!(["datacenter", 1, true])]);
    assert_eq!(on("DEV"), [json!(["datacenter", 2, true])]);

    let told = answer(db, now(), &hierarchy, Limits::default()).await.unwrap();
    assert_eq!((told.data.len(), told.statements), (1, 7));
    let names = |row: &Json, list: &str| -> Vec<String> {
        row[list].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let cloud = &told.data[0]["clouds"][0];
    let zone = &cloud["regions"][0]["availabilityzones"][0];
    assert_eq!(names(&told.data[0], "clouds"), ["Main Cloud"]);
    assert_eq!(names(cloud, "regions"), ["Bangladesh Central"]);
    assert_eq!(names(&cloud["regions"][0], "availabilityzones"), ["BD-Central-1A"]);
    assert_eq!(names(zone, "datacenters"), ["Dhaka-DC1", "Dhaka-DC2", "Singapore-DR"]);
    assert_eq!(names(&zone["datacenters"][0], "computes"), ["prod-server-01", "shared-server-01"]);
    assert_eq!(names(&zone["datacenters"][0], "networkdevices"), ["core-router-1"]);
    assert_eq!(names(&zone["datacenters"][1], "computes"), ["dev-vm-01"]);
    assert_eq!(zone["datacenters"][0]["computes"][0]["notes"], "entered by hand: keep");

    let tagged = json!({ "kind": "compute", "select": ["name"], "criteria": { "tags": { "tier": "gold" } } });
    let tagged = answer(db, now(), &tagged, Limits::default()).await.unwrap();
    assert_eq!(tagged.data, vec![json!({ "name": "prod-server-01" })]);
    let produced =
        json!({ "kind": "compute", "select": ["name"], "criteria": { "environment": "PROD" }, "sort": "name" });
    let produced = answer(db, now(), &produced, Limits::default()).await.unwrap();
    assert_eq!(produced.data, vec![json!({ "name": "prod-server-01" }), json!({ "name": "shared-server-01" })]);
    guide::is_true(db).await;
}

#[tokio::test]
async fn the_front_ends_query_is_answered_on_an_existing_database() {
    let (Some(dump), Some(test)) = (dump(), TestDb::empty_mariadb().await) else { return };
    for statement in statements(&dump) {
        run(&test.db, &statement, vec![]).await;
    }
    store::migrate(&test.db).await.unwrap();
    crate::environment::copy_legacy(&test.db, now()).await.unwrap();
    is_answered(&test.db).await;
    test.close().await;
}

#[tokio::test]
async fn the_front_ends_query_is_answered_on_the_same_rows_in_sqlite() {
    let Some(dump) = dump() else { return };
    let test = TestDb::sqlite().await;
    for statement in statements(&dump).iter().filter(|statement| statement.starts_with("INSERT")) {
        run(&test.db, statement, vec![]).await;
    }
    crate::environment::copy_legacy(&test.db, now()).await.unwrap();
    is_answered(&test.db).await;
    test.close().await;
}

/// The examples of the guide for users.
mod guide {
    use super::*;

    const GUIDE: &str = include_str!("../../../QUERY.md");

    /// Requests in the guide, each followed by what it says of the answer.
    fn examples() -> Vec<(Json, Option<Json>)> {
        let mut examples: Vec<(Json, Option<Json>)> = Vec::new();
        for block in GUIDE.split("```json").skip(1) {
            let (kind, rest) = block.split_once('\n').unwrap();
            let content = rest.split("```").next().unwrap();
            let content: Json = serde_json::from_str(content).unwrap_or_else(|error| panic!("{content}: {error}"));
            match kind.trim() {
                "request" => examples.push((content, None)),
                "data" => examples.last_mut().unwrap().1 = Some(content),
                other => panic!("a block of json is a request or data, not {other:?}"),
            }
        }
        examples
    }

    pub(super) async fn is_true(db: &Db) {
        let examples = examples();
        assert!(examples.len() >= 10, "{} examples", examples.len());
        for (request, data) in examples {
            let told = answer(db, now(), &request, Limits::default()).await;
            let told = told.unwrap_or_else(|error| panic!("{request}: {error:?}"));
            assert!(!told.data.is_empty(), "{request}");
            if let Some(data) = data {
                assert_eq!(Json::from(told.data), data, "{request}");
            }
        }
    }
}
