//! Looks for rows that contradict each other. It explains; it repairs nothing.

mod history;
mod pairs;
mod references;
mod rules;

use orchestrix_common::time::Timestamp;
use serde::Serialize;

use crate::{
    environment::violation,
    store::{
        Db, Dialect, Executor as _, StoreError,
        rows::audit::{AuditBreak, audit_breaks},
    },
};

/// Findings of one kind that are read; a broken installation has many of the same.
const MOST: u32 = 100;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Something is wrong.
    Error,
    /// Something is unusual, or will mend itself.
    Warning,
}

/// Something that contradicts something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable word for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, for example `workload 7`.
    pub subject: String,
    /// Name or further particulars of it.
    pub detail: String,
    /// What is wrong.
    pub problem: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// One kind of contradiction: the statement selects `subject` and `detail` as text.
struct Check {
    code: &'static str,
    what: &'static str,
    sql: &'static str,
    problem: &'static str,
    advice: &'static str,
}

const HEALS: &str = "the next comparison of digests with the agent repairs it; if it stays, refresh the agent";
const BY_HAND: &str = "the row was written by hand or by another program; correct or remove it";

/// What is unusual or mends itself; everything else is an error.
const WARNINGS: [&str; 9] = [
    "entity-without-workload",
    "workload-without-entity",
    "agent-without-sources",
    "report-not-stored",
    "no-admin-token",
    "duplicate-hostname",
    "duplicate-address",
    "unusual-value",
    "workload-of-revoked-agent",
];

const CHECKS: &[Check] = &[
    Check {
        code: "two-primary-environments",
        what: "resource",
        sql: "SELECT CAST(t.resource_id AS CHAR) AS subject, t.resource_type AS detail FROM environment_associations t \
              WHERE t.is_primary = 1 GROUP BY t.resource_type, t.resource_id HAVING COUNT(*) > 1",
        problem: "has more than one primary environment",
        advice: "make one of its associations the primary one",
    },
    Check {
        code: "compute-in-two-clouds",
        what: "compute",
        sql: "SELECT CAST(c.id AS CHAR) AS subject, c.name AS detail FROM computes c \
              JOIN datacenters d ON d.id = c.datacenter_id WHERE c.cloud_id <> d.cloud_id",
        problem: "belongs to another cloud than the datacenter that it stands in",
        advice: "correct its cloudId or its datacenterId: what it inherits follows the datacenter",
    },
    Check {
        code: "duplicate-hostname",
        what: "host name",
        sql: "SELECT LOWER(c.hostname) AS subject, CONCAT_IDS AS detail FROM computes c WHERE c.hostname <> '' \
              GROUP BY LOWER(c.hostname) HAVING COUNT(*) > 1",
        problem: "is that of several computes",
        advice: "if they are one host, merge them; an agent of such a name is queued for a person (matches)",
    },
    Check {
        code: "duplicate-address",
        what: "address",
        sql: "SELECT c.ip_address AS subject, CONCAT_IDS AS detail FROM computes c WHERE c.ip_address <> '' \
              GROUP BY c.ip_address HAVING COUNT(*) > 1",
        problem: "is that of several computes",
        advice: "correct what is out of date; networks that reuse addresses may leave it",
    },
    Check {
        code: "unusual-value",
        what: "environment",
        sql: "SELECT CAST(e.id AS CHAR) AS subject, e.type AS detail FROM environments e \
              WHERE UPPER(e.type) NOT IN ('PRODUCTION', 'STAGING', 'DEVELOPMENT', 'TESTING', 'QA', 'DR')",
        problem: "is of a type that is none of PRODUCTION, STAGING, DEVELOPMENT, TESTING, QA, DR",
        advice: "correct the type, so that rules and colours apply to it",
    },
    Check {
        code: "unusual-value",
        what: "container",
        sql: "SELECT CAST(c.id AS CHAR) AS subject, c.container_type AS detail FROM containers c WHERE \
              UPPER(c.container_type) NOT IN ('LXC', 'LXD', 'DOCKER', 'PODMAN', 'CONTAINERD', 'KUBERNETES')",
        problem: "is of a type that is none of LXC, LXD, DOCKER, PODMAN, CONTAINERD, KUBERNETES",
        advice: "correct the type: discovery matches a container only to a row of its own type",
    },
    Check {
        code: "workload-of-revoked-agent",
        what: "workload",
        sql: "SELECT CAST(w.id AS CHAR) AS subject, w.workload_name AS detail FROM compute_workloads w \
              WHERE w.ended_at_us IS NULL AND EXISTS (SELECT 1 FROM agents a WHERE a.compute_id = w.compute_id) \
              AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.compute_id = w.compute_id AND a.state <> 'REVOKED')",
        problem: "has not ended, but every agent of its compute is revoked: nobody can tell what became of it",
        advice: "let the host enrol again, or end what is known to be gone",
    },
    Check {
        code: "entity-without-workload",
        what: "agent",
        sql: "SELECT e.agent_id AS subject, e.native_id AS detail FROM agent_entities e \
              LEFT JOIN compute_workloads w ON w.id = e.resource_id \
              WHERE e.kind IN ('container', 'process') AND (w.id IS NULL OR w.ended_at_us IS NOT NULL)",
        problem: "reports this entity, but its workload has ended or is not there",
        advice: HEALS,
    },
    Check {
        code: "workload-without-entity",
        what: "workload",
        sql: "SELECT CAST(w.id AS CHAR) AS subject, w.workload_name AS detail FROM compute_workloads w \
              WHERE w.ended_at_us IS NULL AND EXISTS (SELECT 1 FROM agents a WHERE a.compute_id = w.compute_id) \
              AND NOT EXISTS (SELECT 1 FROM agents a JOIN agent_entities e ON e.agent_id = a.id \
              AND e.source = w.source AND e.native_id = w.workload_id WHERE a.compute_id = w.compute_id)",
        problem: "has not ended, but no agent of its compute reports it",
        advice: HEALS,
    },
    Check {
        code: "entity-hash",
        what: "agent",
        sql: "SELECT e.agent_id AS subject, e.native_id AS detail FROM agent_entities e WHERE LENGTH(e.hash) <> 16",
        problem: "reports this entity, but its stored hash is not 16 bytes long, so that digests cannot agree",
        advice: BY_HAND,
    },
    Check {
        code: "workload-without-compute",
        what: "workload",
        sql: "SELECT CAST(w.id AS CHAR) AS subject, w.workload_name AS detail FROM compute_workloads w \
              LEFT JOIN computes c ON c.id = w.compute_id WHERE c.id IS NULL",
        problem: "runs on a compute that is not there",
        advice: BY_HAND,
    },
    Check {
        code: "workload-without-container",
        what: "workload",
        sql: "SELECT CAST(w.id AS CHAR) AS subject, w.workload_name AS detail FROM compute_workloads w \
              LEFT JOIN containers t ON t.id = w.container_row_id \
              WHERE w.container_row_id IS NOT NULL AND t.id IS NULL",
        problem: "points to a row among the containers that is not there",
        advice: "somebody removed the container's row; the next change of the container makes a new one",
    },
    Check {
        code: "workload-json",
        what: "workload",
        sql: "SELECT CAST(w.id AS CHAR) AS subject, w.workload_name AS detail FROM compute_workloads w \
              WHERE JSON_VALID(COALESCE(w.ports, '[]')) = 0 OR JSON_VALID(COALESCE(w.labels, '{}')) = 0 \
              OR JSON_VALID(COALESCE(w.evidence, '[]')) = 0 OR JSON_VALID(COALESCE(w.isolation_details, '{}')) = 0",
        problem: "holds text that is no JSON where JSON belongs",
        advice: BY_HAND,
    },
    Check {
        code: "agent-without-compute",
        what: "agent",
        sql: "SELECT a.id AS subject, a.hostname AS detail FROM agents a LEFT JOIN computes c ON c.id = a.compute_id \
              WHERE a.state = 'ACTIVE' AND a.applied_sequence > 0 AND c.id IS NULL",
        problem: "is active and has reported, but there is no compute that it speaks for",
        advice: "let the agent connect again: it is matched then, or queued for a person (matches)",
    },
    Check {
        code: "compute-with-two-agents",
        what: "compute",
        sql: "SELECT CAST(a.compute_id AS CHAR) AS subject, CAST(COUNT(*) AS CHAR) AS detail FROM agents a \
              WHERE a.state = 'ACTIVE' AND a.compute_id IS NOT NULL GROUP BY a.compute_id HAVING COUNT(*) > 1",
        problem: "has several active agents that speak for it",
        advice: "revoke those that no longer exist (agents revoke ID)",
    },
    Check {
        code: "agent-without-certificate",
        what: "agent",
        sql: "SELECT a.id AS subject, a.hostname AS detail FROM agents a WHERE a.state = 'ACTIVE' AND a.reachable = 1 \
              AND NOT EXISTS (SELECT 1 FROM agent_certificates t WHERE t.agent_id = a.id \
              AND t.superseded_at_us IS NULL)",
        problem: "is active and reachable, but no certificate of it is in force",
        advice: "revoke it and let the host enrol again",
    },
    Check {
        code: "agent-without-sources",
        what: "agent",
        sql: "SELECT a.id AS subject, a.hostname AS detail FROM agents a WHERE a.state = 'ACTIVE' \
              AND a.applied_sequence > 0 AND NOT EXISTS (SELECT 1 FROM agent_sources s WHERE s.agent_id = a.id)",
        problem: "has reported, but how well it can look at its host is not known",
        advice: "refresh the agent",
    },
    Check {
        code: "held-without-match",
        what: "agent",
        sql: "SELECT a.id AS subject, a.hostname AS detail FROM agents a WHERE a.state = 'HELD' AND NOT EXISTS \
              (SELECT 1 FROM match_conflicts m WHERE m.agent_id = a.id AND m.state = 'OPEN')",
        problem: "waits for a person to decide, but nothing is queued for one",
        advice: "let the agent connect again: it is matched then, or queued anew",
    },
    Check {
        code: "association-without-environment",
        what: "environment association",
        sql: "SELECT CAST(t.id AS CHAR) AS subject, t.resource_type AS detail FROM environment_associations t \
              LEFT JOIN environments e ON e.id = t.environment_id WHERE e.id IS NULL",
        problem: "belongs to an environment that is not there",
        advice: BY_HAND,
    },
    Check {
        code: "allocation-above-100",
        what: "resource",
        sql: "SELECT CAST(t.resource_id AS CHAR) AS subject, t.resource_type AS detail FROM environment_associations t \
              GROUP BY t.resource_type, t.resource_id HAVING SUM(t.allocated_percentage) > 100.0",
        problem: "is allocated to environments by more than 100 % in all",
        advice: BY_HAND,
    },
    Check {
        code: "tag-without-resource",
        what: "tag of resource",
        sql: "SELECT CAST(t.resource_id AS CHAR) AS subject, t.tag_key AS detail FROM resource_tags t \
              LEFT JOIN computes c ON t.resource_type = 'compute' AND c.id = t.resource_id \
              LEFT JOIN compute_workloads w ON t.resource_type = 'workload' AND w.id = t.resource_id \
              WHERE t.resource_type IN ('compute', 'workload') AND c.id IS NULL AND w.id IS NULL",
        problem: "stands on a resource that is not there",
        advice: BY_HAND,
    },
    Check {
        code: "join-token-uses",
        what: "join token",
        sql: "SELECT t.id AS subject, t.description AS detail FROM join_tokens t \
              WHERE t.uses_left < 0 OR t.uses_left > t.uses_allowed",
        problem: "has fewer than no uses left, or more than it was made for",
        advice: "revoke it and make a new one",
    },
    Check {
        code: "report-not-stored",
        what: "agent",
        sql: "SELECT t.agent_id AS subject, t.message AS detail FROM dead_letters t ORDER BY t.id DESC",
        problem: "sent a report that could not be stored",
        advice: "look at dead_letters; upgrade the older side, then refresh the agent",
    },
];

/// Looks for contradictions, at most a hundred of each kind.
///
/// # Errors
/// When a statement fails.
pub async fn findings(db: &Db, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    let mut executor = db;
    let mut found = Vec::new();
    for check in CHECKS {
        let ids = match db.dialect() {
            Dialect::Sqlite => "GROUP_CONCAT(c.id, ', ')",
            Dialect::MySql => "GROUP_CONCAT(c.id ORDER BY c.id SEPARATOR ', ')",
        };
        let sql = format!("{} LIMIT ?", check.sql.replace("CONCAT_IDS", ids));
        for row in executor.fetch(sql, vec![MOST.into()]).await? {
            let subject: Option<String> = row.get("subject")?;
            let detail: Option<String> = row.get("detail")?;
            found.push(Finding {
                code: check.code,
                severity: severity(check.code),
                subject: format!("{} {}", check.what, subject.unwrap_or_default()),
                detail: detail.unwrap_or_default(),
                problem: check.problem,
                advice: check.advice,
            });
        }
    }
    let sql = "SELECT COUNT(*) AS tokens FROM api_tokens t WHERE t.role = 'admin' AND t.revoked_at_us IS NULL \
               AND (t.expires_at_us IS NULL OR t.expires_at_us > ?)";
    let row = executor.fetch_optional(sql.to_owned(), vec![now.into()]).await?;
    if row.map(|row| row.get::<i64>("tokens")).transpose()?.unwrap_or(0) == 0 {
        found.push(Finding {
            code: "no-admin-token",
            severity: severity("no-admin-token"),
            subject: "API tokens".to_owned(),
            detail: String::new(),
            problem: "none with the role admin is in force, so that nobody can administer over the API",
            advice: "start a collector whose data folder holds no admin.token, or use api-token create --role admin",
        });
    }
    let breaks = audit_breaks(&mut executor, &db.dialect().json_text("detail")).await?;
    found.extend(breaks.into_iter().map(broken_chain));
    found.extend(references::orphans(db).await?);
    found.extend(pairs::circles(db).await?);
    found.extend(history::contradictions(db).await?);
    found.extend(rules::doubtful(db).await?);
    found.extend(violation::violations(db, None, MOST as usize).await?.into_iter().map(separation));
    found.sort_by_key(|finding| finding.severity);
    Ok(found)
}

fn severity(code: &str) -> Severity {
    if WARNINGS.contains(&code) { Severity::Warning } else { Severity::Error }
}

fn broken_chain(broken: AuditBreak) -> Finding {
    let AuditBreak { chain, entry } = broken;
    Finding {
        code: "audit-chain",
        severity: Severity::Error,
        subject: entry.map_or_else(|| "audit log".to_owned(), |entry| format!("audit entry {entry}")),
        detail: chain,
        problem: "was changed after it was written, or entries of its chain are missing",
        advice: "find out who can write to the database, and compare with a backup",
    }
}

fn separation(violation: violation::Violation) -> Finding {
    let violation::Violation { rule_name, compute_id, compute_name, .. } = violation;
    Finding {
        code: "environment-violation",
        severity: Severity::Error,
        subject: format!("compute {compute_id}"),
        detail: format!("{compute_name}, rule {rule_name}"),
        problem: "hosts two environments that the rule keeps apart",
        advice: "move what does not belong there, or change the rule; the API says why each environment is hosted",
    }
}
