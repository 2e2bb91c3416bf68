//! What migrating would do, table by table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    super::{Db, Dialect, Executor as _, StoreError},
    Migration, TABLE,
    fit::{Does, fit},
    statement::{Statement, read},
    survey::Survey,
};

/// What migrating would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Names of migrations that are in force.
    pub applied: Vec<&'static str>,
    /// Names of migrations that are missing, or were cut short.
    pub pending: Vec<&'static str>,
    /// Every table that is there or would be.
    pub tables: Vec<TablePreview>,
    /// Rows that discovery takes over from the existing inventory when the collector runs.
    pub copies: Vec<CopyPreview>,
    /// Why it cannot be done.
    pub obstacles: Vec<String>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TablePreview {
    /// Its name.
    pub table: String,
    /// Whose it is.
    pub owner: Owner,
    /// What becomes of it.
    pub action: Action,
    /// Rows that it has; `null` where it is not there, or may not be read.
    pub rows: Option<i64>,
    /// Columns and indexes that would be added.
    pub adds: Vec<String>,
    /// Where it differs from the usual, and why.
    pub notes: Vec<String>,
}

/// Whose a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// The existing inventory's: made where it is missing, never altered.
    Inventory,
    /// Discovery's own.
    Discovery,
    /// Somebody else's.
    Other,
}

/// What becomes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It stays as it is.
    Keep,
    /// It is made.
    Create,
    /// Columns or indexes are added to it.
    Extend,
}

/// Rows that are taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyPreview {
    /// Where they come from.
    pub from: &'static str,
    /// Where they go.
    pub to: &'static str,
    /// How many.
    pub rows: i64,
}

/// Tells what migrating `db` would do, or what it would in a database that does not exist yet.
pub(super) async fn preview(
    db: Option<&Db>,
    dialect: Dialect,
    known: &'static [Migration],
) -> Result<Preview, StoreError> {
    let survey = match db {
        Some(db) => Survey::read_with_privileges(db, known).await?,
        None => Survey::of_nothing(known),
    };
    let mut owners = BTreeMap::from([(TABLE.to_owned(), Owner::Discovery)]);
    for (index, migration) in known.iter().enumerate() {
        let owner = if index == 0 { Owner::Inventory } else { Owner::Discovery };
        for statement in read(migration.sql) {
            if let Statement::Create(create) = statement {
                owners.entry(create.table).or_insert(owner);
            }
        }
    }
    let mut tables = BTreeMap::new();
    for table in survey.existing.tables.keys().filter(|table| !table.starts_with("sqlite_")) {
        // Who may not read them cannot count them, and is told that in the end.
        let rows = match db.filter(|_| !survey.lacks_privileges()) {
            Some(db) => Some(count(db, table).await?),
            None => None,
        };
        let mut kept = entry(&owners, table, Action::Keep, rows);
        kept.notes.extend(survey.existing.doubt(table).filter(|_| kept.owner == Owner::Inventory));
        tables.insert(table.clone(), kept);
    }
    if survey.pending().next().is_some() && !tables.contains_key(TABLE) {
        tables.insert(TABLE.to_owned(), entry(&owners, TABLE, Action::Create, None));
    }
    let mut existing = survey.existing.clone();
    let statements = survey.pending().flat_map(|migration| read(migration.sql));
    for fitted in statements.filter_map(|statement| fit(&statement, &mut existing, dialect)) {
        let (table, adds, action) = match fitted.does {
            Does::Create { table } => (table, Vec::new(), Action::Create),
            Does::Extend { table, adds } => (table, adds, Action::Extend),
            Does::Rows => continue,
        };
        let shown = tables.entry(table.clone()).or_insert_with(|| entry(&owners, &table, Action::Create, None));
        shown.notes.extend(fitted.notes);
        // What is made anew has everything that a later migration adds.
        if shown.action != Action::Create {
            shown.action = action;
            shown.adds.extend(adds);
        }
    }
    let mut tables: Vec<TablePreview> = tables.into_values().collect();
    tables.sort_by(|one, other| (one.owner, &one.table).cmp(&(other.owner, &other.table)));
    let copies = match db {
        Some(db) if survey.obstacles.is_empty() => copies(db, &survey).await?,
        _ => Vec::new(),
    };
    Ok(Preview {
        applied: survey.applied().map(|migration| migration.name).collect(),
        pending: survey.pending().map(|migration| migration.name).collect(),
        tables,
        copies,
        obstacles: survey.obstacles.iter().map(ToString::to_string).collect(),
    })
}

fn entry(owners: &BTreeMap<String, Owner>, table: &str, action: Action, rows: Option<i64>) -> TablePreview {
    let owner = owners.get(table).copied().unwrap_or(Owner::Other);
    TablePreview { table: table.to_owned(), owner, action, rows, adds: Vec::new(), notes: Vec::new() }
}

async fn count(mut db: &Db, table: &str) -> Result<i64, StoreError> {
    // The name comes from the database and may be anybody's.
    let quote = if db.dialect() == Dialect::MySql { '`' } else { '"' };
    let name = table.replace(quote, &quote.to_string().repeat(2));
    let row = db.fetch_optional(format!("SELECT COUNT(*) AS rows_there FROM {quote}{name}{quote}"), vec![]).await?;
    row.map_or(Ok(0), |row| row.get("rows_there"))
}

/// Datacenters whose single environment becomes an association.
async fn copies(mut db: &Db, survey: &Survey) -> Result<Vec<CopyPreview>, StoreError> {
    if !survey.existing.tables.contains_key("datacenters") || !survey.existing.tables.contains_key("environments") {
        return Ok(Vec::new());
    }
    let copied = if survey.existing.tables.contains_key("environment_legacy") {
        " AND NOT EXISTS (SELECT 1 FROM environment_legacy l WHERE l.datacenter_id = d.id \
         AND l.environment_id = d.environment_id)"
    } else {
        ""
    };
    let sql = format!(
        "SELECT COUNT(*) AS rows_there FROM datacenters d JOIN environments e ON e.id = d.environment_id WHERE 1 = 1{copied}"
    );
    let row = db.fetch_optional(sql, vec![]).await?;
    let rows = row.map_or(Ok(0), |row| row.get("rows_there"))?;
    Ok(vec![CopyPreview { from: "datacenters.environment_id", to: "environment_associations", rows }])
}
