//! The writer: one thread that owns the only read-write connection and commits in groups.
//!
//! Owns transactions, savepoints and moving the log into the database file.
//! Invariant: no answer before COMMIT; a failing piece of work undoes only itself; the thread outlives every fault.

use super::StoreError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Pieces of work in one transaction at most.
const GROUP: usize = 100;

/// Work that may wait for the writer before callers are held back.
const WAITING: usize = 1_024;

/// Without work for this long, the log is moved into the database file.
const IDLE: Duration = Duration::from_secs(2);

/// A piece of work: runs once inside a transaction, then is told once whether that was committed.
trait Work: Send {
    /// False: the work failed, its savepoint is to be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Hands the answer over; `fault` when the transaction as a whole failed.
    fn answer(self: Box<Self>, fault: Option<&StoreError>);
}

struct Task<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            tracing::error!("a piece of work panicked inside the writer");
            Err(StoreError::Panicked)
        });
        let done = result.is_ok();
        self.result = Some(result);
        done
    }

    fn answer(self: Box<Self>, fault: Option<&StoreError>) {
        let answer = match (self.result, fault) {
            // Its own error is more telling than that of the group.
            (Some(Err(error)), _) => Err(error),
            (_, Some(fault)) => Err(fault.shared()),
            (Some(answer), None) => answer,
            (None, None) => Err(StoreError::Closed),
        };
        // Nobody waits any more: the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(&connection, receiver))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let queue = self.queue.lock().ok().and_then(|queue| queue.clone()).ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Task { work: Some(work), result: None, reply });
        queue.send(task).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn stop(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The last handle may go away on a runtime thread, which is not to be blocked for long: the channel closes,
        // the thread ends by itself.
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Work>>) {
    let Ok(clock) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        tracing::error!("the store's writer has no timer; it stops");
        return;
    };
    let mut dirty = false;
    loop {
        // Most of the time the next piece is there already: the timer's runtime is entered only to wait.
        let first = match queue.try_recv() {
            Ok(work) => Some(work),
            Err(mpsc::error::TryRecvError::Disconnected) => None,
            Err(mpsc::error::TryRecvError::Empty) if dirty => {
                match clock.block_on(async { tokio::time::timeout(IDLE, queue.recv()).await }) {
                    Ok(work) => work,
                    Err(_) => {
                        checkpoint(connection);
                        dirty = false;
                        continue;
                    }
                }
            }
            Err(mpsc::error::TryRecvError::Empty) => queue.blocking_recv(),
        };
        let Some(first) = first else { break };
        let mut group = vec![first];
        commit_group(connection, &mut group, &mut queue);
        dirty = true;
    }
    checkpoint(connection);
}

/// Runs `group` and what else is waiting in one transaction, commits, and answers.
fn commit_group(
    connection: &Connection,
    group: &mut Vec<Box<dyn Work>>,
    queue: &mut mpsc::Receiver<Box<dyn Work>>,
) {
    let started = Instant::now();
    let mut fault = execute(connection, "BEGIN IMMEDIATE").err();
    let mut next = 0;
    while fault.is_none() && next < group.len() {
        fault = run_one(connection, group[next].as_mut()).err();
        next += 1;
        if fault.is_none()
            && next == group.len()
            && group.len() < GROUP
            && let Ok(work) = queue.try_recv()
        {
            group.push(work);
        }
    }
    if fault.is_none() {
        fault = execute(connection, "COMMIT").err();
    }
    if let Some(fault) = &fault {
        tracing::warn!(error = %fault, group = group.len(), "a transaction was not committed");
        // After a full disk or a failed write SQLite may have undone the transaction already.
        if !connection.is_autocommit()
            && let Err(error) = execute(connection, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be undone");
        }
    }
    let elapsed = started.elapsed();
    if elapsed > Duration::from_secs(1) {
        tracing::warn!(millis = elapsed.as_millis() as u64, group = group.len(), "a slow transaction");
    }
    for work in group.drain(..) {
        work.answer(fault.as_ref());
    }
}

/// Runs one piece in a savepoint. An error means that the whole transaction is lost.
fn run_one(connection: &Connection, work: &mut dyn Work) -> Result<(), StoreError> {
    execute(connection, "SAVEPOINT piece")?;
    let done = work.run(connection);
    if connection.is_autocommit() {
        return Err(StoreError::Commit {
            code: domain::ErrorCode::StorageFault,
            message: "SQLite gave the transaction up".into(),
        });
    }
    if !done {
        execute(connection, "ROLLBACK TO piece")?;
    }
    execute(connection, "RELEASE piece")
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Moves the log into the database file and cuts it, unless a reader is in the way: then the next idle moment does.
fn checkpoint(connection: &Connection) {
    let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    match moved {
        Ok(0) => {}
        Ok(_) => tracing::debug!("a reader kept the log from being cut"),
        Err(error) => tracing::warn!(%error, "the log could not be moved into the database"),
    }
}
