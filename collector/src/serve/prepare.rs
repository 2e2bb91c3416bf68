//! Opens everything that can fail before anything is served, so that a start either works or says in one line why not.

use std::{fs, io, path::Path, sync::Arc};

use orchestrix_common::time::{SharedClock, SystemClock};

use super::{Collector, Live, ServeError, api::ApiPort, certificate::ApiCertificate, files};
use crate::{
    admin::ensure_admin_token,
    backup::{FolderLock, LockError},
    config::{AgentsConfig, Config},
    environment, metrics,
    pki::{SEALING_KEY_FILE, TrustAuthority},
    reconcile::Reconciler,
    session::{self, AgentListener, SessionSettings, Shared},
    store::{self, Db},
};

/// The administrator's API token, in the data folder.
const ADMIN_TOKEN: &str = "admin.token";

impl Collector {
    /// Opens the database, brings its tables up to date, opens the CA, and binds both addresses.
    ///
    /// # Errors
    /// When one of them fails.
    pub async fn prepare(config: Config) -> Result<Self, ServeError> {
        let Config { data_dir, database_url, agents, api, clusters, history, log: _, telemetry: _ } = config;
        files::raise_limit();
        let clock: SharedClock = Arc::new(SystemClock);
        let metrics = metrics::install().map_err(ServeError::Metrics)?;
        prepare_data_dir(&data_dir)?;
        let lock = hold(&data_dir, &database_url)?;
        let db = open_database(&database_url).await?;
        environment::prepare(&db, clock.now()).await.map_err(ServeError::Database)?;
        let authority = TrustAuthority::open(
            db.clone(),
            &data_dir.join(SEALING_KEY_FILE),
            agents.trust_domain.clone(),
            Arc::clone(&clock),
        )
        .await?;
        ensure_admin_token(&db, &data_dir.join(ADMIN_TOKEN), clock.as_ref()).await?;
        let reconciler = Reconciler::new(db.clone(), Arc::clone(&clock));
        let sessions = Shared::new(
            Arc::new(reconciler.clone()),
            Arc::new(db.clone()),
            Arc::clone(&clock),
            session_settings(&agents),
            authority.trust_feed(),
        );
        let listener = AgentListener::bind(agents.address, authority.server_config(), Arc::clone(&clock))
            .await
            .map_err(|source| ServeError::Listen { key: "agents.address", address: agents.address, source })?;
        let certificate = api.certificate.map(ApiCertificate::open).transpose()?;
        if certificate.is_none() && !api.address.ip().is_loopback() {
            tracing::warn!(address = %api.address, "the API listens beyond this host without TLS, tokens travel in clear");
        }
        let api = ApiPort::bind(api.address, certificate.as_ref()).await.map_err(|source| ServeError::Listen {
            key: "api.address",
            address: api.address,
            source,
        })?;
        store::watch_pools(&db, &metrics);
        session::watch_queues(&sessions, &listener, &metrics);
        authority.watch_certificates(&metrics);
        Ok(Self {
            db,
            clock,
            reconciler,
            authority,
            sessions,
            agents: listener,
            api,
            metrics,
            lock,
            live: Live::new(clusters, history.keep, certificate),
        })
    }
}

fn session_settings(agents: &AgentsConfig) -> SessionSettings {
    SessionSettings {
        opening: agents.opening_sessions,
        waiting: agents.waiting_sessions,
        ..SessionSettings::new(agents.heartbeat)
    }
}

/// The embedded database is one collector's alone; on another one, several may share a folder.
fn hold(data_dir: &Path, database_url: &str) -> Result<Arc<FolderLock>, LockError> {
    let embedded = database_url.starts_with("sqlite://");
    let lock = if embedded { FolderLock::alone(data_dir) } else { FolderLock::shared(data_dir) };
    lock.map(Arc::new)
}

async fn open_database(url: &str) -> Result<Db, ServeError> {
    let db = store::open(url).await.map_err(ServeError::Database)?;
    store::migrate(&db).await.map_err(ServeError::Database)?;
    Ok(db)
}

/// Makes the folder when it is missing and tries whether files can be made in it.
fn prepare_data_dir(dir: &Path) -> Result<(), ServeError> {
    let failed = |source: io::Error| ServeError::DataDir { dir: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let probe = dir.join(".writable");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(failed)
}
