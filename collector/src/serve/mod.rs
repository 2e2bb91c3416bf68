//! Runs a collector: puts the parts together, keeps them running, and ends them in order.
//!
//! It knows what depends on what and nothing of what the parts do. A core task that ends by itself ends the process
//! with its error, so that whoever supervises it sees it; it is never restarted in here.

mod error;
mod signal;

use std::{fs, io, path::Path};

use tokio_util::sync::CancellationToken;

pub use error::ServeError;
pub use signal::on_signal;

use crate::{
    config::Config,
    store::{self, Db},
};

/// Runs a collector until `stop` is cancelled or a core task ends.
///
/// # Errors
/// When it cannot start, or when a core task ended.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), ServeError> {
    prepare_data_dir(&config.data_dir)?;
    let db = open_database(&config.database_url).await?;
    tracing::info!("started");
    stop.cancelled().await;
    db.close().await;
    Ok(())
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
