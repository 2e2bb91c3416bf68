//! Regions that are strictly separated.

use orchestrix_tests::{installation::Installation, readme::Shell};

use crate::HELPERS;

fn play(installation: &Installation) {
    let mut shell = Shell::new(installation, None);
    shell.play(HELPERS);
    shell.play("Large: regions, strictly separated");
    // The hosts are in order again, and the rule is still there to find the next one.
    let rules = installation.list("environment-rules");
    assert!(rules.iter().any(|rule| rule["name"] == "production apart" && rule["enabled"] == true), "{rules:#?}");
    let back = serde_json::json!({ "computeId": 1 });
    let answer = installation.request("PATCH", "/api/v1/containers/1", Some(&back)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let violations = installation.get("/api/v1/environment-violations");
    assert_eq!(violations["items"][0]["computeName"], "eu-1", "{violations:#}");
}

#[test]
fn large_a_rule_of_separation_reports_who_breaks_it_on_sqlite() {
    play(&Installation::on_sqlite());
}

#[test]
fn large_a_rule_of_separation_reports_who_breaks_it_on_mariadb() {
    if let Some(installation) = Installation::on_mariadb() {
        play(&installation);
    }
}
