//! What may stand in the file, with the meaning of each key, as the reference shows it, and its default. Nothing here is
//! checked yet.

use std::path::PathBuf;

use orchestrix_common::{log::LogConfig, pki::TrustDomain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    /// Folder for the embedded database, the key that seals the CA, and the admin token.
    pub(super) data_dir: PathBuf,
    /// Address of the inventory database, `sqlite://PATH` or `mysql://USER:PASSWORD@HOST/NAME`. When nothing is set:
    /// `sqlite://DATA_DIR/inventory.db`.
    pub(super) database_url: Option<String>,
    /// File that holds the address of the inventory database, when there is a password in it. When not set: the
    /// credential `database-url` of the unit, unless it is empty. `%d/NAME` is the credential NAME.
    pub(super) database_url_file: Option<PathBuf>,
    /// The side that agents see.
    pub(super) agents: RawAgents,
    /// The side that people and programs see: admin API, UI, metrics and health.
    pub(super) api: RawApi,
    /// A Kubernetes cluster whose agents enrol by their service account instead of a join token; one block for each.
    pub(super) kubernetes: Vec<RawCluster>,
    /// What is kept of the past.
    pub(super) history: RawHistory,
    /// What the collector tells about itself.
    pub(super) log: LogConfig,
    /// Traces of its work: sessions, reports and requests.
    pub(super) telemetry: RawTelemetry,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/orchestrix/collector"),
            database_url: None,
            database_url_file: None,
            agents: RawAgents::default(),
            api: RawApi::default(),
            kubernetes: Vec::new(),
            history: RawHistory::default(),
            log: LogConfig::default(),
            telemetry: RawTelemetry::default(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTelemetry {
    /// Where an OTLP receiver listens for gRPC, `http://HOST:PORT`, usually one on this host; nothing is traced when not set.
    pub(super) otlp_endpoint: Option<String>,
    /// Part of the traces that are told, 0 to 1. A caller of the API that has decided about its trace is followed.
    pub(super) sample_ratio: f64,
}

impl Default for RawTelemetry {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0 }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCluster {
    /// What identifies it: `kubectl get namespace kube-system -o jsonpath={.metadata.uid}`.
    pub(super) cluster_uid: String,
    /// File with its public keys: `kubectl get --raw /openid/v1/jwks`, or the `--service-account-key-file` of its API
    /// server. Read anew for each token.
    pub(super) keys_file: PathBuf,
    /// Issuer of its tokens.
    #[serde(default = "default_issuer")]
    pub(super) issuer: String,
    /// Audience that a token must be for.
    #[serde(default = "default_audience")]
    pub(super) audience: String,
    /// Namespace of the agents.
    #[serde(default = "default_namespace")]
    pub(super) namespace: String,
    /// Service account of the agents.
    #[serde(default = "default_account")]
    pub(super) service_account: String,
}

fn default_issuer() -> String {
    "https://kubernetes.default.svc".to_owned()
}

fn default_audience() -> String {
    "orchestrix".to_owned()
}

fn default_namespace() -> String {
    "orchestrix".to_owned()
}

fn default_account() -> String {
    "orchestrix-agent".to_owned()
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawHistory {
    /// How many days changes are kept, up to 36500: so far back the inventory can be read as it was. 0 keeps all of them.
    pub(super) keep_days: u64,
}

impl Default for RawHistory {
    fn default() -> Self {
        Self { keep_days: 400 }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAgents {
    /// Where agents connect, `ADDRESS:PORT`: enrolment and sessions, TLS 1.3.
    pub(super) address: String,
    /// Trust domain of the agents' identities. Fixed by the first start of an installation.
    pub(super) trust_domain: String,
    /// Mean time between two heartbeats of an agent, 1 to 3600. After three missed ones its host counts as unreachable.
    pub(super) heartbeat_secs: u64,
    /// Sessions that may be opened at the same time, 1 to 100000; further ones wait.
    pub(super) opening_sessions: usize,
    /// Sessions that may wait to be opened, 1 to 100000; further ones are told when to come back.
    pub(super) waiting_sessions: usize,
}

impl Default for RawAgents {
    fn default() -> Self {
        Self {
            address: "0.0.0.0:7443".to_owned(),
            trust_domain: TrustDomain::default().to_string(),
            heartbeat_secs: 30,
            opening_sessions: 32,
            waiting_sessions: 4_096,
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawApi {
    /// Where to listen, `ADDRESS:PORT`. Without a certificate keep it on loopback, or behind a proxy that does TLS.
    pub(super) address: String,
    /// PEM file with the certificate chain that TLS is spoken with, the leaf first. Plain HTTP when not set. A reload reads
    /// the file again.
    pub(super) certificate_file: Option<PathBuf>,
    /// PEM file with the key of that certificate, which the collector's user can read. A reload reads it again, a credential
    /// of the unit excepted: that one changes with the next start.
    pub(super) key_file: Option<PathBuf>,
}

impl Default for RawApi {
    fn default() -> Self {
        Self { address: "127.0.0.1:7480".to_owned(), certificate_file: None, key_file: None }
    }
}
