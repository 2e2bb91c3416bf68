//! Looks at a host made of files, step by step, and at the real one.

use std::{
    collections::HashMap,
    fs, io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    os::unix::fs::symlink,
    path::Path,
    sync::{Arc, Mutex},
};

use orchestrix_common::model::{Body, Entity, Process};

use super::{
    sockets::{Socket, Sockets, Transport},
    *,
};

const ID: &str = "c6f1ab64d8b0c0d2f0a9f4c27d6e1f0ba1d2c3e4f5061728394a5b6c7d8e9f00";
/// The host's network, and that of a container.
const NET: u64 = 4_026_531_833;
const OTHER_NET: u64 = 4_026_532_000;

/// Answers with what a test put there, by namespace.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<HashMap<u64, Vec<Socket>>>>);

impl Sockets for Answers {
    fn own(&mut self, namespace: u64) -> io::Result<Vec<Socket>> {
        Ok(self.0.lock().unwrap().get(&namespace).cloned().unwrap_or_default())
    }

    fn others(&mut self, namespaces: &[(u64, u32)]) -> HashMap<u64, Vec<Socket>> {
        namespaces.iter().filter_map(|(ns, _)| Some((*ns, self.0.lock().unwrap().get(ns)?.clone()))).collect()
    }
}

/// A host made of files.
struct Fixture {
    folder: tempfile::TempDir,
    answers: Answers,
    watch: watch::Watch,
    now: Instant,
}

struct Entry<'a> {
    pid: u32,
    parent: u32,
    name: &'a str,
    group: &'a str,
    uid: u32,
    network: u64,
    sockets: &'a [u64],
}

const PLAIN: Entry<'static> = Entry { pid: 0, parent: 1, name: "x", group: "/", uid: 0, network: NET, sockets: &[] };

fn socket(port: u16, inode: u64) -> Socket {
    let address = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    Socket { port, transport: Transport::Tcp, address, namespace: NET, inode, user_id: 0 }
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let root = HostRoot {
            proc: at.join("proc"),
            sys: at.join("sys"),
            etc: at.join("etc"),
            own: at.to_owned(),
            node: None,
        };
        fs::create_dir_all(root.proc.join("self/ns")).unwrap();
        fs::create_dir_all(&root.etc).unwrap();
        symlink(format!("net:[{NET}]"), root.proc.join("self/ns/net")).unwrap();
        fs::write(root.proc.join("stat"), "cpu 1\nbtime 1700000000\n").unwrap();
        fs::write(root.proc.join("self/mountinfo"), "").unwrap();
        fs::write(root.etc.join("passwd"), "root:x:0:0::/:\nwww-data:x:33:33::/:\n").unwrap();
        let answers = Answers::default();
        let programs = vec!["backup".to_owned()];
        let settings = ProcessSettings { programs, with_arguments: false, root };
        let watch = watch::Watch::new(settings, Box::new(answers.clone()));
        let fixture = Self { folder, answers, watch, now: Instant::now() };
        fixture.start(&Entry { pid: 1, parent: 0, name: "systemd", group: "/init.scope", ..PLAIN });
        fixture
    }

    fn path(&self, pid: u32) -> std::path::PathBuf {
        self.folder.path().join("proc").join(pid.to_string())
    }

    fn start(&self, entry: &Entry<'_>) {
        let Entry { pid, parent, name, group, uid, network, sockets } = entry;
        let path = self.path(*pid);
        fs::create_dir_all(path.join("fd")).unwrap();
        fs::create_dir_all(path.join("ns")).unwrap();
        let start = pid * 100;
        let stat = format!("{pid} ({name}) S {parent} 1 1 0 -1 4194560 0 0 0 0 5 5 0 0 20 0 1 0 {start} 0 0\n");
        fs::write(path.join("stat"), stat).unwrap();
        fs::write(path.join("cgroup"), format!("0::{group}\n")).unwrap();
        fs::write(path.join("status"), format!("Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")).unwrap();
        fs::write(path.join("cmdline"), format!("/usr/sbin/{name}\0-D\0")).unwrap();
        symlink(format!("/usr/sbin/{name}"), path.join("exe")).unwrap();
        symlink(format!("net:[{network}]"), path.join("ns/net")).unwrap();
        for (fd, inode) in sockets.iter().enumerate() {
            symlink(format!("socket:[{inode}]"), path.join("fd").join(fd.to_string())).unwrap();
        }
    }

    fn end(&self, pid: u32) {
        fs::remove_dir_all(self.path(pid)).unwrap();
    }

    fn listen(&self, namespace: u64, sockets: &[Socket]) {
        self.answers.0.lock().unwrap().insert(namespace, sockets.to_vec());
    }

    /// Looks after a time that makes processes neither young nor settling.
    fn look(&mut self) -> HashMap<String, Process> {
        self.now += Duration::from_secs(20);
        self.watch.look(self.now).unwrap();
        let entities = self.watch.entities.iter().cloned();
        entities
            .map(|Entity { native_id, body, .. }| match body {
                Body::Process(process) => (native_id, *process),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn keys(found: &HashMap<String, Process>) -> Vec<&str> {
    let mut keys: Vec<&str> = found.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_service_appears_once_with_all_its_processes() {
    let mut host = Fixture::new();
    let nginx = "/system.slice/nginx.service";
    host.start(&Entry { pid: 40, name: "nginx", group: nginx, sockets: &[900, 901], ..PLAIN });
    for pid in 41..=46 {
        host.start(&Entry { pid, parent: 40, name: "nginx", group: nginx, uid: 33, sockets: &[900, 901], ..PLAIN });
    }
    host.listen(NET, &[socket(80, 900), socket(443, 901)]);
    host.look();
    let found = host.look();
    assert_eq!(keys(&found), ["unit:nginx.service"]);
    let service = &found["unit:nginx.service"];
    assert_eq!((service.name.as_str(), service.unit.as_deref()), ("nginx", Some("nginx.service")));
    assert_eq!((service.user.as_deref(), service.user_id), (Some("root"), Some(0)));
    assert_eq!(service.executable.as_deref(), Some("/usr/sbin/nginx"));
    assert_eq!(service.process_count, 4, "seven are told as four or more");
    assert_eq!(service.started_at.map(|at| at.as_micros()), Some(1_700_000_040_000_000));
    let ports: Vec<u16> = service.listeners.iter().map(|listener| listener.port).collect();
    assert_eq!(ports, [80, 443]);
    assert!(
        service.listeners.iter().all(|it| it.network_namespace.is_none() && it.process.as_deref() == Some("nginx"))
    );
    assert_eq!(service.control_group.as_deref(), Some(nginx));
}

#[test]
fn a_socket_that_the_manager_opened_belongs_to_the_service() {
    let mut host = Fixture::new();
    host.end(1);
    host.start(&Entry { pid: 1, parent: 0, name: "systemd", group: "/init.scope", sockets: &[900, 901], ..PLAIN });
    host.start(&Entry { pid: 50, name: "sshd", group: "/system.slice/ssh.service", sockets: &[900], ..PLAIN });
    host.listen(NET, &[socket(22, 900), socket(2222, 901)]);
    let found = host.look();
    assert_eq!(keys(&found), ["program:systemd:0:tcp/2222", "unit:ssh.service"]);
    assert_eq!(found["unit:ssh.service"].listeners[0].process.as_deref(), Some("sshd"));
}

#[test]
fn a_containers_processes_are_one_group_and_a_forwarder_is_none() {
    let mut host = Fixture::new();
    let group = format!("/docker/{ID}");
    host.start(&Entry { pid: 60, name: "httpd", group: &group, network: OTHER_NET, sockets: &[70], ..PLAIN });
    host.start(&Entry { pid: 61, name: "docker-proxy", sockets: &[71], ..PLAIN });
    // The engine's resolver: a socket in the container's network, held from outside of it.
    host.start(&Entry { pid: 62, name: "dockerd", group: "/system.slice/docker.service", sockets: &[72], ..PLAIN });
    host.listen(NET, &[socket(8080, 71)]);
    let inside = |port, inode| Socket { namespace: OTHER_NET, ..socket(port, inode) };
    host.listen(OTHER_NET, &[inside(80, 70), inside(40_001, 72)]);
    let found = host.look();
    let key = format!("container:{ID}");
    assert_eq!(keys(&found), [key.as_str(), "unit:docker.service"]);
    assert_eq!(found[&key].container_id.as_deref(), Some(ID));
    assert_eq!(found[&key].listeners.len(), 1);
    assert_eq!(found[&key].listeners[0].network_namespace, Some(OTHER_NET));
    assert_eq!(found["unit:docker.service"].listeners, []);
}

#[test]
fn stray_listeners_are_grouped_by_shared_sockets() {
    let mut host = Fixture::new();
    host.start(&Entry { pid: 70, name: "node", uid: 33, sockets: &[5, 6], ..PLAIN });
    host.start(&Entry { pid: 71, parent: 70, name: "node", uid: 33, sockets: &[6], ..PLAIN });
    host.start(&Entry { pid: 72, name: "node", uid: 33, sockets: &[7], ..PLAIN });
    host.start(&Entry { pid: 73, name: "bash", ..PLAIN });
    host.start(&Entry { pid: 74, name: "backup", ..PLAIN });
    host.listen(NET, &[socket(9_000, 5), socket(3_000, 6), socket(3_001, 7)]);
    let found = host.look();
    assert_eq!(keys(&found), ["program:backup:0", "program:node:33:tcp/3000", "program:node:33:tcp/3001"]);
    let pair = &found["program:node:33:tcp/3000"];
    assert_eq!((pair.user.as_deref(), pair.listeners.len()), (Some("www-data"), 2));

    // A worker that is forked later shares the sockets of its parent; one that ends is not missed.
    host.start(&Entry { pid: 75, parent: 70, name: "node", uid: 33, sockets: &[6], ..PLAIN });
    host.end(72);
    host.listen(NET, &[socket(9_000, 5), socket(3_000, 6)]);
    host.look();
    let found = host.look();
    assert_eq!(keys(&found), ["program:backup:0", "program:node:33:tcp/3000"]);
    assert_eq!(found["program:node:33:tcp/3000"].process_count, 3);
}

#[test]
fn nothing_new_changes_nothing() {
    let mut host = Fixture::new();
    host.start(&Entry { pid: 80, name: "cron", group: "/system.slice/cron.service", ..PLAIN });
    assert_eq!(host.look().len(), 1);
    for _ in 0..3 {
        host.now += Duration::from_secs(1);
        assert!(!host.watch.look(host.now).unwrap());
    }
    // A helper that lives for a moment is no change either.
    host.start(&Entry { pid: 81, parent: 80, name: "sh", group: "/system.slice/cron.service", ..PLAIN });
    host.now += Duration::from_secs(1);
    assert!(!host.watch.look(host.now).unwrap());
    host.end(81);
    host.now += Duration::from_secs(1);
    assert!(!host.watch.look(host.now).unwrap());
}

#[test]
fn a_process_that_becomes_another_program_is_read_again() {
    let mut host = Fixture::new();
    host.start(&Entry { pid: 90, name: "(nginx)", group: "/system.slice/a.service", ..PLAIN });
    host.watch.look(host.now).unwrap();
    fs::remove_dir_all(host.path(90).join("ns")).unwrap();
    fs::remove_file(host.path(90).join("exe")).unwrap();
    let inode = fs::metadata(host.path(90)).unwrap();
    host.start(&Entry { pid: 90, name: "nginx", group: "/system.slice/nginx.service", ..PLAIN });
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&inode),
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(host.path(90)).unwrap())
    );
    host.now += Duration::from_secs(1);
    host.watch.look(host.now).unwrap();
    assert_eq!(host.watch.entities[0].native_id, "unit:nginx.service");
    let Body::Process(process) = &host.watch.entities[0].body else { panic!() };
    assert_eq!(process.executable.as_deref(), Some("/usr/sbin/nginx"));
}

#[test]
fn processes_that_are_hidden_leave_the_look_partial() {
    let mut host = Fixture::new();
    host.look();
    assert_eq!(host.watch.warnings, []);
    host.end(1);
    host.look();
    assert_eq!(host.watch.warnings.len(), 1);
}

#[tokio::test]
async fn a_listener_of_this_process_is_found_and_measured() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let inspector = ProcessInspector::new(ProcessSettings { with_arguments: true, ..ProcessSettings::default() });
    let observed = inspector.inspect(Duration::from_secs(5)).await.unwrap();
    // Who may not see everything sees its own.
    let (Observation::Complete(entities) | Observation::Listed(entities, _) | Observation::Partial(entities, _)) =
        observed
    else {
        panic!("{observed:?}")
    };
    let holds = |entity: &&Entity| match &entity.body {
        Body::Process(process) => process.listeners.iter().any(|it| it.port == port && it.address == "127.0.0.1"),
        _ => false,
    };
    let found = entities.iter().find(holds).unwrap_or_else(|| panic!("{port} in {entities:#?}"));
    let Body::Process(process) = &found.body else { unreachable!() };
    let own = std::env::current_exe().unwrap();
    assert_eq!(process.executable.as_deref().map(Path::new), Some(own.as_path()));
    assert!(process.started_at.is_some() && process.user_id.is_some());
    let usage = inspector.measure().await;
    let own = usage.iter().find(|usage| usage.native_id == found.native_id).unwrap();
    assert!(own.memory_bytes > Some(100_000), "{own:?}");
}

#[tokio::test]
async fn a_new_listener_asks_for_a_look_within_a_second_or_so() {
    let inspector = ProcessInspector::new(ProcessSettings::default());
    inspector.inspect(Duration::from_secs(5)).await.unwrap();
    let mut events = inspector.events().await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let signal = tokio::time::timeout(Duration::from_secs(5), events.next()).await;
    assert_eq!(signal, Ok(Some(Signal::Look)));
    drop(listener);
}
