//! What a running agent tells people about itself: a document, served on a socket in the state folder.
//!
//! Whoever connects gets one JSON object and the end of the stream. Only the owner of the folder can connect.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use orchestrix_common::{
    model::{Source, SourceStatus},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use crate::{inspect::LookFigures, link::LinkStatus};

const SOCKET: &str = "agent.sock";

/// Time for one answer; who reads slower is cut off.
const ANSWER: Duration = Duration::from_secs(5);

/// The longest document that is read.
const MAX_BYTES: u64 = 4 << 20;

/// State of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// Version of the agent.
    pub version: String,
    /// Its identity.
    pub agent_id: String,
    /// Name of the host.
    pub hostname: String,
    /// Where its collector is.
    pub collector: String,
    /// End of its certificate.
    pub certificate_not_after: Timestamp,
    /// Start of the agent.
    pub started_at: Timestamp,
    /// The session with the collector.
    pub link: LinkStatus,
    /// Reports on their way.
    pub outbox: OutboxStatus,
    /// What is looked at.
    pub sources: Vec<SourceLine>,
    /// What the agent itself uses.
    pub own_use: OwnUse,
}

/// Reports on their way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxStatus {
    /// Number of the newest report.
    pub head_sequence: u64,
    /// Newest report that the collector has.
    pub acknowledged_sequence: u64,
    /// Reports that wait.
    pub waiting_reports: u64,
    /// Reports dropped because the outbox was full.
    pub dropped_reports: u64,
    /// Bytes on disk and in memory.
    pub bytes: u64,
    /// Bytes that it may take on disk; zero when an older agent did not say.
    #[serde(default)]
    pub max_bytes: u64,
    /// Why reports are kept in memory only; `None` while the disk works.
    pub trouble: Option<String>,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceLine {
    /// The source.
    pub source: Source,
    /// Its status; `None` before the first look.
    pub status: Option<SourceStatus>,
    /// Entities that are reported.
    pub entities: usize,
    /// How the looks at it went, and what they cost.
    #[serde(default)]
    pub look: LookFigures,
}

/// What the agent itself uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnUse {
    /// Processor seconds since the start.
    pub cpu_seconds: f64,
    /// Resident memory in bytes; `None` when it could not be read.
    pub memory_bytes: Option<u64>,
    /// Per cent of one core, mean of the last minute; `None` in the first.
    #[serde(default)]
    pub cpu_percent: Option<f64>,
    /// The budget: per cent of one core.
    #[serde(default)]
    pub budget_cpu_percent: f64,
    /// The budget: bytes of resident memory.
    #[serde(default)]
    pub budget_memory_bytes: u64,
    /// Which bounds of the budget are exceeded; empty when none is.
    pub over_budget: Vec<String>,
}

/// The socket could not be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve the status socket in {}", folder.display())]
pub struct ServeError {
    folder: PathBuf,
    #[source]
    source: io::Error,
}

/// What an agent answers that waits to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotEnrolled {
    /// What is in the way, in one line that says what to do.
    pub waiting_for: String,
}

/// Why a running agent could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("no agent is running with the state folder {}; start it, or name its folder with --state-dir", .0.display())]
    NotRunning(PathBuf),
    /// The folder belongs to somebody else.
    #[error("not permitted to ask the agent in {}; run this as the agent's user, normally root", .0.display())]
    NotPermitted(PathBuf),
    /// The agent is not enrolled.
    #[error("the agent is not enrolled yet: {0}")]
    NotEnrolled(String),
    /// The conversation broke.
    #[error("the agent in {} did not answer", folder.display())]
    Broken {
        /// The state folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Serves what `describe` answers until it is dropped.
///
/// # Errors
/// When the socket cannot be made.
pub fn bind(state_dir: &Path) -> Result<UnixListener, ServeError> {
    let failed = |source| ServeError { folder: state_dir.to_owned(), source };
    let place = Place::of(state_dir).map_err(failed)?;
    match fs::remove_file(&place.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&place.socket).map_err(failed)?;
    fs::set_permissions(state_dir.join(SOCKET), Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Answers everybody who connects. One at a time: the document is small and who reads slowly is cut off.
pub async fn serve<T: Serialize, F: Future<Output = T>>(listener: UnixListener, describe: impl Fn() -> F) {
    loop {
        match listener.accept().await {
            Ok((mut stream, _)) => {
                let text = serde_json::to_vec(&describe().await).unwrap_or_default();
                let answer = async {
                    stream.write_all(&text).await?;
                    stream.shutdown().await
                };
                if !matches!(timeout(ANSWER, answer).await, Ok(Ok(()))) {
                    tracing::debug!("status was not read to its end");
                }
            }
            Err(error) => {
                tracing::debug!(%error, "status socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Asks the agent that runs with this state folder.
///
/// # Errors
/// When there is none, or it does not answer.
pub async fn ask(state_dir: &Path) -> Result<AgentStatus, AskError> {
    let folder = || state_dir.to_owned();
    let broken = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning(folder()),
        io::ErrorKind::PermissionDenied => AskError::NotPermitted(folder()),
        _ => AskError::Broken { folder: folder(), source },
    };
    let place = Place::of(state_dir).map_err(broken)?;
    let conversation = async {
        let stream = UnixStream::connect(&place.socket).await?;
        let mut text = Vec::new();
        stream.take(MAX_BYTES).read_to_end(&mut text).await?;
        Ok(text)
    };
    let answer = timeout(ANSWER * 2, conversation).await;
    let text = answer.map_err(|_| broken(io::ErrorKind::TimedOut.into()))?.map_err(broken)?;
    match serde_json::from_slice(&text) {
        Ok(NotEnrolled { waiting_for }) => Err(AskError::NotEnrolled(waiting_for)),
        Err(_) => serde_json::from_slice(&text).map_err(|error| broken(error.into())),
    }
}

/// Where the socket is. Its address may have 107 bytes (unix(7)); a longer one is reached through the open folder.
struct Place {
    socket: PathBuf,
    _folder: Option<File>,
}

impl Place {
    fn of(state_dir: &Path) -> io::Result<Self> {
        let socket = state_dir.join(SOCKET);
        if socket.as_os_str().len() <= 100 {
            return Ok(Self { socket, _folder: None });
        }
        let folder = File::open(state_dir)?;
        let socket = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        Ok(Self { socket, _folder: Some(folder) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> AgentStatus {
        AgentStatus {
            version: "0.1.0".into(),
            agent_id: "id".into(),
            hostname: "web-1".into(),
            collector: "c:1".into(),
            certificate_not_after: Timestamp::from_secs(1),
            started_at: Timestamp::EPOCH,
            link: LinkStatus::default(),
            outbox: OutboxStatus {
                head_sequence: 2,
                acknowledged_sequence: 1,
                waiting_reports: 1,
                dropped_reports: 0,
                bytes: 3,
                max_bytes: 4,
                trouble: None,
            },
            sources: vec![SourceLine {
                source: Source::Docker,
                status: None,
                entities: 0,
                look: LookFigures::default(),
            }],
            own_use: OwnUse::default(),
        }
    }

    async fn served_and_asked(folder: &Path) {
        let listener = bind(folder).unwrap();
        let server = tokio::spawn(serve(listener, || async { status() }));
        assert_eq!(ask(folder).await.unwrap(), status());
        assert_eq!(ask(folder).await.unwrap(), status());
        let mode = fs::metadata(folder.join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        server.abort();
    }

    #[tokio::test]
    async fn an_agent_tells_its_status_to_whoever_asks() {
        let folder = tempfile::TempDir::new().unwrap();
        served_and_asked(folder.path()).await;
        // What a crash left behind does not prevent the next start.
        served_and_asked(folder.path()).await;
    }

    #[tokio::test]
    async fn a_folder_with_a_long_name_works_too() {
        let folder = tempfile::TempDir::new().unwrap();
        let long = folder.path().join("x".repeat(120));
        fs::create_dir(&long).unwrap();
        served_and_asked(&long).await;
    }

    #[tokio::test]
    async fn without_an_agent_the_answer_says_what_to_do() {
        let folder = tempfile::TempDir::new().unwrap();
        let error = ask(folder.path()).await.unwrap_err();
        assert!(matches!(error, AskError::NotRunning(_)), "{error}");
        assert!(error.to_string().contains("--state-dir"), "{error}");
    }
}
