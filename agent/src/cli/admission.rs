//! From the start of `run` to an identity: loads it, enrols, or waits until somebody makes that possible.
//!
//! A service is installed before its host is enrolled, and a host before its collector. A patient agent waits for what is
//! missing and says what it is, in its status and once in the log; an impatient one ends where only a person can help.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use orchestrix_common::model::Machine;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{enrolment, run::Source, state};
use crate::{
    config::AgentConfig,
    identity::Identity,
    inspect::registry::{self, Surroundings},
    status::{self, NotEnrolled},
    supervisor,
};

/// The shortest and the longest time between two tries while the collector does not answer.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How often a patient agent looks whether what was missing has come.
const LOOK: Duration = Duration::from_secs(2);

/// What is needed to begin.
pub(super) struct Admitted {
    pub(super) config: AgentConfig,
    pub(super) identity: Identity,
    pub(super) machine: Machine,
    pub(super) surroundings: Surroundings,
}

/// Why there is no identity yet.
struct Obstacle {
    error: anyhow::Error,
    /// Only a person can help.
    lasting: bool,
}

impl Obstacle {
    fn lasting(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), lasting: true }
    }

    fn passing(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), lasting: false }
    }

    /// One line, each cause once.
    fn text(&self) -> String {
        super::exit::causes(&self.error)
    }
}

/// Gets an identity. `None` when the agent is stopped meanwhile. The state folder is locked already.
///
/// # Errors
/// When only a person can help, and the agent is not a patient one.
pub(super) async fn admit(
    source: &Source,
    mut config: AgentConfig,
    patient: bool,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Admitted>> {
    let state_dir = config.state_dir.clone();
    let mut desk = None;
    let mut refused = None;
    let (mut pause, most) = RETRY;
    loop {
        // Cancel-safe: the key is stored before the token is used, so a try that was cut short is recognised.
        let tried = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            tried = attempt(&config, &mut refused) => tried,
        };
        let obstacle = match tried {
            Ok(admitted) => return Ok(Some(admitted)),
            Err(obstacle) if obstacle.lasting && !patient => return Err(obstacle.error),
            Err(obstacle) => obstacle,
        };
        let wait = if obstacle.lasting { LOOK } else { pause.mul_f64(0.5 + 0.5 * fastrand::f64()) };
        let desk = desk.get_or_insert_with(|| Desk::new(&state_dir));
        desk.show(&obstacle);
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            () = sleep(wait) => {}
        }
        pause = if obstacle.lasting { RETRY.0 } else { (pause * 2).min(most) };
        if patient {
            match source.load() {
                // The folder is locked, and so stays.
                Ok(loaded) => config = AgentConfig { state_dir: state_dir.clone(), ..loaded.config },
                Err(problems) => desk.show(&Obstacle::lasting(problems)),
            }
        }
    }
}

/// One try. `refused` remembers what the collector refused for good, so that it is not asked again with the same.
async fn attempt(config: &AgentConfig, refused: &mut Option<(String, String)>) -> Result<Admitted, Obstacle> {
    let surroundings = registry::surroundings(&config.inspect, Some(&config.state_dir)).await;
    let machine = enrolment::machine(&surroundings).await.map_err(Obstacle::passing)?;
    let admitted = |identity| Admitted { config: config.clone(), identity, machine: machine.clone(), surroundings };
    let collector = enrolment::collector(config);
    if let Some(identity) = enrolment::stored(config, &machine).map_err(Obstacle::lasting)? {
        collector.map_err(Obstacle::lasting)?;
        return Ok(admitted(identity));
    }
    let collector = collector.map_err(Obstacle::lasting)?;
    let (text, pass) = enrolment::pass(config).map_err(Obstacle::lasting)?;
    if let Some((_, reason)) = refused.as_ref().filter(|(of, _)| *of == text) {
        return Err(Obstacle::lasting(anyhow!("{reason}")));
    }
    let _lock = state::lock_identity(&config.state_dir).map_err(Obstacle::passing)?;
    match enrolment::enroll(config, &collector, &pass, &machine).await {
        Ok(identity) => Ok(admitted(identity)),
        Err(error) if error.is_permanent() => {
            let obstacle = Obstacle::lasting(error);
            *refused = Some((text, obstacle.text()));
            Err(obstacle)
        }
        Err(error) => Err(Obstacle::passing(error)),
    }
}

/// Where people hear what the agent waits for: systemd's status, the agent's own, and the log.
struct Desk {
    reason: Arc<Mutex<String>>,
    shown: bool,
    /// The status socket and the watchdog; they end with the desk.
    _comforts: JoinSet<()>,
}

impl Desk {
    fn new(state_dir: &Path) -> Self {
        let reason = Arc::new(Mutex::new(String::new()));
        let mut comforts = JoinSet::new();
        comforts.spawn(supervisor::watchdog(|_| std::future::ready(true)));
        let answer = Arc::clone(&reason);
        let describe = move || {
            let waiting_for = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            std::future::ready(NotEnrolled { waiting_for })
        };
        match status::bind(state_dir) {
            Ok(listener) => {
                comforts.spawn(status::serve(listener, describe));
            }
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "`status` will not work"),
        }
        Self { reason, shown: false, _comforts: comforts }
    }

    /// Tells what is in the way; in the log when it is another thing than before.
    fn show(&mut self, obstacle: &Obstacle) {
        let text = obstacle.text();
        let is_news = {
            let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *reason, text.clone()) != text
        };
        if is_news {
            tracing::info!(reason = text, "not enrolled yet");
            supervisor::status(&format!("Not enrolled yet: {text}"));
        }
        // A service that waits for a person is a started one: its start must not time out.
        if !std::mem::replace(&mut self.shown, true) {
            supervisor::ready();
        }
    }
}
