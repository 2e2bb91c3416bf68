//! The collector's configuration: TOML file, environment and flags, checked as a whole.
//!
//! `deploy/examples/collector.toml` shows every key with its default.

mod file;

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use file::{Raw, RawAgents, RawApi, RawCluster, RawHistory, RawTelemetry};
use orchestrix_common::{
    config::{Loaded, Loader, Problems, Reference},
    log::LogConfig,
    pki::TrustDomain,
};

use crate::pki::RegisteredCluster;

/// The file that is read when no other place is named.
pub const DEFAULT_FILE: &str = "/etc/orchestrix/collector.toml";

/// Folder with what the unit passes on as credentials, under the names of those.
pub const SECRETS: &str = "/etc/orchestrix";

/// Credential of the unit that may hold the address of the database.
const DATABASE_CREDENTIAL: &str = "database-url";

/// Keys that a reload takes over; all others count from the next start.
pub const RELOADED: [&str; 3] = ["history", "kubernetes", "log.level"];

/// A configuration without known problems.
#[derive(Clone)]
pub struct Config {
    /// Folder for the embedded database, the sealing key and the admin token.
    pub data_dir: PathBuf,
    /// Address of the inventory database. It may hold a password: it is never logged.
    pub database_url: String,
    /// The side that agents see.
    pub agents: AgentsConfig,
    /// The side that people and programs see.
    pub api: ApiConfig,
    /// Kubernetes clusters whose agents enrol by their service account.
    pub clusters: Vec<RegisteredCluster>,
    /// What is kept of the past.
    pub history: HistoryConfig,
    /// Logging.
    pub log: LogConfig,
    /// Traces.
    pub telemetry: TelemetryConfig,
}

/// Traces.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetryConfig {
    /// Who receives them; `None` for nobody.
    pub otlp_endpoint: Option<String>,
    /// Part of the traces that are told, 0 to 1.
    pub sample_ratio: f64,
}

/// What is kept of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// How long changes are kept, and so how far back the inventory can be read as it was; `None` for ever.
    pub keep: Option<Duration>,
}

/// The side that agents see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentsConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// Trust domain of the SPIFFE identities; fixed by the first start.
    pub trust_domain: TrustDomain,
    /// Mean time between two heartbeats of an agent.
    pub heartbeat: Duration,
    /// Sessions that may be opened at the same time; further ones wait.
    pub opening_sessions: usize,
    /// Sessions that may wait to be opened; further ones are told when to come back.
    pub waiting_sessions: usize,
}

/// The side that people and programs see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where to listen.
    pub address: SocketAddr,
    /// What TLS is spoken with; `None` for plain HTTP.
    pub certificate: Option<CertificateFiles>,
}

/// A certificate chain and its key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the leaf first.
    pub certificate: PathBuf,
    /// The key of the leaf.
    pub key: PathBuf,
}

impl Config {
    /// Keys and tables of keys that differ from those of the running collector and count from its next start.
    #[must_use]
    pub fn waits_for_a_start(&self, running: &Self) -> Vec<&'static str> {
        let Self { data_dir, database_url, agents, api, clusters: _, history: _, log, telemetry } = self;
        let differ = [
            ("data_dir", *data_dir != running.data_dir),
            ("database_url", *database_url != running.database_url),
            ("agents", *agents != running.agents),
            ("api", *api != running.api),
            ("log.format", log.format != running.log.format),
            ("telemetry", *telemetry != running.telemetry),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// Takes over what counts from now on; the rest stays, so that it is told again at the next reload.
    pub fn take_over(&mut self, next: Self) {
        let Self { clusters, history, log, .. } = next;
        self.log.level = log.level;
        self.clusters = clusters;
        self.history = history;
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_dir, database_url: _, agents, api, clusters, history, log, telemetry } = self;
        f.debug_struct("Config")
            .field("data_dir", data_dir)
            .field("agents", agents)
            .field("api", api)
            .field("clusters", clusters)
            .field("history", history)
            .field("log", log)
            .field("telemetry", telemetry)
            .finish_non_exhaustive()
    }
}

/// Checks what a loader gathered. Returns the configuration and the environment variables that name no key.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(loader: Loader) -> Result<(Config, Vec<String>), Problems> {
    let mut loaded: Loaded<Raw> = loader.load();
    let raw = std::mem::take(&mut loaded.value);
    let data_dir = raw.data_dir;
    if data_dir.as_os_str().is_empty() {
        loaded.problem("data_dir", "is empty, expected a folder");
    }
    let file = match (&raw.database_url, raw.database_url_file) {
        // Who names the database means that one, whatever the unit was given.
        (Some(_), None) => None,
        (_, file) => loaded.secret_file("database_url_file", file, DATABASE_CREDENTIAL),
    };
    let database_url = database_url(&mut loaded, &data_dir, raw.database_url, file.as_deref());
    if let Err(error) = raw.log.check() {
        loaded.problem("log.level", error.to_string());
    }
    let config = Config {
        database_url,
        data_dir,
        agents: agents(&mut loaded, raw.agents),
        api: api(&mut loaded, raw.api),
        clusters: raw.kubernetes.into_iter().enumerate().map(|(index, raw)| cluster(&mut loaded, index, raw)).collect(),
        history: history(&mut loaded, &raw.history),
        log: raw.log,
        telemetry: telemetry(&mut loaded, raw.telemetry),
    };
    let ignored = std::mem::take(&mut loaded.ignored);
    loaded.into_result().map(|_| (config, ignored))
}

/// The reference of all keys, as Markdown.
#[must_use]
pub fn reference() -> String {
    let introduction = format!(
        "`{DEFAULT_FILE}`, or the file that `--config` names. A reload takes over the keys marked so; the others are told \
         in the log when they differ and count from the next start."
    );
    Reference { program: "orchestrix-collector", introduction: &introduction, reloaded: &RELOADED }.of::<Raw>()
}

fn agents(loaded: &mut Loaded<Raw>, raw: RawAgents) -> AgentsConfig {
    let RawAgents { address: listen, trust_domain, heartbeat_secs, opening_sessions, waiting_sessions } = raw;
    if !(1..=3_600).contains(&heartbeat_secs) {
        loaded.problem("agents.heartbeat_secs", format!("is {heartbeat_secs}, expected 1 to 3600"));
    }
    let trust_domain = trust_domain.parse().unwrap_or_else(|_| {
        loaded.problem("agents.trust_domain", "expected lower case letters, digits, dots, dashes and underscores");
        TrustDomain::default()
    });
    for (key, count) in [("agents.opening_sessions", opening_sessions), ("agents.waiting_sessions", waiting_sessions)] {
        if !(1..=100_000).contains(&count) {
            loaded.problem(key, format!("is {count}, expected 1 to 100000"));
        }
    }
    AgentsConfig {
        address: address(loaded, "agents.address", &listen),
        trust_domain,
        heartbeat: Duration::from_secs(heartbeat_secs),
        opening_sessions,
        waiting_sessions,
    }
}

fn api(loaded: &mut Loaded<Raw>, raw: RawApi) -> ApiConfig {
    let RawApi { address: listen, certificate_file, key_file } = raw;
    let key_file = key_file.and_then(|file| loaded.secret_file("api.key_file", Some(file), ""));
    let certificate = match (certificate_file, key_file) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            loaded.problem("api.key_file", "is missing beside api.certificate_file");
            None
        }
        (None, Some(_)) => {
            loaded.problem("api.certificate_file", "is missing beside api.key_file");
            None
        }
    };
    ApiConfig { address: address(loaded, "api.address", &listen), certificate }
}

fn cluster(loaded: &mut Loaded<Raw>, index: usize, raw: RawCluster) -> RegisteredCluster {
    let RawCluster { cluster_uid: uid, keys_file, issuer, audience, namespace, service_account } = raw;
    let texts = [
        ("cluster_uid", &uid),
        ("issuer", &issuer),
        ("audience", &audience),
        ("namespace", &namespace),
        ("service_account", &service_account),
    ];
    for (name, _) in texts.iter().filter(|(_, text)| text.trim().is_empty()) {
        loaded.problem(&format!("kubernetes[{index}].{name}"), "is empty".to_owned());
    }
    if let Err(error) = fs::metadata(&keys_file) {
        let message = format!("{} cannot be read: {error}", keys_file.display());
        loaded.problem(&format!("kubernetes[{index}].keys_file"), message);
    }
    RegisteredCluster { uid, issuer, audience, keys_file, namespace, service_account }
}

fn history(loaded: &mut Loaded<Raw>, raw: &RawHistory) -> HistoryConfig {
    let RawHistory { keep_days } = *raw;
    if keep_days > 36_500 {
        loaded.problem("history.keep_days", format!("is {keep_days}, expected 1 to 36500, or 0 to keep all"));
    }
    HistoryConfig { keep: (keep_days > 0).then(|| Duration::from_secs(keep_days.min(36_500) * 86_400)) }
}

fn telemetry(loaded: &mut Loaded<Raw>, raw: RawTelemetry) -> TelemetryConfig {
    let RawTelemetry { otlp_endpoint, sample_ratio } = raw;
    if let Some(endpoint) = &otlp_endpoint {
        let uri = endpoint.parse::<http::Uri>().ok();
        let fits = uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.port().is_some() && uri.path() == "/");
        // A password has no business in it, and would be told here.
        if !fits || endpoint.contains('@') {
            let key = "telemetry.otlp_endpoint";
            loaded.problem(key, "expected http://HOST:PORT, for example http://127.0.0.1:4317".to_owned());
        }
    }
    if !(0.0..=1.0).contains(&sample_ratio) {
        loaded.problem("telemetry.sample_ratio", format!("is {sample_ratio}, expected 0 to 1"));
    }
    TelemetryConfig { otlp_endpoint, sample_ratio }
}

fn address(loaded: &mut Loaded<Raw>, key: &str, text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|_| {
        loaded.problem(key, format!("{text:?} is no address with a port, expected for example 127.0.0.1:7480"));
        SocketAddr::from(([127, 0, 0, 1], 0))
    })
}

/// The address of the database: given, read from a file that only the collector can read, or embedded.
fn database_url(loaded: &mut Loaded<Raw>, data_dir: &Path, url: Option<String>, file: Option<&Path>) -> String {
    let (key, url) = match (url, file) {
        (Some(_), Some(_)) => {
            loaded.problem("database_url_file", "is set beside database_url; expected one of them");
            return String::new();
        }
        (Some(url), None) => ("database_url", url),
        (None, Some(file)) => match fs::read_to_string(file) {
            Ok(text) => ("database_url_file", text.trim().to_owned()),
            Err(error) => {
                loaded.problem("database_url_file", format!("{} cannot be read: {error}", file.display()));
                return String::new();
            }
        },
        (None, None) => return format!("sqlite://{}", data_dir.join("inventory.db").display()),
    };
    let known = ["sqlite://", "mysql://", "mariadb://"];
    if !known.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
        // The text itself may hold a password.
        loaded.problem(key, "expected sqlite://PATH or mysql://USER:PASSWORD@HOST/NAME");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Loader {
        Loader::new().toml(Path::new("collector.toml"), text)
    }

    #[test]
    fn the_example_shows_every_key_with_its_default() {
        let example = include_str!("../../deploy/examples/collector.toml");
        let plain = load(Loader::new()).unwrap().0;
        assert_eq!(format!("{:?}", load(file(example)).unwrap().0), format!("{plain:?}"));
        // With the comment signs in front of keys taken away it still holds nothing unknown.
        let all: String =
            example.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        for line in reference().lines().filter_map(|line| line.strip_prefix("| `")) {
            let key = line.split('`').next().unwrap();
            assert!(all.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
        }
        assert!(file(&all).load::<Raw>().problems.is_empty());
    }

    #[test]
    fn the_reference_is_up_to_date() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/CONFIG.md");
        let written = fs::read_to_string(&file).unwrap();
        let wanted = orchestrix_common::config::replaced(&written, "orchestrix-collector", &reference());
        if std::env::var_os("ORCHESTRIX_UPDATE_REFERENCE").is_some() {
            fs::write(file, &wanted).unwrap();
        } else {
            assert!(wanted == written, "deploy/CONFIG.md is out of date: run deploy/reference");
        }
    }

    #[test]
    fn the_address_of_the_database_can_be_a_credential_of_the_unit() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = |text: &str, credential: &str| {
            fs::write(folder.path().join(DATABASE_CREDENTIAL), credential).unwrap();
            let variable = ("CREDENTIALS_DIRECTORY".to_owned(), folder.path().to_str().unwrap().to_owned());
            load(file(text).environment([variable])).unwrap().0.database_url
        };
        assert_eq!(loaded("", "mysql://me:secret@db/x\n"), "mysql://me:secret@db/x");
        assert_eq!(loaded("data_dir = '/d'", "\n"), "sqlite:///d/inventory.db");
        assert_eq!(loaded("database_url = 'mysql://b/y'", "mysql://a/x"), "mysql://b/y");
        assert_eq!(loaded("database_url_file = '%d/database-url'", "mysql://a/x"), "mysql://a/x");
    }

    #[test]
    fn all_problems_are_reported_together_with_their_keys() {
        let loader = file("[agents]\naddress = 'here'\nheartbeat_secs = 0\nspeed = 3\n[log]\nlevel = 'a=b=c'")
            .flag("--database-url", "database_url", Some("postgres://me:secret@db/x"))
            .flag("--api", "api.address", Some("7480"));
        let problems = load(loader).unwrap_err().to_string();
        for key in [
            "agents.address (from collector.toml, line 2)",
            "agents.heartbeat_secs",
            "agents.speed",
            "log.level",
            "database_url (from --database-url)",
            "api.address (from --api)",
        ] {
            assert!(problems.contains(key), "{key} in\n{problems}");
        }
        assert!(!problems.contains("secret"), "{problems}");
    }

    #[test]
    fn traces_go_to_one_place_in_clear() {
        let with = |text: &str| load(file(&format!("[telemetry]\n{text}")));
        let config = with("otlp_endpoint = 'http://127.0.0.1:4317'\nsample_ratio = 0.25").unwrap().0.telemetry;
        assert_eq!((config.otlp_endpoint.as_deref(), config.sample_ratio), (Some("http://127.0.0.1:4317"), 0.25));
        for bad in ["127.0.0.1:4317", "https://x:4317", "http://x", "http://x:1/v1/traces", "http://me:secret@x:1"] {
            let problems = with(&format!("otlp_endpoint = {bad:?}")).unwrap_err().to_string();
            assert!(problems.contains("telemetry.otlp_endpoint") && !problems.contains("secret"), "{problems}");
        }
        assert!(with("sample_ratio = 1.5").unwrap_err().to_string().contains("telemetry.sample_ratio"));
    }

    #[test]
    fn what_a_reload_cannot_change_is_named() {
        let of = |text: &str| load(file(text)).unwrap().0;
        let mut running = of("");
        let next =
            of("[history]\nkeep_days = 1\n[log]\nlevel = 'debug'\nformat = 'json'\n[api]\naddress = '127.0.0.1:1'");
        assert_eq!(next.waits_for_a_start(&running), ["api", "log.format"]);
        running.take_over(next.clone());
        assert_eq!((running.history.clone(), running.log.level.as_str()), (next.history.clone(), "debug"));
        assert_eq!(next.waits_for_a_start(&running), ["api", "log.format"], "it is still to come");
    }

    #[test]
    fn the_embedded_database_lives_in_the_data_folder() {
        let (config, _) = load(Loader::new().flag("--data-dir", "data_dir", Some("/srv/x"))).unwrap();
        assert_eq!(config.database_url, "sqlite:///srv/x/inventory.db");
    }

    #[test]
    fn a_database_address_can_stand_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        fs::write(&path, "mysql://me:secret@db/inventory\n").unwrap();
        let text = format!("database_url_file = {:?}", path.to_str().unwrap());
        let (config, _) = load(file(&text)).unwrap();
        assert_eq!(config.database_url, "mysql://me:secret@db/inventory");
        assert!(!format!("{config:?}").contains("secret"));
    }
}
