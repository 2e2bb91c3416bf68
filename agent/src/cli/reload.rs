//! What a reload changes at once, what it puts up again, and what has to wait for the next start.

use orchestrix_common::log::LogControl;

use super::{enrolment, run};
use crate::{
    config::{AgentConfig, Configured, FIXED},
    outbox::Outbox,
    supervisor,
};

/// What came of a reload.
pub(super) struct Changed {
    /// The configuration from now on.
    pub(super) config: AgentConfig,
    /// Parts of the agent have to be put up again with it.
    pub(super) parts: bool,
}

/// Reads the configuration again and takes over what can be. A mistake leaves everything as it is and is told in the log.
pub(super) fn reload(source: &run::Source, log: &LogControl, outbox: &Outbox, current: &AgentConfig) -> Changed {
    supervisor::reloading();
    let kept = || Changed { config: current.clone(), parts: false };
    let next = match source.load() {
        Ok(Configured { config, .. }) => config,
        Err(problems) => {
            for problem in &problems {
                tracing::error!(%problem, "configuration not taken over");
            }
            return kept();
        }
    };
    let (next, waiting) = merged(current, next);
    if let Err(error) = enrolment::collector(&next) {
        tracing::error!(problem = %error, "configuration not taken over");
        return kept();
    }
    for key in waiting {
        tracing::warn!(key, "a change of this key counts from the next start");
    }
    if next.log.level != current.log.level
        && let Err(error) = log.set_level(&next.log)
    {
        tracing::error!(error = &error as &dyn std::error::Error, "the log's level stays as it is");
    }
    if next.nice != current.nice {
        run::lower_priority(next.nice);
    }
    outbox.set_bound(next.outbox_max_bytes);
    let parts = differs_in_parts(current, &next);
    tracing::info!(looks_anew = parts, "configuration read again");
    Changed { config: next, parts }
}

/// The new configuration with the old values of the keys that cannot change, and those of them that differ.
fn merged(current: &AgentConfig, mut next: AgentConfig) -> (AgentConfig, Vec<&'static str>) {
    let [state_dir, format] = FIXED;
    let mut waiting = Vec::new();
    if next.state_dir != current.state_dir {
        next.state_dir.clone_from(&current.state_dir);
        waiting.push(state_dir);
    }
    if next.log.format != current.log.format {
        next.log.format = current.log.format;
        waiting.push(format);
    }
    (next, waiting)
}

/// Whether more differs than what is taken over in place.
fn differs_in_parts(current: &AgentConfig, next: &AgentConfig) -> bool {
    let AgentConfig { nice, outbox_max_bytes, ref log, .. } = *next;
    AgentConfig { nice, outbox_max_bytes, log: log.clone(), ..current.clone() } != *next
}

#[cfg(test)]
mod tests {
    use orchestrix_common::log::LogFormat;

    use super::*;

    #[test]
    fn what_cannot_change_is_kept_and_told() {
        let current = AgentConfig::default();
        let mut next = AgentConfig { state_dir: "/elsewhere".into(), nice: 3, ..current.clone() };
        next.log.format = LogFormat::Json;
        let (merged, waiting) = merged(&current, next);
        assert_eq!(waiting, FIXED);
        assert_eq!(merged, AgentConfig { nice: 3, ..current });
    }

    #[test]
    fn the_level_costs_nothing_and_an_inspectors_setting_a_fresh_look() {
        let current = AgentConfig::default();
        let mut next = current.clone();
        next.log.level = "debug".into();
        next.outbox_max_bytes = 1 << 30;
        assert!(!differs_in_parts(&current, &next));
        next.inspect.process.programs.push("nginx".into());
        assert!(differs_in_parts(&current, &next));
        let budget = AgentConfig {
            budget: crate::config::BudgetConfig { cpu_percent: 1.0, ..Default::default() },
            ..current.clone()
        };
        assert!(differs_in_parts(&current, &budget));
    }
}
