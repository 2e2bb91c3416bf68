//! Figures of the whole fleet and inventory, for those who watch it. Each is one statement over an index or a small
//! table; the rows of the inventory are counted.

use std::time::Duration;

use orchestrix_common::time::Timestamp;

use super::{Context, liveness, sequence};
use crate::store::{
    Db, Executor as _, StoreError, Value,
    rows::{environment_worker::worker_sequence, history::history_start},
};

/// Tables that are counted, with what of them counts. Where computes were merged the others are left over.
const COUNTED: [(&str, &str, &str); 10] = [
    ("partner", "partners", ""),
    ("cloud", "clouds", ""),
    ("region", "regions", ""),
    ("availability_zone", "availability_zones", ""),
    ("datacenter", "datacenters", ""),
    ("environment", "environments", ""),
    ("compute", "computes", " WHERE NOT EXISTS (SELECT 1 FROM merged_computes m WHERE m.compute_id = x.id)"),
    ("container", "containers", ""),
    ("workload", "compute_workloads", " WHERE x.ended_at_us IS NULL"),
    ("k8s_cluster", "k8s_clusters", ""),
];

/// The figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// Agents by state and liveness.
    pub agents: Vec<AgentGroup>,
    /// Active agents by source and health.
    pub sources: Vec<SourceGroup>,
    /// When the first certificate ends of an active agent that is heard of; `None` when there is no such agent.
    pub first_end: Option<Timestamp>,
    /// How many of those certificates end within six hours.
    pub ending_6h: i64,
    /// … within an hour.
    pub ending_1h: i64,
    /// … and have ended.
    pub ended: i64,
    /// Largest difference between the clock of an active agent and the collector's, microseconds.
    pub clock_skew_us: i64,
    /// Hosts that a person must place.
    pub matches: i64,
    /// Reports that could not be stored.
    pub dead_letters: i64,
    /// Rows by kind of resource.
    pub resources: Vec<(&'static str, i64)>,
    /// Number of the newest change; zero when there is none.
    pub sequence: i64,
    /// Changes that the inference of environments did not heed yet.
    pub lag_changes: i64,
    /// When the oldest of them was recorded; `None` when there is none.
    pub lag_since: Option<Timestamp>,
    /// Since when the history is kept; `None` while there is none.
    pub history_since: Option<Timestamp>,
}

/// Agents that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentGroup {
    /// `ACTIVE`, `HELD`, `QUARANTINED` or `REVOKED`.
    pub state: String,
    /// They are heard of.
    pub heard: bool,
    /// How many they are.
    pub agents: i64,
}

/// Active agents that see a source equally well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGroup {
    /// The source.
    pub source: String,
    /// `healthy`, `degraded`, `failing`, `absent`, or `unknown` while the agents are silent.
    pub health: String,
    /// How many they are.
    pub agents: i64,
}

/// Reads all figures.
///
/// # Errors
/// When a statement fails.
pub async fn read(db: &Db, now: Timestamp) -> Result<Fleet, StoreError> {
    let mut fleet = Fleet::default();
    agents(db, now, &mut fleet).await?;
    let mut executor = db;
    for (kind, table, condition) in COUNTED {
        let sql = format!("SELECT COUNT(*) AS counted FROM {table} x{condition}");
        fleet.resources.push((kind, count(db, sql).await?));
    }
    fleet.matches =
        count(db, "SELECT COUNT(*) AS counted FROM match_conflicts WHERE state = 'OPEN'".to_owned()).await?;
    fleet.dead_letters = count(db, "SELECT COUNT(*) AS counted FROM dead_letters".to_owned()).await?;
    fleet.sequence = sequence::current(db, now).await?;
    fleet.history_since = history_start(&mut executor).await?.map(|start| start.at);
    if let Some(heeded) = worker_sequence(&mut executor).await? {
        fleet.lag_changes = (fleet.sequence - heeded).max(0);
        let sql = "SELECT recorded_at_us FROM history WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT 1";
        let row = executor.fetch_optional(sql.to_owned(), vec![heeded.into(), fleet.sequence.into()]).await?;
        fleet.lag_since = row.map(|row| row.time("recorded_at_us")).transpose()?;
    }
    Ok(fleet)
}

async fn agents(db: &Db, now: Timestamp, fleet: &mut Fleet) -> Result<(), StoreError> {
    let mut executor = db;
    let silent = liveness::silent(&Context::of(db, now));
    let sql = format!(
        "SELECT a.state AS state, CASE WHEN {silent} THEN 0 ELSE 1 END AS heard, COUNT(*) AS agents FROM agents a \
         LEFT JOIN agent_liveness l ON l.agent_id = a.id GROUP BY 1, 2"
    );
    for row in executor.fetch(sql, vec![]).await? {
        let heard: i64 = row.get("heard")?;
        fleet.agents.push(AgentGroup { state: row.get("state")?, heard: heard == 1, agents: row.get("agents")? });
    }
    let sql = format!(
        "SELECT s.source AS source, CASE WHEN {silent} THEN 'unknown' ELSE s.health END AS health, COUNT(*) AS agents \
         FROM agent_sources s JOIN agents a ON a.id = s.agent_id LEFT JOIN agent_liveness l ON l.agent_id = a.id \
         WHERE a.state = 'ACTIVE' GROUP BY 1, 2"
    );
    for row in executor.fetch(sql, vec![]).await? {
        let (source, health) = (row.get("source")?, row.get("health")?);
        fleet.sources.push(SourceGroup { source, health, agents: row.get("agents")? });
    }
    let sql = format!(
        "SELECT MIN(x.ends) AS first_end, COUNT(CASE WHEN x.ends < ? THEN 1 END) AS within_6h, \
         COUNT(CASE WHEN x.ends < ? THEN 1 END) AS within_1h, COUNT(CASE WHEN x.ends < ? THEN 1 END) AS ended, \
         MAX(x.skew) AS skew FROM (SELECT a.id, MAX(t.not_after_at_us) AS ends, MAX(ABS(a.clock_skew_us)) AS skew \
         FROM agents a JOIN agent_certificates t ON t.agent_id = a.id LEFT JOIN agent_liveness l ON l.agent_id = a.id \
         WHERE a.state = 'ACTIVE' AND t.superseded_at_us IS NULL AND NOT {silent} GROUP BY a.id) x"
    );
    let hours = |hours: u64| Value::from(now.plus(Duration::from_secs(hours * 3_600)));
    if let Some(row) = executor.fetch_optional(sql, vec![hours(6), hours(1), now.into()]).await? {
        fleet.first_end = row.time_opt("first_end")?;
        (fleet.ending_6h, fleet.ending_1h, fleet.ended) =
            (row.get("within_6h")?, row.get("within_1h")?, row.get("ended")?);
        fleet.clock_skew_us = row.get::<Option<i64>>("skew")?.unwrap_or(0);
    }
    Ok(())
}

async fn count(db: &Db, sql: String) -> Result<i64, StoreError> {
    let mut executor = db;
    let row = executor.fetch_optional(sql, vec![]).await?;
    row.map_or(Ok(0), |row| row.get("counted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::testing::{agent_id, ago, compute, now, on_both, places, run};

    on_both!(the_figures_are_counted, nothing_is_no_trouble);

    async fn nothing_is_no_trouble(db: &Db) {
        let fleet = read(db, now()).await.unwrap();
        assert!(fleet.resources.iter().all(|(_, rows)| *rows == 0), "{fleet:?}");
        let none = Fleet { resources: fleet.resources.clone(), ..Fleet::default() };
        assert_eq!(fleet, none);
    }

    async fn the_figures_are_counted(db: &Db) {
        places(db).await;
        for id in 1..=3 {
            compute(db, id, &format!("web-{id}"), Some(1)).await;
        }
        let merged =
            "INSERT INTO merged_computes (compute_id, into_compute_id, operation_id, merged_at_us) VALUES (3, 1, 1, 1)";
        run(db, merged, vec![]).await;
        // Two that are heard of, one whose silence nobody noticed yet, one that is revoked.
        for (number, state, seen, skew, end) in [
            (1, "ACTIVE", 10, 5_000_000, 3_600 * 10),
            (2, "ACTIVE", 20, -9_000_000, 1_800),
            (3, "ACTIVE", 90_000, 77_000_000, 60),
            (4, "REVOKED", 10, 0, 60),
        ] {
            let agent = "INSERT INTO agents (id, hostname, version, state, state_reason, join_token_id, tags, \
                         enrolled_at_us, reachable, clock_skew_us) VALUES (?, 'h', '1', ?, '', 't', '{}', 1, 1, ?)";
            run(db, agent, vec![agent_id(number).into(), state.into(), Value::Int(skew)]).await;
            let seen = vec![agent_id(number).into(), ago(seen).into()];
            run(db, "INSERT INTO agent_liveness (agent_id, seen_at_us) VALUES (?, ?)", seen).await;
            let source = "INSERT INTO agent_sources (agent_id, source, health, completeness, reason, since_at_us, warnings) \
                          VALUES (?, 'docker', ?, 'complete', '', 1, 0)";
            let health = if number == 2 { "failing" } else { "healthy" };
            run(db, source, vec![agent_id(number).into(), health.into()]).await;
            let certificate = "INSERT INTO agent_certificates (serial, agent_id, public_key_sha256, not_before_at_us, \
                               not_after_at_us, issued_at_us) VALUES (?, ?, ?, 1, ?, 1)";
            let end = now().plus(Duration::from_secs(end));
            let serial = format!("{number:040x}");
            let values = vec![serial.into(), agent_id(number).into(), vec![0_u8; 32].into(), end.into()];
            run(db, certificate, values).await;
        }
        let fleet = read(db, now()).await.unwrap();
        let mut agents: Vec<_> =
            fleet.agents.iter().map(|group| (group.state.as_str(), group.heard, group.agents)).collect();
        agents.sort_unstable();
        assert_eq!(agents, [("ACTIVE", false, 1), ("ACTIVE", true, 2), ("REVOKED", false, 1)]);
        let mut sources: Vec<_> = fleet.sources.iter().map(|group| (group.health.as_str(), group.agents)).collect();
        sources.sort_unstable();
        assert_eq!(sources, [("failing", 1), ("healthy", 1), ("unknown", 1)]);
        assert_eq!(fleet.first_end, Some(now().plus(Duration::from_secs(1_800))));
        assert_eq!((fleet.ending_6h, fleet.ending_1h, fleet.ended), (1, 1, 0));
        assert_eq!(fleet.clock_skew_us, 9_000_000);
        let computes = fleet.resources.iter().find(|(kind, _)| *kind == "compute");
        assert_eq!(computes, Some(&("compute", 2)));
    }
}
