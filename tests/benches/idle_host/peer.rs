//! The yardstick: Debian's node_exporter at its defaults, on the same host in the same minutes.

use std::{net::SocketAddr, path::Path, process::Command};

use orchestrix_tests::{daemon::Daemon, http, part, programs};

/// Debian's node_exporter, scraped as Prometheus would.
pub(crate) struct NodeExporter {
    pub(crate) daemon: Daemon,
    address: SocketAddr,
}

impl NodeExporter {
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let Some(program) = part::program("prometheus-node-exporter") else {
            part::skip("node_exporter", "prometheus-node-exporter is not installed");
            return None;
        };
        let address = programs::free_address();
        let mut command = Command::new(program);
        command.arg(format!("--web.listen-address={address}"));
        let peer = Self { daemon: Daemon::start(command, &folder.join("node_exporter.log")), address };
        Some(peer)
    }

    pub(crate) fn scrape(&self) {
        drop(http::request(self.address, "GET", "/metrics", None, None));
    }
}
