//! Brings the tables up to date. Additive: what exists stays as it is.
//!
//! A migration is a file of SQL per dialect, under the same number and name, frozen once it is released. The first makes
//! the tables of the existing inventory where they are missing; the others are discovery's own and alter nothing else.
//! Before anything is done, everything that is in the way is told at once ([`Obstacle`]). Statements that change rows
//! must bear being run twice, because a run that was cut short is taken up again.

mod existing;
#[cfg(test)]
mod expand;
mod fit;
mod obstacle;
mod preview;
mod run;
mod statement;
mod survey;

#[cfg(test)]
mod tests;

use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration as Checked, MigrationType},
};

use self::survey::Survey;
use super::{Db, Dialect, StoreError};

pub use obstacle::Obstacle;
pub use preview::{Action, CopyPreview, Owner, Preview, TablePreview};

/// A migration in one dialect.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        const SQLITE: &[Migration] = &[$(migrations!(@one "sqlite" $version $name)),*];
        const MYSQL: &[Migration] = &[$(migrations!(@one "mysql" $version $name)),*];
    };
    (@one $dialect:literal $version:literal $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $dialect, "/", $name, ".sql")),
        }
    };
}

migrations![
    1 "0001_inventory",
    2 "0002_discovery",
    3 "0003_history",
    4 "0004_environments",
    5 "0005_identity",
    6 "0006_kubernetes",
    7 "0007_editing",
    9 "0009_web_sessions",
    10 "0010_speed",
    12 "0012_capabilities",
    14 "0014_certificate_rotation",
    15 "0015_samples",
    16 "0016_rule_tags",
    17 "0017_roll_up",
];

/// Table that remembers which migrations ran.
const TABLE: &str = "orchestrix_migrations";

impl Migration {
    /// What tells this text from another one: sqlx's checksum, which earlier versions stored.
    fn checksum(&self) -> Vec<u8> {
        Checked::new(self.version, self.name.into(), MigrationType::Simple, self.sql.into_sql_str(), false)
            .checksum
            .into_owned()
    }
}

/// What [`migrate`] did or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationPlan {
    /// Names of migrations that are in force already.
    pub applied: Vec<&'static str>,
    /// Names of migrations that are missing.
    pub pending: Vec<&'static str>,
}

/// Runs the migrations that are missing. Several collectors may do so at once.
///
/// # Errors
/// When something is in the way ([`StoreError::Obstacles`], before anything is done), or a statement fails.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    run::run(db, known(db.dialect())).await
}

/// Tells which migrations are in force and which are missing, and changes nothing.
///
/// # Errors
/// When the tables cannot be read.
pub async fn migration_plan(db: &Db) -> Result<MigrationPlan, StoreError> {
    let survey = Survey::read(db, known(db.dialect())).await?;
    Ok(MigrationPlan {
        applied: survey.applied().map(|migration| migration.name).collect(),
        pending: survey.pending().map(|migration| migration.name).collect(),
    })
}

/// Which tables a database has, by the migrations that made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Number of the newest migration that ran; zero when none did, which is no inventory.
    pub newest: i64,
    /// The newest that this program knows.
    pub known: i64,
    /// Why this program cannot use them.
    pub obstacles: Vec<Obstacle>,
}

/// Tells which migrations made the tables, whoever ran them, and changes nothing.
///
/// # Errors
/// When the tables cannot be read.
pub async fn schema_version(db: &Db) -> Result<SchemaVersion, StoreError> {
    let survey = Survey::read(db, known(db.dialect())).await?;
    let known = known(db.dialect()).last().map_or(0, |migration| migration.version);
    Ok(SchemaVersion { newest: survey.newest(), known, obstacles: survey.obstacles })
}

/// Tells what [`migrate`] would do, table by table, and changes nothing.
///
/// # Errors
/// When the tables cannot be read.
pub async fn migration_preview(db: &Db) -> Result<Preview, StoreError> {
    preview::preview(Some(db), db.dialect(), known(db.dialect())).await
}

/// Tells what [`migrate`] would do in an embedded database that does not exist yet.
///
/// # Errors
/// Never; the form is that of [`migration_preview`].
pub async fn migration_preview_of_nothing() -> Result<Preview, StoreError> {
    preview::preview(None, Dialect::Sqlite, SQLITE).await
}

const fn known(dialect: Dialect) -> &'static [Migration] {
    match dialect {
        Dialect::Sqlite => SQLITE,
        Dialect::MySql => MYSQL,
    }
}
