//! STORE: the inventory database, SQLite or MariaDB/MySQL, behind one thin layer.
//!
//! sqlx's native drivers do the work. [`Db`], [`Tx`], [`Value`] and [`Row`] hide which of the two it is, so that every
//! statement is written once: both dialects use `?` placeholders, and where they part ways ([`Dialect`]) there are two
//! SQL texts. sqlx's own `Any` driver is not used because it cannot read BOOLEAN, DATETIME or binary columns, and
//! generic code over two drivers was rejected because its bounds hide the statements. `*Row` types and SQL stay in this
//! module. Rules:
//!
//! - A change is one transaction through [`transaction!`](crate::transaction), retried as a whole when a lock or a node
//!   is lost. Nothing inside it waits for anything but the database.
//! - Lists of values go in chunks, sorted by key.
//! - Nothing that came from outside becomes part of a statement's text.

mod batch;
mod commits;
mod copy;
mod db;
mod dialect;
mod error;
mod measure;
mod migrate;
mod past;
mod pool;
mod value;

pub mod rows;

pub use commits::Commits;
pub use copy::{copy_faults, copy_whole, open_copy};
pub use db::{Db, Executor, Tx};
pub use dialect::Dialect;
pub use error::{Attempts, StoreError};
pub use measure::watch_pools;
pub use migrate::{
    Action, CopyPreview, MigrationPlan, Obstacle, Owner, Preview, SchemaVersion, TablePreview, migrate, migration_plan,
    migration_preview, migration_preview_of_nothing, schema_version,
};
pub(crate) use past::Narrowed;
pub use past::Past;
pub use pool::open;
pub use value::{Column, Row, Value};
