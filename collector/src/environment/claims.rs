//! Reads the claims on resources and on their ancestors.

use std::collections::HashMap;

use super::{
    ResourceType,
    inherit::Claim,
    set::Origin,
    sql::{self, column},
};
use crate::store::{Db, Executor as _, Row, StoreError};

fn claim(row: &Row) -> Result<(i64, Claim), StoreError> {
    let on: String = row.get(column::ON)?;
    let claim = Claim {
        distance: row.get(column::DISTANCE)?,
        on: ResourceType::from_word(&on).ok_or(StoreError::Content {
            column: "environment_associations.resource_type",
            content: on,
            expected: "a type of resource",
        })?,
        on_id: row.get(column::ON_ID)?,
        on_name: row.get(column::ON_NAME)?,
        environment_id: row.get("environment_id")?,
        code: row.get("code")?,
        name: row.get("name")?,
        primary: row.get("is_primary")?,
        origin: Origin::read(row)?,
        share: row.get("share")?,
        association_id: row.get("association_id")?,
    };
    Ok((row.get(column::RESOURCE)?, claim))
}

/// Reads all claims on some resources of a kind and on their ancestors, by key; one statement.
///
/// # Errors
/// When the statement fails.
pub async fn claims_of(db: &Db, kind: ResourceType, keys: &[i64]) -> Result<HashMap<i64, Vec<Claim>>, StoreError> {
    let mut claims: HashMap<i64, Vec<Claim>> = HashMap::new();
    if keys.is_empty() {
        return Ok(claims);
    }
    let sql::Condition { sql, values } = sql::claims(kind, keys, db.dialect());
    let mut executor = db;
    for row in executor.fetch(sql, values).await? {
        let (key, found) = claim(&row)?;
        claims.entry(key).or_default().push(found);
    }
    Ok(claims)
}
