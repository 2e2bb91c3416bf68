//! What identifies a compute, one row per fact: the index that matching uses.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{id::AgentId, time::Timestamp};

use super::cut;
use crate::store::{Executor, StoreError, Tx, Value};

/// A fact and its content, for example `machine_id` and 32 hexadecimal digits.
pub type Fact = (String, String);

/// Reads what identifies each of some computes.
///
/// # Errors
/// When a statement fails.
pub async fn identity_list(
    from: &mut impl Executor,
    computes: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, BTreeSet<Fact>>, StoreError> {
    let keys = computes.into_iter().map(Value::from).collect();
    let select = "SELECT compute_id, fact, content FROM compute_identities WHERE";
    let mut identities: BTreeMap<i64, BTreeSet<Fact>> = BTreeMap::new();
    for row in from.fetch_in(select, "compute_id", vec![], keys).await? {
        identities.entry(row.get("compute_id")?).or_default().insert((row.get("fact")?, row.get("content")?));
    }
    Ok(identities)
}

/// Finds the computes that share one of some facts, at most a hundred for each.
///
/// # Errors
/// When a statement fails.
pub async fn identity_find(from: &mut impl Executor, facts: &BTreeSet<Fact>) -> Result<BTreeSet<i64>, StoreError> {
    let mut computes = BTreeSet::new();
    for (fact, content) in facts {
        let sql =
            "SELECT compute_id FROM compute_identities WHERE fact = ? AND content = ? ORDER BY compute_id LIMIT 100";
        for row in from.fetch(sql.to_owned(), vec![fact.into(), cut(content, 255).into()]).await? {
            computes.insert(row.get("compute_id")?);
        }
    }
    Ok(computes)
}

/// Makes `facts` all that identifies a compute; facts that are stored already cost no write.
///
/// # Errors
/// When a statement fails.
pub async fn identity_set_in_tx(tx: &mut Tx, compute: i64, facts: &BTreeSet<Fact>) -> Result<(), StoreError> {
    let facts: BTreeSet<Fact> =
        facts.iter().map(|(fact, content)| (fact.clone(), cut(content, 255).to_owned())).collect();
    let stored = identity_list(tx, [compute]).await?.remove(&compute).unwrap_or_default();
    for (fact, content) in stored.difference(&facts) {
        let sql = "DELETE FROM compute_identities WHERE fact = ? AND content = ? AND compute_id = ?";
        tx.execute(sql, vec![fact.into(), content.into(), compute.into()]).await?;
    }
    let rows =
        facts.difference(&stored).map(|(fact, content)| vec![fact.into(), content.into(), compute.into()]).collect();
    let ending = tx.dialect().on_conflict(&["fact", "content", "compute_id"], &[]);
    tx.insert_many("compute_identities", &["fact", "content", "compute_id"], rows, &ending).await
}

/// An agent that speaks for a compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderRow {
    /// The agent.
    pub agent_id: AgentId,
    /// Its state.
    pub state: String,
    /// It answers, as far as the collectors noticed.
    pub reachable: bool,
    /// Its newest sign of life.
    pub seen_at: Option<Timestamp>,
}

/// Reads the agents that speak for each of some computes; revoked ones do not.
///
/// # Errors
/// When a statement fails.
pub async fn identity_holders(
    from: &mut impl Executor,
    computes: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, Vec<HolderRow>>, StoreError> {
    let keys = computes.into_iter().map(Value::from).collect();
    let select = "SELECT a.id, a.compute_id, a.state, a.reachable, a.connected_at_us, l.seen_at_us FROM agents a \
                  LEFT JOIN agent_liveness l ON l.agent_id = a.id WHERE a.state <> 'REVOKED' AND";
    let mut holders: BTreeMap<i64, Vec<HolderRow>> = BTreeMap::new();
    for row in from.fetch_in(select, "a.compute_id", vec![], keys).await? {
        let holder = HolderRow {
            agent_id: super::agent::id_of(&row, "id")?,
            state: row.get("state")?,
            reachable: row.get("reachable")?,
            seen_at: row.time_opt("seen_at_us")?.max(row.time_opt("connected_at_us")?),
        };
        holders.entry(row.get("compute_id")?).or_default().push(holder);
    }
    Ok(holders)
}
