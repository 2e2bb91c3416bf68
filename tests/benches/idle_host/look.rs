//! What a look costs, in processor time against reading the same by hand (A5, A6).
//!
//! By hand: `stat`, `cmdline`, `status`, `cgroup` and the links in `fd` of every process, and the listening sockets by
//! `sock_diag`, without keeping anything of it. Both sides take turns, so that both see the same host.

use std::{fs, thread, time::Duration};

use orchestrix_agent::inspect::{
    Inspector, Observation,
    docker::{DockerInspector, Engine, Settings},
    process::{ProcessInspector, ProcessSettings},
};
use orchestrix_tests::{docker::RealDocker, part};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink, recv, send, socket};

/// Turns that each side has, and how often it runs in one: the kernel tells processor time in hundredths of a second.
const TURNS: u32 = 3;
const ROUNDS: u32 = 30;
/// After this time a process is no longer new.
const SETTLED: Duration = Duration::from_secs(6);
/// More than a look ever takes.
const BUDGET: Duration = Duration::from_secs(60);

pub(crate) fn compare(docker: &RealDocker) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let settings =
        |engine: Engine| Settings { address: docker.host().parse().expect("it is an address"), ..Settings::of(engine) };
    let mut spent = [0.0; 5];
    for _ in 0..TURNS {
        let processes = || ProcessInspector::new(ProcessSettings::default());
        let containers = || DockerInspector::new(settings(Engine::Docker));
        spent[0] += milliseconds(ROUNDS, by_hand);
        spent[1] += milliseconds(ROUNDS, || runtime.block_on(look(&processes())));
        spent[2] += milliseconds(ROUNDS, || runtime.block_on(look(&containers())));
        let (processes, containers) = (processes(), containers());
        runtime.block_on(look(&processes));
        runtime.block_on(look(&containers));
        // Processes that are new to it are read again for some seconds, as they may still become another program.
        thread::sleep(SETTLED);
        runtime.block_on(look(&processes));
        spent[3] += milliseconds(ROUNDS * 5, || runtime.block_on(look(&processes)));
        spent[4] += milliseconds(ROUNDS * 5, || runtime.block_on(look(&containers)));
    }
    let [hand, processes, containers, again, containers_again] = spent.map(|time| time / f64::from(TURNS));
    part::measured(&format!("  by hand, all processes, their files and all sockets: {hand:.2} ms of processor time"));
    part::measured(&format!(
        "  first look: processes and sockets with owners {processes:.2} ms, containers {containers:.2} ms; A5: {:.2} of \
         by hand (goal 1.3), {:.2} without containers",
        (processes + containers) / hand,
        processes / hand
    ));
    part::measured(&format!(
        "  second look: {again:.2} ms and {containers_again:.2} ms; A6: {:.2} of by hand (goal 0.3), {:.2} without \
         containers",
        (again + containers_again) / hand,
        again / hand
    ));
}

async fn look(inspector: &dyn Inspector) {
    let observed = inspector.inspect(BUDGET).await.expect("it can be looked at");
    let (Observation::Complete(entities) | Observation::Listed(entities, _)) = observed else {
        panic!("not everything was seen: {observed:?}")
    };
    assert!(!entities.is_empty());
}

/// Processor time of this process for one of so many, in milliseconds; threads that ended are counted in.
fn milliseconds(rounds: u32, mut work: impl FnMut()) -> f64 {
    let before = used();
    for _ in 0..rounds {
        work();
    }
    used().saturating_sub(before).as_secs_f64() * 1_000.0 / f64::from(rounds)
}

fn used() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("it can be read");
    let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks: u64 = rest.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn by_hand() {
    let mut bytes = 0;
    for entry in fs::read_dir("/proc").expect("it can be listed").flatten() {
        if !entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for file in ["stat", "cmdline", "status", "cgroup"] {
            bytes += fs::read(entry.path().join(file)).map_or(0, |text| text.len());
        }
        for descriptor in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            bytes += fs::read_link(descriptor.path()).map_or(0, |target| target.as_os_str().len());
        }
    }
    assert!(bytes > 10_000);
    sockets().expect("the kernel tells its sockets");
}

/// Dumps listening TCP and unconnected UDP sockets, of both families (sock_diag(7)).
fn sockets() -> rustix::io::Result<()> {
    const LISTENING: u32 = 1 << 10;
    const CLOSED: u32 = 1 << 7;
    const DONE: u16 = 3;
    let asked = socket(AddressFamily::NETLINK, SocketType::RAW, Some(netlink::SOCK_DIAG))?;
    let mut buffer = vec![0; 64 * 1_024];
    for (family, protocol, states) in [(2, 6, LISTENING), (10, 6, LISTENING), (2, 17, CLOSED), (10, 17, CLOSED)] {
        // Length, type 20 (by family), flags (request, dump), number, sender; then family, protocol and states.
        let mut request = [0_u8; 72];
        request[0..4].copy_from_slice(&72_u32.to_ne_bytes());
        request[4..6].copy_from_slice(&20_u16.to_ne_bytes());
        request[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
        request[16..18].copy_from_slice(&[family, protocol]);
        request[20..24].copy_from_slice(&states.to_ne_bytes());
        send(&asked, &request, SendFlags::empty())?;
        'answers: loop {
            let (received, _) = recv(&asked, &mut buffer[..], RecvFlags::empty())?;
            let mut rest = &buffer[..received];
            while let [a, b, c, d, e, f, ..] = rest {
                if u16::from_ne_bytes([*e, *f]) <= DONE {
                    break 'answers;
                }
                let length = u32::from_ne_bytes([*a, *b, *c, *d]).max(16).next_multiple_of(4) as usize;
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }
    Ok(())
}
