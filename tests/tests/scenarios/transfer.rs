//! An inventory that is brought along in spreadsheets, edited there, and seen as it was before.

use std::time::Duration;

use orchestrix_tests::{installation::Installation, readme::Shell, wait};

fn play(installation: &Installation) {
    let mut shell = Shell::new(installation, None);
    shell.play("Import and export");
    let computes = installation.list("computes");
    let notes = |name: &str| {
        let found = computes.iter().find(|compute| compute["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing: {computes:#?}"))["notes"].clone()
    };
    assert_eq!((notes("web-1"), notes("spare-1")), ("rack 5".into(), serde_json::Value::Null));
    assert!(!computes.iter().any(|compute| compute["name"] == "web-3"), "what is wrong is not half done");
    assert_eq!(installation.list("audit").iter().filter(|entry| entry["action"] == "inventory.import").count(), 2);

    the_tree_is_narrowed_and_told_of_the_past(installation);
}

/// The flags of `tree`, on a command that has no terminal.
fn the_tree_is_narrowed_and_told_of_the_past(installation: &Installation) {
    let tree = |flags: &[&str]| {
        let text = installation.cli(&[&["tree"][..], flags].concat()).ok();
        assert!(!text.contains('\u{1b}'), "no colours where no terminal is: {text:?}");
        text
    };
    // On MariaDB the numbers that the dry run took are a gap, and what is behind it is held back until it is final.
    let last = wait::until("the numbers to settle", Duration::from_secs(10), || {
        let last = installation.sequence().to_string();
        let text = tree(&["--as-of", &last]);
        if text.contains("spare-1") { Ok(last) } else { Err(text) }
    });
    let spare = installation.list("computes").into_iter().find(|compute| compute["name"] == "spare-1").unwrap();
    let path = format!("/api/v1/computes/{}", spare["id"]);
    let renamed = serde_json::json!({ "name": "attic-1" });
    assert_eq!(installation.request("PATCH", &path, Some(&renamed)).unwrap().status, 200);

    let now = tree(&[]);
    assert!(now.contains("attic-1") && !now.contains("spare-1"), "{now}");
    let then = tree(&["--as-of", &last]);
    assert!(then.contains("spare-1") && !then.contains("attic-1"), "{then}");
    let then = tree(&["--as-of", &last, "--datacenter", "attic", "--depth", "6"]);
    assert!(then.contains("spare-1") && !then.contains("web-1"), "{then}");
    let production = tree(&["--env", "PROD"]);
    assert!(production.contains("web-1") && !production.contains("attic"), "{production}");
    let clouds = tree(&["--partner", "self", "--depth", "2"]);
    assert!(clouds.contains("Main Cloud  cloud") && !clouds.contains("Europe"), "{clouds}");
    let nothing = tree(&["--env", "PROD", "--datacenter", "Attic"]);
    assert!(nothing.starts_with("Nothing fits these flags."), "{nothing}");
    for (flags, code, words) in [
        (["--env", "PRD"], 64, &["PRD", "nearest: PROD"][..]),
        (["--partner", "slef"], 64, &["slef", "nearest: self"]),
        (["--as-of", "999999"], 1, &["lies in the future"]),
    ] {
        let ran = installation.cli(&[&["tree"][..], &flags].concat());
        let _ = ran.refused(code, words);
    }
}

#[test]
fn an_inventory_comes_in_goes_out_and_is_seen_as_it_was_on_sqlite() {
    play(&Installation::on_sqlite());
}

#[test]
fn an_inventory_comes_in_goes_out_and_is_seen_as_it_was_on_mariadb() {
    if let Some(installation) = Installation::on_mariadb() {
        play(&installation);
    }
}
