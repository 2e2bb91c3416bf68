//! What an agent costs in a large cluster: 5,000 pods in 20 namespaces, 110 of them on its node.
//!
//! Prints memory and the bytes between the agent and the API server, and between the agent and the collector, once for an
//! agent that only looks at its node and once for the one that holds the Lease: until the first picture is complete, and
//! per minute afterwards. `ORCHESTRIX_BENCH_SECONDS` sets the span (default 30), `ORCHESTRIX_BENCH_PODS` the pods.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark fails by panicking")]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use orchestrix_tests::{
    agent::AgentProcess, installation::Installation, inventory::workloads, kubernetes::RealKubernetes, part, proc,
    proxy::Proxy, wait,
};
use serde_json::json;

const NAMESPACES: usize = 20;
const NODES: usize = 46;
const ON_NODE: usize = 110;

fn main() {
    // `cargo test` asks every target for its list of tests.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(cluster) = RealKubernetes::start() else { return };
    let pods = number("ORCHESTRIX_BENCH_PODS", 5_000);
    let start = Instant::now();
    populate(&cluster, pods);
    part::measured(&format!(
        "kubernetes: {pods} pods in {NAMESPACES} namespaces, {NODES} nodes, {ON_NODE} pods on the agent's ({:.0} s to make)",
        start.elapsed().as_secs_f32()
    ));
    measure(&cluster, "of the node alone", false);
    measure(&cluster, "with the Lease", true);
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn populate(cluster: &RealKubernetes, pods: usize) {
    for number in 0..NODES {
        cluster.create_node(&format!("node-{number}"), &json!({ "topology.kubernetes.io/zone": "a" }));
    }
    for number in 0..NAMESPACES {
        let name = format!("team-{number}");
        cluster.create_namespace(&name, &json!({ "team": name }));
        let quota = json!({ "metadata": { "name": "budget" }, "spec": { "hard": { "pods": "1000" } } });
        cluster.create(&format!("/api/v1/namespaces/{name}/resourcequotas"), &quota);
    }
    // Several at a time: the API server has two cores.
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                for number in (part..pods).step_by(4) {
                    let node = if number < ON_NODE { 0 } else { 1 + number % (NODES - 1) };
                    let (namespace, node) = (format!("team-{}", number % NAMESPACES), format!("node-{node}"));
                    cluster.run_pod(&namespace, &format!("pod-{number}"), &node, &format!("c{number}"));
                }
            });
        }
    });
}

/// Lets a new agent look at the cluster through counting proxies.
fn measure(cluster: &RealKubernetes, what: &str, lease: bool) {
    let installation = Installation::on_sqlite();
    let (collector, apiserver) = (Proxy::start(installation.agents_address()), Proxy::start(cluster.address()));
    let kubeconfig = cluster.admin_kubeconfig_through(apiserver.address());
    let mut agent =
        AgentProcess::prepare(&installation, None).through(collector.address()).of_node(&kubeconfig, "node-0");
    if !lease {
        let config = fs::read_to_string(agent.config_file()).unwrap();
        let alone = config.replace("[inspect.kubernetes]\n", "[inspect.kubernetes]\ncluster = false\n");
        fs::write(agent.config_file(), alone).unwrap();
    }
    let start = Instant::now();
    agent.start();
    wait::until("the first picture", Duration::from_secs(120), || {
        let pods = workloads(&installation, "kubernetes").len();
        let nodes = if lease { installation.list("k8s-nodes?limit=1000").len() } else { NODES };
        wait::check(pods == ON_NODE && nodes == NODES, || format!("{pods} pods, {nodes} nodes"))
    });
    let complete = start.elapsed();
    thread::sleep(Duration::from_secs(15));
    let first = [apiserver.bytes_down(), apiserver.bytes_up(), collector.bytes_up(), collector.bytes_down()];
    let pid = agent.process().pid();
    let (cpu, began) = (proc::cpu_time(pid), Instant::now());
    thread::sleep(Duration::from_secs(u64::try_from(number("ORCHESTRIX_BENCH_SECONDS", 30)).unwrap_or(30)));
    let took = began.elapsed().as_secs_f64();
    let later = [apiserver.bytes_down(), apiserver.bytes_up(), collector.bytes_up(), collector.bytes_down()];
    let minute: Vec<f64> = first.iter().zip(later).map(|(before, after)| lossy(after - before) * 60.0 / took).collect();
    let cpu = proc::cpu_time(pid).saturating_sub(cpu).as_secs_f64() * 3_600.0 / took;
    part::measured(&format!(
        "  {what}: PSS {:.1} MiB ({:.1} its own data), {cpu:.1} CPU s per hour; first picture after {:.1} s",
        lossy(proc::pss_bytes(pid)) / 1_048_576.0,
        lossy(proc::pss_own_bytes(pid)) / 1_048_576.0,
        complete.as_secs_f32()
    ));
    part::measured(&format!(
        "    first picture: {:.0} kB from and {:.1} kB to the API server, {:.1} kB to the collector",
        lossy(first[0]) / 1e3,
        lossy(first[1]) / 1e3,
        lossy(first[2]) / 1e3
    ));
    part::measured(&format!(
        "    then per minute: {:.0} bytes from and {:.0} to the API server, {:.0} to and {:.0} from the collector",
        minute[0], minute[1], minute[2], minute[3]
    ));
    agent.stop();
}

fn lossy(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}
