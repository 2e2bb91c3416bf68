//! Disaster recovery: datacenters whose pairs lead round in a circle.

use std::collections::HashMap;

use super::{Finding, Severity};
use crate::store::{Db, Executor as _, StoreError};

/// Finds circles. Two datacenters that stand in for each other are a pair, and no circle.
pub(super) async fn circles(mut db: &Db) -> Result<Vec<Finding>, StoreError> {
    let sql = "SELECT id, name, dr_paired_with FROM datacenters WHERE dr_paired_with IS NOT NULL ORDER BY id";
    let (mut names, mut next) = (HashMap::new(), Vec::new());
    for row in db.fetch(sql.to_owned(), vec![]).await? {
        let id: i64 = row.get("id")?;
        names.insert(id, row.get::<String>("name")?);
        next.push((id, row.get::<i64>("dr_paired_with")?));
    }
    let finding = |circle: &Vec<i64>| Finding {
        code: "pairing-circle",
        severity: Severity::Error,
        subject: format!("datacenter {}", circle[0]),
        detail: circle.iter().filter_map(|id| names.get(id)).cloned().collect::<Vec<_>>().join(" → "),
        problem: "is paired for disaster recovery so that the pairs lead back to it",
        advice: "pair each site with the one that takes over (drPairedWith), two with each other at most",
    };
    Ok(find(&next).iter().map(finding).collect())
}

/// Circles of one or of more than two, each once, from its smallest member.
fn find(pairs: &[(i64, i64)]) -> Vec<Vec<i64>> {
    let next: HashMap<i64, i64> = pairs.iter().copied().collect();
    let mut circles = Vec::new();
    for (start, _) in pairs {
        let mut path = vec![*start];
        while let Some(following) = path.last().and_then(|last| next.get(last)) {
            if following == start {
                if path.len() != 2 && path.iter().min() == Some(start) {
                    circles.push(path);
                }
                break;
            }
            // A circle that does not pass through the start is found from its own members.
            if path.contains(following) {
                break;
            }
            path.push(*following);
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_once_and_pairs_are_none() {
        assert_eq!(find(&[(1, 2), (2, 1), (3, 1)]), [] as [Vec<i64>; 0]);
        assert_eq!(find(&[(7, 7), (8, 7)]), [vec![7]]);
        assert_eq!(find(&[(1, 2), (2, 3), (3, 1), (9, 2)]), [vec![1, 2, 3]]);
    }
}
