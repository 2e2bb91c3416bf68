//! What goes over the wire for a first session and for one change (A11), in bytes without TCP and IP headers.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::RealDocker,
    installation::Installation,
    inventory::{wait_for_truth, workload_named},
    part, programs,
    proxy::Proxy,
    wait,
};

/// Changes of which the cheapest counts: a ping or a heartbeat may fall into one.
const CHANGES: usize = 5;

/// Bytes of the first two sessions of an agent that is enrolled already.
pub(crate) struct First {
    /// Handshake, greeting, comparison and every entity.
    everything: u64,
    /// The same without entities: the collector has them.
    nothing_new: u64,
}

impl First {
    pub(crate) fn tell(&self) {
        let snapshot = self.everything.saturating_sub(self.nothing_new);
        part::measured(&format!(
            "  first session: {} bytes up; {} when the collector has everything; A11: snapshot {snapshot} bytes, {:.2} of \
             16 kB",
            self.everything,
            self.nothing_new,
            crate::lossy(snapshot) / 16_000.0
        ));
    }
}

/// Starts the agent, lets the collector learn everything, and starts it once more.
pub(crate) fn first(
    agent: &mut AgentProcess,
    proxy: &Proxy,
    installation: &Installation,
    docker: &RealDocker,
) -> First {
    let enrolled = agent.cli("enroll", Duration::from_secs(60));
    assert_eq!(enrolled.code, Some(0), "{enrolled:?}");
    let mut session = || {
        let before = proxy.bytes_up();
        agent.start();
        wait_for_truth(installation, docker);
        let reports = || {
            let (config, state) = (agent.config_file(), agent.state_dir());
            let folders = [("--config", config), ("--state-dir", state)];
            let mut arguments = vec!["status".to_owned(), "--connected".to_owned()];
            for (flag, path) in folders {
                arguments.extend([flag.to_owned(), path.to_string_lossy().into_owned()]);
            }
            let status = programs::run(programs::AGENT, &arguments, Duration::from_secs(10));
            wait::check(status.code == Some(0), || format!("{status:?}"))
        };
        wait::until("the agent to report", Duration::from_secs(30), reports);
        // Its listing and what is wanted of it come within moments; use of resources only after a quarter of a minute.
        std::thread::sleep(Duration::from_secs(5));
        let bytes = proxy.bytes_up() - before;
        agent.stop();
        bytes
    };
    let first = First { everything: session(), nothing_new: session() };
    agent.start();
    wait_for_truth(installation, docker);
    first
}

/// Pauses a container and lets it go on, again and again.
pub(crate) fn one_change(proxy: &Proxy, installation: &Installation, docker: &RealDocker) {
    let change = |word: &str, status: &str| {
        let before = proxy.bytes_up();
        docker.cli(&[word, "idle0"]);
        wait::until("the change to arrive", Duration::from_secs(30), || {
            let workload = workload_named(installation, "docker", "idle0")?;
            wait::check(workload.status() == status, || workload.status().to_owned())
        });
        proxy.bytes_up() - before
    };
    let changes = (0..CHANGES).flat_map(|_| [change("pause", "paused"), change("unpause", "running")]);
    let least = changes.min().unwrap_or_default();
    part::measured(&format!(
        "  one container changes: {least} bytes up; A11: {:.2} of 400",
        crate::lossy(least) / 400.0
    ));
}
