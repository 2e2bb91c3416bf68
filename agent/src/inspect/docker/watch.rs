//! From the engine's event stream to signals.
//!
//! One task reads the stream and asks the engine at once for the container that an event names; what it found waits in
//! a queue for whoever polls the stream. Reading goes on while the engine is being asked, and events of one container
//! that come together cost one question. What the engine can no longer answer is told from memory and the events
//! themselves, so a container that lived for half a second has its own start, end and exit status.
//!
//! An event counts as told once the consumer comes back for the next signal. Events that were not told are asked for
//! again by the next subscription, and by that of the agent's next run.

use std::{collections::HashSet, pin::pin, sync::Arc, time::Duration};

use futures::{
    StreamExt as _, stream,
    stream::{BoxStream, FuturesUnordered},
};
use orchestrix_common::{
    model::{Container, RemovalReason},
    time::Timestamp,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Shared, api,
    client::{Client, Feed},
    lines::Lines,
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
/// Questions to the engine at the same time. Docker answers none about a container that it is just starting, and a
/// compose file starts many at once.
const QUESTIONS: usize = 32;
/// Time for one question about one container.
const QUESTION_LIMIT: Duration = Duration::from_secs(5);
/// How often a silent engine is asked whether it is still there.
const PROBE: Duration = Duration::from_secs(15);

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
        let told_until = shared.memory().told_until();
        shared.bookmark.save(told_until).await;
        let Told { signal, keys } = told.recv().await?;
        Some((signal, (told, keys, shared, task)))
    })
    .boxed()
}

async fn run(feed: Feed, client: Client, shared: Arc<Shared>, told: mpsc::Sender<Told>) {
    let (hear, heard) = mpsc::channel(HEARD);
    let mut reading = pin!(read(feed, &shared, hear));
    let mut handling = pin!(handle(heard, &client, &shared, told));
    // No arm is ever resumed after it lost: the losers are dropped with the subscription, or driven to their end.
    tokio::select! {
        () = &mut handling => {},
        () = &mut reading => handling.await,
        () = until_silent(&client) => {},
    }
}

/// Ends when the engine no longer answers. One that hangs tells nothing and does not end its stream either.
async fn until_silent(client: &Client) {
    loop {
        sleep(PROBE.mul_f32(0.75 + 0.5 * fastrand::f32())).await;
        if let Err(error) = client.answers(Instant::now() + QUESTION_LIMIT).await {
            tracing::debug!(%error, "engine no longer answers");
            return;
        }
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
    let mut waiting = Waiting::default();
    let mut asking = FuturesUnordered::new();
    let mut open = true;
    while open || !asking.is_empty() {
        // Both arms are cancel-safe: what was received stays in `batch`, and questions go on where they were.
        let woken = tokio::select! {
            count = heard.recv_many(&mut batch, HEARD), if open && waiting.has_room() => {
                open = count > 0;
                None
            },
            Some(answer) = asking.next(), if !asking.is_empty() => Some(answer),
        };
        let mut tell = Vec::new();
        for item in batch.drain(..) {
            match item {
                Heard::Event(event) if shared.memory().was_told(&EventKey::from(&*event)) => {}
                Heard::Event(event) => waiting.push(*event),
                Heard::Unreadable => tell.push(Told { signal: Signal::Look, keys: Vec::new() }),
            }
        }
        if let Some(Answer { id, sightings, look, keys, lost }) = woken {
            if lost {
                tracing::debug!("engine stopped answering, subscription given up");
                return;
            }
            waiting.asked.remove(&id);
            let changes = (!sightings.is_empty()).then_some(Signal::Changes(sightings));
            let mut keys = Some(keys);
            for signal in changes.into_iter().chain(look.then_some(Signal::Look)) {
                tell.push(Told { signal, keys: keys.take().unwrap_or_default() });
            }
        }
        for one in tell {
            if told.send(one).await.is_err() {
                return;
            }
        }
        while let Some(events) = waiting.pop(asking.len() < QUESTIONS) {
            asking.push(ask(events, client, shared));
        }
    }
}

/// Events that wait for their container's turn. A container is asked for by one question at a time, so that what is
/// told of it stays in order; a slow one does not hold up the others.
#[derive(Default)]
struct Waiting {
    /// By container, in the order of the first event: a name that is used again is first given up.
    events: Vec<Vec<Event>>,
    /// Containers that a question is under way for.
    asked: HashSet<String>,
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.events.iter().map(Vec::len).sum::<usize>() < HEARD
    }

    fn push(&mut self, event: Event) {
        match self.events.iter_mut().find(|events| events[0].container.id == event.container.id) {
            Some(events) => events.push(event),
            None => self.events.push(vec![event]),
        }
    }

    /// The events of the next container; unless `may_ask`, only of one that needs no question because it is gone.
    fn pop(&mut self, may_ask: bool) -> Option<Vec<Event>> {
        let next = self.events.iter().position(|events| {
            let gone = events.iter().any(|event| event.action == Action::Destroy);
            (may_ask || gone) && !self.asked.contains(&events[0].container.id)
        })?;
        let events = self.events.remove(next);
        self.asked.insert(events[0].container.id.clone());
        Some(events)
    }
}

/// What came of the events of one container.
#[derive(Default)]
struct Answer {
    id: String,
    sightings: Vec<Sighting>,
    /// The engine could not tell, so what is told may lack something.
    look: bool,
    keys: Vec<EventKey>,
    /// The engine is not there any more.
    lost: bool,
}

/// Tells what happened to one container, whose events are given in their order.
async fn ask(events: Vec<Event>, client: &Client, shared: &Shared) -> Answer {
    let keys = events.iter().map(EventKey::from).collect();
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Answer::default() };
    let id = first.container.id.clone();
    let mut answer = Answer { id: id.clone(), keys, ..Answer::default() };
    let mut body = shared.memory().body(&id).cloned();
    // What events alone tell of a container is less than an earlier run of the agent reported, unless they began it.
    let is_known = body.is_some() || first.action == Action::Create;
    let mut untold: Option<Timestamp> = None;
    for (index, event) in events.iter().enumerate() {
        if event.action == Action::Destroy {
            if let (Some(at), Some(body)) = (untold, body.take().filter(|_| is_known)) {
                answer.sightings.push(present(at, body, shared));
            }
            let reason = RemovalReason::Removed;
            shared.memory().remove(&id);
            answer.sightings.push(Sighting { at: event.at, what: Sighted::Gone { native_id: id, reason } });
            return answer;
        }
        // Nothing is known of it and this event tells nothing: there is nothing to tell, unless the engine does.
        if body.is_some() || event.action != Action::Other {
            body = Some(story::after(body, event));
            untold = Some(event.at);
        }
        let run_ended = event.action == Action::Die;
        let runs_again = events.iter().skip(index).any(|later| later.action == Action::Start);
        if let Some(body) = body.as_ref().filter(|_| is_known && run_ended && runs_again) {
            answer.sightings.push(present(event.at, body.clone(), shared));
        }
    }
    let turn = shared.memory().next_turn();
    let current = match client.container(&id, Instant::now() + QUESTION_LIMIT).await {
        Ok(raw) => shared.parsed(raw),
        // It was removed meanwhile; the event that says so is on its way.
        Err(error) if error.is_not_found() => body.filter(|_| is_known),
        // The engine is there, but busy or unable. The next look has the last word.
        Err(error) if error.is_answer() || error.is_slow() => {
            answer.look = true;
            body
        }
        Err(_) => {
            answer.lost = true;
            return answer;
        }
    };
    let settled = current.and_then(|body| shared.memory().settle(turn, body));
    answer.sightings.extend(settled.map(|body| present(last.at, body, shared)));
    answer
}

fn present(at: Timestamp, body: Container, shared: &Shared) -> Sighting {
    Sighting { at, what: Sighted::Present(shared.entity(body)) }
}
