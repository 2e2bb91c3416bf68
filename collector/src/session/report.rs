//! One report: from the wire into the inventory, and the acknowledgement of what became of it.

use std::time::{Duration, Instant};

use orchestrix_common::{
    model::Report,
    wire::{WireError, unknown_changes},
};
use orchestrix_proto::v1 as pb;
use prost::Message as _;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};

use super::Shared;
use crate::{
    reconcile::{Applied, ApplyError, HELD_MASS_REMOVAL, Outcome, Refusal, SessionKey, dead_letter::DeadLetter},
    store::StoreError,
};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// What became of a report.
pub(super) struct Handled {
    /// What the agent is told.
    pub(super) ack: pb::Ack,
    /// Nothing more is to come of this report.
    pub(super) settled: bool,
    /// Something may have been written.
    pub(super) written: bool,
    /// The report is to come again in another session, a while later.
    pub(super) second_look: bool,
}

/// The session may not write any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// A newer session exists.
    Fenced,
    /// The agent was revoked or removed.
    Revoked,
    /// The database does not answer.
    Away,
}

/// Stores a report. Returns only when it is durable, refused, or the session may not write any more; while the
/// database is away it waits, and so does the agent, up to the patience that is set.
pub(super) async fn handle(shared: &Shared, key: &SessionKey, message: pb::Report) -> Result<Handled, Stopped> {
    let sequence = message.sequence;
    let limit = shared.settings.limits.message_bytes as usize;
    let bytes = message.encoded_len();
    let unknown = unknown_changes(&message);
    if unknown > 0 {
        metrics::counter!("orchestrix_report_unknown_changes_total").increment(unknown as u64);
        tracing::debug!(changes = unknown, "a newer agent's changes that this version does not know are passed over");
    }
    metrics::counter!("orchestrix_report_received_bytes_total").increment(bytes as u64);
    let report = if bytes > limit {
        let problem = format!("the report has {bytes} bytes, at most {limit} are accepted");
        Err(WireError::new("", "message-too-large", problem))
    } else {
        Report::try_from(message)
    };
    let outcome = match report {
        Ok(report) => apply(shared, key, report).await?,
        Err(WireError { field, code, problem }) => {
            let refusal = Refusal { code: code.to_owned(), message: problem, field };
            bury(shared, key, sequence, &refusal).await;
            Outcome::Refused(refusal)
        }
    };
    Ok(handled(sequence, outcome))
}

async fn apply(shared: &Shared, key: &SessionKey, report: Report) -> Result<Outcome, Stopped> {
    let begun = Instant::now();
    let sequence = report.sequence;
    let mut retry = Retry::default();
    loop {
        let turn = turn(shared, begun).await?;
        let applied = shared.inventory.apply(key, report.clone()).await;
        drop(turn);
        match applied {
            Ok(Applied { outcome, changes }) => {
                retry.over();
                metrics::counter!("orchestrix_report_changes_total").increment(changes as u64);
                metrics::histogram!("orchestrix_report_apply_seconds").record(begun.elapsed());
                return Ok(outcome);
            }
            Err(ApplyError::Fenced | ApplyError::Store(StoreError::Fenced(_))) => return Err(Stopped::Fenced),
            Err(ApplyError::Revoked | ApplyError::Unknown) => return Err(Stopped::Revoked),
            Err(ApplyError::Store(error)) if error.is_about_content() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "report cannot be stored");
                let message = "the database does not take the content of this report".to_owned();
                let refusal = Refusal { code: "not-storable".to_owned(), message, field: String::new() };
                bury(shared, key, sequence, &refusal).await;
                return Ok(Outcome::Refused(refusal));
            }
            Err(ApplyError::Store(_)) if begun.elapsed() >= shared.settings.database_patience => {
                return Err(Stopped::Away);
            }
            Err(ApplyError::Store(error)) => retry.pause(&error).await,
        }
    }
}

/// Waits for a place in front of the database, at most until the patience that began at `begun` is over.
pub(super) async fn turn(shared: &Shared, begun: Instant) -> Result<OwnedSemaphorePermit, Stopped> {
    let left = shared.settings.database_patience.saturating_sub(begun.elapsed());
    // The semaphore is never closed.
    timeout(left, shared.storing.clone().acquire_owned()).await.ok().and_then(Result::ok).ok_or(Stopped::Away)
}

/// Waits ever longer while the database fails, and logs when that begins and when it is over.
#[derive(Debug, Default)]
pub(super) struct Retry(u32);

impl Retry {
    /// Pauses before the next try: full jitter, doubling up to five seconds.
    pub(super) async fn pause(&mut self, error: &StoreError) {
        metrics::counter!("orchestrix_report_retries_total").increment(1);
        if self.0 == 0 {
            tracing::warn!(error = error as &dyn std::error::Error, "the database failed; the session waits for it");
        }
        let most = FIRST_PAUSE.saturating_mul(1 << self.0.min(10)).min(LAST_PAUSE);
        self.0 = self.0.saturating_add(1);
        sleep(most.mul_f64(fastrand::f64())).await;
    }

    /// Notes that the database did what it was asked.
    pub(super) fn over(&self) {
        if self.0 > 0 {
            tracing::info!(retries = self.0, "the database answers again");
        }
    }
}

/// Keeps what is known of a refused report. It is worth a try, not a wait: the agent is told in any case.
async fn bury(shared: &Shared, key: &SessionKey, sequence: u64, refusal: &Refusal) {
    tracing::warn!(code = refusal.code, field = refusal.field, "report refused");
    let Refusal { code, message, field } = refusal.clone();
    let letter = DeadLetter { sequence, code, field, message };
    if let Err(error) = shared.inventory.record_dead_letter(key, &letter).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "dead letter not kept");
    }
}

fn handled(sequence: u64, outcome: Outcome) -> Handled {
    use pb::ack::Outcome as Word;
    let (word, refusal, name) = match outcome {
        Outcome::Applied => (Word::Applied, None, "applied"),
        Outcome::Duplicate => (Word::Duplicate, None, "duplicate"),
        Outcome::Held { reason } => {
            let message = "kept back until a person or a second report decides".to_owned();
            (Word::Held, Some(pb::Refusal { code: reason, message, field: String::new() }), "held")
        }
        Outcome::Refused(Refusal { code, message, field }) => {
            (Word::Refused, Some(pb::Refusal { code, message, field }), "refused")
        }
    };
    metrics::counter!("orchestrix_report_outcomes_total", "outcome" => name).increment(1);
    let second_look = refusal.as_ref().is_some_and(|refusal| refusal.code == HELD_MASS_REMOVAL);
    Handled {
        second_look: second_look && word == Word::Held,
        ack: pb::Ack { sequence, outcome: word.into(), refusal },
        settled: word != Word::Held,
        written: word == Word::Applied,
    }
}
