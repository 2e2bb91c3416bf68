//! Several datacenters with mixed environments.

use std::time::Duration;

use orchestrix_tests::{installation::Installation, readme::Shell, wait};
use serde_json::json;

use crate::HELPERS;

/// The environment of each compute that has one, with the reason why.
fn badges(installation: &Installation) -> Vec<String> {
    let computes = installation.list("computes");
    let badge = |compute: &serde_json::Value| {
        let environment = &compute["environments"][0];
        let reason = environment["reason"].as_str().unwrap_or("its own");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
        format!(
            "{} {} {reason} by {}",
            text(&compute["name"]),
            text(&environment["code"]),
            text(&environment["origin"])
        )
    };
    computes.iter().map(badge).collect()
}

fn wait_for(installation: &Installation, wanted: [&str; 3]) {
    wait::until(&format!("the environments to be {wanted:?}"), Duration::from_secs(90), || {
        let seen = badges(installation);
        wait::check(seen == wanted, || format!("{seen:#?}"))
    });
}

fn play(installation: &Installation) {
    let mut shell = Shell::new(installation, None);
    shell.play(HELPERS);
    shell.play("Medium: several datacenters");
    let wanted = ["web-1 PROD from datacenter Dhaka-DC1 by legacy", "web-2 STG its own by rule"];
    wait_for(installation, [wanted[0], wanted[1], "build-1 DEV from datacenter Dhaka-DC2 by legacy"]);
    assert_eq!(installation.list("computes?environment=PROD&inherited=false").len(), 0);

    // Another environment of the datacenter reaches what stands in it, but not the host that says otherwise of itself.
    let answer = installation.request("PATCH", "/api/v1/datacenters/2", Some(&json!({ "environmentId": 2 }))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    wait_for(installation, [wanted[0], wanted[1], "build-1 STG from datacenter Dhaka-DC2 by legacy"]);
}

#[test]
fn medium_several_datacenters_with_inherited_environments_on_sqlite() {
    play(&Installation::on_sqlite());
}

#[test]
fn medium_several_datacenters_with_inherited_environments_on_mariadb() {
    if let Some(installation) = Installation::on_mariadb() {
        play(&installation);
    }
}
