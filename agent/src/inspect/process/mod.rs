//! Processes that matter: services of systemd, containers, programs that listen, programs that the configuration names.
//!
//! All others are only counted by nobody: an inventory of every shell would change with every command. It does not know
//! engines; a container is an identifier in a control group path, and the view joins it to what the engine says.
//!
//! Sources of the formats: proc(5), cgroups(7), sock_diag(7), systemd.resource-control(5). `/proc/PID/environ` is never
//! opened. What a look costs is kept low by remembering: see `table`, `namespaces` and `owners`.

mod controllers;
mod details;
mod group;
mod membership;
mod namespaces;
mod owners;
mod pulse;
mod sockets;
mod stat;
mod table;
mod usage;
mod users;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use orchestrix_common::model::{Source, Usage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

pub(super) use membership::container_of;

use self::sockets::Sockets as _;
use super::{InspectError, Inspector, Observation, Signal, host::HostRoot};

/// Time between two cheap looks for what is new.
const SCAN_EVERY: Duration = Duration::from_secs(1);
/// Longest time between two looks when the scans tell of nothing.
const INTERVAL: Duration = Duration::from_secs(60);

/// What the operator decides about processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessSettings {
    /// Names of programs that are listed whether they listen or not.
    pub programs: Vec<String>,
    /// Collect scrubbed arguments; otherwise they are only counted.
    pub with_arguments: bool,
    /// Where the host's files are.
    pub root: HostRoot,
}

/// Looks at processes and their listening sockets.
#[derive(Clone, Debug)]
pub struct ProcessInspector {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    watch: watch::Watch,
    meter: usage::Meter,
}

impl ProcessInspector {
    /// Makes an inspector of this host.
    #[must_use]
    pub fn new(settings: ProcessSettings) -> Self {
        let kernel = sockets::Kernel::new(&settings.root.proc);
        Self::with_sockets(settings, Box::new(kernel))
    }

    fn with_sockets(settings: ProcessSettings, sockets: Box<dyn sockets::Sockets>) -> Self {
        let meter = usage::Meter::new(&settings.root.proc);
        let watch = watch::Watch::new(settings, sockets);
        Self { state: Arc::new(Mutex::new(State { watch, meter })) }
    }

    /// Runs blocking work on the state. A look that panicked leaves a state that the next look brings up to date.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, InspectError> + Send + 'static,
    ) -> Result<T, InspectError> {
        let state = Arc::clone(&self.state);
        let run = move || work(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::task::spawn_blocking(run).await;
        ended.unwrap_or_else(|_| Err(InspectError::Unavailable("the look at processes broke off".into())))
    }
}

/// Looks once a second and asks for a look of the runner's when an entity appeared, changed or went, until nobody listens
/// any more.
fn watch(state: &Mutex<State>, tell: &mpsc::Sender<Signal>) {
    while !tell.is_closed() {
        thread::sleep(SCAN_EVERY);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        // A failure lasts, and is told by the next look in its turn.
        if state.watch.look(Instant::now()).unwrap_or(false) {
            // When there is no room, a look is asked for already.
            drop(tell.try_send(Signal::Look));
        }
    }
}

/// True when something accepts TCP connections on a port in the agent's network. Blocking.
pub(super) fn is_listening(proc: &Path, port: u16) -> bool {
    let asked = sockets::Kernel::new(proc).own(0);
    asked.is_ok_and(|found| found.iter().any(|it| it.port == port && it.transport == sockets::Transport::Tcp))
}

#[async_trait]
impl Inspector for ProcessInspector {
    fn source(&self) -> Source {
        Source::Process
    }

    async fn inspect(&self, _budget: Duration) -> Result<Observation, InspectError> {
        self.blocking(|state| {
            state.watch.look(Instant::now())?;
            let watch = &state.watch;
            let (entities, warnings) = (watch.entities.clone(), watch.warnings.clone());
            Ok(match (warnings.is_empty(), watch.is_whole) {
                (true, _) => Observation::Complete(entities),
                (false, true) => Observation::Listed(entities, warnings),
                (false, false) => Observation::Partial(entities, warnings),
            })
        })
        .await
    }

    /// A cheap scan each second that asks for a look when something changed. The stream does not end.
    ///
    /// It has a thread of its own: that costs one wake-up a second, where a task with a timer and a blocking call costs
    /// five.
    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        let (tell, told) = mpsc::channel(1);
        let state = Arc::clone(&self.state);
        let started = thread::Builder::new().name("processes".into()).spawn(move || watch(&state, &tell));
        if let Err(error) = started {
            tracing::error!(%error, "new processes are not looked for each second");
            return None;
        }
        Some(ReceiverStream::new(told).boxed())
    }

    async fn measure(&self) -> Vec<Usage> {
        let measured = self.blocking(|state| {
            let State { watch, meter } = state;
            Ok(meter.measure(watch, Instant::now()))
        });
        measured.await.unwrap_or_default()
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
