//! How long the database takes, what fails, and how its connections are used.

use std::{future::Future, time::Instant};

use super::{Db, StoreError};
use crate::metrics::Exposition;

/// A step of the database's work.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    /// A statement that reads.
    Read,
    /// A statement that changes.
    Write,
    /// The wait for a connection and the right to write.
    Begin,
    /// A commit.
    Commit,
}

/// Does a step and measures it.
pub(super) async fn timed<T>(
    operation: Operation,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let begun = Instant::now();
    let result = work.await;
    // Labels that are literals cost no allocation.
    let histogram = match operation {
        Operation::Read => metrics::histogram!("orchestrix_store_operation_seconds", "operation" => "read"),
        Operation::Write => metrics::histogram!("orchestrix_store_operation_seconds", "operation" => "write"),
        Operation::Begin => metrics::histogram!("orchestrix_store_operation_seconds", "operation" => "begin"),
        Operation::Commit => metrics::histogram!("orchestrix_store_operation_seconds", "operation" => "commit"),
    };
    histogram.record(begun.elapsed());
    if let Err(error) = &result {
        let class = if error.is_transient() {
            "transient"
        } else if error.is_about_content() {
            "content"
        } else {
            "other"
        };
        metrics::counter!("orchestrix_store_errors_total", "class" => class).increment(1);
    }
    result
}

/// Lets the connections be counted whenever somebody asks.
pub fn watch_pools(db: &Db, exposition: &Exposition) {
    let db = db.clone();
    exposition.sample_by(move || match db.present() {
        Db::Sqlite { writer, readers } => {
            tell("writer", writer.size(), writer.num_idle(), writer.options().get_max_connections());
            tell("readers", readers.size(), readers.num_idle(), readers.options().get_max_connections());
        }
        Db::MySql(pool) => tell("all", pool.size(), pool.num_idle(), pool.options().get_max_connections()),
        Db::Past { .. } => {}
    });
}

fn tell(pool: &'static str, open: u32, idle: usize, most: u32) {
    let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
    metrics::gauge!("orchestrix_store_connections", "pool" => pool, "state" => "idle").set(idle);
    metrics::gauge!("orchestrix_store_connections", "pool" => pool, "state" => "in_use").set(open - idle);
    metrics::gauge!("orchestrix_store_connections_max", "pool" => pool).set(most);
}
