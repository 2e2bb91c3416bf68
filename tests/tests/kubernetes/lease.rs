//! Two agents, one Lease: who tells of the cluster, and what happens when that one dies, ends, or is heard by nobody.

use std::time::{Duration, Instant};

use orchestrix_tests::{
    agent::AgentProcess, installation::Installation, kubernetes::RealKubernetes, part, proxy::Proxy, wait,
};
use serde_json::{Value, json};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/orchestrix-agent-cluster";
/// The Lease is taken over within this time after its holder died, by the design.
const TAKE_OVER: Duration = Duration::from_secs(20);

fn holder(cluster: &RealKubernetes) -> Result<String, String> {
    let answer = cluster.request("GET", LEASE, None).map_err(|error| error.to_string())?;
    let holder = answer.json()["spec"]["holderIdentity"].as_str().map(str::to_owned);
    holder.ok_or(answer.body)
}

/// Changes of what only the holder tells.
fn told(installation: &Installation) -> Vec<Value> {
    let history = installation.list("history?limit=1000");
    let of_cluster = |entry: &Value| entry["resourceType"].as_str().is_some_and(|kind| kind.starts_with("k8s_"));
    history.into_iter().filter(of_cluster).collect()
}

#[test]
fn cluster_data_arrives_once_and_another_agent_takes_over() {
    let Some(cluster) = RealKubernetes::start() else { return };
    for node in ["node-a", "node-b"] {
        cluster.create_node(node, &json!({}));
    }
    for number in 0..6 {
        cluster.create_namespace(&format!("team-{number}"), &json!({}));
    }
    let installation = Installation::on_sqlite();
    let start = |node: &str| {
        let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), node);
        agent.start();
        agent
    };
    let mut agents = [("node-a", start("node-a")), ("node-b", start("node-b"))];
    let complete = |namespaces: usize| {
        wait::until("every namespace, node and service, and who may edit", Duration::from_secs(60), || {
            let seen = ["k8s-namespaces", "k8s-nodes", "k8s-services"].map(|list| installation.list(list).len());
            let access = installation.list("k8s-clusters").iter().all(|cluster| !cluster["access"].is_null());
            wait::check(seen == [namespaces, 2, services(&cluster)] && access, || format!("{seen:?}, access: {access}"))
        });
    };
    // Four come with every cluster.
    let count = cluster.done("GET", "/api/v1/namespaces", None)["items"].as_array().unwrap().len();
    complete(count);
    let before = told(&installation);
    let appeared = |history: &[Value]| history.iter().filter(|entry| entry["changeKind"] == "appeared").count();
    assert_eq!(appeared(&before), count + 2 + 1 + services(&cluster), "each once: {before:#?}");

    let first = holder(&cluster).unwrap();
    let index = agents.iter().position(|(node, _)| *node == first).unwrap();
    agents[index].1.kill();
    let died = Instant::now();
    wait::until("the other agent to take over", TAKE_OVER, || {
        let now = holder(&cluster)?;
        wait::check(now != first, || now)
    });
    let after = died.elapsed();
    part::measured(&format!("kubernetes: Lease taken over {:.1} s after its holder died", after.as_secs_f32()));

    // What happened meanwhile is seen, and nothing else is called a change.
    cluster.create_namespace("team-new", &json!({}));
    complete(count + 1);
    let clusters = installation.list("k8s-clusters");
    assert_eq!(clusters[0]["leaseTransitions"], 1, "{clusters:#?}");
    let later: Vec<Value> = told(&installation).into_iter().filter(|entry| !before.contains(entry)).collect();
    let names: Vec<&str> = later.iter().filter_map(|entry| entry["resourceName"].as_str()).collect();
    assert!(names.iter().all(|name| *name == "team-new"), "a new holder tells nothing twice: {later:#?}");

    // The first one comes back and leaves it at that.
    agents[index].1.start();
    wait::throughout("the Lease stays where it is", Duration::from_secs(10), || {
        let now = holder(&cluster)?;
        wait::check(now != first, || now)
    });
    assert_eq!(told(&installation).iter().filter(|entry| !before.contains(entry)).count(), later.len(), "no flapping");
    assert_eq!(installation.list("k8s-clusters").len(), 1);
}

fn services(cluster: &RealKubernetes) -> usize {
    cluster.done("GET", "/api/v1/services", None)["items"].as_array().unwrap().len()
}

/// A cluster with two nodes and a namespace, and an agent of each node that reaches the collector through a proxy of its
/// own. The first one holds the Lease.
struct Two {
    cluster: RealKubernetes,
    installation: Installation,
    agents: [AgentProcess; 2],
    links: [Proxy; 2],
}

const NODES: [&str; 2] = ["node-a", "node-b"];

impl Two {
    fn start() -> Option<Self> {
        let cluster = RealKubernetes::start()?;
        for node in NODES {
            cluster.create_node(node, &json!({}));
        }
        let installation = Installation::on_sqlite();
        let links = [0, 1].map(|_| Proxy::start(installation.agents_address()));
        let prepare = |index: usize| {
            let agent = AgentProcess::prepare(&installation, None).through(links[index].address());
            agent.of_node(&cluster.admin_kubeconfig(), NODES[index])
        };
        let agents = [0, 1].map(prepare);
        let mut two = Self { cluster, installation, agents, links };
        for index in [0, 1] {
            two.agents[index].start();
            two.wait_for_holder(0, Duration::from_secs(30));
        }
        two.sees("k8s-nodes", 2);
        two.wait_for("the second agent to know", |two| {
            let seen = two.says(1, "k8s-nodes");
            wait::check(seen == "told by the agent of node node-a", || seen.clone())
        });
        Some(two)
    }

    /// Waits until the agent `index` holds the Lease, and returns how long that took.
    #[track_caller]
    fn wait_for_holder(&self, index: usize, limit: Duration) -> Duration {
        let start = Instant::now();
        wait::until(&format!("{} to hold the Lease", NODES[index]), limit, || {
            let now = holder(&self.cluster)?;
            wait::check(now == NODES[index], || now)
        });
        start.elapsed()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, look: impl Fn(&Self) -> Result<(), String>) {
        wait::until(what, Duration::from_secs(60), || look(self));
    }

    #[track_caller]
    fn sees(&self, list: &str, count: usize) {
        self.wait_for(&format!("{count} {list}"), |two| {
            let seen = two.installation.list(list);
            wait::check(seen.len() == count, || format!("{seen:#?}"))
        });
    }

    /// Makes a namespace, and waits until the inventory has it.
    #[track_caller]
    fn new_namespace_is_seen(&self, name: &str) {
        self.cluster.create_namespace(name, &json!({}));
        self.sees(&format!("k8s-namespaces?name={name}"), 1);
    }

    fn agent(&self, index: usize) -> Value {
        let agents = self.installation.list("agents");
        agents.into_iter().find(|agent| agent["hostname"] == NODES[index]).unwrap_or_default()
    }

    /// What the agent `index` says of a source that it does not tell of.
    fn says(&self, index: usize, source: &str) -> String {
        let coverage = self.agent(index)["coverage"].as_array().cloned().unwrap_or_default();
        let found = coverage.iter().find(|coverage| coverage["source"] == source);
        found.and_then(|coverage| coverage["reason"].as_str()).unwrap_or_default().to_owned()
    }

    /// Nothing ended and nothing appeared a second time.
    #[track_caller]
    fn nothing_was_told_twice(&self) {
        let history = told(&self.installation);
        let ended = history.iter().filter(|entry| entry["changeKind"] == "ended").count();
        assert_eq!(ended, 0, "{history:#?}");
        let appeared = history.iter().filter(|entry| entry["changeKind"] == "appeared");
        let mut names: Vec<String> =
            appeared.map(|entry| format!("{}/{}", entry["resourceType"], entry["resourceName"])).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{history:#?}");
    }
}

#[test]
fn an_agent_that_ends_gives_the_lease_back_and_the_other_one_goes_on() {
    let Some(mut two) = Two::start() else { return };
    two.agents[0].stop();
    // Whoever has it now, it is not the one that ended.
    assert_ne!(holder(&two.cluster).as_deref(), Ok("node-a"));
    let took = two.wait_for_holder(1, Duration::from_secs(10));
    part::measured(&format!("kubernetes: Lease taken over {:.1} s after its holder ended", took.as_secs_f32()));
    two.new_namespace_is_seen("team-new");
    two.agents[0].start();
    wait::throughout("the Lease stays where it is", Duration::from_secs(6), || {
        let now = holder(&two.cluster)?;
        wait::check(now == "node-b", || now)
    });
    two.nothing_was_told_twice();
}

#[test]
fn an_agent_whom_the_collector_does_not_hear_hands_the_lease_over() {
    let Some(two) = Two::start() else { return };
    // Cut off.
    two.links[0].sever();
    let took = two.wait_for_holder(1, Duration::from_secs(60));
    part::measured(&format!("kubernetes: Lease taken over {:.1} s after its holder was cut off", took.as_secs_f32()));
    two.new_namespace_is_seen("team-new");
    // Back: it leaves the Lease where it is, and says so.
    two.links[0].restore();
    two.wait_for("the first agent to be back", |two| {
        let seen = two.says(0, "k8s-nodes");
        wait::check(seen == "told by the agent of node node-b", || seen.clone())
    });
    assert_eq!(holder(&two.cluster).as_deref(), Ok("node-b"));
    two.nothing_was_told_twice();
    // Revoked: reachable, and yet not heard.
    let id = two.agent(1)["id"].as_str().unwrap().to_owned();
    let body = json!({ "reason": "a story" });
    let answer = two.installation.request("POST", &format!("/api/v1/agents/{id}/revoke"), Some(&body)).unwrap();
    assert!((200..300).contains(&answer.status), "{answer:?}");
    two.wait_for_holder(0, Duration::from_secs(60));
    two.new_namespace_is_seen("team-newer");
    two.nothing_was_told_twice();
}
