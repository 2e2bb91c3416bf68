//! The collector's user of the database needs little, and is told what it lacks.

use orchestrix_tests::{
    agent::AgentProcess,
    installation::Installation,
    legacy::{self, Picture, Variant},
    wait,
};
use serde_json::json;

use crate::migrating::migrate;

/// What OPERATING.md says that the user needs: to migrate, and what of it from then on.
fn documented() -> [Vec<String>; 2] {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/OPERATING.md");
    let text = std::fs::read_to_string(path).unwrap();
    let list = |verb: &str, towards: &str| -> Vec<String> {
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(verb)?.split_once(towards));
        let (list, _) = lines.next().unwrap_or_else(|| panic!("OPERATING.md shows no {verb}…{towards}"));
        list.split(", ").map(str::to_owned).collect()
    };
    let all = list("GRANT ", " ON orchestrix.* TO");
    let given_back = list("REVOKE ", " ON orchestrix.* FROM");
    let lasting = all.iter().filter(|one| !given_back.contains(one)).cloned().collect();
    [all, lasting]
}

#[test]
fn the_documented_privileges_are_enough_and_none_is_too_many() {
    let Some(database) = legacy::load(Variant::AsItStands) else { return };
    let [all, lasting] = documented();
    let picture = Picture::of(&database);
    let user = database.user(&all.join(", "));

    // Each of them is needed: without it nothing is done, and its name is told.
    for privilege in &all {
        user.change(&format!("REVOKE {privilege}"));
        let whole = legacy::everything(&database);
        for flags in [&["--dry-run"][..], &[]] {
            let ran = migrate(&user.url(), flags);
            assert_eq!(ran.code, Some(1), "{ran:#?}");
            let line = ran.err.trim();
            let wanted = format!("GRANT {privilege} ON DATABASE.* TO {}", user.grantee());
            assert!(line.lines().count() == 1 && line.contains(&wanted), "without {privilege}: {line}");
        }
        assert_eq!(legacy::everything(&database), whole, "nothing was begun without {privilege}");
        user.change(&format!("GRANT {privilege}"));
    }

    let _ = migrate(&user.url(), &[]).ok();
    assert!(picture.changes(&Picture::of(&database)).is_empty());

    // From then on less will do, with everything that a collector does.
    user.change(&format!("REVOKE {}", all.join(", ")));
    user.change(&format!("GRANT {}", lasting.join(", ")));
    let mut installation = Installation::at(&user.url());
    let mut agent = AgentProcess::started(&installation, None);
    wait::until("the host to be in the inventory", orchestrix_tests::inventory::SOON, || {
        let agents = installation.list("agents");
        let compute = agents.first().map(|agent| agent["computeId"].clone()).unwrap_or_default();
        wait::check(compute.is_i64(), || format!("{agents:?}"))
    });
    let tag = json!({ "resourceType": "compute", "resourceId": 1, "tagKey": "rack", "tagValue": "b7" });
    assert_eq!(installation.request("POST", "/api/v1/tags", Some(&tag)).unwrap().status, 201);
    assert_eq!(installation.request("DELETE", "/api/v1/tags/compute/1/rack", None).unwrap().status, 204);
    agent.stop();
    installation.stop();

    for privilege in &lasting {
        user.change(&format!("REVOKE {privilege}"));
        installation.launch();
        let collector = installation.collector();
        let (status, log) = wait::until("the collector to end", orchestrix_tests::inventory::SOON, || {
            let ended = collector.has_ended();
            ended.map(|status| (status, collector.log_tail())).ok_or_else(|| collector.log_tail())
        });
        assert!(!status.success());
        assert!(log.contains(&format!("lacks {privilege}: GRANT {privilege} ON DATABASE.* TO")), "{log}");
        user.change(&format!("GRANT {privilege}"));
    }
}

#[test]
fn a_user_without_any_privilege_is_told_which_database_is_closed_to_it() {
    let Some(database) = legacy::load(Variant::AsItStands) else { return };
    let user = database.user("");
    let ran = migrate(&user.url(), &[]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.err.contains("Access denied") && ran.err.contains(database.name()), "{ran:#?}");
    assert!(!ran.err.contains("secret"), "a password is in the message: {ran:#?}");
}
