//! Brings the tables up to date. Additive: what exists stays as it is.

use sqlx::{
    SqlSafeStr as _,
    migrate::{Migrate as _, Migration, MigrationType, Migrator},
};

use super::{Db, StoreError};

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        const SQLITE: &[(i64, &str, &str)] = &[
            $(($version, $name, include_str!(concat!("../../migrations/sqlite/", $name, ".sql")))),*
        ];
        const MYSQL: &[(i64, &str, &str)] = &[
            $(($version, $name, include_str!(concat!("../../migrations/mysql/", $name, ".sql")))),*
        ];
    };
}

migrations![1 "0001_inventory", 2 "0002_discovery", 3 "0003_history", 4 "0004_environments", 6 "0006_kubernetes", 10 "0010_speed"];

/// Table that remembers which migrations ran.
const TABLE: &str = "orchestrix_migrations";

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
/// When a statement fails, or when the database is of a newer version.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    match db {
        Db::Sqlite { writer, .. } => migrator(SQLITE).run(writer).await?,
        Db::MySql(pool) => migrator(MYSQL).run(pool).await?,
    }
    Ok(())
}

/// Tells which migrations are in force and which are missing, and changes nothing.
///
/// # Errors
/// When the table of migrations cannot be read.
pub async fn migration_plan(db: &Db) -> Result<MigrationPlan, StoreError> {
    let (known, done) = match db {
        Db::Sqlite { readers, .. } => {
            let exists: Option<i64> =
                sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
                    .bind(TABLE)
                    .fetch_optional(readers)
                    .await?;
            let mut connection = readers.acquire().await?;
            let done = if exists.is_some() { connection.list_applied_migrations(TABLE).await? } else { Vec::new() };
            (SQLITE, done)
        }
        Db::MySql(pool) => {
            let exists: Option<i64> = sqlx::query_scalar(
                "SELECT CAST(1 AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
            )
            .bind(TABLE)
            .fetch_optional(pool)
            .await?;
            let mut connection = pool.acquire().await?;
            let done = if exists.is_some() { connection.list_applied_migrations(TABLE).await? } else { Vec::new() };
            (MYSQL, done)
        }
    };
    let (applied, pending): (Vec<_>, Vec<_>) =
        known.iter().partition(|(version, ..)| done.iter().any(|migration| migration.version == *version));
    let names = |list: Vec<&(i64, &'static str, &str)>| list.into_iter().map(|(_, name, _)| *name).collect();
    Ok(MigrationPlan { applied: names(applied), pending: names(pending) })
}

fn migrator(migrations: &'static [(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = migrations
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn migrating_twice_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let db = super::super::open(&format!("sqlite://{}/inventory.db", dir.path().display())).await.unwrap();
        assert_eq!(migration_plan(&db).await.unwrap().pending.len(), SQLITE.len());
        migrate(&db).await.unwrap();
        migrate(&db).await.unwrap();
        let plan = migration_plan(&db).await.unwrap();
        assert_eq!((plan.applied.len(), plan.pending.len()), (SQLITE.len(), 0));
    }

    #[test]
    fn both_dialects_have_the_same_migrations() {
        let names = |list: &[(i64, &'static str, &str)]| list.iter().map(|(_, name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(MYSQL));
    }
}
