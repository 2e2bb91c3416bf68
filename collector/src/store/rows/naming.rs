//! What rows are called and what they stand in: all that is needed to find them by name.

use crate::store::{Db, Executor as _, StoreError};

/// Rows that are read at once.
const PAGE: i64 = 10_000;

/// The names of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamingRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code, where the table has one.
    pub code: Option<String>,
    /// The rows that it stands in, in the order of the columns that were asked for.
    pub above: Vec<Option<i64>>,
}

/// Reads the names of all rows of a table, by number.
///
/// # Errors
/// When a statement fails.
pub async fn naming_list(
    mut db: &Db,
    table: &str,
    has_code: bool,
    above: &[&str],
) -> Result<Vec<NamingRow>, StoreError> {
    let code = if has_code { ", code" } else { "" };
    let columns: String = above.iter().map(|column| format!(", {column}")).collect();
    let sql = format!("SELECT id, name{code}{columns} FROM {table} WHERE id > ? ORDER BY id LIMIT ?");
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let rows = db.fetch(sql.clone(), vec![after.into(), PAGE.into()]).await?;
        for row in &rows {
            after = row.get("id")?;
            found.push(NamingRow {
                id: after,
                name: row.get("name")?,
                code: if has_code { row.get("code")? } else { None },
                above: above.iter().map(|column| row.get(column)).collect::<Result<_, _>>()?,
            });
        }
        if i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE {
            return Ok(found);
        }
    }
}
