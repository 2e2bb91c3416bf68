//! A collector with its own data, as an operator would run it, and the admin's view of it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    daemon::Daemon,
    http::{self, Answer},
    mariadb::RealMariaDb,
    programs::{self, COLLECTOR, Ran},
    wait,
};

/// How long the collector may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// A collector and its data. It can be stopped, killed and started again on the same data.
#[derive(Debug)]
pub struct Installation {
    collector: Option<Daemon>,
    folder: TempDir,
    api: SocketAddr,
    agents: SocketAddr,
    database: Option<Database>,
}

/// A database that is not embedded.
#[derive(Clone, Debug)]
enum Database {
    /// One of its own, dropped with the last collector that uses it.
    Own(Arc<RealMariaDb>),
    /// One that somebody else looks after.
    At(String),
}

impl Database {
    fn url(&self) -> String {
        match self {
            Self::Own(database) => database.url(),
            Self::At(url) => url.clone(),
        }
    }
}

impl Installation {
    /// Starts a collector on the embedded database.
    #[must_use]
    pub fn on_sqlite() -> Self {
        Self::new(None, "127.0.0.1", "")
    }

    /// Starts a collector that wants a sign of life from its agents every `secs` seconds.
    #[must_use]
    pub fn with_heartbeat(secs: u32) -> Self {
        Self::new(None, "127.0.0.1", &format!("[agents]\nheartbeat_secs = {secs}\n"))
    }

    /// Starts a collector on the embedded database with these lines in its configuration.
    #[must_use]
    pub fn configured(config: &str) -> Self {
        Self::new(None, "127.0.0.1", config)
    }

    /// Starts a collector whose agents' side listens on `address`, for agents in another network namespace.
    #[must_use]
    pub fn reachable_at(address: &str) -> Self {
        Self::new(None, address, "")
    }

    /// Starts a collector on a real MariaDB; `None` after telling that none can be had.
    #[must_use]
    pub fn on_mariadb() -> Option<Self> {
        RealMariaDb::create().map(|database| Self::new(Some(Database::Own(Arc::new(database))), "127.0.0.1", ""))
    }

    /// Starts a collector on a database that is there, `mysql://USER@HOST:PORT/NAME`.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::new(Some(Database::At(url.to_owned())), "127.0.0.1", "")
    }

    /// Starts a further collector of this installation: same database and sealing key, ports and data folder of its own.
    ///
    /// # Panics
    /// When the database is embedded, or the collector does not become ready.
    #[must_use]
    pub fn another(&self) -> Self {
        self.another_on(self.database.clone().expect("only one collector can use an embedded database"))
    }

    /// As [`Self::another`], by way of another node of the database, `mysql://USER@HOST:PORT/NAME`.
    #[must_use]
    pub fn another_at(&self, url: &str) -> Self {
        self.another_on(Database::At(url.to_owned()))
    }

    fn another_on(&self, database: Database) -> Self {
        let mut another = Self::unstarted(Some(database), "127.0.0.1", "");
        fs::create_dir_all(another.data_dir()).expect("a data folder can be made");
        // Its mode goes along: others must not read it.
        fs::copy(self.data_dir().join("sealing.key"), another.data_dir().join("sealing.key"))
            .expect("the key is there");
        fs::copy(self.data_dir().join("admin.token"), another.data_dir().join("admin.token"))
            .expect("a token is there");
        another.start();
        another
    }

    fn new(database: Option<Database>, agents_host: &str, config: &str) -> Self {
        let mut installation = Self::unstarted(database, agents_host, config);
        installation.start();
        installation
    }

    fn unstarted(database: Option<Database>, agents_host: &str, config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
        fs::write(folder.path().join("collector.toml"), config).expect("the configuration can be written");
        let mut agents = programs::free_address();
        agents.set_ip(agents_host.parse().expect("an IP address"));
        Self { collector: None, folder, api: programs::free_address(), agents, database }
    }

    /// Folder of the data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Address of the database.
    #[must_use]
    pub fn database_url(&self) -> String {
        let embedded = || format!("sqlite://{}", self.data_dir().join("inventory.db").display());
        self.database.as_ref().map_or_else(embedded, Database::url)
    }

    /// Where agents connect.
    #[must_use]
    pub fn agents_address(&self) -> SocketAddr {
        self.agents
    }

    /// Where people and programs connect.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api
    }

    /// The running collector.
    ///
    /// # Panics
    /// When it does not run.
    pub fn collector(&mut self) -> &mut Daemon {
        self.collector.as_mut().expect("the collector runs")
    }

    /// Starts the collector and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(&mut self) {
        self.launch();
        let api = self.api;
        let collector = self.collector();
        wait::until("the collector to be ready", READY, || {
            if let Some(status) = collector.has_ended() {
                panic!("the collector ended with {status}:\n{}", collector.log_tail());
            }
            match http::request(api, "GET", "/readyz", None, None) {
                Ok(answer) if answer.status == 200 => Ok(()),
                other => Err(format!("{other:?}\n{}", collector.log_tail())),
            }
        });
    }

    /// Starts the collector without waiting.
    pub fn launch(&mut self) {
        let mut command = Command::new(programs::path(COLLECTOR));
        command.arg("serve").arg("--config").arg(self.folder.path().join("collector.toml")).args(self.place());
        command.args(["--api", &self.api.to_string(), "--agents", &self.agents.to_string()]);
        self.collector = Some(Daemon::start(command, &self.folder.path().join("collector.log")));
    }

    /// Asks the collector to end, and waits.
    pub fn stop(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            let status = collector.stop();
            assert!(status.success(), "the collector ended with {status}:\n{}", collector.log_tail());
        }
    }

    /// Ends the collector as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            collector.kill();
        }
    }

    /// Flags that tell a command which installation is meant.
    #[must_use]
    pub fn place(&self) -> Vec<String> {
        let mut flags = vec!["--data-dir".to_owned(), self.data_dir().to_string_lossy().into_owned()];
        if let Some(database) = &self.database {
            flags.extend(["--database-url".to_owned(), database.url()]);
        }
        flags
    }

    /// Runs a command of the collector's program on this installation.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> Ran {
        let mut all: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        all.extend(self.place());
        programs::run(COLLECTOR, &all, Duration::from_secs(30))
    }

    /// Makes a join token by the command, with further flags.
    ///
    /// # Panics
    /// When the command fails or prints no token.
    #[track_caller]
    #[must_use]
    pub fn join_token(&self, flags: &[&str]) -> String {
        let out = self.cli(&[&["token", "create", "-o", "json"][..], flags].concat()).ok();
        let token = serde_json::from_str::<Value>(&out).ok().and_then(|json| json["token"].as_str().map(str::to_owned));
        token.unwrap_or_else(|| panic!("no token in {out}"))
    }

    /// The token that the first start wrote.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn admin_token(&self) -> String {
        let path = self.data_dir().join("admin.token");
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().to_owned()
    }

    /// Sends a request as the admin.
    ///
    /// # Errors
    /// When the collector cannot be reached.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        http::request(self.api, method, path, Some(&self.admin_token()), body)
    }

    /// Reads a resource as the admin.
    ///
    /// # Panics
    /// When the answer is not 200 with JSON.
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.request("GET", path, None).unwrap_or_else(|error| panic!("GET {path}: {error}"));
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.json()
    }

    /// Reads a whole list as the admin, page after page.
    ///
    /// # Panics
    /// When a page cannot be read.
    #[track_caller]
    #[must_use]
    pub fn list(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/{path}{joint}limit=200{cursor}"));
            items.extend(page["items"].as_array().unwrap_or_else(|| panic!("{path} has no items: {page}")).clone());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The newest change's number.
    #[must_use]
    pub fn sequence(&self) -> i64 {
        self.get("/api/v1/history?limit=1")["sequence"].as_i64().unwrap_or_default()
    }

    /// Folder that belongs to this installation, for what a story wants to put beside the data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
