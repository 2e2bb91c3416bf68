//! From the engine's event stream to signals.
//!
//! One task reads the stream and asks the engine at once for the container that an event names; what it found waits in
//! a queue for whoever polls the stream. Reading goes on while the engine is being asked, and events of one container
//! that come together cost one question. What the engine can no longer answer is told from memory and the events
//! themselves, so a container that lived for half a second has its own start, end and exit status.
//!
//! An event counts as told once the consumer comes back for the next signal. Events that were not told are asked for
//! again by the next subscription.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream, stream::BoxStream};
use orchestrix_common::{
    model::{Container, RemovalReason},
    time::Timestamp,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Shared, api,
    client::{Client, Feed},
    error::ClientError,
    memory::EventKey,
    parse::{self, Action, Event},
    story,
};
use crate::inspect::{Sighted, Sighting, Signal};

/// Events read but not yet handled. When it is full, reading waits and the engine's own buffers fill; an engine that
/// then drops events is found out by the next slow look.
const HEARD: usize = 1_024;
/// Signals not yet taken. When it is full, handling waits.
const TOLD: usize = 256;
/// Bytes of one event, which carries all labels of its container.
const LINE_LIMIT: usize = 8 << 20;
/// Time for one question about one container.
const QUESTION_LIMIT: Duration = Duration::from_secs(5);

/// A signal and the events that it tells.
struct Told {
    signal: Signal,
    keys: Vec<EventKey>,
}

/// One line of the stream.
enum Heard {
    Event(Box<Event>),
    /// Something happened, but it cannot be told what.
    Unreadable,
}

/// Turns a subscription into signals. The stream ends when the subscription breaks or the engine stops answering.
pub(super) fn signals(feed: Feed, client: Client, shared: Arc<Shared>) -> BoxStream<'static, Signal> {
    let (tell, told) = mpsc::channel(TOLD);
    let task = AbortOnDropHandle::new(tokio::spawn(run(feed, client, Arc::clone(&shared), tell)));
    let start = (told, Vec::new(), shared, task);
    stream::unfold(start, |(mut told, keys, shared, task)| async move {
        shared.memory().tell(keys);
        let Told { signal, keys } = told.recv().await?;
        Some((signal, (told, keys, shared, task)))
    })
    .boxed()
}

async fn run(feed: Feed, client: Client, shared: Arc<Shared>, told: mpsc::Sender<Told>) {
    let (hear, heard) = mpsc::channel(HEARD);
    let mut reading = pin!(read(feed, &shared, hear));
    let mut handling = pin!(handle(heard, &client, &shared, told));
    // Neither arm is ever resumed after it lost: the loser is dropped with the subscription, or driven to its end.
    tokio::select! {
        () = &mut handling => {},
        () = &mut reading => handling.await,
    }
}

async fn read(mut feed: Feed, shared: &Shared, heard: mpsc::Sender<Heard>) {
    let mut lines = Lines::default();
    while let Some(bytes) = feed.next().await {
        for line in lines.split(&bytes) {
            let heard_now = match line.map(|line| serde_json::from_slice::<api::Event>(&line)) {
                Some(Ok(raw)) => parse::event(raw, &shared.rules).map(|event| Heard::Event(Box::new(event))),
                Some(Err(_)) | None => Some(Heard::Unreadable),
            };
            if let Some(heard_now) = heard_now
                && heard.send(heard_now).await.is_err()
            {
                return;
            }
        }
    }
    tracing::debug!("event stream ended");
}

async fn handle(mut heard: mpsc::Receiver<Heard>, client: &Client, shared: &Shared, told: mpsc::Sender<Told>) {
    let mut batch = Vec::new();
    while heard.recv_many(&mut batch, HEARD).await > 0 {
        let mut look = false;
        let mut by_container: Vec<Vec<Event>> = Vec::new();
        let mut keys = Vec::new();
        for item in batch.drain(..) {
            let Heard::Event(event) = item else {
                look = true;
                continue;
            };
            let key = EventKey::from(&*event);
            if shared.memory().was_told(&key) {
                continue;
            }
            keys.push(key);
            // Containers keep the order of their first event: a name that is used again is first given up.
            match by_container.iter_mut().find(|events| events[0].container.id == event.container.id) {
                Some(events) => events.push(*event),
                None => by_container.push(vec![*event]),
            }
        }
        let mut sightings = Vec::new();
        for events in by_container {
            match tell(&events, client, shared).await {
                Ok(found) => sightings.extend(found),
                // The engine is there, but this container cannot be read now: the look will say so.
                Err(error) if error.is_answer() => look = true,
                Err(error) => {
                    tracing::debug!(%error, "engine stopped answering, subscription given up");
                    return;
                }
            }
        }
        let changes = (!sightings.is_empty()).then_some(Signal::Changes(sightings));
        for signal in changes.into_iter().chain(look.then_some(Signal::Look)) {
            let keys = std::mem::take(&mut keys);
            if told.send(Told { signal, keys }).await.is_err() {
                return;
            }
        }
    }
}

/// Tells what happened to one container, whose events are given in their order.
async fn tell(events: &[Event], client: &Client, shared: &Shared) -> Result<Vec<Sighting>, ClientError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(Vec::new()) };
    let id = &first.container.id;
    let mut sightings = Vec::new();
    let mut body = shared.memory().body(id).cloned();
    let mut untold: Option<Timestamp> = None;
    for (index, event) in events.iter().enumerate() {
        if event.action == Action::Destroy {
            if let (Some(at), Some(body)) = (untold, body.take()) {
                sightings.push(present(at, body, shared));
            }
            let reason = RemovalReason::Removed;
            sightings.push(Sighting { at: event.at, what: Sighted::Gone { native_id: id.clone(), reason } });
            shared.memory().remove(id);
            return Ok(sightings);
        }
        // Nothing is known of it and this event tells nothing: there is nothing to tell, unless the engine does.
        if body.is_some() || event.action != Action::Other {
            body = Some(story::after(body, event));
            untold = Some(event.at);
        }
        let run_ended = event.action == Action::Die;
        let runs_again = events.iter().skip(index).any(|later| later.action == Action::Start);
        if let Some(body) = body.as_ref().filter(|_| run_ended && runs_again) {
            sightings.push(present(event.at, body.clone(), shared));
        }
    }
    let turn = shared.memory().next_turn();
    let current = match client.container(id, Instant::now() + QUESTION_LIMIT).await {
        Ok(raw) => shared.parsed(raw),
        // It was removed meanwhile; the event that says so is on its way.
        Err(error) if error.is_not_found() => body,
        Err(error) => return Err(error),
    };
    let settled = current.and_then(|body| shared.memory().settle(turn, body));
    sightings.extend(settled.map(|body| present(last.at, body, shared)));
    Ok(sightings)
}

fn present(at: Timestamp, body: Container, shared: &Shared) -> Sighting {
    Sighting { at, what: Sighted::Present(shared.entity(body)) }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
struct Lines {
    pending: Vec<u8>,
    too_long: bool,
}

impl Lines {
    /// The lines that `bytes` completes; `None` stands for one that was too long.
    fn split(&mut self, bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.too_long || self.pending.len() + part.len() > LINE_LIMIT {
                self.too_long = true;
                self.pending = Vec::new();
            } else {
                self.pending.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.pending);
                if std::mem::take(&mut self.too_long) {
                    lines.push(None);
                } else if !line.trim_ascii().is_empty() {
                    lines.push(Some(line));
                }
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_across_chunks_and_bounded() {
        let mut lines = Lines::default();
        assert_eq!(lines.split(b"{\"a\":"), Vec::<Option<Vec<u8>>>::new());
        assert_eq!(lines.split(b"1}\n\n{}\n{"), vec![Some(b"{\"a\":1}\n".to_vec()), Some(b"{}\n".to_vec())]);
        for _ in 0..9 {
            assert_eq!(lines.split(&vec![b'x'; 1 << 20]).len(), 0);
        }
        assert!(lines.pending.is_empty(), "what is too long is not kept");
        assert_eq!(lines.split(b"\n{}\n"), vec![None, Some(b"{}\n".to_vec())]);
    }
}
