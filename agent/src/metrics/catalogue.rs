//! Every metric of the agent: the one place where it is described.

use orchestrix_common::metric::{Metric, MetricReference, PROCESS};

const SOURCE: (&str, &str) = ("source", "`host`, `docker`, `podman`, `process`, `capability`, `kubernetes`, `k8s-…`");
const OUTCOMES: &str =
    "`observed`, `partial`, `absent`, `elsewhere` (another agent tells of it), `not-permitted`, `failed`";

pub(super) const CONNECTED: Metric =
    Metric::gauge("orchestrix_agent_connected", "1 while a session with a collector is open, else 0.")
        .alert("0 for ten minutes");
pub(super) const HELD: Metric =
    Metric::gauge("orchestrix_agent_held", "1 while the collector holds this agent's reports, else 0.")
        .alert("1: `orchestrix-collector matches`");
pub(super) const SESSIONS: Metric =
    Metric::counter("orchestrix_agent_sessions_total", "Sessions opened; all but the first are reconnects.");
pub(super) const BREAKS: Metric =
    Metric::counter("orchestrix_agent_session_breaks_total", "Sessions that ended or did not come about.")
        .alert("it keeps rising");
pub(super) const ACCEPTED_AGE: Metric = Metric::gauge(
    "orchestrix_agent_accepted_age_seconds",
    "Time since the collector last accepted a report; absent before the first. An idle host has none to send.",
)
.alert("above 300 s while orchestrix_agent_outbox_reports is not 0");
pub(super) const CLOCK_SKEW: Metric =
    Metric::gauge("orchestrix_agent_clock_skew_seconds", "By how much the collector's clock is ahead of this host's.")
        .alert("beyond 60 s either way");
pub(super) const CERTIFICATE: Metric = Metric::gauge(
    "orchestrix_agent_certificate_remaining_seconds",
    "Time until the agent's certificate ends; negative behind it.",
)
.alert("below 6 h: it is renewed at half of 24 h");

pub(super) const MADE: Metric =
    Metric::counter("orchestrix_agent_reports_made_total", "Reports written to the outbox since it was made.");
pub(super) const SENT: Metric = Metric::counter("orchestrix_agent_reports_sent_total", "Reports sent.");
pub(super) const RESENT: Metric =
    Metric::counter("orchestrix_agent_reports_resent_total", "Reports sent again after a break; part of those sent.");
pub(super) const ACKNOWLEDGED: Metric =
    Metric::counter("orchestrix_agent_reports_acknowledged_total", "Acknowledgements by outcome.")
        .by(&[("outcome", "`applied`, `duplicate`, `held` or `refused`")])
        .alert("`refused` rises: `orchestrix-agent status` says why");
pub(super) const DROPPED: Metric = Metric::counter(
    "orchestrix_agent_reports_dropped_total",
    "Reports dropped because the outbox was full, since it was made.",
)
.alert("it rises: history is missing, the present state is not");
pub(super) const OUTBOX_REPORTS: Metric =
    Metric::gauge("orchestrix_agent_outbox_reports", "Reports that wait for their acknowledgement.");
pub(super) const OUTBOX_BYTES: Metric = Metric::gauge("orchestrix_agent_outbox_bytes", "Bytes of the outbox.")
    .alert("above 80 % of orchestrix_agent_outbox_max_bytes");
pub(super) const OUTBOX_MAX: Metric =
    Metric::gauge("orchestrix_agent_outbox_max_bytes", "Bytes that the outbox may take: `outbox_max_bytes`.");
pub(super) const OUTBOX_IN_MEMORY: Metric = Metric::gauge(
    "orchestrix_agent_outbox_in_memory",
    "1 while reports are kept in memory only, since the disk fails.",
)
.alert("1");

pub(super) const STATE: Metric = Metric::gauge("orchestrix_agent_source_state", "1 for what came of the last look.")
    .by(&[SOURCE, ("state", OUTCOMES)])
    .alert("`failed` or `not-permitted` is 1 for ten minutes");
pub(super) const ENTITIES: Metric =
    Metric::gauge("orchestrix_agent_source_entities", "Entities that are reported of a source.").by(&[SOURCE]);
pub(super) const LOOKS: Metric =
    Metric::counter("orchestrix_agent_looks_total", "Looks at a source.").by(&[SOURCE, ("outcome", OUTCOMES)]);
pub(super) const LOOK_SECONDS: Metric =
    Metric::counter("orchestrix_agent_looks_seconds_total", "Time that all looks at a source took.").by(&[SOURCE]);
pub(super) const LAST_LOOK: Metric =
    Metric::gauge("orchestrix_agent_last_look_seconds", "Time that the last look at a source took.")
        .by(&[SOURCE])
        .alert("above 10 s: it is cut off at 24 s");
pub(super) const RESTARTS: Metric = Metric::counter(
    "orchestrix_agent_inspector_restarts_total",
    "How often an inspector panicked or hung and began afresh.",
)
.by(&[SOURCE])
.alert("it rises");

pub(super) const OVER_BUDGET: Metric =
    Metric::gauge("orchestrix_agent_over_budget", "1 while the agent uses more than its budget.")
        .by(&[("bound", "`cpu` or `memory`")])
        .alert("1 for ten minutes");
pub(super) const CPU: Metric =
    Metric::gauge("orchestrix_agent_cpu_ratio", "Part of one core that the agent used in the last minute.");
pub(super) const CPU_BUDGET: Metric = Metric::gauge(
    "orchestrix_agent_cpu_budget_ratio",
    "Part of one core that the agent may use: `budget.cpu_percent`.",
);
pub(super) const MEMORY_BUDGET: Metric =
    Metric::gauge("orchestrix_agent_memory_budget_bytes", "Memory that the agent may use: `budget.memory_bytes`.");
pub(super) const BUILD: Metric = Metric::gauge("orchestrix_build_info", "Which program this is; always 1.")
    .by(&[("program", "`orchestrix-agent`"), ("version", "its version")]);

/// The sections of the reference.
const SECTIONS: &[(&str, &[Metric])] = &[
    ("Link", &[CONNECTED, HELD, SESSIONS, BREAKS, ACCEPTED_AGE, CLOCK_SKEW, CERTIFICATE]),
    (
        "Reports",
        &[MADE, SENT, RESENT, ACKNOWLEDGED, DROPPED, OUTBOX_REPORTS, OUTBOX_BYTES, OUTBOX_MAX, OUTBOX_IN_MEMORY],
    ),
    ("Sources", &[STATE, ENTITIES, LOOKS, LOOK_SECONDS, LAST_LOOK, RESTARTS]),
    ("Own use", &[OVER_BUDGET, CPU, CPU_BUDGET, MEMORY_BUDGET]),
    ("Process", PROCESS),
    ("Build", &[BUILD]),
];

/// All metrics.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    SECTIONS.iter().flat_map(|(_, metrics)| *metrics)
}

/// The reference of all metrics, as Markdown.
#[must_use]
pub fn reference() -> String {
    let introduction = "Off by default: the collector knows of every agent whether it is heard of, what it sees and when \
                        its certificate ends. With `metrics.address = \"127.0.0.1:7444\"` in `agent.toml` the agent \
                        answers at `/metrics` there. Counters begin at zero with each start and reload, but for reports \
                        made and dropped, which the outbox keeps.";
    MetricReference { program: "orchestrix-agent", introduction, sections: SECTIONS }.markdown()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use orchestrix_common::metric::problems_of_names;

    use super::*;

    #[test]
    fn names_keep_to_the_rules() {
        let metrics: Vec<Metric> = all().copied().collect();
        assert_eq!(problems_of_names(&metrics), Vec::<String>::new());
    }

    #[test]
    fn the_reference_is_up_to_date() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/METRICS.md");
        let written = fs::read_to_string(&file).unwrap();
        let wanted = orchestrix_common::config::replaced(&written, "orchestrix-agent", &reference());
        if std::env::var_os("ORCHESTRIX_UPDATE_REFERENCE").is_some() {
            fs::write(file, &wanted).unwrap();
        } else {
            assert!(wanted == written, "deploy/METRICS.md is out of date: run deploy/reference");
        }
    }
}
