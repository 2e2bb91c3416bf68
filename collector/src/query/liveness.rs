//! Whether anybody can look at a compute now, as SQL that every view shares.
//!
//! A compute may have had several agents (it was enrolled again); the one that speaks for it is an active one before all
//! others, then the one enrolled last. A compute without any agent was entered by people and stays as they left it.

use std::time::Duration;

use super::Context;
use crate::store::Dialect;

/// Silence after which nothing is known any more, even if no collector was there to notice the missed heartbeats.
pub const SILENCE: Duration = Duration::from_secs(15 * 60);
/// It is told in steps of this, so that the statement of a page is the same for some time and is prepared once.
const STEP_MICROS: i64 = 10_000_000;

/// Joins `a`, the agent that speaks for the compute with this id, and `l`, when it was last heard of.
pub(super) fn join_agent(compute_id: &str) -> String {
    format!(
        " LEFT JOIN agents a ON a.id = (SELECT x.id FROM agents x WHERE x.compute_id = {compute_id} \
         ORDER BY CASE WHEN x.state = 'ACTIVE' THEN 0 ELSE 1 END, x.enrolled_at_us DESC, x.id DESC LIMIT 1) \
         LEFT JOIN agent_liveness l ON l.agent_id = a.id"
    )
}

/// When the agent `a` gave its last sign of life. Microseconds; NULL without an agent.
///
/// Signs of life are not kept: as of the past it is NULL.
pub(super) fn last_seen(context: &Context) -> String {
    if context.past {
        return format!("CAST(NULL AS {})", if context.dialect == Dialect::Sqlite { "INTEGER" } else { "SIGNED" });
    }
    let latest = match context.dialect {
        Dialect::Sqlite => "MAX",
        Dialect::MySql => "GREATEST",
    };
    format!(
        "{latest}(a.enrolled_at_us, COALESCE(a.connected_at_us, 0), COALESCE(a.reported_at_us, 0), \
         COALESCE(l.seen_at_us, 0))"
    )
}

/// True when there is an agent `a` and nobody hears from it, or nobody should.
///
/// As of the past, what was recorded at the time counts.
pub(super) fn silent(context: &Context) -> String {
    if context.past {
        return "(a.id IS NOT NULL AND (a.state <> 'ACTIVE' OR a.reachable = 0))".to_owned();
    }
    let before = context.now.minus(SILENCE).as_micros();
    let before = before - before % STEP_MICROS;
    format!("(a.id IS NOT NULL AND (a.state <> 'ACTIVE' OR a.reachable = 0 OR {} < {before}))", last_seen(context))
}
