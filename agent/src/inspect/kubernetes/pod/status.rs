//! What a pod comes to, in one word, as `kubectl get pods` puts it: people search for these words.

use super::{
    super::objects::{ContainerSpec, ContainerStatus, PodSpec, PodStatus, Terminated},
    parse::time,
};
use crate::inspect::text::filled;

/// The word for a pod. `deleted`: its deletion was asked for.
pub(super) fn word(deleted: bool, status: &PodStatus, spec: &PodSpec) -> String {
    let reason = filled(status.reason.clone());
    if deleted {
        return if reason.as_deref() == Some("NodeLost") { "Unknown" } else { "Terminating" }.to_owned();
    }
    let phase = || filled(status.phase.clone()).unwrap_or_else(|| "Unknown".to_owned());
    let whole = reason.clone().unwrap_or_else(phase);
    if let Some(word) = initializing(&status.init_container_statuses, spec) {
        return word;
    }
    let mut word = whole;
    let mut runs = false;
    for container in status.container_statuses.iter().rev() {
        let state = &container.state;
        if let Some(reason) = state.waiting.as_ref().and_then(|waiting| filled(waiting.reason.clone())) {
            word = reason;
        } else if let Some(terminated) = &state.terminated {
            word = end(terminated);
        } else if state.running.is_some() && container.ready {
            runs = true;
        }
    }
    // One container is done while others go on.
    if word == "Completed" && runs {
        let ready = status.conditions.iter().any(|condition| condition.r#type == "Ready" && condition.status == "True");
        word = if ready { "Running" } else { "NotReady" }.to_owned();
    }
    // An evicted pod keeps its reason, whatever its containers ended with.
    match reason {
        Some(reason) if status.phase.as_deref() == Some("Failed") => reason,
        _ => word,
    }
}

/// The word while init containers run; `None` once they are done.
fn initializing(statuses: &[ContainerStatus], spec: &PodSpec) -> Option<String> {
    let specs = &spec.init_containers;
    let is_sidecar = |name: &str| {
        let of = |spec: &&ContainerSpec| spec.name == name;
        specs.iter().find(of).is_some_and(|spec| spec.restart_policy.as_deref() == Some("Always"))
    };
    for (index, container) in statuses.iter().enumerate() {
        let state = &container.state;
        match (&state.terminated, &state.waiting) {
            (Some(terminated), _) if terminated.exit_code == 0 => {}
            (Some(terminated), _) => return Some(format!("Init:{}", end(terminated))),
            (None, _) if state.running.is_some() && is_sidecar(&container.name) => {}
            (None, Some(waiting)) if waiting.reason.as_deref().is_some_and(|reason| reason != "PodInitializing") => {
                return Some(format!("Init:{}", waiting.reason.as_deref().unwrap_or_default()));
            }
            (None, _) => return Some(format!("Init:{index}/{}", specs.len())),
        }
    }
    None
}

fn end(terminated: &Terminated) -> String {
    let by_number = || match terminated.signal.filter(|signal| *signal != 0) {
        Some(signal) => format!("Signal:{signal}"),
        // A run that was never started has no end either.
        None if terminated.exit_code == 0 && time(terminated.finished_at.as_deref()).is_some() => {
            "Completed".to_owned()
        }
        None => format!("ExitCode:{}", terminated.exit_code),
    };
    filled(terminated.reason.clone()).unwrap_or_else(by_number)
}
