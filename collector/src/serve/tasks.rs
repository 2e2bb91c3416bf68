//! The tasks of a collector, and the end of the first of them.

use std::{future::Future, time::Duration};

use tokio::{
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Collector, ServeError, agents, api, supervisor};
use crate::{
    environment::Worker,
    metrics::keep_fleet,
    query::LabelIndex,
    reconcile::keep_drifts,
    sample::keep_samples,
    session::{keep_liveness, watch_agents, watch_trust},
};

/// How long sessions may take to finish when the collector stops.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long tasks may take to end after that.
const FINISH_LIMIT: Duration = Duration::from_secs(5);
/// How often measurements that nobody reads are put in order.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// The running tasks. Each runs until the token that it was started with is cancelled.
pub(super) struct Tasks(JoinSet<Ended>);

/// A task's name and how it ended.
type Ended = (&'static str, Result<(), ServeError>);

/// Starts everything.
pub(super) fn start(collector: Collector, halt: &CancellationToken) -> Tasks {
    let Collector {
        clock,
        reconciler,
        authority,
        sessions,
        agents: listener,
        api: api_listener,
        metrics,
        db,
        live,
        lock: _,
    } = collector;
    let mut tasks = Tasks(JoinSet::new());
    let sampled = keep_samples(db.clone(), clock.clone(), live.keep_history.subscribe(), halt.child_token());
    let worker = Worker::new(db.clone(), clock.clone());
    tasks.upkeep("environments", worker.run(reconciler.commits().subscribe(), halt.child_token()));
    tasks.upkeep("fleet's figures", keep_fleet(db, clock.clone(), halt.child_token()));
    let labels = LabelIndex::default();
    tasks.upkeep("labels", labels.clone().keep(reconciler.db().clone(), clock.clone(), halt.child_token()));
    let agents_port = listener.local_address().ok().map(|address| address.port());
    let registry = sessions.registry.clone();
    let router = api::router(&reconciler, registry, clock, metrics.clone(), agents_port, labels, halt.child_token());
    let keeper = reconciler.clone();
    let (connections, accepting) = listener.start(halt.child_token());
    tasks.spawn("agents' listener", async {
        accepting.await;
        Ok(())
    });
    let served = agents::serve(connections, authority.clone(), live.clusters, sessions.clone(), halt.child_token());
    tasks.spawn("agents' server", async { served.await.map_err(ServeError::AgentsServer) });
    let served = api::serve(api_listener, router, halt.child_token());
    tasks.spawn("api server", async { served.await.map_err(ServeError::ApiServer) });
    tasks.upkeep("liveness", keep_liveness(sessions.clone(), halt.child_token()));
    tasks.upkeep("drifts' upkeep", keep_drifts(reconciler, halt.child_token()));
    tasks.upkeep("agents' watch", watch_agents(sessions.clone(), halt.child_token()));
    tasks.upkeep("roots' watch", watch_trust(sessions, halt.child_token()));
    tasks.upkeep("certificates' upkeep", authority.upkeep(halt.child_token()));
    tasks.upkeep("history's upkeep", keeper.keep_history(live.keep_history.subscribe(), halt.child_token()));
    tasks.upkeep("samples", sampled);
    tasks.upkeep("watchdog", supervisor::watchdog(halt.child_token()));
    let stop = halt.child_token();
    tasks.upkeep("metrics' upkeep", async move {
        // Cancel-safe: what is cut off is a wait.
        while timeout(METRICS_EVERY, stop.cancelled()).await.is_err() {
            metrics.upkeep();
        }
    });
    tasks
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = Result<(), ServeError>> + Send + 'static) {
        self.0.spawn(async move { (name, task.await) });
    }

    fn upkeep(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(name, async {
            task.await;
            Ok(())
        });
    }

    /// Waits until `stop`, or until a task ends, which none should.
    pub(super) async fn first_end(&mut self, stop: &CancellationToken) -> Result<(), ServeError> {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = self.0.join_next() => Err(unexpected(ended)),
        }
    }

    /// Waits for all tasks, which were told to end, and cuts off those that do not.
    pub(super) async fn finish(mut self) {
        let all = async {
            while let Some(ended) = self.0.join_next().await {
                match ended {
                    Ok((_, Ok(()))) => {}
                    Ok((task, Err(error))) => {
                        tracing::warn!(task, error = &error as &dyn std::error::Error, "task ended with an error");
                    }
                    Err(error) => tracing::error!(%error, "task panicked"),
                }
            }
        };
        if timeout(FINISH_LIMIT, all).await.is_err() {
            tracing::warn!("tasks are cut off that did not end");
            self.0.shutdown().await;
        }
    }
}

fn unexpected(ended: Option<Result<Ended, JoinError>>) -> ServeError {
    match ended {
        Some(Ok((_, Err(error)))) => error,
        Some(Ok((task, Ok(())))) => ServeError::TaskEnded(task),
        Some(Err(error)) => ServeError::TaskPanicked(error),
        None => ServeError::TaskEnded("every one"),
    }
}
