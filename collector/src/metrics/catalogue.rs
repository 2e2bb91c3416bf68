//! Every metric of the collector: the one place where it is described.

use orchestrix_common::metric::{Metric, MetricReference, PROCESS};

pub(super) const BUILD: Metric = Metric::gauge("orchestrix_build_info", "Which program this is; always 1.")
    .by(&[("program", "`orchestrix-collector`"), ("version", "its version")]);

const SESSIONS: &[Metric] = &[
    Metric::gauge("orchestrix_session_open", "Open sessions of agents on this collector.")
        .alert("the sum over all collectors drops by more than a tenth within five minutes"),
    Metric::counter("orchestrix_session_opened_total", "Sessions opened."),
    Metric::counter("orchestrix_session_reconnects_total", "Sessions opened by agents that had one before.")
        .alert("more than one per agent and hour: the network, the balancer's time limits, or agents that restart"),
    Metric::histogram("orchestrix_session_opening_seconds", "Time from an agent's Hello to its Welcome.")
        .alert("the 99th percentile is above 10 s"),
    Metric::counter("orchestrix_session_refused_total", "Streams turned away or put off.")
        .by(&[("code", "why, as in the agent's log: `overloaded`, `revoked`, `quarantined`, `not-enrolled`, …")])
        .alert("any but `overloaded`, `renewed`, `draining` and `superseded`; `overloaded` for ten minutes"),
    Metric::counter("orchestrix_session_ended_total", "Sessions ended.")
        .by(&[("reason", "`closed`, `connection-lost`, `silent`, `not-read`, `draining`, `superseded`, …")])
        .alert("`silent` or `not-read` keep rising"),
    Metric::counter("orchestrix_session_clones_total", "Identities found in use on two hosts.").alert("it rises"),
    Metric::counter("orchestrix_session_handshakes_total", "TLS handshakes on the agents' port.")
        .by(&[("outcome", "`done`, `refused` or `timed-out`")])
        .alert("`refused` keeps rising: strangers at the port, or agents with ended certificates"),
    Metric::counter("orchestrix_session_heartbeats_total", "Heartbeats received."),
    Metric::counter("orchestrix_session_repairs_total", "Listings asked for because digests differed.")
        .alert("it keeps rising while no agent starts or reconnects"),
    Metric::counter("orchestrix_session_measurements_dropped_total", "Batches of measurements not stored.")
        .alert("it keeps rising: the database is too slow"),
    Metric::counter("orchestrix_session_unknown_messages_total", "Messages of a newer agent, passed over.")
        .alert("it rises: upgrade the collectors"),
    Metric::counter("orchestrix_session_store_failures_total", "Sessions not opened because the database failed.")
        .alert("it rises"),
    Metric::gauge("orchestrix_queue_depth", "How full a bounded queue is.").by(QUEUES),
    Metric::gauge("orchestrix_queue_capacity", "What a bounded queue holds at most.").by(QUEUES),
];

const QUEUES: &[(&str, &str)] = &[(
    "queue",
    "`handshakes` in flight, `ready_connections` behind them, `opening` sessions, `waiting` to be opened, `storing` reports, \
     `outgoing` messages of the session that has most, `change_feeds` open at the API",
)];

const REPORTS: &[Metric] = &[
    Metric::counter("orchestrix_report_outcomes_total", "Reports by what became of them; each was acknowledged.")
        .by(&[("outcome", "`applied`, `duplicate`, `held` or `refused`")])
        .alert("`refused` or `held` rises"),
    Metric::counter("orchestrix_report_received_bytes_total", "Bytes of reports received, uncompressed."),
    Metric::counter("orchestrix_report_changes_total", "Changes that reports made in the inventory."),
    Metric::counter("orchestrix_report_lost_total", "Reports that agents dropped because their outbox was full.")
        .alert("it rises: history is missing, the present state is not"),
    Metric::counter("orchestrix_report_unknown_changes_total", "Changes of newer agents, passed over.")
        .alert("it rises: upgrade the collectors"),
    Metric::counter("orchestrix_report_retries_total", "Waits of a session for a database that failed.")
        .alert("it keeps rising"),
    Metric::histogram("orchestrix_report_apply_seconds", "Time from a report to its commit, waiting included.")
        .alert("the 99th percentile is above 1 s"),
    Metric::histogram("orchestrix_report_reconcile_seconds", "Time of one report's steps within its transaction.")
        .by(&[("step", "`plan`: read what is known and decide; `write`: change rows and history")]),
    Metric::counter("orchestrix_liveness_rows_total", "Signs of life written."),
    Metric::counter("orchestrix_liveness_silent_total", "Agents found silent.").alert("many at once"),
];

const STORE: &[Metric] = &[
    Metric::histogram("orchestrix_store_operation_seconds", "Time of the database's work, successful or not.")
        .by(&[(
            "operation",
            "`read` and `write`: one statement; `begin`: wait for a connection and the right to write; `commit`",
        )])
        .alert("the 99th percentile of `commit` is above 250 ms, of `begin` above 1 s"),
    Metric::counter("orchestrix_store_errors_total", "Operations of the database that failed.")
        .by(&[(
            "class",
            "`transient` (a lost lock or node, tried again), `content` (a value it does not take), `other`",
        )])
        .alert("`other` rises"),
    Metric::counter("orchestrix_store_retries_total", "Transactions tried again because a lock or a node was lost.")
        .alert("more than a tenth of the commits"),
    Metric::gauge("orchestrix_store_connections", "Connections to the database.")
        .by(&[POOL, ("state", "`in_use` or `idle`")]),
    Metric::gauge("orchestrix_store_connections_max", "The most connections of a pool.")
        .by(&[POOL])
        .alert("all of them are in use for a minute"),
];

const POOL: (&str, &str) = ("pool", "`writer` and `readers` of SQLite, `all` of MariaDB or MySQL");

const TRUST: &[Metric] = &[
    Metric::counter("orchestrix_pki_calls_total", "Enrolments and renewals.")
        .by(&[("call", "`enroll` or `renew`"), ("code", "`ok`, or why it was refused")])
        .alert("a `renew` that is not `ok`"),
    Metric::counter(
        "orchestrix_pki_certificates_recognised_total",
        "Certificates taken over that were issued after the backup that the database was restored from.",
    )
    .alert("it rises while nothing was restored"),
    Metric::gauge("orchestrix_pki_certificate_remaining_seconds", "Time until a certificate ends; negative behind it.")
        .by(&[("certificate", "`root` (the one that certificates come from), `issuing`, `collector`")])
        .alert("`collector` below 4 h, `issuing` below 90 days, `root` below a year: renewal does not work"),
];

const FLEET: &[Metric] = &[
    Metric::gauge("orchestrix_fleet_agents", "Agents, by what they may do and whether they are heard of.")
        .by(&[
            ("state", "`active`, `held` (a person must say which compute it is), `quarantined`, `revoked`"),
            ("liveness", "`heard` or `silent`"),
        ])
        .alert("`held` or `quarantined` is not 0; `active` and `silent` rises"),
    Metric::gauge("orchestrix_fleet_sources", "Active agents by source and how well they see it.")
        .by(&[
            ("source", "`host`, `docker`, `podman`, `process`, `capability`, `kubernetes`, `k8s-…`, or `other`"),
            ("health", "`healthy`, `degraded`, `failing`, `absent`, or `unknown` while the agent is silent"),
        ])
        .alert("`failing` is not 0 for ten minutes: `orchestrix-collector agents` says why"),
    Metric::gauge(
        "orchestrix_fleet_certificate_remaining_seconds",
        "Time until the first certificate of an agent that is heard of ends; absent when there is none.",
    )
    .alert("below 6 h: agents renew at half of 24 h"),
    Metric::gauge("orchestrix_fleet_certificates_expiring", "Agents that are heard of whose certificate ends soon.")
        .by(&[("within", "`6h`, `1h`, or `expired`; each counts those of the next as well")])
        .alert("`1h` is not 0"),
    Metric::gauge(
        "orchestrix_fleet_clock_skew_seconds",
        "Largest difference between an active agent's clock and ours.",
    )
    .alert("above 60 s: certificates depend on clocks"),
    Metric::gauge("orchestrix_fleet_matches_open", "Hosts that a person must place: `orchestrix-collector matches`.")
        .alert("not 0"),
    Metric::gauge("orchestrix_fleet_dead_letters", "Reports that could not be stored and are kept for people.")
        .alert("it rises"),
    Metric::gauge(
        "orchestrix_inventory_resources",
        "Rows of the inventory; ended workloads and merged computes apart.",
    )
    .by(&[(
        "kind",
        "`partner`, `cloud`, `region`, `availability_zone`, `datacenter`, `compute`, `container`, `workload`, \
             `environment`, `k8s_cluster`",
    )])
    .alert("it falls by a tenth"),
    Metric::gauge("orchestrix_fleet_sampled_timestamp_seconds", "When these figures were last read, since 1970.")
        .alert("older than ten minutes: the database does not answer"),
    Metric::gauge("orchestrix_fleet_sampling_seconds", "How long reading these figures took."),
];

const UPKEEP: &[Metric] = &[
    Metric::counter("orchestrix_environment_changes_total", "Resources whose inferred environments changed."),
    Metric::counter("orchestrix_environment_errors_total", "Rounds of inference that failed.").alert("it keeps rising"),
    Metric::gauge("orchestrix_environment_lag_changes", "Changes of the history that inference did not heed yet."),
    Metric::gauge("orchestrix_environment_lag_seconds", "Age of the oldest such change; 0 when there is none.")
        .alert("above 60 s"),
    Metric::gauge("orchestrix_history_sequence", "Number of the newest change."),
    Metric::gauge("orchestrix_history_span_seconds", "How far back the inventory can be read.")
        .alert("longer than history.keep_days by more than a day: forgetting does not work"),
    Metric::counter("orchestrix_sample_taken_total", "Samples taken of the inventory, for pictures over time.")
        .alert("the sum over all collectors does not rise for an hour"),
    Metric::counter("orchestrix_history_forgotten_total", "Changes forgotten because they are older than is kept."),
    Metric::counter("orchestrix_telemetry_spans_total", "Spans of traces, where telemetry.otlp_endpoint is set.")
        .by(&[("outcome", "`sent` or `failed`")])
        .alert("`failed` keeps rising: the receiver does not answer"),
    Metric::counter("orchestrix_upkeep_errors_total", "Rounds of a task in the background that failed.")
        .by(&[("task", "`liveness`, `silence`, `agents_watch`, `roots_watch`, `certificates`, `history`, `fleet`")])
        .alert("one keeps rising"),
];

const API: &[Metric] = &[
    Metric::histogram("orchestrix_api_request_seconds", "Time to the beginning of an answer.")
        .by(&[("method", "`GET`, `POST`, …, or `other`"), ("status", "the code, for example `200`")])
        .alert("status 500 or 503 appears; the 99th percentile is above 1 s"),
    Metric::counter("orchestrix_api_handshakes_total", "TLS handshakes on the API's port, where it has a certificate.")
        .by(&[("outcome", "`done`, `refused` or `timed-out`")])
        .alert("`refused` keeps rising: a certificate that clients do not trust, or that has ended"),
    Metric::counter("orchestrix_api_refused_tokens_total", "Requests with a token that is not valid.")
        .alert("it keeps rising"),
    Metric::counter("orchestrix_api_panics_total", "Requests that ended in a fault of the program.").alert("it rises"),
];

/// The sections of the reference.
const SECTIONS: &[(&str, &[Metric])] = &[
    ("Sessions and queues", SESSIONS),
    ("Reports", REPORTS),
    ("Database", STORE),
    ("Certificates", TRUST),
    ("Agents and inventory", FLEET),
    ("Work in the background", UPKEEP),
    ("Admin API", API),
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
    let introduction = "`/metrics` on the admin API's port, by default http://127.0.0.1:7480/metrics. What stands under \
                        *Agents and inventory*, and the lag and span under *Work in the background*, every collector \
                        reads from the shared database every 15 seconds, or more rarely where that is costly: of several collectors take the maximum, not \
                        the sum. Everything else is each collector's own.";
    MetricReference { program: "orchestrix-collector", introduction, sections: SECTIONS }.markdown()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use orchestrix_common::metric::problems_of_names;

    use super::*;

    #[test]
    fn names_keep_to_the_rules() {
        let metrics: Vec<Metric> = all().copied().collect();
        assert_eq!(problems_of_names(&metrics), Vec::<String>::new());
    }

    #[test]
    fn every_metric_in_the_code_is_described_and_the_other_way_round() {
        let mut used = BTreeSet::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|kind| kind == "rs") && !entry.ends_with("catalogue.rs") {
                    let text = fs::read_to_string(&entry).unwrap();
                    for kind in ["counter!(", "gauge!(", "histogram!("] {
                        used.extend(text.split(kind).skip(1).filter_map(name_of).map(str::to_owned));
                    }
                }
            }
        }
        let own = |metric: &&Metric| metric.name.starts_with("orchestrix_") && **metric != BUILD;
        let described: BTreeSet<String> = all().filter(own).map(|metric| metric.name.to_owned()).collect();
        assert_eq!(used, described);
    }

    /// The name in what follows `counter!(`.
    fn name_of(rest: &str) -> Option<&str> {
        rest.trim_start().strip_prefix('"')?.split('"').next().filter(|name| name.starts_with("orchestrix_"))
    }

    #[test]
    fn the_reference_is_up_to_date() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/METRICS.md");
        let written = fs::read_to_string(&file).unwrap();
        let wanted = orchestrix_common::config::replaced(&written, "orchestrix-collector", &reference());
        if std::env::var_os("ORCHESTRIX_UPDATE_REFERENCE").is_some() {
            fs::write(file, &wanted).unwrap();
        } else {
            assert!(wanted == written, "deploy/METRICS.md is out of date: run deploy/reference");
        }
    }
}
