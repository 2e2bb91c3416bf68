//! How many agents one collector carries.
//!
//! Simulated agents in this process enrol, connect and report over real mutual TLS to a real collector of the same profile.
//! Only what they look at is made up: 20 containers on each host. Three questions, one after the other, on one inventory:
//! what it takes until all have reported and what they cost when nothing happens (S1), how long a change waits for its
//! acknowledgement (S2), and how all come back after the collector was killed (S6).
//!
//! Both sides share the machine; the collector's processor time and memory are its own. Nothing is asserted by time. What
//! is asserted: no report is refused, and after the kill nobody tells again what the inventory knows.
//!
//! The process needs two file descriptors per agent while it enrols, the collector one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails by panicking, and its numbers are far below 2^53"
)]

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use orchestrix_tests::{installation::Installation, part};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

mod agent;
// The product's own rule of when to come back, which its crate keeps to itself.
#[allow(unused_imports, reason = "its tests do not run here")]
#[path = "../../../agent/src/link/backoff.rs"]
mod backoff;
mod counts;
mod figures;
mod fleet;
mod host;

use figures::{Memory, Use, at_most, listen_overflows, mib, millis, print, rest};
use fleet::Fleet;
use host::CONTAINERS;

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(60);
/// How long containers change.
const CHANGING: Duration = Duration::from_secs(15);
/// The smallest rate that is tried.
const FEWEST: usize = 20;
/// What the collector may take to come to rest between two rates.
const BETWEEN: Duration = Duration::from_secs(20);
/// What the environments' worker may take to come to rest.
const REST: Duration = Duration::from_secs(240);
/// One in so many agents sees a change while the collector is away.
const CHANGED_MEANWHILE: usize = 10;

/// What is measured.
#[derive(Debug, Parser)]
struct Flags {
    /// Simulated agents.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(10..=20_000))]
    agents: u16,
    /// Where the inventory is: sqlite or mariadb.
    #[arg(long, default_value = "sqlite", value_parser = ["sqlite", "mariadb"])]
    database: String,
    /// Changes per second that are tried first; half of them next, as long as they are too many.
    #[arg(long, default_value_t = 2_000)]
    changes: usize,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    // `cargo test` asks every target for its list of tests.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Flags { agents, database, changes, bench: _ } = Flags::parse();
    let made = match database.as_str() {
        "mariadb" => Installation::on_mariadb(),
        _ => Some(Installation::on_sqlite()),
    };
    let Some(mut installation) = made else { return };
    // The collector has started with the limits of whoever started this.
    raise_open_files(u64::from(agents) * 2 + 512);
    part::measured(&format!(
        "fleet of {agents} agents with {CONTAINERS} containers each, {database}, {}, {} processors",
        if cfg!(debug_assertions) { "dev profile" } else { "release profile" },
        thread::available_parallelism().map_or(0, usize::from),
    ));
    let fleet = first_reports(&mut installation, agents.into());
    idle(&mut installation, &fleet);
    connections(&mut installation, &fleet);
    latency(&mut installation, &fleet, changes);
    killed(&mut installation, &fleet);
    let counts = &fleet.counts;
    assert_eq!((counts.refused.get(), counts.permanent.get()), (0, 0), "{counts:?}");
    fleet.end();
}

/// Lets this process open as many files.
fn raise_open_files(wanted: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        let maximum = maximum.map(|maximum| maximum.max(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).unwrap_or_else(|error| {
            panic!("this process may open {current:?} files and needs {wanted}: {error}; raise it with ulimit -n")
        });
    }
}

fn first_reports(installation: &mut Installation, agents: usize) -> Fleet {
    let pid = installation.collector().pid();
    let (begun, before, empty) = (Instant::now(), Use::of(pid), Memory::of(pid));
    let fleet = Fleet::enrol(installation, agents);
    let enrolled = begun.elapsed();
    fleet.until("every agent to have reported", |counts| counts.reported.get() == agents);
    let (took, after) = (begun.elapsed(), Use::of(pid));
    print(&format!(
        "S1 first reports: all enrolled after {:.1} s ({:.0} agents/s), all {} entities stored after {:.1} s; collector {:.2} ms \
         CPU per agent; {} tries put off, {} breaks",
        enrolled.as_secs_f64(),
        agents as f64 / enrolled.as_secs_f64(),
        agents * host::ENTITIES,
        took.as_secs_f64(),
        millis(after.cpu_since(before)) / agents as f64,
        fleet.counts.put_off.get(),
        fleet.counts.breaks.get(),
    ));
    let known = [agents - 1, agents].map(|passed_over| computes_behind(installation, passed_over));
    assert_eq!(known, [1, 0], "the inventory has {agents} computes");
    let rested = rest(pid, REST);
    let memory = Memory::of(pid);
    let per_agent = memory.pss.saturating_sub(empty.pss) as f64 / agents as f64 / 1_024.0;
    print(&format!(
        "S1 memory of the collector, {:.0} s later: PSS {:.1} MiB, RSS {:.1} MiB, peak {:.1} MiB ({}); {per_agent:.1} kB per \
         agent over the {:.1} MiB of an empty one ({})",
        rested.as_secs_f64(),
        mib(memory.pss),
        mib(memory.rss),
        mib(memory.peak),
        at_most(mib(memory.rss) * 1.048_576 / 1_000.0, 1.0, "GB"),
        mib(empty.pss),
        at_most(per_agent, 64.0, "kB"),
    ));
    fleet
}

/// How many hosts the inventory has behind as many that are passed over: none or one.
fn computes_behind(installation: &Installation, passed_over: usize) -> u64 {
    let asked = json!({ "kind": "compute", "select": ["id"], "page": { "limit": 1, "offset": passed_over } });
    let answer = installation.request("POST", "/api/v1/query", Some(&asked)).expect("the collector answers").json();
    answer["count"].as_u64().unwrap_or_else(|| panic!("no count in {answer}"))
}

fn idle(installation: &mut Installation, fleet: &Fleet) {
    let pid = installation.collector().pid();
    let (before, beats) = (Use::of(pid), fleet.counts.heartbeats.get());
    thread::sleep(IDLE);
    let after = Use::of(pid);
    let beats = fleet.counts.heartbeats.get() - beats;
    let percent = after.percent_since(before);
    print(&format!(
        "S1 idle for {} s: collector {percent:.2} % of a core ({}), {beats} heartbeats ({:.1} per s), {:.3} ms CPU for each",
        IDLE.as_secs(),
        at_most(percent, 10.0, "%"),
        beats as f64 / IDLE.as_secs_f64(),
        millis(after.cpu_since(before)) / beats as f64,
    ));
}

/// The yardstick of what follows: connections with a certificate and nothing else.
fn connections(installation: &mut Installation, fleet: &Fleet) {
    let (pid, count) = (installation.collector().pid(), fleet.len().min(2_000));
    let before = Use::of(pid);
    let took = fleet.connect(count);
    let after = Use::of(pid);
    print(&format!(
        "bare mTLS connections to the same collector: {:.0} per s, collector {:.2} ms CPU each (n={count})",
        count as f64 / took.as_secs_f64(),
        millis(after.cpu_since(before)) / count as f64,
    ));
}

fn latency(installation: &mut Installation, fleet: &Fleet, first: usize) {
    let pid = installation.collector().pid();
    let mut rate = first;
    loop {
        drop(fleet.counts.latencies());
        let (begun, before) = (Instant::now(), Use::of(pid));
        let changes = fleet.change(rate, CHANGING);
        let lasted = begun.elapsed();
        let word = if lasted < CHANGING.mul_f64(0.9) { "too many, given up" } else { "carried" };
        fleet.until("every change to be acknowledged", |counts| counts.acknowledged_count() >= changes);
        let (took, after) = (begun.elapsed(), Use::of(pid));
        let times = fleet.counts.latencies();
        let p99 = millis(times.percentile(99));
        print(&format!(
            "S2 {rate} changes per s for {:.1} s, one per report, {word}: until its durable ack p50 {:.1} ms, p99 {p99:.1} ms ({}), max \
             {:.1} ms; stored at {:.0} per s; collector {:.2} ms CPU each, {:.0} % of a core (n={changes}, {} refused)",
            lasted.as_secs_f64(),
            millis(times.percentile(50)),
            at_most(p99, 100.0, "ms"),
            millis(times.percentile(100)),
            changes as f64 / took.as_secs_f64(),
            millis(after.cpu_since(before)) / changes as f64,
            after.percent_since(before),
            fleet.counts.refused.get(),
        ));
        rate /= 2;
        if p99 <= 100.0 || rate < FEWEST {
            return;
        }
        rest(pid, BETWEEN);
    }
}

fn killed(installation: &mut Installation, fleet: &Fleet) {
    let (agents, counts) = (fleet.len(), &fleet.counts);
    rest(installation.collector().pid(), REST);
    drop(counts.latencies());
    let before = [&counts.opened, &counts.listings, &counts.wanted, &counts.put_off, &counts.breaks, &counts.applied];
    let was = before.map(counts::Count::get);
    let (overflows, begun) = (listen_overflows(), Instant::now());
    installation.kill();
    // One break each; changes from here on wait in the outboxes.
    fleet.until("every agent to notice", |counts| counts.settled.get() == 0);
    let changed = fleet.change_one_in(CHANGED_MEANWHILE);
    installation.start();
    let ready = begun.elapsed();
    let pid = installation.collector().pid();
    fleet.until("every agent to be back", |counts| {
        counts.opened.get() >= was[0] + agents && counts.settled.get() == agents
    });
    let took = begun.elapsed();
    let cpu = Use::of(pid).total();
    // What the collector would ask for comes with the first messages of a session.
    thread::sleep(Duration::from_secs(2));
    let [_, listings, wanted, put_off, breaks, applied] = std::array::from_fn(|at| before[at].get() - was[at]);
    print(&format!(
        "S6 killed: ready again after {:.1} s, all agents after {:.1} s ({}); {listings} sources listed and {wanted} entities told \
         again (goal none), {applied} of {changed} changes from meanwhile stored by reports; {breaks} breaks, {put_off} put \
         off, {} connections not queued; collector {:.2} ms CPU per agent",
        ready.as_secs_f64(),
        took.as_secs_f64(),
        at_most(took.as_secs_f64(), 60.0, "s"),
        listen_overflows() - overflows,
        millis(cpu) / agents as f64,
    ));
    let memory = Memory::of(pid);
    print(&format!("S6 memory of the collector: RSS {:.1} MiB, peak {:.1} MiB", mib(memory.rss), mib(memory.peak)));
    assert_eq!((listings, wanted), (0, 0), "what the inventory knows was told again");
    assert_eq!(applied, changed, "changes from meanwhile");
}
