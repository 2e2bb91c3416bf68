use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    collector: Option<String>,
    heartbeat_secs: u32,
    log: Log,
    programs: Vec<String>,
    verbose: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Log {
    level: String,
    format: Format,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Human,
    Json,
}

fn file(text: &str) -> Loader {
    Loader::new().toml(Origin::File(PathBuf::from("/etc/x.toml")), text)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn problems(loader: Loader) -> Vec<String> {
    loader.load::<Raw>().problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_later_place_wins() {
    let loaded = file("collector = 'file'\nheartbeat_secs = 1\n[log]\nlevel = 'info'\nformat = 'json'")
        .environment(variables(&[("ORCHESTRIX_COLLECTOR", "environment"), ("ORCHESTRIX_HEARTBEAT_SECS", "2")]))
        .flag("--collector", "collector", Some("flag"))
        .flag("--nothing", "verbose", None::<bool>)
        .load::<Raw>();
    assert_eq!(loaded.problems, Problems::default());
    assert_eq!(
        loaded.value,
        Raw {
            collector: Some("flag".into()),
            heartbeat_secs: 2,
            log: Log { level: "info".into(), format: Format::Json },
            ..Raw::default()
        }
    );
}

#[test]
fn every_problem_is_reported_with_its_key_and_its_origin() {
    let found = problems(
        file("colector = 'a'\nheartbeat_secs = 'often'\nprograms = ['a', 3]\n[log]\nformat = 'xml'\ncolour = true")
            .environment(variables(&[("ORCHESTRIX_VERBOSE", "perhaps")])),
    );
    for (key, origin) in [
        ("colector", "/etc/x.toml"),
        ("heartbeat_secs", "/etc/x.toml"),
        ("programs[1]", "/etc/x.toml"),
        ("log.format", "/etc/x.toml"),
        ("log.colour", "/etc/x.toml"),
        ("verbose", "$ORCHESTRIX_VERBOSE"),
    ] {
        let begin = format!("{key} (from {origin}): ");
        assert!(found.iter().any(|line| line.starts_with(&begin)), "{begin} is not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn a_number_in_the_environment_is_text_where_text_is_wanted() {
    let loaded = Loader::new()
        .environment(variables(&[
            ("ORCHESTRIX_COLLECTOR", "7443"),
            ("ORCHESTRIX_PROGRAMS", r#"["nginx"]"#),
            ("ORCHESTRIX_LOG", "debug"),
        ]))
        .load::<Raw>();
    assert_eq!(loaded.problems, Problems::default());
    assert_eq!(loaded.value.collector.as_deref(), Some("7443"));
    assert_eq!(loaded.value.programs, ["nginx"]);
    assert_eq!(loaded.value.log.level, "debug");
}

#[test]
fn a_variable_of_another_program_is_passed_over_but_listed() {
    let loaded = file("verbose = true")
        .environment(variables(&[("ORCHESTRIX_DATABASE_URL", "mysql://x"), ("PATH", "/bin"), ("ORCHESTRIX_", "")]))
        .load::<Raw>();
    assert_eq!(loaded.problems, Problems::default());
    assert_eq!(loaded.ignored, ["ORCHESTRIX_DATABASE_URL"]);
    assert!(loaded.value.verbose);
}

#[test]
fn a_syntax_error_names_its_line() {
    let found = problems(file("verbose = true\ncollector = \n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("/etc/x.toml: line 2: "), "{found:#?}");
}

#[test]
fn a_missing_file_is_a_problem_with_its_path() {
    let found = problems(Loader::new().file(Path::new("/nonexistent/agent.toml")));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("/nonexistent/agent.toml: cannot be read: "), "{found:#?}");
}

#[test]
fn a_checked_value_is_blamed_on_its_origin() {
    let mut loaded = file("collector = ''\n").load::<Raw>();
    loaded.problem("collector", "must be HOST:PORT");
    loaded.problem("heartbeat_secs", "must be set");
    let problems = loaded.into_result().unwrap_err().to_string();
    assert_eq!(problems, "collector (from /etc/x.toml): must be HOST:PORT\nheartbeat_secs: must be set");
}
