//! How an event alters what is known of a container. Pure.
//!
//! The engine itself tells best what a container is like; this is for what it can no longer tell: a run that ended
//! and was followed by another at once, and a container that was removed before anybody could ask.

use std::time::Duration;

use orchestrix_common::{
    model::{Container, ContainerState},
    time::Timestamp,
};

use super::parse::{Action, Event, closed};

/// What the container was like right after `event`, given what it was like before, if that is known.
pub(super) fn after(before: Option<Container>, event: &Event) -> Container {
    let known = before.is_some();
    let mut container = before.unwrap_or_else(|| event.container.clone());
    match &event.action {
        Action::Create => container.created_at = container.created_at.or(Some(event.at)),
        Action::Start => {
            let told = container.started_at.filter(|_| !is_over(&container.state));
            container.started_at = Some(closest(told, event.at));
            container.state = ContainerState::Running;
            container.finished_at = None;
            container.exit_code = None;
            container.out_of_memory_killed = None;
        }
        Action::Die => ended(&mut container, event, known),
        Action::Pause => container.state = ContainerState::Paused,
        Action::Unpause => container.state = ContainerState::Running,
        Action::Rename => container.name.clone_from(&event.container.name),
        Action::Health(word) if word == "none" => container.health = None,
        Action::Health(word) => container.health = Some(word.clone()),
        Action::OutOfMemory => container.out_of_memory_killed = Some(true),
        Action::Destroy | Action::Other => {}
    }
    container
}

fn ended(container: &mut Container, event: &Event, known: bool) {
    let told = container.finished_at.filter(|_| is_over(&container.state));
    container.finished_at = Some(closest(told, event.at));
    container.state = ContainerState::Exited;
    container.exit_code = event.exit_code;
    if known {
        container.ports = closed(std::mem::take(&mut container.ports));
        for network in &mut container.networks {
            network.address = None;
            network.address_v6 = None;
            network.mac_address = None;
        }
    }
}

const fn is_over(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Exited | ContainerState::Dead | ContainerState::Removing)
}

/// The engine's own time of a start or an end, when it is already known, is exacter than the event's; one that is
/// further off belongs to another run.
fn closest(told: Option<Timestamp>, event: Timestamp) -> Timestamp {
    let near = |at: &Timestamp| at.since(event).max(event.since(*at)) < Duration::from_secs(1);
    told.filter(near).unwrap_or(event)
}

#[cfg(test)]
mod tests {
    use orchestrix_common::model::{ContainerNetwork, DEFAULT_LIMITS, Protocol, PublishedPort};

    use super::*;
    use crate::inspect::docker::parse::{Rules, event};

    fn happened(action: &str, secs: i64) -> Event {
        let line = format!(
            r#"{{"Type":"container","Action":"{action}","time":{secs},
                "Actor":{{"ID":"a1","Attributes":{{"name":"job","image":"busybox","exitCode":"9","team":"red"}}}}}}"#
        );
        let rules = Rules { runtime: "docker", arguments: false, limits: DEFAULT_LIMITS };
        event(serde_json::from_str(&line).unwrap(), &rules).unwrap()
    }

    fn told(actions: &[&str]) -> Container {
        let start = happened(actions[0], 100);
        let rest = actions.iter().zip(100..).skip(1);
        rest.fold(after(None, &start), |body, (action, secs)| after(Some(body), &happened(action, secs)))
    }

    #[test]
    fn a_whole_life_can_be_told_from_events_alone() {
        let job = told(&["create", "start", "oom", "die", "destroy"]);
        assert_eq!((job.name.as_str(), job.image.as_str(), job.labels["team"].as_str()), ("job", "busybox", "red"));
        assert_eq!((job.state, job.exit_code, job.out_of_memory_killed), (ContainerState::Exited, Some(9), Some(true)));
        assert_eq!(job.created_at, Some(Timestamp::from_secs(100)));
        assert_eq!(job.started_at, Some(Timestamp::from_secs(101)));
        assert_eq!(job.finished_at, Some(Timestamp::from_secs(103)));
    }

    #[test]
    fn a_new_run_forgets_how_the_last_one_ended() {
        let job = told(&["create", "start", "die", "start"]);
        assert_eq!((job.state, job.exit_code, job.finished_at), (ContainerState::Running, None, None));
        assert_eq!(told(&["start", "pause"]).state, ContainerState::Paused);
        assert_eq!(told(&["start", "pause", "unpause"]).state, ContainerState::Running);
        assert_eq!(told(&["start", "health_status: healthy"]).health.as_deref(), Some("healthy"));
    }

    #[test]
    fn what_ended_has_no_addresses_and_maps_no_ports() {
        let mut running = told(&["create", "start"]);
        let port = |host: Option<&str>| PublishedPort {
            container_port: 80,
            protocol: Protocol::Tcp,
            host_address: host.map(str::to_owned),
            host_port: host.map(|_| 18_080),
        };
        running.ports = vec![port(Some("0.0.0.0")), port(Some("::"))];
        let name = "bridge".to_owned();
        running.networks =
            vec![ContainerNetwork { name, address: Some("172.17.0.2".into()), address_v6: None, mac_address: None }];
        let ended = after(Some(running), &happened("die", 200));
        assert_eq!(ended.ports, vec![port(None)]);
        assert_eq!(ended.networks[0].address, None);
    }
}
