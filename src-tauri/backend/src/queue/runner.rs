//! The loop that turns the book's pages: takes last words, claims what is next, starts it, watches it.
//!
//! Owns the registry of runs and the wake-ups. Leaves the state machine to `ledger` and the telling to `announce`.
//! Invariant: one transaction takes all words at hand and claims the next jobs; nothing starts before its commit.

use super::announce::Announcer;
use super::execution::{Ended, Execution, Progress};
use super::ledger::{Busy, Changes, Claimed, Ledger, Outcome, Stop};
use super::types::{Clock, Steps};
use crate::store::{Store, StoreError, jobs, pauses};
use domain::{ApiError, UtcTime};
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// Words taken, and jobs claimed, in one transaction.
const BATCH: usize = 256;

/// How often progress is written and runs are watched, while there are any.
const WATCH: Duration = Duration::from_millis(500);

/// The slow poll, as a net below the wake-ups.
const POLL: Duration = Duration::from_secs(30);

/// After a fault of the disk the same words are tried again after this time.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

/// Between two rounds of removing what is old.
const PRUNE: Duration = Duration::from_secs(3600);

/// What the runner and the queue's commands share.
pub(super) struct Shared {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub steps: Arc<dyn Steps>,
    pub ledger: Mutex<Ledger>,
    pub runs: Mutex<HashMap<i64, Execution>>,
    pub wake: Notify,
    pub stop: CancellationToken,
    pub ended: mpsc::UnboundedSender<Ended>,
    pub announcer: Announcer,
    pub scratch: PathBuf,
}

/// A poisoned lock means that a thread panicked between two statements on plain values: they are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shared {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub fn runs(&self) -> MutexGuard<'_, HashMap<i64, Execution>> {
        lock(&self.runs)
    }

    fn busy(&self) -> Busy {
        let mut busy = Busy::default();
        for run in self.runs().values().filter(|run| !run.over) {
            *busy.lanes.entry(run.lane.clone()).or_default() += 1;
            busy.mutexes.extend(run.mutex.clone());
            busy.jobs.insert(run.job_id);
        }
        busy
    }

    /// Claims inside the caller's transaction and reserves the places. The caller starts the runs after the commit,
    /// or gives the places back.
    pub fn claim_in(
        &self,
        conn: &Connection,
        changes: &mut Changes,
        reserved: &Reserved,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        let claimed = self.ledger().claim(conn, changes, &self.busy(), BATCH, now)?;
        let full = claimed.len() == BATCH;
        let mut runs = self.runs();
        for job in &claimed {
            runs.insert(job.lease, Execution::reserved(job));
        }
        drop(runs);
        lock(&reserved.jobs).extend(claimed);
        Ok(full)
    }

    /// After the commit: starts what was claimed, stops what is to be stopped, tells what changed.
    pub fn committed(&self, changes: Changes, reserved: &Reserved) {
        let claimed = std::mem::take(&mut *lock(&reserved.jobs));
        let mut runs = self.runs();
        for job in claimed {
            if let Some(run) = runs.get_mut(&job.lease) {
                run.begin(job, &self.steps, &self.scratch, &self.ended);
            }
        }
        let now = Instant::now();
        for (lease, stop) in &changes.stopped {
            if let Some(run) = runs.get_mut(lease) {
                run.stop(*stop, now);
            }
        }
        drop(runs);
        self.announcer.tell(changes);
    }

    /// After a transaction that was not committed: what was claimed in it never was.
    pub fn undone(&self, reserved: &Reserved) {
        let claimed = std::mem::take(&mut *lock(&reserved.jobs));
        let mut runs = self.runs();
        for job in claimed {
            runs.remove(&job.lease);
        }
    }

    /// Runs a change of the book in a transaction that also claims what may run then, and starts it after the commit:
    /// what is added while there is room starts without another commit.
    ///
    /// The work goes on when the caller stops waiting, so nothing claimed is ever forgotten.
    pub async fn change<T, F>(self: &Arc<Self>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Ledger, &Connection, &mut Changes, UtcTime) -> Result<T, StoreError> + Send + 'static,
    {
        let shared = self.clone();
        let task = tokio::spawn(async move { shared.change_now(work).await });
        task.await.unwrap_or(Err(StoreError::Panicked))
    }

    async fn change_now<T, F>(self: Arc<Self>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Ledger, &Connection, &mut Changes, UtcTime) -> Result<T, StoreError> + Send + 'static,
    {
        let reserved = Arc::new(Reserved::default());
        let (shared, places) = (self.clone(), reserved.clone());
        let result = self
            .store
            .write(move |conn| {
                let now = shared.clock.now();
                let mut changes = Changes::default();
                let value = work(&mut shared.ledger(), conn, &mut changes, now)?;
                shared.claim_in(conn, &mut changes, &places, now)?;
                Ok((value, changes))
            })
            .await;
        match result {
            Ok((value, changes)) => {
                self.committed(changes, &reserved);
                // The runner claims what is left, and its timer learns of what may be due sooner now.
                self.wake.notify_one();
                Ok(value)
            }
            Err(error) => {
                self.undone(&reserved);
                Err(error)
            }
        }
    }
}

/// Jobs claimed in a transaction that is not committed yet.
#[derive(Default)]
pub(super) struct Reserved {
    jobs: Mutex<Vec<Claimed>>,
}

/// What one turn of the loop found.
struct Turned {
    changes: Changes,
    /// Words that were taken or refused: their runs are over.
    ended: Vec<i64>,
    more: bool,
    next_due: Option<UtcTime>,
}

pub(super) struct Runner {
    shared: Arc<Shared>,
    words: mpsc::UnboundedReceiver<Ended>,
    /// Words that could not be written yet.
    kept: Vec<Ended>,
    next_due: Option<UtcTime>,
    pruned: Option<Instant>,
}

impl Runner {
    pub fn new(shared: Arc<Shared>, words: mpsc::UnboundedReceiver<Ended>) -> Self {
        Self { shared, words, kept: Vec::new(), next_due: None, pruned: None }
    }

    /// Runs until the queue is shut down.
    pub async fn run(mut self) {
        let mut watched = Instant::now();
        loop {
            let idle = self.shared.runs().is_empty();
            let wait = self.wait(idle);
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => break,
                word = self.words.recv() => {
                    if let Some(word) = word {
                        self.kept.push(word);
                        self.gather();
                    }
                }
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            let mut progress = Vec::new();
            if watched.elapsed() >= WATCH {
                watched = Instant::now();
                progress = self.watch();
            }
            while self.turn(std::mem::take(&mut progress)).await {}
            self.prune().await;
        }
    }

    /// How long to sleep: until the next due job, the next look at the runs, or the slow poll.
    fn wait(&self, idle: bool) -> Duration {
        let longest = if idle { POLL } else { WATCH };
        let due = self.next_due.map(|at| {
            let millis = at.since(self.shared.clock.now()).max(0);
            // At least a little, so that a clock that stands still does not make a busy loop.
            Duration::from_millis(millis.unsigned_abs().max(1))
        });
        due.map_or(longest, |due| due.min(longest))
    }

    /// Takes what else has ended.
    fn gather(&mut self) {
        while self.kept.len() < BATCH
            && let Ok(word) = self.words.try_recv()
        {
            self.kept.push(word);
        }
    }

    /// Looks after the runs; answers progress to be written.
    fn watch(&mut self) -> Vec<Progress> {
        let now = Instant::now();
        let mut progress = Vec::new();
        for run in self.shared.runs().values_mut() {
            self.kept.extend(run.watch(now));
            progress.extend(run.fresh_progress());
        }
        progress
    }

    /// One transaction: words, progress, what is due, claims. Says whether there is more to do at once.
    async fn turn(&mut self, progress: Vec<Progress>) -> bool {
        let mut words = std::mem::take(&mut self.kept);
        for word in &mut words {
            let overdue = self.shared.runs().get(&word.lease).and_then(Execution::overdue_error);
            // A success that came just in time stands.
            if let (Some(error), Outcome::Failure { engine, .. }) = (overdue, &word.outcome) {
                word.outcome = Outcome::Failure { error, snooze: None, engine: engine.clone() };
            }
        }
        // Rows of others can be written only once; the words themselves can be said again.
        let copies: Vec<_> =
            words.iter().map(|w| (w.job_id, w.lease, w.outcome.clone(), w.apply.is_some())).collect();
        let reserved = Arc::new(Reserved::default());
        let (shared, places) = (self.shared.clone(), reserved.clone());
        let result =
            self.shared.store.write(move |conn| turn_page(&shared, conn, words, &progress, &places)).await;
        match result {
            Ok(turned) => {
                {
                    let mut runs = self.shared.runs();
                    for lease in &turned.ended {
                        runs.remove(lease);
                    }
                }
                self.next_due = turned.next_due;
                self.shared.committed(turned.changes, &reserved);
                self.gather();
                turned.more || !self.kept.is_empty()
            }
            Err(error) => {
                self.shared.undone(&reserved);
                tracing::warn!(%error, words = copies.len(), "the queue could not be written");
                self.kept = copies.into_iter().map(|copy| said_again(copy, &error)).collect();
                if matches!(error, StoreError::Closed) {
                    return false;
                }
                tokio::select! {
                    () = self.shared.stop.cancelled() => {}
                    () = tokio::time::sleep(STORAGE_PAUSE) => {}
                }
                !self.shared.stop.is_cancelled()
            }
        }
    }

    async fn prune(&mut self) {
        if self.pruned.is_some_and(|at| at.elapsed() < PRUNE) {
            return;
        }
        self.pruned = Some(Instant::now());
        let shared = self.shared.clone();
        tokio::spawn(async move {
            loop {
                let pruning = shared.clone();
                let pruned =
                    shared.store.write(move |conn| pruning.ledger().prune(conn, pruning.clock.now())).await;
                match pruned {
                    Ok(true) if !shared.stop.is_cancelled() => {
                        // Small batches with air between them: the queue's own writes come first.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%error, "old tasks could not be removed");
                        break;
                    }
                }
            }
        });
    }
}

/// A word for the next transaction, after one that was not committed. Rows that went with it are spent: the step then
/// counts as failed by the store's own fault, which passes, and finds its results when it is tried again.
fn said_again((job_id, lease, outcome, had_rows): (i64, i64, Outcome, bool), error: &StoreError) -> Ended {
    let outcome = match outcome {
        Outcome::Success(success) if had_rows => Outcome::Failure {
            error: ApiError::new(error.code(), "The result could not be stored.")
                .with_detail(error.to_string()),
            snooze: None,
            engine: success.engine,
        },
        outcome => outcome,
    };
    Ended { job_id, lease, outcome, apply: None, events: Vec::new() }
}

fn turn_page(
    shared: &Shared,
    conn: &Connection,
    words: Vec<Ended>,
    progress: &[Progress],
    reserved: &Reserved,
) -> Result<Turned, StoreError> {
    let now = shared.clock.now();
    let mut changes = Changes::default();
    let mut ended = Vec::with_capacity(words.len());
    for word in words {
        ended.push(word.lease);
        take_word(shared, conn, &mut changes, word, now)?;
    }
    let mut more = {
        let mut ledger = shared.ledger();
        for told in progress.iter().filter(|told| !ended.contains(&told.lease)) {
            let (detail, engine) = (told.detail.as_deref(), told.engine.as_deref());
            ledger.progress(
                conn,
                &mut changes,
                told.job_id,
                told.lease,
                told.progress,
                detail,
                engine,
                now,
            )?;
        }
        ledger.promote(conn, &mut changes, now)?
    };
    {
        // These runs are over: their places are free for this very claim.
        let mut runs = shared.runs();
        for lease in &ended {
            if let Some(run) = runs.get_mut(lease) {
                run.over = true;
            }
        }
    }
    more |= shared.claim_in(conn, &mut changes, reserved, now)?;
    let ends = pauses::next_end(conn)?;
    let next_due = jobs::next_due(conn)?.into_iter().chain(ends).min();
    Ok(Turned { changes, ended, more, next_due })
}

fn take_word(
    shared: &Shared,
    conn: &Connection,
    changes: &mut Changes,
    word: Ended,
    now: UtcTime,
) -> Result<(), StoreError> {
    let Ended { job_id, lease, outcome, apply, events } = word;
    let random = shared.clock.random();
    let Some(apply) = apply else {
        shared.ledger().finish(conn, changes, job_id, lease, &outcome, now, random)?;
        return Ok(());
    };
    if jobs::under_lease(conn, job_id, lease)?.is_none() {
        tracing::debug!(job = job_id, lease, "a late word was refused");
        return Ok(());
    }
    // Its own savepoint: when its rows cannot be written, the step fails and the other words stand.
    conn.prepare_cached("SAVEPOINT word")?.execute([])?;
    let applied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| apply(conn)))
        .unwrap_or(Err(StoreError::Panicked));
    let outcome = match applied {
        Ok(()) => {
            changes.events.extend(events);
            outcome
        }
        Err(error) if conn.is_autocommit() => return Err(error),
        Err(error) => {
            tracing::warn!(job = job_id, %error, "the rows of a step could not be written");
            conn.prepare_cached("ROLLBACK TO word")?.execute([])?;
            let engine = match outcome {
                Outcome::Success(success) => success.engine,
                Outcome::Failure { engine, .. } => engine,
            };
            Outcome::Failure { error: error.into(), snooze: None, engine }
        }
    };
    conn.prepare_cached("RELEASE word")?.execute([])?;
    shared.ledger().finish(conn, changes, job_id, lease, &outcome, now, random)?;
    Ok(())
}

impl Runner {
    /// Stops every run and gives the jobs back; waits at most `drain` for the runs to end.
    pub async fn drain(shared: &Arc<Shared>, drain: Duration) -> Result<(), StoreError> {
        let ledger = shared.clone();
        let changes = shared
            .store
            .write(move |conn| {
                let mut changes = Changes::default();
                ledger.ledger().release_all(conn, &mut changes, ledger.clock.now())?;
                Ok(changes)
            })
            .await?;
        let now = Instant::now();
        for run in shared.runs().values_mut() {
            run.stop(Stop::Shutdown, now);
        }
        shared.announcer.tell(changes);
        let deadline = now + drain;
        while Instant::now() < deadline && shared.runs().values().any(Execution::is_going) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for run in shared.runs().values() {
            run.abort();
        }
        shared.runs().clear();
        Ok(())
    }
}
