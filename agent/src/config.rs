//! The agent's configuration: what an operator may set, with defaults that need nothing but a collector's address.
//!
//! Order: defaults, file, environment (`ORCHESTRIX_` and the key in capitals, `__` between levels), flags. All problems
//! are reported together, each with its key. Secrets are never values here, only paths of files.

mod check;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use orchestrix_common::{
    config::{Loader, Problems, Reference},
    log::LogConfig,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use check::check;
pub(crate) use check::is_address;

/// Where the configuration is looked for when no file is named.
pub const DEFAULT_FILE: &str = "/etc/orchestrix/agent.toml";

/// Where a join token is looked for when nothing else is named.
pub const DEFAULT_TOKEN_FILE: &str = "/etc/orchestrix/join.token";

/// Credential of the unit that may hold the join token.
const TOKEN_CREDENTIAL: &str = "orchestrix.join-token";

/// Keys that cannot be changed while an agent runs: its log's form was chosen and its folder locked at the start.
pub const FIXED: [&str; 2] = ["state_dir", "log.format"];

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// Where the collector is, `HOST:PORT`. When not set, the one that `enroll` was told.
    pub collector: Option<String>,
    /// File that holds a join token, for a host that is not enrolled yet. When not set: the credential
    /// `orchestrix.join-token` of the unit, else `/etc/orchestrix/join.token`. `%d/NAME` is the credential NAME.
    pub token_file: Option<PathBuf>,
    /// File that holds the token of the pod's service account, for an agent in a Kubernetes cluster. It stands for a join
    /// token and needs `collector_pin`.
    pub service_account_token_file: Option<PathBuf>,
    /// Hash of the collector's CA, by which an agent without a join token recognises the collector, or several with `+`
    /// between them while one CA follows another; `orchestrix-collector token pin` prints it.
    pub collector_pin: Option<String>,
    /// Folder for the identity, the outbox and the status socket.
    pub state_dir: PathBuf,
    /// Bytes that reports may take on disk while the collector is away, at least 1048576. Past them the oldest history is
    /// dropped and counted; the current state is delivered whole all the same.
    pub outbox_max_bytes: u64,
    /// Priority among processes (nice(1)): 0 is normal, 19 the lowest. Without rights it can only be lowered.
    pub nice: u8,
    /// What the agent tells about itself.
    pub log: LogConfig,
    /// What is looked at.
    pub inspect: InspectConfig,
    /// What the agent may use itself before it warns.
    pub budget: BudgetConfig,
    /// Measurements for Prometheus; what they mean is in METRICS.md.
    pub metrics: MetricsConfig,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            collector: None,
            token_file: None,
            service_account_token_file: None,
            collector_pin: None,
            state_dir: PathBuf::from("/var/lib/orchestrix/agent"),
            outbox_max_bytes: 64 << 20,
            nice: 10,
            log: LogConfig::default(),
            inspect: InspectConfig::default(),
            budget: BudgetConfig::default(),
            metrics: MetricsConfig::default(),
        }
    }
}

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InspectConfig {
    /// The host itself.
    pub host: SwitchConfig,
    /// What the host can be used for.
    pub capability: SwitchConfig,
    /// Docker Engine.
    pub docker: EngineConfig,
    /// Podman's service.
    pub podman: EngineConfig,
    /// Processes.
    pub process: ProcessConfig,
    /// The cluster that this host is a node of.
    pub kubernetes: KubernetesConfig,
    /// Where the host's files are, for an agent in a container.
    pub root: RootConfig,
}

/// A source that is looked at or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchConfig {
    /// Whether it is looked at.
    pub enabled: bool,
}

impl Default for SwitchConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// An engine with Docker's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Whether it is looked at.
    pub enabled: bool,
    /// Where it listens, `unix:///PATH` or `tcp://HOST:PORT`; the engine's usual socket when not set.
    pub address: Option<String>,
    /// Report scrubbed arguments of commands, not only their number.
    pub report_arguments: bool,
    /// The longest time between two looks at everything when no event asks for one, 5 to 86400.
    pub interval_secs: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { enabled: true, address: None, report_arguments: false, interval_secs: 60 }
    }
}

/// Processes that matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessConfig {
    /// Whether they are looked at.
    pub enabled: bool,
    /// Names of programs that are listed whether they listen or not.
    pub programs: Vec<String>,
    /// Report scrubbed arguments of commands, not only their number.
    pub report_arguments: bool,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self { enabled: true, programs: Vec::new(), report_arguments: false }
    }
}

/// The cluster that this host is a node of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesConfig {
    /// Whether it is looked at.
    pub enabled: bool,
    /// How to reach the API server; inside a pod its service account when not set.
    pub kubeconfig: Option<PathBuf>,
    /// Name of this node; the environment variable `NODE_NAME` or else the host name when not set.
    pub node_name: Option<String>,
    /// Take part in telling of the whole cluster: one agent at a time does.
    pub cluster: bool,
    /// Name that the inventory gives the cluster when it first sees it.
    pub cluster_name: Option<String>,
    /// Namespace of the Lease; that of the agent's pod when not set.
    pub lease_namespace: Option<String>,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            kubeconfig: None,
            node_name: None,
            cluster: true,
            cluster_name: None,
            lease_namespace: None,
        }
    }
}

/// Where the host's files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RootConfig {
    /// procfs of the host.
    pub proc: PathBuf,
    /// sysfs of the host.
    pub sys: PathBuf,
    /// Configuration of the host.
    pub etc: PathBuf,
}

impl Default for RootConfig {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), etc: "/etc".into() }
    }
}

/// What the agent may use itself; past it, it says so in its log and status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetConfig {
    /// Per cent of one core, mean of a minute.
    pub cpu_percent: f64,
    /// Bytes of resident memory.
    pub memory_bytes: u64,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { cpu_percent: 10.0, memory_bytes: 128 << 20 }
    }
}

/// Measurements for Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Where they are served, `ADDRESS:PORT`, as plain HTTP at `/metrics`; nowhere when not set.
    pub address: Option<String>,
    /// Let `address` be other than loopback. Whoever reaches it reads how this agent does, without a password.
    pub allow_remote: bool,
}

impl MetricsConfig {
    /// Where to listen; `None` for nowhere.
    #[must_use]
    pub fn listens_at(&self) -> Option<SocketAddr> {
        self.address.as_deref()?.parse().ok()
    }
}

/// What was given on the command line.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--collector`.
    pub collector: Option<String>,
    /// `--token-file`.
    pub token_file: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
}

/// A configuration, and variables that named no key of it.
#[derive(Debug)]
pub struct Configured {
    /// The checked configuration.
    pub config: AgentConfig,
    /// Environment variables with the common prefix that mean nothing to an agent.
    pub ignored: Vec<String>,
}

/// Loads and checks the configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(
    overrides: Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Configured, Problems> {
    let Overrides { file, collector, token_file, state_dir } = overrides;
    let default = Path::new(DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then(|| default.to_owned()));
    let mut loader = Loader::new();
    if let Some(file) = &file {
        loader = loader.file(file);
    }
    let text = |path: PathBuf| path.display().to_string();
    let mut loaded = loader
        .environment(environment)
        .flag("--collector", "collector", collector)
        .flag("--token-file", "token_file", token_file.map(text))
        .flag("--state-dir", "state_dir", state_dir.map(text))
        .load::<AgentConfig>();
    check(&mut loaded);
    let token = loaded.value.token_file.take();
    let token = loaded.secret_file("token_file", token, TOKEN_CREDENTIAL);
    let has_account = loaded.value.service_account_token_file.is_some();
    loaded.value.token_file = token.or_else(|| (!has_account).then(|| DEFAULT_TOKEN_FILE.into()));
    let account = loaded.value.service_account_token_file.take();
    if account.is_some() {
        let key = "service_account_token_file";
        loaded.value.service_account_token_file = loaded.secret_file(key, account, "");
    }
    let ignored = std::mem::take(&mut loaded.ignored);
    loaded.into_result().map(|config| Configured { config, ignored })
}

/// The reference of all keys, as Markdown.
#[must_use]
pub fn reference() -> String {
    let introduction = format!(
        "`{DEFAULT_FILE}`, or the file that `--config` names. A reload takes over all keys but {}; they are told in the log \
         when they differ and count from the next start.",
        FIXED.map(|key| format!("`{key}`")).join(" and ")
    );
    let reloaded = [
        "collector",
        "token_file",
        "service_account_token_file",
        "collector_pin",
        "outbox_max_bytes",
        "nice",
        "log.level",
        "inspect",
        "budget",
        "metrics",
    ];
    Reference { program: "orchestrix-agent", introduction: &introduction, reloaded: &reloaded }.of::<AgentConfig>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(text: &str) -> Result<Configured, Problems> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(Overrides { file: Some(file.path().to_owned()), ..Overrides::default() }, [])
    }

    #[test]
    fn the_example_file_is_valid_and_says_what_the_defaults_are() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/agent.toml");
        let Configured { config, .. } =
            load(Overrides { file: Some(example.clone()), ..Overrides::default() }, []).unwrap();
        assert_eq!(config.collector, None, "a fresh installation waits to be told");
        // What is commented out is the default: with the comments taken off, nothing changes.
        let text = std::fs::read_to_string(example).unwrap();
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("#").filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n")
            .collect();
        assert_ne!(text, uncommented);
        assert_eq!(with_text(&uncommented).unwrap().config, config);
    }

    #[test]
    fn all_problems_come_together_each_with_its_key() {
        let text = "collector = 'nowhere'\nnice = 40\nspeed = 'high'\n[log]\nlevel = 'a=b=c'\n\
                    [inspect.docker]\naddress = 'ftp://x'\ninterval_secs = 1\n[inspect.process]\nprograms = ['']";
        let problems = with_text(text).unwrap_err().to_string();
        for key in [
            "collector",
            "nice",
            "speed",
            "log.level",
            "inspect.docker.address",
            "inspect.docker.interval_secs",
            "inspect.process.programs",
        ] {
            assert!(problems.lines().any(|line| line.starts_with(&format!("{key} (from "))), "{key}: {problems}");
        }
        assert_eq!(problems.lines().count(), 7, "{problems}");
    }

    #[test]
    fn every_key_is_in_the_example_and_in_the_reference() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let file = folder.join("CONFIG.md");
        let written = std::fs::read_to_string(&file).unwrap();
        let wanted = orchestrix_common::config::replaced(&written, "orchestrix-agent", &reference());
        if std::env::var_os("ORCHESTRIX_UPDATE_REFERENCE").is_some() {
            std::fs::write(file, &wanted).unwrap();
        } else {
            assert!(wanted == written, "deploy/CONFIG.md is out of date: run deploy/reference");
        }
        let example = std::fs::read_to_string(folder.join("examples/agent.toml")).unwrap();
        for line in reference().lines().filter_map(|line| line.strip_prefix("| `")) {
            let key = line.split('`').next().unwrap();
            assert!(
                example.lines().any(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} ="))),
                "{key}"
            );
        }
    }

    #[test]
    fn measurements_stay_on_this_host_unless_somebody_says_otherwise() {
        assert_eq!(with_text("").unwrap().config.metrics.listens_at(), None);
        for good in ["127.0.0.1:7444", "[::1]:7444"] {
            let config = with_text(&format!("[metrics]\naddress = {good:?}")).unwrap().config;
            assert_eq!(config.metrics.listens_at(), Some(good.parse().unwrap()));
        }
        for bad in ["0.0.0.0:7444", "192.0.2.7:7444", "localhost:7444", "7444"] {
            let problems = with_text(&format!("[metrics]\naddress = {bad:?}")).unwrap_err().to_string();
            assert!(problems.starts_with("metrics.address (from "), "{problems}");
        }
        assert!(with_text("[metrics]\naddress = '0.0.0.0:7444'\nallow_remote = true").is_ok());
    }

    #[test]
    fn a_join_token_has_a_usual_place_unless_an_account_stands_for_it() {
        assert_eq!(with_text("").unwrap().config.token_file, Some(DEFAULT_TOKEN_FILE.into()));
        let account = with_text("service_account_token_file = '/x'").unwrap().config;
        assert_eq!((account.token_file, account.service_account_token_file), (None, Some("/x".into())));
        let problems = with_text("token_file = '%d/x'").unwrap_err().to_string();
        assert!(problems.contains("token_file (from ") && problems.contains("credentials"), "{problems}");
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = [("ORCHESTRIX_COLLECTOR", "a:1"), ("ORCHESTRIX_INSPECT__DOCKER__ENABLED", "false")];
        let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let overrides = Overrides { collector: Some("b:2".into()), ..Overrides::default() };
        let Configured { config, .. } = load(overrides, environment).unwrap();
        assert_eq!(config.collector.as_deref(), Some("b:2"));
        assert!(!config.inspect.docker.enabled);
    }

    #[test]
    fn addresses_need_a_host_and_a_port() {
        for good in ["collector.example:7443", "127.0.0.1:1", "[::1]:7443"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["collector", ":7443", "host:0", "host:70000", "https://host:7443", "::1:7443", "[::g]:1", ""] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
