//! An agent of this host, as an operator would run it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    daemon::Daemon,
    docker::RealDocker,
    installation::Installation,
    programs::{self, AGENT, Ran},
};

/// An agent with its own state. It can be stopped, killed and started again on the same state.
#[derive(Debug)]
pub struct AgentProcess {
    agent: Option<Daemon>,
    folder: TempDir,
    collector: SocketAddr,
    /// It enrols by a service account and not by a join token.
    by_account: bool,
}

impl AgentProcess {
    /// Prepares an agent with a fresh single-use token; it looks at `docker`, or at no engine.
    #[must_use]
    pub fn prepare(installation: &Installation, docker: Option<&RealDocker>) -> Self {
        let agent = Self::bare(installation.agents_address(), docker);
        agent.set_token(&installation.join_token(&[]));
        agent
    }

    /// Prepares an agent without a token.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn bare(collector: SocketAddr, docker: Option<&RealDocker>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
        // An engine that is not wanted is looked for where there is none.
        let nowhere = format!("unix://{}", folder.path().join("no.sock").display());
        let address = docker.map_or_else(|| nowhere.clone(), RealDocker::host);
        let config = format!("[inspect.podman]\naddress = {nowhere:?}\n\n[inspect.docker]\naddress = {address:?}\n");
        fs::write(folder.path().join("agent.toml"), config).expect("the configuration can be written");
        Self { agent: None, folder, collector, by_account: false }
    }

    /// Lets it look at Docker as a whole more often than by default, for what no event tells.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    #[must_use]
    pub fn looking_every(self, secs: u32) -> Self {
        let config = fs::read_to_string(self.config_file()).expect("the configuration can be read");
        let config = format!("{config}interval_secs = {secs}\n");
        fs::write(self.config_file(), config).expect("the configuration can be written");
        self
    }

    /// Lets it look at a cluster, as the agent of `node` and with the rights of `kubeconfig`.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    #[must_use]
    pub fn of_node(self, kubeconfig: &Path, node: &str) -> Self {
        let config = fs::read_to_string(self.config_file()).expect("the configuration can be read");
        let kubernetes = format!("[inspect.kubernetes]\nkubeconfig = {kubeconfig:?}\nnode_name = {node:?}\n");
        // In front, since other settings are appended.
        fs::write(self.config_file(), format!("{kubernetes}\n{config}")).expect("the configuration can be written");
        self
    }

    /// Lets it enrol by the token of a service account, at the collector with this pin.
    ///
    /// # Panics
    /// When its files cannot be written.
    #[must_use]
    pub fn by_service_account(mut self, token: &str, pin: &str) -> Self {
        let file = self.folder.path().join("account.token");
        fs::write(&file, token).expect("the token can be written");
        let config = fs::read_to_string(self.config_file()).expect("the configuration can be read");
        let keys = format!("service_account_token_file = {file:?}\ncollector_pin = {pin:?}\n");
        fs::write(self.config_file(), format!("{keys}\n{config}")).expect("the configuration can be written");
        self.by_account = true;
        self
    }

    /// Lets it serve its measurements.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    #[must_use]
    pub fn measured_at(self, address: SocketAddr) -> Self {
        let config = fs::read_to_string(self.config_file()).expect("the configuration can be read");
        let metrics = format!("[metrics]\naddress = \"{address}\"\n");
        fs::write(self.config_file(), format!("{metrics}\n{config}")).expect("the configuration can be written");
        self
    }

    /// Lets it connect somewhere else, for example to a proxy.
    #[must_use]
    pub fn through(mut self, address: SocketAddr) -> Self {
        self.collector = address;
        self
    }

    /// Prepares an agent and starts it.
    #[must_use]
    pub fn started(installation: &Installation, docker: Option<&RealDocker>) -> Self {
        let mut agent = Self::prepare(installation, docker);
        agent.start();
        agent
    }

    /// Writes the join token where the agent finds it.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set_token(&self, token: &str) {
        fs::write(self.token_file(), token).expect("the token can be written");
    }

    /// File that holds the join token.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.folder.path().join("join.token")
    }

    /// Folder of its state.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Its configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    /// Flags that name its configuration, state, token and collector.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut flags = vec![
            "--config".to_owned(),
            path(self.config_file()),
            "--state-dir".to_owned(),
            path(self.state_dir()),
            "--collector".to_owned(),
            self.collector.to_string(),
        ];
        if !self.by_account {
            flags.extend(["--token-file".to_owned(), path(self.token_file())]);
        }
        flags
    }

    /// Starts it; it enrols when it has not yet.
    pub fn start(&mut self) {
        let mut command = Command::new(programs::path(AGENT));
        command.arg("run").args(self.flags());
        self.agent = Some(Daemon::start(command, &self.folder.path().join("agent.log")));
    }

    /// Runs a command of the agent's program with the same flags, to its end.
    #[must_use]
    pub fn cli(&self, command: &str, limit: Duration) -> Ran {
        let mut arguments = vec![command.to_owned()];
        arguments.extend(self.flags());
        programs::run(AGENT, &arguments, limit)
    }

    /// The running agent.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process(&mut self) -> &mut Daemon {
        self.agent.as_mut().expect("the agent runs")
    }

    /// Asks it to end, and waits.
    pub fn stop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let status = agent.stop();
            assert!(status.success(), "the agent ended with {status}:\n{}", agent.log_tail());
        }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill();
        }
    }
}
