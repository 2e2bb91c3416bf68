//! What the agent measures of itself, for Prometheus: the status as numbers, on a listener that is off by default.
//!
//! There is no recorder: all figures are held by whoever needs them anyway, and written as text when somebody asks, so
//! that an agent that nobody asks pays nothing. Names of hosts, containers and processes are in none of them.

mod catalogue;
mod serve;

use orchestrix_common::{
    metric::MetricText,
    process::{self, ProcessUse},
    time::Timestamp,
};

use crate::{
    inspect::LookOutcome,
    link::LinkState,
    status::{AgentStatus, OutboxStatus, SourceLine},
};

pub use catalogue::{all, reference};
pub use serve::{ListenError, bind, serve};

/// Writes a status as measurements.
#[must_use]
pub fn text(status: &AgentStatus, now: Timestamp) -> String {
    text_of(status, &process::measure(), now)
}

fn text_of(status: &AgentStatus, used: &ProcessUse, now: Timestamp) -> String {
    let mut text = MetricText::default();
    link(&mut text, status, now);
    reports(&mut text, status);
    sources(&mut text, &status.sources);
    let own = &status.own_use;
    for bound in ["cpu", "memory"] {
        let over = own.over_budget.iter().any(|name| name == bound);
        text.sample(&catalogue::OVER_BUDGET, &[("bound", bound)], one(over));
    }
    if let Some(percent) = own.cpu_percent {
        text.sample(&catalogue::CPU, &[], percent / 100.0);
    }
    text.sample(&catalogue::CPU_BUDGET, &[], own.budget_cpu_percent / 100.0);
    text.sample(&catalogue::MEMORY_BUDGET, &[], whole(own.budget_memory_bytes));
    text.process(used);
    text.sample(&catalogue::BUILD, &[("program", "orchestrix-agent"), ("version", &status.version)], 1.0);
    text.into_text()
}

fn link(text: &mut MetricText, status: &AgentStatus, now: Timestamp) {
    let link = &status.link;
    text.sample(&catalogue::CONNECTED, &[], one(link.is_connected()));
    let held = matches!(link.state, LinkState::Connected { held: Some(_), .. });
    text.sample(&catalogue::HELD, &[], one(held));
    text.sample(&catalogue::SESSIONS, &[], whole(link.sessions));
    text.sample(&catalogue::BREAKS, &[], whole(link.breaks));
    if let Some(at) = link.acknowledged_at {
        text.sample(&catalogue::ACCEPTED_AGE, &[], now.since(at).as_secs_f64());
    }
    if let Some(skew) = link.clock_skew_ms {
        text.sample(&catalogue::CLOCK_SKEW, &[], skew as f64 / 1e3);
    }
    let left = status.certificate_not_after.as_micros() - now.as_micros();
    text.sample(&catalogue::CERTIFICATE, &[], left as f64 / 1e6);
}

fn reports(text: &mut MetricText, status: &AgentStatus) {
    let OutboxStatus {
        head_sequence,
        acknowledged_sequence: _,
        waiting_reports,
        dropped_reports,
        bytes,
        max_bytes,
        trouble,
    } = &status.outbox;
    let link = &status.link;
    text.sample(&catalogue::MADE, &[], whole(*head_sequence));
    text.sample(&catalogue::SENT, &[], whole(link.sent_reports));
    text.sample(&catalogue::RESENT, &[], whole(link.resent_reports));
    for (outcome, reports) in [
        ("applied", link.applied_reports),
        ("duplicate", link.duplicate_reports),
        ("held", link.held_reports),
        ("refused", link.refused_reports),
    ] {
        text.sample(&catalogue::ACKNOWLEDGED, &[("outcome", outcome)], whole(reports));
    }
    text.sample(&catalogue::DROPPED, &[], whole(*dropped_reports));
    text.sample(&catalogue::OUTBOX_REPORTS, &[], whole(*waiting_reports));
    text.sample(&catalogue::OUTBOX_BYTES, &[], whole(*bytes));
    text.sample(&catalogue::OUTBOX_MAX, &[], whole(*max_bytes));
    text.sample(&catalogue::OUTBOX_IN_MEMORY, &[], one(trouble.is_some()));
}

/// Samples of one metric come together, so each is a walk over the sources.
fn sources(text: &mut MetricText, sources: &[SourceLine]) {
    for line in sources {
        for state in LookOutcome::ALL {
            let labels = [("source", line.source.as_str()), ("state", state.as_str())];
            text.sample(&catalogue::STATE, &labels, one(line.look.outcome == Some(state)));
        }
    }
    let each = |text: &mut MetricText, metric, value: fn(&SourceLine) -> f64| {
        for line in sources {
            text.sample(metric, &[("source", line.source.as_str())], value(line));
        }
    };
    each(text, &catalogue::ENTITIES, |line| whole(line.entities as u64));
    for line in sources {
        for outcome in LookOutcome::ALL {
            let labels = [("source", line.source.as_str()), ("outcome", outcome.as_str())];
            text.sample(&catalogue::LOOKS, &labels, whole(line.look.looks.get(&outcome).copied().unwrap_or(0)));
        }
    }
    each(text, &catalogue::LOOK_SECONDS, |line| line.look.total_seconds);
    each(text, &catalogue::LAST_LOOK, |line| line.look.seconds);
    each(text, &catalogue::RESTARTS, |line| whole(line.look.restarts));
}

fn one(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

/// Exact below 2^53.
fn whole(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use orchestrix_common::{
        metric::{Metric, problems_of_text},
        model::Source,
    };

    use super::*;
    use crate::{inspect::LookFigures, link::LinkStatus, status::OwnUse};

    #[test]
    fn a_status_is_told_whole_and_as_it_is_described() {
        let look = LookFigures {
            outcome: Some(LookOutcome::NotPermitted),
            at: Some(Timestamp::from_secs(90)),
            seconds: 0.5,
            total_seconds: 2.0,
            looks: BTreeMap::from([(LookOutcome::NotPermitted, 4)]),
            restarts: 1,
        };
        let source = |source, look| SourceLine { source, status: None, entities: 7, look };
        let status = AgentStatus {
            version: "1.2.3".into(),
            agent_id: "id".into(),
            hostname: "secret-host".into(),
            collector: "secret-collector:1".into(),
            certificate_not_after: Timestamp::from_secs(3_700),
            started_at: Timestamp::EPOCH,
            link: LinkStatus {
                state: LinkState::Connected { since: Timestamp::EPOCH, epoch: 2, held: Some("why".into()) },
                acknowledged_at: Some(Timestamp::from_secs(40)),
                clock_skew_ms: Some(-1_500),
                sessions: 2,
                sent_reports: 12,
                resent_reports: 3,
                duplicate_reports: 1,
                ..LinkStatus::default()
            },
            outbox: OutboxStatus {
                head_sequence: 9,
                acknowledged_sequence: 8,
                waiting_reports: 1,
                dropped_reports: 0,
                bytes: 64,
                max_bytes: 128,
                trouble: Some("full".into()),
            },
            sources: vec![source(Source::Docker, look), source(Source::Host, LookFigures::default())],
            own_use: OwnUse {
                cpu_percent: Some(0.25),
                over_budget: vec!["memory".into()],
                budget_cpu_percent: 10.0,
                budget_memory_bytes: 1_024,
                ..OwnUse::default()
            },
        };
        let text = text(&status, Timestamp::from_secs(100));
        let described: Vec<Metric> = all().copied().collect();
        assert_eq!(problems_of_text(&described, &text), Vec::<String>::new());
        for metric in all() {
            assert!(text.contains(&format!("# TYPE {} ", metric.name)), "{} is missing", metric.name);
        }
        for line in [
            "orchestrix_agent_connected 1",
            "orchestrix_agent_held 1",
            "orchestrix_agent_accepted_age_seconds 60",
            "orchestrix_agent_clock_skew_seconds -1.5",
            "orchestrix_agent_certificate_remaining_seconds 3600",
            "orchestrix_agent_reports_acknowledged_total{outcome=\"duplicate\"} 1",
            "orchestrix_agent_outbox_in_memory 1",
            "orchestrix_agent_source_state{source=\"docker\",state=\"not-permitted\"} 1",
            "orchestrix_agent_source_state{source=\"docker\",state=\"observed\"} 0",
            "orchestrix_agent_source_state{source=\"host\",state=\"observed\"} 0",
            "orchestrix_agent_looks_total{source=\"docker\",outcome=\"not-permitted\"} 4",
            "orchestrix_agent_looks_seconds_total{source=\"docker\"} 2",
            "orchestrix_agent_over_budget{bound=\"memory\"} 1",
            "orchestrix_agent_cpu_ratio 0.0025",
            "orchestrix_build_info{program=\"orchestrix-agent\",version=\"1.2.3\"} 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }
}
