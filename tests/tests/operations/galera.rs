use std::{
    collections::BTreeSet,
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use orchestrix_tests::{galera::Galera, installation::Installation, part, proxy::Proxy, wait};

use crate::{
    fleet::Fleet,
    rolling::{measured, sessions},
};

const AGENTS: usize = 20;
const SOON: Duration = Duration::from_secs(90);
/// How often a container appears at each agent, in milliseconds.
const EVERY: u64 = 400;
/// What tells that a transaction was tried again, in the collectors' figures.
const RETRIES: [&str; 2] = ["orchestrix_store_retries_total", "orchestrix_report_retries_total"];

/// One thing that is lost under load: how long it took until the last agent's reports were stored again.
struct Loss {
    what: &'static str,
    longest_gap: Duration,
}

#[test]
fn a_cluster_loses_a_collector_and_then_a_node_each_and_no_report() {
    let Some(mut cluster) = Galera::start() else { return };
    let mut first = Installation::at(&cluster.url(0));
    let second = first.another_at(&cluster.url(1));
    let balancer = Proxy::balance_ready(vec![
        (first.agents_address(), first.api_address()),
        (second.agents_address(), second.api_address()),
    ]);
    let fleet = Fleet::start(&first, AGENTS, |_| balancer.address().to_string());
    fleet.until_connected();
    assert!(sessions(&first) > 0 && sessions(&second) > 0, "both serve agents");
    let made = Mutex::new(BTreeSet::new());
    let mut losses = Vec::new();
    let mut retries = 0;

    let calm = under_load(&fleet, &made, || sleep(Duration::from_secs(5)));
    part::measured(&format!(
        "Galera of 2 nodes, 2 collectors, {AGENTS} agents with {} reports/s, nothing lost: longest time without an \
         acknowledgement {:.1} s, {} transactions tried again",
        AGENTS as u64 * 1_000 / EVERY,
        calm.as_secs_f32(),
        retried(&first) + retried(&second)
    ));

    // A collector goes without a word.
    let longest_gap = under_load(&fleet, &made, || {
        retries += retried(&first);
        first.kill();
        until_all_are_at(&second);
        sleep(Duration::from_secs(5));
    });
    losses.push(Loss { what: "a collector", longest_gap });
    first.start();

    // The node with fewer votes goes: its collector is not ready any more, and the balancer moves the agents.
    let longest_gap = under_load(&fleet, &made, || {
        cluster.kill(1);
        until_all_are_at(&first);
        sleep(Duration::from_secs(5));
    });
    losses.push(Loss { what: "the node with fewer votes", longest_gap });
    cluster.rejoin(1);
    wait::until("the second collector to be ready again", SOON, || {
        let answer = orchestrix_tests::http::request(second.api_address(), "GET", "/readyz", None, None);
        wait::check(answer.as_ref().is_ok_and(|answer| answer.status == 200), || format!("{answer:?}"))
    });

    // The other node goes: the one that is left stands still until a person says that it may go on.
    let mut still = Duration::ZERO;
    let longest_gap = under_load(&fleet, &made, || {
        let begin = Instant::now();
        cluster.kill(0);
        cluster.until_alone(1);
        sleep(Duration::from_secs(3));
        cluster.take_over(1);
        still = begin.elapsed();
        until_all_are_at(&second);
        sleep(Duration::from_secs(5));
    });
    losses.push(Loss { what: "the node with more votes", longest_gap });

    retries += retried(&second);
    for Loss { what, longest_gap } in &losses {
        let note = if *what == "the node with more votes" {
            format!(" (a person let the other go on after {:.1} s)", still.as_secs_f32())
        } else {
            String::new()
        };
        part::measured(&format!(
            "Galera under the same load, {what} killed{note}: longest time without an acknowledgement {:.1} s",
            longest_gap.as_secs_f32()
        ));
    }
    let moves: u64 = fleet.statuses().iter().map(|status| status.link.sessions - 1).sum();
    part::measured(&format!(
        "Galera through all losses: {moves} moves of {AGENTS} agents, {retries} tries again, none refused"
    ));
    let made = made.into_inner().unwrap();
    fleet.assert_nothing_is_lost(&second, &made);
    assert_eq!(second.list("agents").len(), AGENTS, "no agent enrolled again");
    assert_eq!(second.list("computes").len(), AGENTS);
    let checked = second.cli(&["check"]).ok();
    assert!(!checked.contains("history-gap"), "nodes count in steps: {checked}");
    fleet.stop();
    // Its node is gone for good: there is nothing that it could still write.
    first.kill();
}

/// Runs `steps` while containers appear; returns the longest time in which an agent heard of no report.
fn under_load(fleet: &Fleet, made: &Mutex<BTreeSet<String>>, steps: impl FnOnce() + Send) -> Duration {
    let before = made.lock().unwrap().len();
    let load = std::thread::scope(|scope| {
        let steps = scope.spawn(steps);
        let load = fleet.under_load_as(&format!("{before}-"), Duration::from_millis(EVERY), || steps.is_finished());
        steps.join().unwrap();
        load
    });
    let gap = load.longest_gap();
    made.lock().unwrap().extend(load.made);
    gap
}

fn until_all_are_at(collector: &Installation) {
    wait::until("every agent to be at the collector that is left", SOON, || {
        let open = sessions(collector);
        wait::check(open == AGENTS as u64, || format!("{open} sessions"))
    });
}

fn retried(collector: &Installation) -> u64 {
    RETRIES.iter().map(|name| measured(collector, name)).sum()
}
