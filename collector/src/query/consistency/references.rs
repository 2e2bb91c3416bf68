//! References to rows that are not there, for every kind and relation of the catalog: a database that was made without
//! foreign keys, or whose engine knows none, does not refuse them.

use super::{BY_HAND, Finding, MOST, Severity};
use crate::{
    catalog::{KINDS, Kind, Link},
    store::{Db, Executor as _, StoreError},
};

/// References that a check of their own explains better.
const EXPLAINED_ELSEWHERE: [(&str, &str); 3] =
    [("workload", "compute"), ("workload", "container"), ("environmentassociation", "environment")];

/// Finds them.
pub(super) async fn orphans(mut db: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for kind in KINDS {
        for relation in kind.relations {
            let (Link::Above { column }, Some(other)) = (relation.link, Kind::find(relation.kind)) else { continue };
            if EXPLAINED_ELSEWHERE.contains(&(kind.name, other.name)) {
                continue;
            }
            let sql = format!(
                "SELECT CAST(t.{} AS CHAR) AS subject, CAST(t.{column} AS CHAR) AS detail FROM {} t \
                 LEFT JOIN {} o ON o.{} = t.{column} WHERE t.{column} IS NOT NULL AND o.{} IS NULL LIMIT ?",
                kind.key, kind.table, other.table, other.key, other.key
            );
            for row in db.fetch(sql, vec![MOST.into()]).await? {
                let (subject, detail): (String, String) = (row.get("subject")?, row.get("detail")?);
                found.push(Finding {
                    code: "orphaned-reference",
                    severity: Severity::Error,
                    subject: format!("{} {subject}", kind.name),
                    detail: format!("{} {detail}", other.name),
                    problem: "refers to something that is not there",
                    advice: BY_HAND,
                });
            }
        }
    }
    Ok(found)
}
