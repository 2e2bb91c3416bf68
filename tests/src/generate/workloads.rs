//! What runs on the hosts: containers of engines, pods of Kubernetes, services of the operating system.

use super::{
    FillError, Now, Scale, Writer, clusters, environments,
    hosts::{Host, Role},
    places::Places,
    statement::{Cell, Table, row},
    words::{APPS, ENVIRONMENTS, PARTS, SERVICES},
};

static WORKLOAD: Table = Table {
    name: "compute_workloads",
    columns: &[
        "id",
        "compute_id",
        "environment_id",
        "workload_type",
        "workload_name",
        "workload_id",
        "cpu_cores",
        "memory_mb",
        "ip_address",
        "ports",
        "isolation_method",
        "isolation_details",
        "status",
        "source",
        "image",
        "labels",
        "evidence",
        "container_row_id",
        "first_seen_at_us",
        "changed_at_us",
        "started_at_us",
        "finished_at_us",
        "ended_at_us",
        "end_reason",
        "k8s_namespace_id",
    ],
};
static CONTAINER: Table = Table {
    name: "containers",
    columns: &[
        "id",
        "name",
        "container_type",
        "container_id",
        "image",
        "image_version",
        "status",
        "ip_address",
        "exposed_ports",
        "auto_start",
        "compute_id",
        "created_at",
        "updated_at",
    ],
};
static ENTITY: Table =
    Table { name: "agent_entities", columns: &["agent_id", "source", "native_id", "kind", "hash", "resource_id"] };
static USAGE: Table =
    Table { name: "workload_usage", columns: &["workload_id", "cpu_millicores", "memory_bytes", "measured_at_us"] };

/// Services of a host that runs something else in the first place.
const SERVICES_BESIDE: u32 = 6;

pub(super) fn write(
    writer: &mut Writer,
    places: &Places,
    scale: &Scale,
    now: Now,
    chance: &mut fastrand::Rng,
) -> Result<(), FillError> {
    let mut keys = Keys::default();
    for number in 0..scale.computes {
        let host = Host::new(number, places, scale.computes);
        let count = share(number, scale);
        let services = if host.role == Role::Plain { count } else { SERVICES_BESIDE.min(count) };
        for index in 0..count {
            let workload = if index < services {
                service(&host, index, chance)
            } else {
                match host.role {
                    Role::Engine(engine) => container(&host, engine, index, chance),
                    Role::Node | Role::Plain => pod(&host, index, chance),
                }
            };
            write_one(writer, &host, workload, &mut keys, now, chance)?;
        }
    }
    Ok(())
}

/// How many workloads a host has: not all have as many, and all together have those of the scale.
fn share(number: u32, scale: &Scale) -> u32 {
    let upto = |number| u64::from(scale.workloads) * weight_before(number) / weight_before(scale.computes);
    u32::try_from(upto(number + 1) - upto(number)).unwrap_or_default()
}

/// Sum of the weights of all hosts before this one. Where there is no agent, nothing was discovered.
fn weight_before(number: u32) -> u64 {
    const ROUND: u32 = 25;
    let weight = |number: u32| if Host::has_agent(number) { [10, 6, 14, 8, 12][number as usize % 5] } else { 0_u64 };
    let round: u64 = (0..ROUND).map(weight).sum();
    u64::from(number / ROUND) * round + (0..number % ROUND).map(weight).sum::<u64>()
}

/// Keys given so far.
#[derive(Debug, Default)]
struct Keys {
    workload: i64,
    container: i64,
}

/// What one workload is, before it has a key.
#[derive(Debug)]
struct Workload {
    kind: &'static str,
    source: &'static str,
    isolation: &'static str,
    name: String,
    native_id: String,
    image: Option<String>,
    port: u16,
    address: Option<String>,
    ports: String,
    labels: Option<String>,
    details: String,
    namespace: Option<i64>,
    /// Environment that it says itself to be of, as a place in the list of environments.
    environment: usize,
}

fn container(host: &Host, engine: &'static str, index: u32, chance: &mut fastrand::Rng) -> Workload {
    let app = APPS[chance.usize(0..APPS.len())];
    let (part, image, port) = PARTS[chance.usize(0..PARTS.len())];
    let environment = environments::choose_index(chance);
    let image = image_of(image, app, chance);
    let native_id = format!("{:032x}{:032x}", chance.u128(..), host.id * 10_000 + i64::from(index));
    let address = format!("172.18.{}.{}", index / 250, 2 + index % 250);
    let mapped = index.is_multiple_of(3);
    let host_side =
        if mapped { format!(r#","hostAddress":"0.0.0.0","hostPort":{}"#, 20_000 + index) } else { String::new() };
    let code = ENVIRONMENTS[environment].1.to_lowercase();
    // What few have.
    let canary = if host.id % 50 == 7 && index == 20 { r#","canary":"true""# } else { "" };
    Workload {
        kind: "container",
        source: engine,
        isolation: engine,
        name: format!("{app}-{part}-{index}"),
        ports: format!(r#"[{{"containerPort":{port},"protocol":"tcp"{host_side}}}]"#),
        labels: Some(format!(
            r#"{{"com.docker.compose.project":"{app}","com.docker.compose.service":"{part}","environment":"{code}"{canary}}}"#
        )),
        details: format!(
            r#"{{"id":"{native_id}","name":"{app}-{part}-{index}","image":"{image}","runtime":"{engine}","state":"running","restartCount":0,"restartPolicy":"unless-stopped","environmentNames":["PATH"],"labelsTruncated":0,"networks":[{{"name":"{app}_default","address":"{address}"}}],"networkMode":"bridge"}}"#
        ),
        native_id,
        image: Some(image),
        port,
        address: Some(address),
        namespace: None,
        environment,
    }
}

fn pod(host: &Host, index: u32, chance: &mut fastrand::Rng) -> Workload {
    let number = chance.usize(0..APPS.len());
    let app = APPS[number];
    let (part, image, port) = PARTS[chance.usize(0..PARTS.len())];
    let environment = environments::choose_index(chance);
    let image = image_of(image, app, chance);
    let uid = format!("{:08x}-{:04x}-4000-8000-{:012x}", chance.u32(..), index, host.id);
    Workload {
        kind: "k8s_pod",
        source: "kubernetes",
        isolation: "k8s_namespace",
        name: format!("{part}-{:08x}-{:05x}", chance.u32(..), chance.u32(0..1 << 20)),
        native_id: uid,
        ports: format!(r#"[{{"containerPort":{port},"protocol":"tcp"}}]"#),
        labels: Some(format!(r#"{{"app.kubernetes.io/name":"{part}","app.kubernetes.io/part-of":"{app}"}}"#)),
        details: format!(r#"{{"namespace":"{app}","node":"{}","phase":"Running"}}"#, host.name),
        image: Some(image),
        port,
        address: Some(format!("10.244.{}.{}", host.id % 250, 2 + index % 250)),
        namespace: Some(clusters::namespace(host.datacenter, number)),
        environment,
    }
}

fn service(host: &Host, index: u32, chance: &mut fastrand::Rng) -> Workload {
    let (name, program, port) =
        SERVICES[(usize::try_from(host.id).unwrap_or_default() + index as usize) % SERVICES.len()];
    // The first ones are services, the others programs that somebody started.
    let (name, unit, isolation) = if (index as usize) < SERVICES.len() {
        (
            name.to_owned(),
            format!(r#","unit":"{name}.service","controlGroup":"/system.slice/{name}.service""#),
            "systemd",
        )
    } else {
        (format!("{name}-{index}"), String::new(), "user")
    };
    Workload {
        kind: "process",
        source: "process",
        isolation,
        ports: format!(r#"[{{"protocol":"tcp","port":{port},"address":"0.0.0.0","process":"{name}"}}]"#),
        labels: None,
        details: format!(
            r#"{{"name":"{name}","executable":"{program}","user":"root","userId":0,"processCount":{}{unit}}}"#,
            chance.u32(1..9)
        ),
        native_id: format!("{isolation}:{name}"),
        name,
        image: None,
        port,
        address: None,
        namespace: None,
        environment: environments::choose_index(chance),
    }
}

fn image_of(image: &str, app: &str, chance: &mut fastrand::Rng) -> String {
    if !image.contains('{') {
        return image.to_owned();
    }
    let version = format!("{}.{}", chance.u32(1..4), chance.u32(0..12));
    image.replace("{app}", app).replace("{version}", &version)
}

fn write_one(
    writer: &mut Writer,
    host: &Host,
    workload: Workload,
    keys: &mut Keys,
    now: Now,
    chance: &mut fastrand::Rng,
) -> Result<(), FillError> {
    keys.workload += 1;
    let id = keys.workload;
    let fate = chance.u32(0..100);
    let is_process = workload.kind == "process";
    // Of every hundred containers ten are gone and five have stopped; services stay.
    let (status, ended, stopped) = match fate {
        _ if is_process => ("running", false, false),
        0..10 => ("ended", true, false),
        10..15 => ("exited", false, true),
        _ => ("running", false, false),
    };
    let first_seen = now.ago(300, chance);
    let changed = chance.i64(first_seen..=now.at_us);
    let environment = (fate % 20 == 7).then(|| Places::environment(host.partner, workload.environment));
    let is_container = workload.kind == "container";
    let container = (is_container && fate.is_multiple_of(3)).then(|| {
        keys.container += 1;
        keys.container
    });
    if let Some(container) = container {
        write_container(writer, host, &workload, container, status)?;
        if container % 50 == 0 {
            environments::associate(writer, environments::choose(host.partner, chance), "container", container)?;
        }
    }
    if let Some(environment) = environment {
        environments::associate(writer, environment, "workload", id)?;
    }
    if !ended {
        let kind = workload.kind;
        let hash = chance.u128(..).to_le_bytes().to_vec();
        writer.add(&ENTITY, row![host.agent_id(), workload.source, workload.native_id.clone(), kind, hash, id])?;
        if !stopped {
            let used = chance.i64(0..400);
            writer.add(&USAGE, row![id, used, chance.i64(4 << 20..2 << 30), changed])?;
        }
    }
    let limit = (!is_process && fate.is_multiple_of(2)).then_some(());
    let evidence = format!(r#"[{{"source":"{}","nativeId":"{}"}}]"#, workload.source, workload.native_id);
    let Workload {
        kind, source, isolation, name, native_id, image, address, ports, labels, details, namespace, ..
    } = workload;
    let cells = row![
        id,
        host.id,
        environment,
        kind,
        name,
        native_id,
        limit.map(|()| 0.25 * f64::from(1 + fate % 8)),
        limit.map(|()| 128_i64 << (fate % 5)),
        address,
        ports,
        isolation,
        details,
        status,
        source,
        image,
        labels,
        evidence,
        container,
        first_seen,
        changed,
        first_seen,
        (ended || stopped).then_some(changed),
        ended.then_some(changed),
        ended.then_some("removed"),
        namespace,
    ];
    writer.add(&WORKLOAD, cells)
}

/// The row of a container in the table that was there before discovery.
fn write_container(
    writer: &mut Writer,
    host: &Host,
    workload: &Workload,
    id: i64,
    status: &str,
) -> Result<(), FillError> {
    let image = workload.image.as_deref().unwrap_or_default();
    let (image, version) = image.rsplit_once(':').unwrap_or((image, "latest"));
    let kind = if workload.source == "docker" { "DOCKER" } else { "PODMAN" };
    let status: Cell = if status == "running" { "RUNNING".into() } else { "STOPPED".into() };
    let made = "2026-06-01 08:00:00";
    writer.add(
        &CONTAINER,
        [
            id.into(),
            workload.name.clone().into(),
            kind.into(),
            workload.native_id.clone().into(),
            image.to_owned().into(),
            version.to_owned().into(),
            status,
            workload.address.clone().into(),
            workload.port.to_string().into(),
            true.into(),
            host.id.into(),
            made.into(),
            made.into(),
        ],
    )
}
