//! One line of the event stream.

use std::collections::BTreeMap;

use orchestrix_common::{model::Container, time::Timestamp};

use super::{super::api, Rules};
use crate::inspect::text::filled;

/// Attributes that engines add; all others are the container's labels.
const NOT_LABELS: [&str; 13] = [
    "comment",
    "containerExitCode",
    "error",
    "execDuration",
    "execID",
    "exitCode",
    "healthcheck",
    "health_status",
    "image",
    "name",
    "oldName",
    "podId",
    "signal",
];

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::inspect::docker) struct Event {
    /// When, by the engine's clock.
    pub(in crate::inspect::docker) at: Timestamp,
    /// The same in nanoseconds since 1970, as the engine wants it back.
    pub(in crate::inspect::docker) nanos: i64,
    /// What.
    pub(in crate::inspect::docker) action: Action,
    /// Exit status, when it ended.
    pub(in crate::inspect::docker) exit_code: Option<i32>,
    /// What the event tells of the container itself: identifier, name, image and labels.
    pub(in crate::inspect::docker) container: Container,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::inspect::docker) enum Action {
    /// It was made.
    Create,
    /// A run began.
    Start,
    /// A run ended.
    Die,
    /// It was removed.
    Destroy,
    /// It was frozen.
    Pause,
    /// It goes on.
    Unpause,
    /// It has another name.
    Rename,
    /// Its health check came to another result.
    Health(String),
    /// The kernel killed a process of it for lack of memory.
    OutOfMemory,
    /// Something else about it may differ: `update`, `stop`, `kill`, `restart`.
    Other,
}

/// Reads an event; `None` when it does not concern what is known of a container.
pub(in crate::inspect::docker) fn event(raw: api::Event, rules: &Rules) -> Option<Event> {
    let api::Event { kind, action, actor, time, time_nano } = raw;
    if kind.is_some_and(|kind| kind != "container") {
        return None;
    }
    let action = action_of(&action?)?;
    let api::Actor { id, attributes } = actor?;
    let id = filled(id)?;
    let nanos = time_nano.or_else(|| time.map(|secs| secs.saturating_mul(1_000_000_000)))?;
    let mut attributes = attributes.unwrap_or_default();
    let exit_code = ["exitCode", "containerExitCode"].into_iter().find_map(|key| attributes.get(key)?.parse().ok());
    let name = attributes.get("name").cloned();
    let image = attributes.get("image").cloned().unwrap_or_default();
    attributes.retain(|key, _| !NOT_LABELS.contains(&key.as_str()));
    Some(Event {
        at: Timestamp::from_micros(nanos.div_euclid(1_000)),
        nanos,
        exit_code: exit_code.filter(|_| action == Action::Die),
        action,
        container: described(id, name, image, attributes, rules)?,
    })
}

fn action_of(word: &str) -> Option<Action> {
    Some(match word {
        "create" => Action::Create,
        "start" => Action::Start,
        // The second word of each pair is Podman's.
        "die" | "died" => Action::Die,
        "destroy" | "remove" => Action::Destroy,
        "pause" => Action::Pause,
        "unpause" => Action::Unpause,
        "rename" => Action::Rename,
        "oom" => Action::OutOfMemory,
        "stop" | "kill" | "update" | "restart" | "health_status" => Action::Other,
        word => Action::Health(word.strip_prefix("health_status:")?.trim().to_owned()),
    })
}

/// A container of which only an event tells: made, and nothing else is known.
fn described(
    id: String,
    name: Option<String>,
    image: String,
    labels: BTreeMap<String, String>,
    rules: &Rules,
) -> Option<Container> {
    let raw = api::Inspected {
        id: Some(id),
        name,
        state: Some(api::State { status: Some("created".to_owned()), ..Default::default() }),
        config: Some(api::Config { image: Some(image), labels: Some(labels), ..Default::default() }),
        ..Default::default()
    };
    super::container(raw, rules).0
}

#[cfg(test)]
mod tests {
    use orchestrix_common::model::{ContainerState, DEFAULT_LIMITS};

    use super::*;

    const RULES: Rules = Rules { runtime: "docker", arguments: false, limits: DEFAULT_LIMITS };

    fn read(line: &str) -> Option<Event> {
        event(serde_json::from_str(line).unwrap(), &RULES)
    }

    #[test]
    fn an_event_tells_its_time_its_action_and_its_container() {
        let line = r#"{"status":"die","id":"23bb","from":"shop/web:1.4","Type":"container","Action":"die","Actor":{"ID":"23bb",
            "Attributes":{"environment":"dev","api_token":"planted","exitCode":"4","image":"shop/web:1.4","name":"web"}},
            "scope":"local","time":1795478200,"timeNano":1795478200236200621}"#;
        let event = read(line).unwrap();
        assert_eq!((event.action, event.exit_code), (Action::Die, Some(4)));
        assert_eq!(event.at, Timestamp::from_micros(1_795_478_200_236_200));
        let Container { id, name, image, state, labels, .. } = event.container;
        assert_eq!((id.as_str(), name.as_str(), image.as_str()), ("23bb", "web", "shop/web:1.4"));
        assert_eq!(state, ContainerState::Created);
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["api_token", "environment"]);
        assert!(!labels["api_token"].contains("planted"), "{labels:?}");
    }

    #[test]
    fn newer_versions_and_podman_are_understood() {
        let action = |kind: &str, action: &str| {
            let line = format!(r#"{{"Type":"{kind}","Action":"{action}","Actor":{{"ID":"a1"}},"time":7}}"#);
            read(&line).map(|event| event.action)
        };
        assert_eq!(action("container", "remove"), Some(Action::Destroy));
        assert_eq!(action("container", "died"), Some(Action::Die));
        assert_eq!(action("container", "health_status: unhealthy"), Some(Action::Health("unhealthy".to_owned())));
        assert_eq!(action("container", "update"), Some(Action::Other));
        for noise in ["exec_create: /bin/true", "exec_start: /bin/true", "exec_die", "top", "attach", "init", "cleanup"]
        {
            assert_eq!(action("container", noise), None, "{noise}");
        }
        assert_eq!(action("network", "create"), None);
        assert_eq!(read(r#"{"Action":"start","time":7}"#), None);
    }
}
