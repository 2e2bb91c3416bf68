//! What the host can be used for or managed with: engines, managers, languages, remote access.
//!
//! A program that is not installed is no capability; one that is installed but does not tell its version is one without
//! a version. It looks at well-known places only, never along `PATH`, and runs programs with nothing but `--version`.

mod survey;
mod version;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orchestrix_common::model::{Body, Capability, Entity, Evidence, Source};

use super::{InspectError, Inspector, Observation, host::HostRoot};
use survey::Found;
use version::Fingerprint;

/// Software is installed rarely.
const INTERVAL: Duration = Duration::from_secs(600);
/// The longest that one program may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// Looks at what the host can be used for.
#[derive(Debug)]
pub struct CapabilityInspector {
    root: HostRoot,
    /// Versions by program, each with what the program's file looked like.
    versions: Mutex<HashMap<PathBuf, (Fingerprint, Option<String>)>>,
}

impl CapabilityInspector {
    /// Makes an inspector of the host whose files are at `root`.
    #[must_use]
    pub fn new(root: HostRoot) -> Self {
        Self { root, versions: Mutex::default() }
    }

    /// Version of a program, asked again only when its file changed.
    async fn version(&self, program: &survey::Program, limit: Duration) -> Option<String> {
        let fingerprint = version::fingerprint(&program.path)?;
        let known = self.lock().get(&program.path).cloned();
        if let Some((_, version)) = known.filter(|(of, _)| *of == fingerprint) {
            return version;
        }
        match version::ask(&program.path, program.arguments, limit).await {
            Ok(output) => {
                let version = version::parse(&output);
                self.lock().insert(program.path.clone(), (fingerprint, version.clone()));
                version
            }
            // It is asked again at the next look.
            Err(error) => {
                let path = program.path.display();
                tracing::warn!(program = %path, error = &error as &dyn std::error::Error, "no version was told");
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Fingerprint, Option<String>)>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Inspector for CapabilityInspector {
    fn source(&self) -> Source {
        Source::Capability
    }

    async fn inspect(&self, budget: Duration) -> Result<Observation, InspectError> {
        let root = Arc::new(self.root.clone());
        let surveyed = tokio::task::spawn_blocking(move || survey::all(&root)).await;
        let found = surveyed.map_err(|_| InspectError::Unavailable("the look at capabilities broke off".into()))?;
        let began = tokio::time::Instant::now();
        let mut entities = Vec::with_capacity(found.len());
        for Found { name, program, configuration } in found {
            // One that hangs must not use up the time of the others.
            let left = budget.saturating_sub(began.elapsed()) / 2;
            let version = match &program {
                Some(program) => self.version(program, VERSION_LIMIT.min(left)).await,
                None => None,
            };
            let evidence = vec![Evidence { source: Source::Capability, native_id: name.to_owned() }];
            let body = Body::Capability(Capability { name: name.to_owned(), version, configuration });
            entities.push(Entity { native_id: name.to_owned(), evidence, body });
        }
        Ok(Observation::Complete(entities))
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

#[cfg(test)]
mod tests;
