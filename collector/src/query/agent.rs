//! Agents, and how well each can look at its host.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Test, Time, liveness, time, value};
use crate::store::{Db, Executor as _, Row, StoreError, Value};

/// How well one source of an agent can be looked at, as the agent last said: while it is not connected, nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// The source: `host`, `docker`, `podman`, `process`, `capability`, ….
    pub source: String,
    /// `healthy`, `degraded`, `failing` (nothing reliable can be said now) or `absent` (there is no such thing here).
    pub health: String,
    /// How much the last look saw: `complete`, `partial` or `none`.
    pub completeness: String,
    /// Since when.
    pub since: Time,
    /// Why; `null` when it is healthy.
    pub reason: Option<String>,
    /// Items that could be seen but not read.
    pub warnings: i64,
}

/// An agent's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Serial number.
    pub serial: String,
    /// When it was issued.
    pub issued_at: Time,
    /// When it ends.
    pub expires_at: Time,
}

/// An agent: what looks at a compute and reports.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Identifier, a UUID.
    pub id: String,
    /// The compute it reports on; `null` while it has none.
    pub compute_id: Option<i64>,
    /// Name of that compute.
    pub compute_name: Option<String>,
    /// Host name when it enrolled or last connected.
    pub hostname: String,
    /// Its program's version.
    pub version: String,
    /// `ACTIVE`, `HELD` (a person must say which compute it is), `QUARANTINED` (its identity was seen twice) or
    /// `REVOKED`.
    pub state: String,
    /// Why it is in that state; `null` when there is nothing to say.
    pub state_reason: Option<String>,
    /// It is active and is being heard of.
    pub connected: bool,
    /// When it was last heard of.
    pub last_seen_at: Time,
    /// When its present or last session began.
    pub connected_at: Option<Time>,
    /// When its last report was stored.
    pub reported_at: Option<Time>,
    /// When it enrolled.
    pub enrolled_at: Time,
    /// The join token it enrolled with.
    pub join_token_id: Option<String>,
    /// The datacenter that the join token named.
    pub datacenter_id: Option<i64>,
    /// Tags that the join token gave.
    pub tags: BTreeMap<String, String>,
    /// Number of its sessions so far.
    pub epoch: i64,
    /// Number of the last report that is stored.
    pub applied_sequence: i64,
    /// Reports that it had to drop because its disk was full of them: their history is missing, the present state is not.
    pub lost_reports: i64,
    /// The agent's clock minus the collector's, in milliseconds; `null` before the first session.
    pub clock_skew_ms: Option<i64>,
    /// The certificate it uses; `null` when it has none that was not replaced.
    pub certificate: Option<Certificate>,
    /// How well it can look at its host, by source.
    pub coverage: Vec<Coverage>,
}

impl Resource for Agent {
    const LIST: &'static str = "agents";
    const ONE: &'static str = "agent";
    const ABOUT: &'static str = "Agents: what looks at computes and reports.";
    const KEYS: &'static [Key] = &[Key::text("id", "a.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("hostname", Test::Text("a.hostname"), "Exactly this host name.").or("name"),
        Filter::new("computeId", Test::Int("a.compute_id"), "Those of this compute."),
        Filter::new("state", Test::Text("a.state"), "ACTIVE, HELD, QUARANTINED or REVOKED.").or("status"),
        Filter::new("version", Test::Text("a.version"), "Exactly this version."),
        Filter::new("connected", Test::Computed(connected), "true or false."),
        Filter::new("joinTokenId", Test::Text("a.join_token_id"), "Enrolled with this join token."),
        Filter::new("datacenterId", Test::Int("a.datacenter_id"), "Enrolled for this datacenter."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT a.id, a.compute_id, c.name AS compute_name, a.hostname, a.version, a.state, a.state_reason, \
             a.join_token_id, a.datacenter_id, {} AS tags, a.epoch, a.applied_sequence, a.lost_reports, \
             a.clock_skew_us, a.enrolled_at_us, a.connected_at_us, a.reported_at_us, {} AS last_seen_at_us, \
             {} AS connected FROM agents a LEFT JOIN agent_liveness l ON l.agent_id = a.id \
             LEFT JOIN computes c ON c.id = a.compute_id",
            context.dialect.json_text("a.tags"),
            liveness::last_seen(context),
            connected(context),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let connected_at = time::read_opt(row, "connected_at_us")?;
        let skew_us: i64 = row.get("clock_skew_us")?;
        Ok(Self {
            id: row.get("id")?,
            compute_id: row.get("compute_id")?,
            compute_name: row.get("compute_name")?,
            hostname: row.get("hostname")?,
            version: row.get("version")?,
            state: row.get("state")?,
            state_reason: Some(row.get::<String>("state_reason")?).filter(|reason| !reason.is_empty()),
            connected: row.get::<String>("connected")? == "true",
            last_seen_at: time::read(row, "last_seen_at_us")?,
            connected_at,
            reported_at: time::read_opt(row, "reported_at_us")?,
            enrolled_at: time::read(row, "enrolled_at_us")?,
            join_token_id: row.get("join_token_id")?,
            datacenter_id: row.get("datacenter_id")?,
            tags: value::read_ours(row, "tags")?,
            epoch: row.get("epoch")?,
            applied_sequence: row.get("applied_sequence")?,
            lost_reports: row.get("lost_reports")?,
            clock_skew_ms: connected_at.map(|_| skew_us / 1_000),
            certificate: None,
            coverage: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.as_str().into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        let ids: Vec<Value> = items.iter().map(|agent| agent.id.as_str().into()).collect();
        let mut coverage = coverage(db, ids.clone()).await?;
        let mut certificates = certificates(db, ids).await?;
        for agent in items {
            agent.coverage = coverage.remove(&agent.id).unwrap_or_default();
            agent.certificate = certificates.remove(&agent.id);
        }
        Ok(())
    }
}

/// Reads the coverage of agents, by agent.
pub(super) async fn coverage(db: &Db, agents: Vec<Value>) -> Result<HashMap<String, Vec<Coverage>>, StoreError> {
    let mut executor = db;
    let select = "SELECT s.agent_id, s.source, s.health, s.completeness, s.reason, s.since_at_us, s.warnings \
                  FROM agent_sources s WHERE";
    let rows = executor.fetch_in(select, "s.agent_id", Vec::new(), agents).await?;
    let mut found: HashMap<String, Vec<Coverage>> = HashMap::new();
    for row in rows {
        found.entry(row.get("agent_id")?).or_default().push(Coverage {
            source: row.get("source")?,
            health: row.get("health")?,
            completeness: row.get("completeness")?,
            since: time::read(&row, "since_at_us")?,
            reason: Some(row.get::<String>("reason")?).filter(|reason| !reason.is_empty()),
            warnings: row.get("warnings")?,
        });
    }
    for sources in found.values_mut() {
        sources.sort_by(|one, other| one.source.cmp(&other.source));
    }
    Ok(found)
}

/// Reads the newest certificate of each agent that was not replaced.
async fn certificates(db: &Db, agents: Vec<Value>) -> Result<HashMap<String, Certificate>, StoreError> {
    let mut executor = db;
    let select = "SELECT t.agent_id, t.serial, t.issued_at_us, t.not_after_at_us FROM agent_certificates t \
                  WHERE t.superseded_at_us IS NULL AND";
    let rows = executor.fetch_in(select, "t.agent_id", Vec::new(), agents).await?;
    let mut found: HashMap<String, Certificate> = HashMap::new();
    for row in rows {
        let certificate = Certificate {
            serial: row.get("serial")?,
            issued_at: time::read(&row, "issued_at_us")?,
            expires_at: time::read(&row, "not_after_at_us")?,
        };
        let agent: String = row.get("agent_id")?;
        if found.get(&agent).is_none_or(|known| known.issued_at < certificate.issued_at) {
            found.insert(agent, certificate);
        }
    }
    Ok(found)
}

fn connected(context: &Context) -> String {
    format!("CASE WHEN {} THEN 'false' ELSE 'true' END", liveness::silent(context))
}
