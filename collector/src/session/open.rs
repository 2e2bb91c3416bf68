//! From a new stream to an open session: Hello, the database, Welcome.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrix_proto::v1::{self as pb, agent_message, collector_message::Message};
use tokio::time::timeout;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{
    Ending, Shared,
    admit::{self, Caller, NotAdmitted},
    agreement::Agreement,
    greet::{self, Greeting},
    handle::Handle,
    outgoing::Outgoing,
    overtake,
    refusal::Refusal,
    registry::{NotEntered, Presence},
    stream,
};
use crate::{
    reconcile::{HELD_QUARANTINED, OpenError, Opened, Opening},
    store::StoreError,
};

/// Why a session was not opened.
enum NotOpened {
    /// The agent is turned away.
    Refused(Refusal),
    /// Not now.
    Later(pb::Goodbye),
    /// The stream ended or the agent does not read.
    Gone,
}

/// Opens a session on a stream and runs it to its end.
pub(super) async fn run(shared: Shared, caller: Caller, mut incoming: Streaming<pb::AgentMessage>, outgoing: Outgoing) {
    let opened = open(&shared, &caller, &mut incoming, &outgoing).instrument(tracing::debug_span!("open")).await;
    match opened {
        Ok((presence, session)) => {
            let reason = stream::run(shared, session, incoming, outgoing).await;
            drop(presence);
            metrics::counter!("orchestrix_session_ended_total", "reason" => reason).increment(1);
            tracing::info!(reason, "agent disconnected");
        }
        Err(NotOpened::Refused(refusal)) => {
            metrics::counter!("orchestrix_session_refused_total", "code" => refusal.code()).increment(1);
            tracing::info!(code = refusal.code(), "session refused");
            outgoing.refuse(Status::from(refusal)).await;
        }
        Err(NotOpened::Later(goodbye)) => {
            metrics::counter!("orchestrix_session_refused_total", "code" => goodbye.reason.clone()).increment(1);
            tracing::debug!(reason = goodbye.reason, "session put off");
            outgoing.goodbye(goodbye).await;
        }
        Err(NotOpened::Gone) => tracing::debug!("stream ended before the session was open"),
    }
}

async fn open(
    shared: &Shared,
    caller: &Caller,
    incoming: &mut Streaming<pb::AgentMessage>,
    outgoing: &Outgoing,
) -> Result<(Presence, stream::Session), NotOpened> {
    let agent_id = caller.agent_id();
    // When both the places to open and the places to wait are taken, the agent comes back later.
    let Ok(_waiting) = shared.waiting.try_acquire() else { return Err(overloaded("many agents connect at once")) };
    let hello = hello(shared, incoming).await?;
    let begun = Instant::now();
    let Greeting { opening, head_sequence, acknowledged_sequence, digests } =
        greet::greeting(agent_id, hello).map_err(NotOpened::Refused)?;
    let boot_id = opening.boot_id.clone();
    let opened = {
        // The semaphore is never closed.
        let _opening = shared.opening.acquire().await.map_err(|_| NotOpened::Gone)?;
        admit::check(shared, caller).await.map_err(|reason| match reason {
            NotAdmitted::Refused(refusal) => NotOpened::Refused(refusal),
            NotAdmitted::Renewed => NotOpened::Later(renewed()),
            NotAdmitted::Store(error) => store_failed(&error),
        })?;
        begin(shared, opening).await?
    };
    let key = opened.key(agent_id);
    let handle = Arc::new(Handle::new(key, boot_id, outgoing.downgrade()));
    let (presence, older) = shared.registry.enter(&handle).map_err(|reason| {
        let ending = match reason {
            NotEntered::Overtaken => Ending::Superseded,
            NotEntered::Draining => Ending::Draining,
        };
        NotOpened::Later(ending.goodbye())
    })?;
    overtake::all(shared, &older, &handle).await;
    if let Some(ending) = handle.ending() {
        // Somebody decided in the meantime; a clone is quarantined by overtaking.
        return Err(match ending {
            Ending::Quarantined => NotOpened::Refused(Refusal::Quarantined(overtake::CLONED.to_owned())),
            Ending::Revoked => NotOpened::Refused(Refusal::Revoked),
            Ending::Superseded
            | Ending::Decided
            | Ending::SecondLook
            | Ending::DatabaseAway
            | Ending::Draining
            | Ending::Untrusted => NotOpened::Later(ending.goodbye()),
        });
    }
    let mut trust = shared.trust.clone();
    let bundle = Arc::clone(&trust.borrow_and_update());
    let welcome = greet::welcome(&opened, &shared.settings, bundle.roots_der.clone(), shared.clock.now());
    outgoing.send(Message::Welcome(welcome)).await.map_err(|_| NotOpened::Gone)?;
    if bundle.is_rotating() {
        outgoing.send(greet::trust_bundle(&bundle)).await.map_err(|_| NotOpened::Gone)?;
    }
    metrics::histogram!("orchestrix_session_opening_seconds").record(begun.elapsed());
    shared.liveness.touch(agent_id, shared.clock.now());
    if opened.previous_boot_id.is_some() {
        metrics::counter!("orchestrix_session_reconnects_total").increment(1);
    }
    metrics::counter!("orchestrix_session_opened_total").increment(1);
    tracing::info!(epoch = opened.epoch, held = opened.held_reason.as_deref(), "agent connected");
    // What the agent knows to be acknowledged was stored or refused for good, even where the database is older.
    let settled = opened.applied_sequence.max(acknowledged_sequence);
    let agreement = Agreement::new(settled, &opened.digests, shared.settings.limits.source_entities);
    Ok((presence, stream::Session { handle, agreement, head_sequence, digests, trust }))
}

async fn hello(shared: &Shared, incoming: &mut Streaming<pb::AgentMessage>) -> Result<pb::Hello, NotOpened> {
    match timeout(shared.settings.hello_limit, incoming.message()).await {
        Ok(Ok(Some(pb::AgentMessage { message: Some(agent_message::Message::Hello(hello)) }))) => Ok(hello),
        Ok(Ok(Some(_))) | Err(_) => Err(NotOpened::Refused(Refusal::NoHello)),
        Ok(Ok(None) | Err(_)) => Err(NotOpened::Gone),
    }
}

async fn begin(shared: &Shared, opening: Opening) -> Result<Opened, NotOpened> {
    if shared.registry.is_draining() {
        return Err(NotOpened::Later(Ending::Draining.goodbye()));
    }
    match shared.inventory.open_session(opening).await {
        Ok(opened) if opened.held_reason.as_deref() == Some(HELD_QUARANTINED) => {
            Err(NotOpened::Refused(Refusal::Quarantined(overtake::CLONED.to_owned())))
        }
        Ok(opened) => Ok(opened),
        Err(OpenError::Unknown(_)) => Err(NotOpened::Refused(Refusal::NotEnrolled)),
        Err(OpenError::Revoked(_)) => Err(NotOpened::Refused(Refusal::Revoked)),
        Err(OpenError::Store(error)) => Err(store_failed(&error)),
    }
}

/// An agent is never sent away for good because of the database.
fn store_failed(error: &StoreError) -> NotOpened {
    metrics::counter!("orchestrix_session_store_failures_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "session not opened: the database failed");
    if error.is_transient() {
        overloaded("the database does not answer")
    } else {
        NotOpened::Refused(Refusal::Internal)
    }
}

/// Tells an agent to come back with the certificate that it got in the meantime.
fn renewed() -> pb::Goodbye {
    pb::Goodbye {
        reason: "renewed".to_owned(),
        retry_after_ms: Some(fastrand::u64(100..1_000)),
        message: "the certificate was renewed while the session was opened".to_owned(),
    }
}

/// Tells an agent to come back, each at another time.
fn overloaded(message: &str) -> NotOpened {
    let pause = Duration::from_secs(2) + Duration::from_secs(18).mul_f64(fastrand::f64());
    let retry_after_ms = Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    NotOpened::Later(pb::Goodbye { reason: "overloaded".to_owned(), retry_after_ms, message: message.to_owned() })
}
