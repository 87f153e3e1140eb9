//! Tells what changed, after it was stored.
//!
//! Owns the pace: changes gather for a tenth of a second, so a job is told of at most 10 times a second, and the last
//! state always. Invariant: what is told was read from the store after the commit; nobody listening costs nothing.

use super::ledger::Changes;
use super::types::Clock;
use crate::store::{Store, StoreError, lists};
use domain::{Event, Job, Task};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};

/// Between two tellings.
const PACE: Duration = Duration::from_millis(100);

/// More changed tasks than this at once are told as one [`Event::Lagged`]: listeners read their lists again.
const TOLD_ONE_BY_ONE: usize = 500;

/// Takes changes in; a task of its own tells them.
#[derive(Clone)]
pub(super) struct Announcer {
    changed: mpsc::UnboundedSender<Changes>,
    events: broadcast::Sender<Event>,
}

impl Announcer {
    pub fn start(store: Store, clock: Arc<dyn Clock>, events: broadcast::Sender<Event>) -> Self {
        let (changed, inbox) = mpsc::unbounded_channel();
        tokio::spawn(tell(store, clock, events.clone(), inbox));
        Self { changed, events }
    }

    /// To be told soon.
    pub fn tell(&self, changes: Changes) {
        if self.events.receiver_count() == 0 {
            return;
        }
        let mut changes = changes;
        for event in changes.events.drain(..) {
            // The last listener may just have gone.
            let _ = self.events.send(event);
        }
        if !changes.tasks.is_empty() || !changes.jobs.is_empty() || changes.queue {
            // The telling task ends only after the last sender.
            let _ = self.changed.send(changes);
        }
    }
}

async fn tell(
    store: Store,
    clock: Arc<dyn Clock>,
    events: broadcast::Sender<Event>,
    mut inbox: mpsc::UnboundedReceiver<Changes>,
) {
    while let Some(first) = inbox.recv().await {
        let (mut tasks, mut jobs, mut queue) = (first.tasks, first.jobs, first.queue);
        while let Ok(more) = inbox.try_recv() {
            tasks.extend(more.tasks);
            jobs.extend(more.jobs);
            queue |= more.queue;
        }
        send(&store, clock.as_ref(), &events, tasks, jobs, queue).await;
        tokio::time::sleep(PACE).await;
    }
}

async fn send(
    store: &Store,
    clock: &dyn Clock,
    events: &broadcast::Sender<Event>,
    tasks: BTreeSet<i64>,
    jobs: BTreeSet<i64>,
    queue: bool,
) {
    // Nobody listens: a failed send means just that.
    let tell = |event: Event| drop(events.send(event));
    if tasks.len().max(jobs.len()) > TOLD_ONE_BY_ONE {
        tell(Event::Lagged);
        tell(Event::QueueChanged);
        return;
    }
    let now = clock.now();
    let read = store.read(move |conn| {
        let tasks = tasks.iter().filter_map(|seq| lists::task_by_seq(conn, *seq, now).transpose());
        let tasks: Vec<Task> = tasks.collect::<Result<_, StoreError>>()?;
        let jobs = jobs.iter().filter_map(|job| lists::job(conn, *job).transpose());
        let jobs: Vec<Job> = jobs.collect::<Result<_, StoreError>>()?;
        Ok((tasks, jobs))
    });
    match read.await {
        Ok((tasks, jobs)) => {
            jobs.into_iter().for_each(|job| tell(Event::JobChanged { job: Box::new(job) }));
            tasks.into_iter().for_each(|task| tell(Event::TaskChanged { task: Box::new(task) }));
        }
        Err(error) => {
            tracing::warn!(%error, "changes could not be told; listeners read again");
            tell(Event::Lagged);
        }
    }
    if queue {
        tell(Event::QueueChanged);
    }
}
