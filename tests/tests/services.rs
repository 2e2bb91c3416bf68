//! Services and listeners appear once each, joined from all that was seen of them.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::{IMAGE, RealDocker},
    installation::Installation,
    inventory::{Workload, wait_for_health, wait_for_truth, wait_for_workload, workload_named, workloads},
    part, programs,
    systemd::{PROGRAMS, SystemdHost},
    wait,
};

/// A service of three processes: one listens, two work for it.
const SERVER: &str = r#"
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8099, Listen => 5, ReuseAddr => 1) or die $!;
for (1..2) { if (!fork) { while (1) { my $n = 0; $n += $_ for 1..50000; select undef, undef, undef, 0.02 } } }
while (my $client = $socket->accept) { print $client "hello\n"; close $client }
"#;

const UNIT: &str = "[Service]\nUser=www-data\nExecStart=/usr/bin/perl /srv/server.pl\nMemoryAccounting=yes\n\
                    CPUAccounting=yes\nMemoryMax=128M";

/// Whether the workload listens on this port.
fn listens_on(workload: &Workload, port: u16) -> bool {
    let ports = workload.0["ports"].as_array().into_iter().flatten();
    ports.into_iter().any(|it| it["hostPort"] == port || it["containerPort"] == port)
}

#[test]
fn a_systemd_service_appears_once_with_unit_user_port_and_use() {
    let Some(docker) = RealDocker::start() else { return };
    let Some(host) = SystemdHost::boot(&docker) else { return };
    let installation = Installation::reachable_at(docker.gateway());
    host.shell(&format!("mkdir -p /srv && cat > /srv/server.pl <<'END'{SERVER}END"));
    host.start_unit("shop.service", UNIT);
    host.shell(&format!("umask 077; echo {} > /root/join.token", installation.join_token(&[])));
    let agent = format!(
        "[Service]\nExecStart={PROGRAMS}/orchestrix-agent run --collector {} --token-file /root/join.token \
         --state-dir /var/lib/orchestrix",
        installation.agents_address()
    );
    host.start_unit("orchestrix-agent.service", &agent);

    // Use is measured every 15 s, and processor time needs two measurements.
    let shop = wait::until("the service's use to be measured", Duration::from_secs(90), || {
        let shop = workload_named(&installation, "process", "shop")?;
        let (cpu, memory) = (&shop.0["usage"]["cpuMillicores"], &shop.0["usage"]["memoryBytes"]);
        if cpu.as_u64() > Some(0) && memory.as_u64() > Some(0) { Ok(shop) } else { Err(format!("{:#}", shop.0)) }
    });
    assert_eq!(shop.text("workloadType"), "process");
    assert_eq!(shop.text("isolationMethod"), "systemd");
    let details = &shop.0["isolationDetails"];
    assert_eq!((&details["unit"], &details["user"]), (&"shop.service".into(), &"www-data".into()), "{details}");
    assert_eq!(details["processCount"], 3, "{details}");
    assert_eq!(shop.0["memoryMb"], 128);
    assert!(listens_on(&shop, 8_099), "{}", shop.0["ports"]);
    let all = workloads(&installation, "process");
    let listening: Vec<_> = all.iter().filter(|it| listens_on(it, 8_099)).collect();
    assert_eq!(listening.len(), 1, "{listening:#?}");
    let stray: Vec<_> = all.iter().filter(|it| it.name().contains("perl")).collect();
    assert!(stray.is_empty(), "three stray processes: {stray:#?}");
    let capabilities = installation.list("capabilities?capabilityType=systemd");
    assert_eq!(capabilities.len(), 1);
    assert!(capabilities[0]["capabilityVersion"].as_str().is_some_and(|version| version.contains("252")));

    host.shell("systemctl stop shop.service");
    let ended = wait_for_workload(&installation, "process", "shop", "ended", Workload::has_ended);
    assert_eq!(ended.0["id"], shop.0["id"]);
    host.shell("systemctl start shop.service");
    let again = wait_for_workload(&installation, "process", "shop", "back", |it| !it.has_ended());
    assert!(listens_on(&again, 8_099));
}

#[test]
fn a_containerised_listener_appears_once_as_its_container() {
    let Some(docker) = RealDocker::start() else { return };
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, Some(&docker));
    let port = programs::free_address().port();
    let publish = format!("127.0.0.1:{port}:8097");
    let id = docker.cli(&[
        "run",
        "-d",
        "--name",
        "front",
        "-p",
        &publish,
        IMAGE,
        "/bin/busybox",
        "httpd",
        "-f",
        "-p",
        "8097",
    ]);
    wait_for_truth(&installation, &docker);
    let listener = |it: &Workload| {
        let ports = it.0["ports"].as_array().cloned().unwrap_or_default();
        ports.into_iter().find(|port| port["containerPort"] == 8_097 && port["listener"].is_object())
    };
    let front =
        wait_for_workload(&installation, "docker", "front", "joined with its listener", |it| listener(it).is_some());
    let joined = listener(&front).unwrap();
    assert_eq!(joined["hostPort"], port, "one port row holds both sides: {joined}");
    assert!(joined["listener"]["process"].as_str().is_some_and(|name| name.contains("busybox")), "{joined}");
    let seen_by: Vec<_> = front.0["seenBy"].as_array().unwrap().iter().map(|seen| seen["source"].clone()).collect();
    assert_eq!(seen_by, ["docker", "process"], "{:#}", front.0["seenBy"]);
    wait_for_health(&installation, "process", "healthy", Duration::from_secs(30));
    wait::throughout("no process stands beside its container", Duration::from_secs(3), || {
        let all = workloads(&installation, "process");
        let stray = all.iter().find(|it| {
            it.0["isolationDetails"]["controlGroup"].as_str().is_some_and(|path| path.contains(&id))
                || listens_on(it, 8_097)
                || listens_on(it, port)
        });
        wait::check(stray.is_none(), || format!("{stray:#?}"))
    });
}

#[test]
fn a_listener_of_no_service_appears_and_ends() {
    let Some(perl) = part::program("perl") else { return part::skip("perl", "perl is not installed") };
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, None);
    wait_for_health(&installation, "process", "healthy", Duration::from_secs(30));
    let folder = tempfile::tempdir().unwrap();
    // Under a name that nothing else on this machine has.
    let program = folder.path().join("orxlisten");
    std::fs::copy(perl, &program).unwrap();
    let address = programs::free_address();
    let script = format!(
        "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '{address}', Listen => 1) or die; sleep"
    );
    let mut command = std::process::Command::new(&program);
    command.args(["-e", &script]);
    let mut daemon = orchestrix_tests::daemon::Daemon::start(command, &folder.path().join("log"));
    let seen =
        wait_for_workload(&installation, "process", "orxlisten", "listening", |it| listens_on(it, address.port()));
    assert_eq!(seen.text("isolationMethod"), "user");
    assert_eq!(seen.0["isolationDetails"]["user"], "root", "{:#}", seen.0["isolationDetails"]);
    daemon.kill();
    wait_for_workload(&installation, "process", "orxlisten", "ended", Workload::has_ended);
}

#[test]
fn the_host_stands_in_its_place_with_resources_and_capabilities() {
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, None);
    wait_for_health(&installation, "host", "healthy", Duration::from_secs(30));
    wait_for_health(&installation, "capability", "healthy", Duration::from_secs(30));
    let compute = wait::until("one host with its resources", Duration::from_secs(30), || {
        let computes = installation.list("computes");
        match computes.as_slice() {
            [compute] if compute["cpuCores"].is_u64() => Ok(compute.clone()),
            _ => Err(format!("{computes:#?}")),
        }
    });
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(compute["hostname"], hostname.trim());
    assert_eq!(compute["status"], "ACTIVE");
    assert!(compute["memoryGb"].as_u64().is_some(), "{compute:#}");
    assert!(compute["osDistribution"].is_string() && compute["kernelVersion"].is_string(), "{compute:#}");
    for (list, key) in [("datacenters", "datacenterId"), ("clouds", "cloudId")] {
        let places = installation.list(list);
        assert!(places.iter().any(|place| place["id"] == compute[key]), "{list} {places:?} has no {}", compute[key]);
    }
    for list in ["partners", "regions", "availability-zones"] {
        assert_eq!(installation.list(list).len(), 1, "{list}");
    }
    assert!(!installation.list("capabilities").is_empty());
    let tree = installation.cli(&["tree"]).ok();
    assert!(tree.contains(hostname.trim()), "{tree}");
}
