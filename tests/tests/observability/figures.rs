//! The dashboard and the alerts ask only for what there is.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use orchestrix_common::metric::{Metric, MetricKind};
use orchestrix_tests::{part, programs};
use serde_json::Value;

/// A file of `deploy`.
fn deployed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All metrics of both programs; where both have one, the labels are the same.
fn metrics() -> BTreeMap<&'static str, &'static Metric> {
    let both = orchestrix_collector::metrics::all().chain(orchestrix_agent::metrics::all());
    both.map(|metric| (metric.name, metric)).collect()
}

/// Expressions of the dashboard's panels.
fn of_dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&deployed("grafana/orchestrix.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// Expressions of the alerts: what stands behind `expr:`, up to the next key of the rule.
fn of_alerts() -> Vec<String> {
    let text = deployed("prometheus/alerts.yml");
    let rules = text.split("        expr:").skip(1);
    let ends = ["        for:", "        labels:"];
    rules
        .map(|rule| {
            ends.iter().filter_map(|end| rule.split(end).next()).min_by_key(|part| part.len()).unwrap().to_owned()
        })
        .collect()
}

/// What is wrong with the metrics and labels that an expression names.
fn problems_of(expression: &str, metrics: &BTreeMap<&str, &Metric>) -> Vec<String> {
    let mut problems = Vec::new();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = expression;
    while let Some(start) = ["orchestrix_", "process_"].iter().filter_map(|prefix| rest.find(prefix)).min() {
        let behind = &rest[start..];
        let end = behind.find(|letter| !is_word(letter)).unwrap_or(behind.len());
        let name = &behind[..end];
        rest = &behind[end..];
        let family = ["_bucket", "_sum", "_count"].iter().filter_map(|ending| name.strip_suffix(ending));
        let mut family =
            family.filter(|family| metrics.get(family).is_some_and(|metric| metric.kind == MetricKind::Histogram));
        let Some(metric) = metrics.get(family.next().unwrap_or(name)) else {
            problems.push(format!("{name} is no metric"));
            continue;
        };
        let matchers = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        for matcher in matchers.split("\",").filter(|matcher| !matcher.is_empty()) {
            let label = matcher.trim().split(|letter| !is_word(letter)).next().unwrap_or_default();
            let known = ["job", "instance"].contains(&label) || metric.labels.iter().any(|(name, _)| *name == label);
            if !known {
                problems.push(format!("{name} has no label {label}"));
            }
        }
    }
    problems
}

#[test]
fn dashboard_and_alerts_name_only_metrics_and_labels_that_exist() {
    let metrics = metrics();
    let (dashboard, alerts) = (of_dashboard(), of_alerts());
    assert!(dashboard.len() > 30 && alerts.len() > 20, "{} {}", dashboard.len(), alerts.len());
    let problems: Vec<String> =
        dashboard.iter().chain(&alerts).flat_map(|expression| problems_of(expression, &metrics)).collect();
    assert_eq!(problems, Vec::<String>::new());
    // The check itself sees what is wrong.
    assert_eq!(problems_of("rate(orchestrix_no_total[5m])", &metrics), ["orchestrix_no_total is no metric"]);
    let wrong = "sum(orchestrix_fleet_agents{job=~\"a\",colour=\"red\"})";
    assert_eq!(problems_of(wrong, &metrics), ["orchestrix_fleet_agents has no label colour"]);
}

#[test]
fn the_dashboard_can_be_imported_anywhere() {
    let dashboard: Value = serde_json::from_str(&deployed("grafana/orchestrix.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39);
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: std::collections::BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "identifiers of panels are not unique");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|variable| variable["name"] == "datasource" && variable["type"] == "datasource"));
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{}", panel["title"]);
    }
    let rows: Vec<&str> =
        panels.iter().filter(|it| it["type"] == "row").filter_map(|it| it["title"].as_str()).collect();
    for part in ["Fleet", "Sessions", "Reports", "Database", "Certificates", "Agents"] {
        assert!(rows.iter().any(|row| row.starts_with(part)), "{part} in {rows:?}");
    }
}

#[test]
fn prometheus_itself_takes_the_rules_and_the_expressions() {
    let Some(promtool) = super::scrape::promtool() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Each expression of the dashboard as a rule, with Grafana's variables filled in.
    let rules: String = of_dashboard().iter().enumerate().fold(
        "groups:\n  - name: dashboard\n    rules:\n".to_owned(),
        |text, (index, expression)| {
            let expression = expression.replace("$job", ".*").replace("$__rate_interval", "5m");
            text + &format!("      - record: panel:expression:{index}\n        expr: {}\n", Value::from(expression))
        },
    );
    let file = folder.path().join("dashboard.yml");
    fs::write(&file, rules).unwrap();
    let alerts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus/alerts.yml");
    let mut command = std::process::Command::new(promtool);
    command.args(["check", "rules"]).args([alerts, file]);
    let said = programs::run_command(command, Duration::from_secs(60)).ok();
    assert_eq!(said.matches("SUCCESS").count(), 2, "{said}");
    part::measured(&format!(
        "rules: {} alerts, {} expressions of the dashboard",
        of_alerts().len(),
        of_dashboard().len()
    ));
}
