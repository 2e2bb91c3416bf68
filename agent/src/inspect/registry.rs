//! Which inspectors there are, made from the configuration.

use std::{sync::Arc, time::Duration};

use orchestrix_common::model::DEFAULT_LIMITS;

use super::{
    Inspector,
    capability::CapabilityInspector,
    docker::{AddressError, DockerInspector, Engine, Settings},
    host::{HostInspector, HostRoot},
    process::{ProcessInspector, ProcessSettings},
};
use crate::config::{EngineConfig, InspectConfig, RootConfig};

/// Makes the inspectors that the configuration asks for.
///
/// # Errors
/// When the address of an engine cannot be read.
pub fn inspectors(config: &InspectConfig) -> Result<Vec<Arc<dyn Inspector>>, AddressError> {
    let root = host_root(&config.root);
    let mut inspectors: Vec<Arc<dyn Inspector>> = Vec::new();
    if config.host.enabled {
        inspectors.push(Arc::new(HostInspector::new(root.clone())));
    }
    if config.capability.enabled {
        inspectors.push(Arc::new(CapabilityInspector::new(root.clone())));
    }
    for (engine, settings) in [(Engine::Docker, &config.docker), (Engine::Podman, &config.podman)] {
        if settings.enabled {
            inspectors.push(Arc::new(container_engine(engine, settings)?));
        }
    }
    if config.process.enabled {
        inspectors.push(Arc::new(ProcessInspector::new(ProcessSettings {
            programs: config.process.programs.clone(),
            with_arguments: config.process.report_arguments,
            root,
        })));
    }
    Ok(inspectors)
}

/// Where the host's files are.
#[must_use]
pub fn host_root(config: &RootConfig) -> HostRoot {
    let RootConfig { proc, sys, etc } = config.clone();
    HostRoot { proc, sys, etc, ..HostRoot::default() }
}

fn container_engine(engine: Engine, config: &EngineConfig) -> Result<DockerInspector, AddressError> {
    let address = match &config.address {
        Some(address) => address.parse()?,
        None => engine.default_address(),
    };
    Ok(DockerInspector::new(Settings {
        engine,
        address,
        arguments: config.report_arguments,
        interval: Duration::from_secs(config.interval_secs),
        limits: DEFAULT_LIMITS,
    }))
}
