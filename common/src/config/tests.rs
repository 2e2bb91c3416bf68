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
    clusters: Vec<Cluster>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cluster {
    uid: String,
    keys: PathBuf,
    #[serde(default)]
    weight: u32,
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
    Loader::new().toml(Path::new("/etc/x.toml"), text)
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
        ("colector", "/etc/x.toml, line 1"),
        ("heartbeat_secs", "/etc/x.toml, line 2"),
        ("programs[1]", "/etc/x.toml, line 3"),
        ("log.format", "/etc/x.toml, line 5"),
        ("log.colour", "/etc/x.toml, line 6"),
        ("verbose", "$ORCHESTRIX_VERBOSE"),
    ] {
        let begin = format!("{key} (from {origin}): ");
        assert!(found.iter().any(|line| line.starts_with(&begin)), "{begin} is not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
    // From top to bottom.
    assert!(found[0].starts_with("colector") && found[4].starts_with("log.colour"), "{found:#?}");
}

#[test]
fn an_unknown_key_is_told_the_nearest_one() {
    let found = problems(file("colector = 'a'\nwhatever = 3\n[log]\nlevle = 'info'"));
    assert_eq!(
        found,
        [
            "colector (from /etc/x.toml, line 1): there is no such key; did you mean \"collector\"?",
            "whatever (from /etc/x.toml, line 2): there is no such key; expected one of collector, heartbeat_secs, log, \
             programs, verbose, clusters",
            "log.levle (from /etc/x.toml, line 4): there is no such key; did you mean \"level\"?",
        ]
    );
}

#[test]
fn problems_in_lists_are_found_in_every_element_with_the_number_it_has_in_the_file() {
    let text = "programs = [1, 'a', 2]\n[[clusters]]\nuid = 7\ncolour = 'red'\n[[clusters]]\n[[clusters]]\nuid = 'x'\n\
                keys = 'y'\nweight = 'heavy'";
    let found = problems(file(text));
    let begins: Vec<_> = found.iter().map(|line| line.split(')').next().unwrap()).collect();
    assert_eq!(
        begins,
        [
            "programs[0] (from /etc/x.toml, line 1",
            "programs[2] (from /etc/x.toml, line 1",
            "clusters[0].keys (from /etc/x.toml, line 2",
            "clusters[0].uid (from /etc/x.toml, line 3",
            "clusters[0].colour (from /etc/x.toml, line 4",
            "clusters[1].uid (from /etc/x.toml, line 5",
            "clusters[1].keys (from /etc/x.toml, line 5",
            "clusters[2].weight (from /etc/x.toml, line 9",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_variable_for_a_table_of_another_program_is_passed_over() {
    let loaded = Loader::new()
        .environment(variables(&[("ORCHESTRIX_API__ADDRESS", "x"), ("ORCHESTRIX_API__TLS__FILE", "y")]))
        .load::<Raw>();
    assert_eq!(loaded.problems, Problems::default());
    assert_eq!(loaded.ignored, ["ORCHESTRIX_API__ADDRESS", "ORCHESTRIX_API__TLS__FILE"]);
}

#[test]
fn a_secret_is_a_file_or_a_credential_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("full"), "secret\n").unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let with = |text: &str| {
        let credentials = folder.path().to_str().unwrap();
        file(text).environment(variables(&[("CREDENTIALS_DIRECTORY", credentials)])).load::<Raw>()
    };
    let mut loaded = with("");
    assert_eq!(loaded.secret_file("k", None, "full"), Some(folder.path().join("full")));
    assert_eq!(loaded.secret_file("k", None, "empty"), None);
    assert_eq!(loaded.secret_file("k", None, "missing"), None);
    assert_eq!(loaded.secret_file("k", Some("%d/other".into()), "full"), Some(folder.path().join("other")));
    assert_eq!(loaded.secret_file("k", Some("/a/b".into()), "full"), Some("/a/b".into()));
    assert!(loaded.problems.is_empty());
    let mut bare = file("").load::<Raw>();
    assert_eq!(bare.secret_file("k", None, "full"), None);
    assert_eq!(bare.secret_file("k", Some("%d/other".into()), "full"), None);
    assert!(bare.problems.concern("k"));
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
fn syntax_errors_name_their_lines_and_hide_nothing_else() {
    let found = problems(file("verbose = 3\ncollector = \n[log]\nlevel = 'info\ncolour = true\n"));
    assert_eq!(found.len(), 4, "{found:#?}");
    for (line, begin) in found.iter().zip([
        "verbose (from /etc/x.toml, line 1): ",
        "/etc/x.toml, line 2: ",
        "/etc/x.toml, line 4: ",
        "log.colour (from /etc/x.toml, line 5): ",
    ]) {
        assert!(line.starts_with(begin), "{found:#?}");
    }
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
    assert_eq!(problems, "collector (from /etc/x.toml, line 1): must be HOST:PORT\nheartbeat_secs: must be set");
}
