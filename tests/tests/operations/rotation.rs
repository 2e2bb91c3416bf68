use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use orchestrix_agent::identity::{IdentityError, explain};
use orchestrix_proto::v1::discovery_client::DiscoveryClient;
use orchestrix_tests::{installation::Installation, part, wait};
use serde_json::Value;

use crate::fleet::Fleet;

const AGENTS: usize = 20;
/// How long each step may take to reach every agent.
const SOON: Duration = Duration::from_secs(60);

fn ca(installation: &Installation, arguments: &[&str]) -> Value {
    let out = installation.cli(&[&["ca"][..], arguments, &["-o", "json"]].concat()).ok();
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

fn epochs(fleet: &Fleet) -> Vec<Option<u64>> {
    fleet.statuses().iter().map(|status| status.link.epoch()).collect()
}

#[test]
fn a_rotation_of_the_ca_on_a_running_system_loses_no_report_and_no_session() {
    let Some(first) = Installation::on_mariadb() else { return };
    let second = first.another();
    let addresses = [first.agents_address().to_string(), second.agents_address().to_string()];
    let mut fleet = Fleet::start(&first, AGENTS, |number| addresses[number % 2].clone());
    // One is away until the old root is about to go.
    let token = first.join_token(&[]);
    fleet.enrol(&first, &token, "traveller", addresses[1].clone());
    fleet.until_connected();
    let mut traveller = fleet.agents.pop().unwrap();
    traveller.stop(&fleet.runtime);
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("identity")).unwrap();
    for file in fs::read_dir(fleet.agents[0].state.path().join("identity")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join("identity").join(file.file_name())).unwrap();
    }
    let (sessions, serials) = (epochs(&fleet), serials(&fleet));

    let mut told = Duration::ZERO;
    let mut renewed = Duration::ZERO;
    let load = std::thread::scope(|scope| {
        let steps = scope.spawn(|| {
            let begin = Instant::now();
            let state = ca(&first, &["prepare"]);
            assert_eq!(stages(&state), ["active", "prepared"]);
            wait::until("every agent to trust the next root", SOON, || {
                let behind = fleet.agents.iter().find(|agent| agent.identity.trusted_roots().len() != 2);
                behind.map_or(Ok(()), |agent| Err(agent.name.clone()))
            });
            told = begin.elapsed();
            let begin = Instant::now();
            // By way of the other collector's folder: all that matters is in the database.
            let state = ca(&second, &["activate", "--renew-within", "3s"]);
            assert_eq!(stages(&state), ["outgoing", "active"]);
            wait::until("every connected agent to have confirmed a new certificate", SOON, || {
                let waiting = hosts(&ca(&first, &["status"]));
                wait::check(waiting == ["traveller"], || format!("{waiting:?}"))
            });
            renewed = begin.elapsed();
        });
        fleet.under_load(Duration::from_millis(200), || steps.is_finished())
    });
    part::measured(&format!(
        "rotation of the CA under {AGENTS} agents on 2 collectors: all told of the next root after {:.1} s, all renewed \
         and confirmed after {:.1} s (3 s given), longest time without an acknowledgement {:.1} s",
        told.as_secs_f32(),
        renewed.as_secs_f32(),
        load.longest_gap().as_secs_f32()
    ));
    assert!(serials.iter().zip(self::serials(&fleet)).all(|(before, now)| *before != now), "all have a new one");
    assert_eq!(epochs(&fleet), sessions, "no session ended");

    wait::until("the old root to be kept for the one who is away", SOON, || {
        let ran = first.cli(&["ca", "retire"]);
        assert_eq!(ran.code, Some(1), "{ran:#?}");
        wait::check(ran.err.contains("root 1 is still needed") && ran.err.contains("traveller"), || ran.err.clone())
    });
    // It knows nothing of the new root and comes back all the same.
    assert_eq!(traveller.identity.trusted_roots().len(), 1);
    traveller.start(&fleet.runtime);
    fleet.agents.push(traveller);
    fleet.until_connected();
    wait::until("nobody to hold a certificate of the old root", SOON, || {
        let waiting = hosts(&ca(&second, &["status"]));
        wait::check(waiting.is_empty(), || format!("{waiting:?}"))
    });
    assert_eq!(stages(&ca(&first, &["retire"])), ["retired", "active"]);
    wait::until("every agent to trust the new root only", SOON, || {
        let behind = fleet.agents.iter().find(|agent| agent.identity.trusted_roots().len() != 1);
        behind.map_or(Ok(()), |agent| Err(agent.name.clone()))
    });
    old_certificates_are_refused(&fleet, copy.path(), &addresses);
    assert_eq!(epochs(&fleet)[..AGENTS], sessions, "no session ended");
    fleet.assert_nothing_is_lost(&first, &load.made);
    assert_eq!(first.list("agents").len(), AGENTS + 1, "no agent enrolled again");
    assert_eq!(first.list("computes").len(), AGENTS + 1);
    fleet.stop();
}

fn stages(state: &Value) -> Vec<&str> {
    state["roots"].as_array().unwrap().iter().map(|root| root["stage"].as_str().unwrap()).collect()
}

fn hosts(state: &Value) -> Vec<String> {
    let waiting = state["waitingAgents"].as_array().unwrap();
    waiting.iter().map(|agent| agent["hostname"].as_str().unwrap().to_owned()).collect()
}

fn serials(fleet: &Fleet) -> Vec<String> {
    fleet.agents.iter().take(AGENTS).map(|agent| agent.identity.certificate_serial()).collect()
}

/// A copy that was made before the rotation gets nowhere, even when it is told of the new root.
fn old_certificates_are_refused(fleet: &Fleet, copy: &Path, collectors: &[String]) {
    let agent = &fleet.agents[0];
    let old = agent.identity_in(copy);
    assert_ne!(old.certificate_serial(), agent.identity.certificate_serial());
    for collector in collectors {
        let error = fleet.runtime.block_on(old.channel(collector)).unwrap_err();
        assert!(matches!(error, IdentityError::UntrustedCollector(_)), "{error:?}");
    }
    old.trust(agent.identity.trusted_roots_der()).unwrap();
    for collector in collectors {
        // Which of alert and end of the connection a client notices first is a matter of luck; it never gets further.
        wait::until("the collector to say why", SOON, || {
            let error = fleet.runtime.block_on(async {
                let channel = old.channel(collector).await.unwrap();
                explain(&DiscoveryClient::new(channel).session(tokio_stream::empty()).await.unwrap_err())
            });
            wait::check(matches!(error, IdentityError::UnknownCa), || format!("{error:?}"))
        });
    }
}
