//! A Galera cluster of two MariaDB nodes, as an operator would run it, started and ended by the test that needs it.
//!
//! The first node has two votes and the second one, so that the first goes on alone when the second is lost. When the first
//! is lost, the second stands still until a person says that it is the cluster now ([`Galera::take_over`]).

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{daemon::Daemon, part, programs, wait};

const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";
/// How long a node may take to be in step; the second one gets a copy of the first.
const SYNCED: Duration = Duration::from_secs(120);
/// Ports that a node takes in a row: for the group, for what it has missed, for a whole copy.
const PORTS: u16 = 3;
/// The database in it.
const NAME: &str = "orchestrix";

/// A running cluster.
#[derive(Debug)]
pub struct Galera {
    nodes: [Node; 2],
    _folder: TempDir,
}

#[derive(Debug)]
struct Node {
    folder: PathBuf,
    port: u16,
    group: u16,
    daemon: Option<Daemon>,
}

impl Galera {
    /// Starts both nodes and makes a database; `None` after telling what cannot be had.
    #[must_use]
    pub fn start() -> Option<Self> {
        for program in ["mariadbd", "mariadb-install-db", "mariadb", "mariabackup", "socat"] {
            if part::program(program).is_none() {
                part::skip(
                    "galera",
                    &format!("{program} is missing (Debian packages mariadb-server, mariadb-backup, socat)"),
                );
                return None;
            }
        }
        if !Path::new(PROVIDER).exists() {
            part::skip("galera", &format!("{PROVIDER} is missing (Debian package galera-4)"));
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
        let nodes = ["one", "two"].map(|name| Node {
            folder: folder.path().join(name),
            port: programs::free_address().port(),
            group: free_ports(),
            daemon: None,
        });
        let mut cluster = Self { nodes, _folder: folder };
        match cluster.bring_up() {
            Ok(()) => Some(cluster),
            Err(reason) => {
                part::skip("galera", &reason);
                None
            }
        }
    }

    fn bring_up(&mut self) -> Result<(), String> {
        let addresses = self.nodes.each_ref().map(|node| format!("127.0.0.1:{}", node.group)).join(",");
        for (place, node) in self.nodes.iter().enumerate() {
            fs::create_dir_all(node.data()).map_err(|error| error.to_string())?;
            fs::write(node.configuration(), node.content(place, &addresses)).map_err(|error| error.to_string())?;
        }
        self.nodes[0].install()?;
        self.nodes[0].launch(&["--wsrep-new-cluster"]);
        self.nodes[0].until_synced(1)?;
        self.sql(0, &format!("CREATE DATABASE {NAME}"))?;
        // It copies the first one.
        self.nodes[1].launch(&[]);
        self.nodes[1].until_synced(2)
    }

    /// Address of the database by way of a node, 0 or 1.
    #[must_use]
    pub fn url(&self, node: usize) -> String {
        format!("mysql://root@127.0.0.1:{}/{NAME}", self.nodes[node].port)
    }

    /// Runs a statement on a node.
    ///
    /// # Errors
    /// What the node said.
    pub fn sql(&self, node: usize, statement: &str) -> Result<String, String> {
        self.nodes[node].sql(statement)
    }

    /// Ends a node as `kill -9` does.
    pub fn kill(&mut self, node: usize) {
        if let Some(mut daemon) = self.nodes[node].daemon.take() {
            daemon.kill();
        }
    }

    /// Starts a node that was killed and waits until it is in step with the other.
    ///
    /// # Panics
    /// When it does not get there.
    pub fn rejoin(&mut self, node: usize) {
        self.nodes[node].launch(&[]);
        self.nodes[node].until_synced(2).unwrap_or_else(|error| panic!("node {node}: {error}"));
    }

    /// Waits until a node has noticed that it is alone and takes no statements for that.
    pub fn until_alone(&self, node: usize) {
        wait::until("the node to stand still", SYNCED, || {
            let status = self.nodes[node].status("wsrep_cluster_status")?;
            wait::check(status == "non-Primary", || status.clone())
        });
    }

    /// Says that a node which stands still is the cluster now. A person does that who knows that the others are gone.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn take_over(&self, node: usize) {
        self.sql(node, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Node {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("node.cnf")
    }

    fn content(&self, place: usize, addresses: &str) -> String {
        let (folder, port, group, votes) = (self.folder.display(), self.port, self.group, 2 - place);
        let user = if part::is_root() { "user = root\n" } else { "" };
        format!(
            "[mysqld]\n{user}datadir = {folder}/data\nsocket = {folder}/socket\npid-file = {folder}/pid\nport = {port}\n\
             bind-address = 127.0.0.1\nmax_connections = 200\ninnodb_buffer_pool_size = 64M\nbinlog_format = ROW\n\
             default_storage_engine = InnoDB\ninnodb_autoinc_lock_mode = 2\nwsrep_on = ON\nwsrep_provider = {PROVIDER}\n\
             wsrep_cluster_name = test\nwsrep_cluster_address = gcomm://{addresses}\n\
             wsrep_node_address = 127.0.0.1\nwsrep_sst_method = mariabackup\nwsrep_sst_auth = root:\n\
             wsrep_sst_receive_address = 127.0.0.1:{}\nwsrep_provider_options = \"base_port={group};\
             gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{};pc.weight={votes}\"\n",
            group + 2,
            group + 1
        )
    }

    fn install(&self) -> Result<(), String> {
        let mut command = Command::new("mariadb-install-db");
        command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        command.arg(format!("--datadir={}", self.data().display()));
        if part::is_root() {
            command.arg("--user=root");
        }
        let ran = programs::run_command(command, SYNCED);
        if ran.code == Some(0) { Ok(()) } else { Err(format!("mariadb-install-db failed: {}", last_line(&ran.err))) }
    }

    fn launch(&mut self, more: &[&str]) {
        let mut command = Command::new(part::program("mariadbd").expect("it was found"));
        command.arg(format!("--defaults-file={}", self.configuration().display())).args(more);
        self.daemon = Some(Daemon::start(command, &self.folder.join("log")));
    }

    /// Waits until the node is in step in a cluster of `size`.
    fn until_synced(&mut self, size: usize) -> Result<(), String> {
        let begin = std::time::Instant::now();
        loop {
            let state = match (self.status("wsrep_local_state_comment"), self.status("wsrep_cluster_size")) {
                (Ok(state), Ok(nodes)) if state == "Synced" && nodes == size.to_string() => return Ok(()),
                (Ok(state), Ok(nodes)) => format!("{state} among {nodes}"),
                (Err(error), _) | (_, Err(error)) => error,
            };
            let daemon = self.daemon.as_mut().expect("it was started");
            if daemon.has_ended().is_some() || begin.elapsed() > SYNCED {
                return Err(format!("a node does not get in step ({state}): {}", last_line(&daemon.log())));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn status(&self, name: &str) -> Result<String, String> {
        let line = self.sql(&format!("SHOW STATUS LIKE '{name}'"))?;
        Ok(line.split_whitespace().last().unwrap_or_default().to_owned())
    }

    fn sql(&self, statement: &str) -> Result<String, String> {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--batch", "-N", "-u", "root", "--connect-timeout=5", "-S"]);
        command.arg(self.folder.join("socket")).args(["-e", statement]);
        let ran = programs::run_command(command, Duration::from_secs(30));
        if ran.code == Some(0) { Ok(ran.out.trim().to_owned()) } else { Err(last_line(&ran.err)) }
    }
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
}

/// The first of some free ports in a row.
fn free_ports() -> u16 {
    loop {
        let first = fastrand::u16(20_000..31_000);
        let held: Vec<_> = (first..first + PORTS).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
        if held.iter().all(Result::is_ok) {
            return first;
        }
    }
}
