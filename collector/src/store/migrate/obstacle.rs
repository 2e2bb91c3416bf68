//! What must be settled by a person before anything is done: told all at once, each with what to do.

use std::fmt;

use super::{
    super::{Db, Dialect, Executor as _, StoreError, Value},
    existing::{Existing, is_integer},
    statement::{Change, Statement},
};

/// Why a database cannot be migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A newer collector has migrated it.
    Newer {
        /// Numbers of the migrations that this collector does not know.
        versions: Vec<i64>,
        /// The newest that it knows.
        newest: &'static str,
    },
    /// A migration that ran is not the one that this collector knows under its number.
    Altered {
        /// Name of the migration.
        migration: &'static str,
    },
    /// A table of the existing inventory is older than what is read.
    LacksColumns {
        /// The table.
        table: String,
        /// What it lacks, as it would be defined.
        columns: Vec<String>,
    },
    /// The key of a table of the existing inventory is no whole number.
    KeyType {
        /// The table.
        table: String,
        /// Type of its `id`.
        kind: String,
    },
    /// A table has a name of ours, and other columns.
    NotOurs {
        /// The table.
        table: String,
        /// Columns of ours that it lacks.
        columns: Vec<String>,
    },
    /// The database user may not do what is needed.
    Privileges {
        /// The user, as the database calls it.
        user: String,
        /// What it lacks.
        missing: Vec<&'static str>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { versions, newest } => {
                let versions: Vec<_> = versions.iter().map(|version| format!("{version:04}")).collect();
                let versions = versions.join(", ");
                write!(
                    f,
                    "a newer collector has migrated this database (migration {versions}; this one knows up to \
                     {newest}): upgrade this collector"
                )
            }
            Self::Altered { migration } => write!(
                f,
                "migration {migration} has run here in another form than this collector knows: use the version that \
                 made this database, or one that is newer"
            ),
            Self::LacksColumns { table, columns } => {
                let add: Vec<_> = columns.iter().map(|column| format!("ADD COLUMN {column}")).collect();
                write!(
                    f,
                    "table {table} is older than what is read here and is never altered by us: add what it lacks \
                     with ALTER TABLE {table} {}",
                    add.join(", ")
                )
            }
            Self::KeyType { table, kind } => {
                write!(f, "column id of table {table} is {kind}, expected whole numbers: this inventory cannot be read")
            }
            Self::NotOurs { table, columns } => write!(
                f,
                "table {table} belongs to something else (it lacks our columns {}): rename it, or give discovery a \
                 database of its own",
                columns.join(", ")
            ),
            Self::Privileges { user, missing } => {
                let missing = missing.join(", ");
                write!(f, "the database user {user} lacks {missing}: GRANT {missing} ON DATABASE.* TO {user}")
            }
        }
    }
}

/// Compares the tables of the existing inventory with what is read of them.
pub(super) fn legacy(inventory: &[Statement], existing: &Existing) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for statement in inventory {
        let Statement::Create(create) = statement else { continue };
        let Some(table) = existing.tables.get(&create.table) else { continue };
        let lacks = |name: &&(&str, &str)| !table.columns.contains_key(name.0);
        let columns: Vec<_> = create.columns().collect();
        let columns: Vec<_> = columns.iter().filter(lacks).map(|(name, kind)| format!("{name} {kind}")).collect();
        if !columns.is_empty() {
            obstacles.push(Obstacle::LacksColumns { table: create.table.clone(), columns });
        }
        if let Some(kind) = table.columns.get("id").filter(|kind| !is_integer(kind)) {
            obstacles.push(Obstacle::KeyType { table: create.table.clone(), kind: kind.clone() });
        }
    }
    obstacles
}

/// Finds tables that have names of ours, but are something else's.
pub(super) fn not_ours(pending: &[Statement], existing: &Existing) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for statement in pending {
        let Statement::Create(create) = statement else { continue };
        let Some(table) = existing.tables.get(&create.table) else { continue };
        let lacks = create.columns().map(|(name, _)| name).filter(|name| !table.columns.contains_key(*name));
        let columns: Vec<_> = lacks.map(str::to_owned).collect();
        if !columns.is_empty() {
            obstacles.push(Obstacle::NotOurs { table: create.table.clone(), columns });
        }
    }
    obstacles
}

/// Compares what the database user may do with what the statements that are missing, and the collector at any time, need.
pub(super) async fn privileges(db: &Db, pending: &[Statement]) -> Result<Option<Obstacle>, StoreError> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let mut executor = db;
    let sql = "SELECT CAST(CURRENT_USER() AS CHAR) AS user, CAST(COALESCE(CURRENT_ROLE(), 'NONE') AS CHAR) AS role";
    let Some(row) = executor.fetch_optional(sql.to_owned(), vec![]).await? else { return Ok(None) };
    let (user, role): (String, String) = (row.get("user")?, row.get("role")?);
    if role != "NONE" {
        // What a role grants is not listed under the user; the statements will tell.
        return Ok(None);
    }
    let (name, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
    let grantee = format!("'{name}'@'{host}'");
    let sql = "SELECT CAST(privilege_type AS CHAR) AS privilege FROM information_schema.user_privileges WHERE grantee = ? \
               UNION SELECT CAST(privilege_type AS CHAR) FROM information_schema.schema_privileges \
               WHERE grantee = ? AND DATABASE() LIKE table_schema \
               UNION SELECT CAST(privilege_type AS CHAR) FROM information_schema.table_privileges \
               WHERE grantee = ? AND table_schema = DATABASE() AND ?";
    // Rights on single tables may do for what is there; what is yet to be made has none.
    let single = pending.is_empty();
    let grantee_value = || Value::from(grantee.as_str());
    let values = vec![grantee_value(), grantee_value(), grantee_value(), single.into()];
    let granted = executor.fetch(sql.to_owned(), values).await?;
    let granted = granted.iter().map(|row| row.get::<String>("privilege")).collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<_> = needed(pending).into_iter().filter(|one| !granted.iter().any(|has| has == one)).collect();
    Ok((!missing.is_empty()).then_some(Obstacle::Privileges { user: grantee, missing }))
}

fn needed(pending: &[Statement]) -> Vec<&'static str> {
    let any = |test: fn(&Statement) -> bool| pending.iter().any(test);
    let indexes = any(|statement| match statement {
        Statement::Index { .. } => true,
        Statement::Alter { changes, .. } => changes.iter().any(|change| matches!(change, Change::Index { .. })),
        _ => false,
    });
    let mut needed = vec!["SELECT", "INSERT", "UPDATE", "DELETE"];
    if !pending.is_empty() {
        // The table of migrations itself may be missing.
        needed.push("CREATE");
    }
    if any(|statement| matches!(statement, Statement::Create(create) if create.sql().contains("REFERENCES"))) {
        needed.push("REFERENCES");
    }
    if any(|statement| matches!(statement, Statement::Alter { .. })) {
        needed.push("ALTER");
    }
    if indexes {
        needed.push("INDEX");
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::{super::statement::read, *};

    fn existing(table: &str) -> Existing {
        let mut existing = Existing::default();
        let Statement::Create(create) = &read(table)[0] else { panic!() };
        existing.add_table(create);
        existing
    }

    #[test]
    fn an_older_inventory_is_told_with_what_to_do() {
        let inventory = read("CREATE TABLE computes (id BIGINT, name VARCHAR(9), notes TEXT);");
        let found = legacy(&inventory, &existing("CREATE TABLE computes (id varchar(36), name VARCHAR(9));"));
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(told[0].ends_with("ALTER TABLE computes ADD COLUMN notes TEXT"), "{told:?}");
        assert!(told[1].contains("varchar(36), expected whole numbers"), "{told:?}");
    }

    #[test]
    fn only_what_is_missing_asks_for_the_right_to_make_tables() {
        assert_eq!(needed(&[]), ["SELECT", "INSERT", "UPDATE", "DELETE"]);
        let pending = read("ALTER TABLE a ADD COLUMN b INT; CREATE TABLE c (a INT, FOREIGN KEY (a) REFERENCES d (a));");
        assert_eq!(needed(&pending), ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "REFERENCES", "ALTER"]);
        assert!(needed(&read("CREATE INDEX a ON b (c);")).contains(&"INDEX"));
    }

    #[test]
    fn a_table_of_something_else_is_told_apart_from_one_of_ours() {
        let ours = read("CREATE TABLE history (sequence BIGINT, actor_id VARCHAR(64));");
        let theirs = not_ours(&ours, &existing("CREATE TABLE history (id BIGINT, what TEXT);"));
        assert!(theirs[0].to_string().contains("it lacks our columns sequence, actor_id"), "{theirs:?}");
        let begun = existing("CREATE TABLE history (sequence BIGINT, actor_id VARCHAR(64), later INT);");
        assert_eq!(not_ours(&ours, &begun), []);
    }
}
