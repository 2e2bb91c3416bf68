use std::{sync::Arc, time::Duration};

use orchestrix_agent::identity::{Identity, IdentityError, explain};
use orchestrix_collector::{
    pki::{Rotation, RotationError, SealingKey, overview, token},
    store::rows::history::Actor,
};
use orchestrix_common::{pki::JoinToken, time::Clock as _};
use tokio_util::sync::CancellationToken;

use crate::parts::{HOUR, Installation, copy_of, valid, who_am_i};

const DAY: Duration = Duration::from_secs(86_400);
const SOON: Duration = Duration::from_secs(2);

impl Installation {
    async fn step(&self, step: &str) -> Result<i64, RotationError> {
        let (actor, now) = (Actor::person("somebody"), self.clock.now());
        let sealing = SealingKey::load(&self.dir.path().join("sealing.key")).unwrap().unwrap();
        let rotation = Rotation { db: &self.db, trust_domain: self.authority.trust_domain(), actor: &actor, now };
        let done = match step {
            "prepare" => rotation.prepare(&sealing).await,
            "activate" => rotation.activate(&sealing, SOON).await,
            "retire" => rotation.retire(false).await,
            "retire by force" => rotation.retire(true).await,
            other => panic!("{other}"),
        };
        self.authority.refresh().await.unwrap();
        done
    }

    /// The stages of all roots, oldest first.
    async fn stages(&self) -> String {
        let overview = overview(&self.db, self.now()).await.unwrap();
        overview.roots.iter().map(|root| root.stage).collect::<Vec<_>>().join(" ")
    }

    /// Tells an agent of the roots, as a session does.
    fn tell(&self, identity: &Identity) {
        let bundle = self.authority.trust_feed().borrow().clone();
        identity.trust(bundle.roots_der.clone()).unwrap();
        identity.renew_unless_from(bundle.issuing_root, bundle.renew_within);
    }

    async fn is_admitted(&self, identity: &Identity) {
        let channel = identity.channel(&self.collector()).await.unwrap();
        assert_eq!(who_am_i(channel).await.unwrap(), valid(identity));
    }
}

#[tokio::test]
async fn one_root_follows_another_and_nobody_enrols_again() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let open = identity.channel(&installation.collector()).await.unwrap();
    let (old_pin, before) = (installation.authority.pin(), valid(&identity));
    assert!(matches!(installation.step("activate").await, Err(RotationError::NotPrepared)));
    assert!(matches!(installation.step("retire").await, Err(RotationError::NothingToRetire)));

    assert_eq!(installation.step("prepare").await.unwrap(), 2);
    assert!(matches!(installation.step("prepare").await, Err(RotationError::AlreadyPrepared(2))));
    assert_eq!(installation.stages().await, "active prepared");
    assert_eq!(installation.authority.pin(), old_pin, "nothing comes from it yet");
    installation.tell(&identity);
    assert_eq!(identity.trusted_roots().len(), 2);

    assert_eq!(installation.step("activate").await.unwrap(), 2);
    assert_eq!(installation.stages().await, "outgoing active");
    assert_ne!(installation.authority.pin(), old_pin);
    assert!(matches!(installation.step("retire").await, Err(RotationError::TooSoon(2))));
    installation.clock.advance(Duration::from_secs(20));
    let stolen = copy_of(state.path());

    // The session tells the agent, which renews within the time given.
    installation.tell(&identity);
    installation.clock.advance(SOON);
    let (stop, clock, address) = (CancellationToken::new(), installation.clock.clone(), installation.collector());
    let (keeper, keeper_stop) = (identity.clone(), stop.clone());
    let keeping = tokio::spawn(async move { keeper.keep_fresh(&address, clock, keeper_stop).await });
    let confirmed = async {
        while !overview(&installation.db, installation.now()).await.unwrap().waiting_agents.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), confirmed).await.expect("a confirmed renewal within 20 s");
    stop.cancel();
    keeping.await.unwrap();
    assert_ne!(valid(&identity), before);
    // The connection from before goes on.
    assert_eq!(who_am_i(open).await.unwrap(), before);

    assert_eq!(installation.step("retire").await.unwrap(), 1);
    assert_eq!(installation.stages().await, "retired active");
    installation.is_admitted(&identity).await;
    installation.tell(&identity);
    assert_eq!(identity.trusted_roots(), [installation.authority.pin()]);
    installation.is_admitted(&installation.reload(state.path())).await;
    // A certificate of the old root is refused in the handshake, even where its holder trusts the new one.
    let copy = installation.reload(stolen.path());
    copy.trust(installation.authority.roots_der()).unwrap();
    let copy = installation.reload(stolen.path());
    let channel = copy.channel(&installation.collector()).await.unwrap();
    let error = explain(&who_am_i(channel).await.unwrap_err());
    assert!(matches!(error, IdentityError::UnknownCa), "{error:?}");
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents").await, 1);
    let sql = "SELECT COUNT(*) AS n FROM audit_log WHERE action IN ('ca.prepare', 'ca.activate', 'ca.retire')";
    assert_eq!(installation.count(sql).await, 3);
    let sql = "SELECT COUNT(*) AS n FROM certificate_authorities WHERE retired_at_us IS NOT NULL AND sealed_key <> x''";
    assert_eq!(installation.count(sql).await, 0, "the keys of what is retired are gone");
}

#[tokio::test]
async fn an_agent_that_was_away_all_the_time_comes_back() {
    let installation = Installation::start().await;
    let (state, _) = installation.agent().await;
    installation.step("prepare").await.unwrap();
    installation.step("activate").await.unwrap();
    installation.clock.advance(Duration::from_secs(60));
    // It is what keeps the old root.
    let error = installation.step("retire").await.unwrap_err();
    assert!(matches!(&error, RotationError::StillNeeded { agents, .. } if agents.len() == 1), "{error:?}");
    let line = error.to_string();
    assert!(line.contains("host-1") && line.contains("--force"), "{line}");
    // It knows only the old root; what the old root says of the new one is enough.
    let identity = installation.reload(state.path());
    assert_eq!(identity.trusted_roots().len(), 1);
    installation.is_admitted(&identity).await;
    installation.tell(&identity);
    identity.renew(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
    installation.step("retire").await.unwrap();
    installation.is_admitted(&installation.reload(state.path())).await;
}

#[tokio::test]
async fn an_agent_whose_certificate_ended_meanwhile_renews_too() {
    let installation = Installation::start().await;
    let (state, _) = installation.agent().await;
    installation.step("prepare").await.unwrap();
    installation.step("activate").await.unwrap();
    installation.advance(5 * DAY).await;
    let identity = installation.reload(state.path());
    installation.is_admitted(&identity).await;
    assert_eq!(identity.trusted_roots().len(), 2);
}

#[tokio::test]
async fn a_root_that_is_retired_by_force_takes_its_certificates_along() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    installation.step("prepare").await.unwrap();
    installation.step("activate").await.unwrap();
    installation.clock.advance(Duration::from_secs(60));
    assert!(installation.step("retire").await.is_err());
    assert_eq!(installation.step("retire by force").await.unwrap(), 1);
    let error = identity.channel(&installation.collector()).await.unwrap_err();
    assert!(matches!(error, IdentityError::UntrustedCollector(_)), "{error:?}");
    // The host enrols again in place.
    let token = installation.token(|_| ()).await;
    installation.enrol_with(state.path(), &token).await.unwrap();
    installation.is_admitted(&installation.reload(state.path())).await;
}

#[tokio::test]
async fn join_tokens_work_across_the_change() {
    let installation = Installation::start().await;
    let life = |new: &mut token::NewToken| new.life = DAY;
    let enrol = async |token: &str| {
        let state = tempfile::tempdir().unwrap();
        installation.enrol_with(state.path(), token).await.map(|identity| (state, identity))
    };
    let (early, left_over) = (installation.token(life).await, installation.token(life).await);
    installation.clock.advance(Duration::from_secs(1));
    installation.step("prepare").await.unwrap();
    let (prepared, late) = (installation.token(life).await, installation.token(life).await);
    assert!(prepared.parse::<JoinToken>().unwrap().pins.to_string().contains('+'), "{prepared}");
    enrol(&prepared).await.unwrap();
    installation.step("activate").await.unwrap();
    let active = installation.token(life).await;
    assert!(!active.parse::<JoinToken>().unwrap().pins.to_string().contains('+'), "{active}");
    installation.clock.advance(Duration::from_secs(60));
    let (_state, identity) = enrol(&early).await.unwrap();
    assert_eq!(identity.trusted_roots().len(), 2);
    enrol(&active).await.unwrap();
    // A token that knows only the old root holds it, as an agent does.
    let waiting = overview(&installation.db, installation.now()).await.unwrap();
    assert_eq!(waiting.waiting_tokens, [left_over.split('.').nth(1).unwrap()]);
    assert_eq!(waiting.waiting_agents.len(), 1, "the one that enrolled before the change");
    let error = installation.step("retire").await.unwrap_err();
    assert!(error.to_string().contains(&waiting.waiting_tokens[0]), "{error}");
    installation.step("retire by force").await.unwrap();
    enrol(&late).await.unwrap();
    let error = enrol(&left_over).await.unwrap_err();
    assert!(matches!(error, IdentityError::WrongCa(_)), "{error:?}");
}

#[tokio::test]
async fn time_alone_lets_one_root_follow_another() {
    let installation = Installation::start().await;
    let first = installation.authority.pin();
    installation.advance(1_820 * DAY).await;
    assert_eq!(installation.stages().await, "active");
    installation.advance(10 * DAY).await;
    assert_eq!(installation.stages().await, "active prepared");
    assert_eq!(installation.authority.pin(), first);
    // Collectors come up to date every minute; so does each step.
    installation.advance(1_210 * DAY).await;
    assert_eq!(installation.stages().await, "active prepared");
    installation.advance(10 * DAY).await;
    assert_eq!(installation.stages().await, "outgoing active");
    assert_ne!(installation.authority.pin(), first);
    let (state, _) = installation.agent().await;
    installation.advance(8 * DAY).await;
    assert_eq!(installation.stages().await, "outgoing active", "agents that were away may still renew");
    installation.is_admitted(&installation.reload(state.path())).await;
    installation.advance(HOUR * 36).await;
    assert_eq!(installation.stages().await, "retired active");
    let (_state, identity) = installation.agent().await;
    installation.is_admitted(&identity).await;
    let steps = "SELECT COUNT(*) AS n FROM audit_log WHERE action LIKE 'ca.%' AND actor_kind = 'collector'";
    assert_eq!(installation.count(steps).await, 3);
    // The next one in its turn.
    installation.advance(20 * DAY).await;
    let overview = overview(&installation.db, installation.now()).await.unwrap();
    assert_eq!(overview.next_step.unwrap().action, "prepare");
}

#[tokio::test]
async fn another_collector_takes_the_change_over_by_itself() {
    let installation = Installation::start().await;
    let other = crate::parts::open(installation.dir.path(), &installation.db, installation.clock.clone()).await;
    let (stop, mut feed) = (CancellationToken::new(), other.trust_feed());
    let upkeep = tokio::spawn(Arc::clone(&other).upkeep(stop.clone()));
    installation.step("prepare").await.unwrap();
    let changed = tokio::time::timeout(Duration::from_secs(10), feed.changed());
    changed.await.expect("within seconds").unwrap();
    assert_eq!(other.roots_der().len(), 2);
    installation.step("activate").await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), feed.changed()).await.expect("within seconds").unwrap();
    assert_eq!(other.pin(), installation.authority.pin());
    stop.cancel();
    upkeep.await.unwrap();
}

#[tokio::test]
async fn confirming_takes_the_certificates_before_out_of_force() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let before = copy_of(state.path());
    identity.renew(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
    let sql = "SELECT COUNT(*) AS n FROM agent_certificates WHERE superseded_at_us IS NULL";
    assert_eq!(installation.count(sql).await, 1);
    let error = installation.reload(before.path()).confirm(&installation.collector()).await.unwrap_err();
    assert!(error.is_permanent(), "{error:?}");
}
