//! A pool of connections that can only read.

use super::{StoreError, connect_read_only};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Connections kept open between reads; more are opened under load and closed after.
const KEPT: usize = 4;

/// A read that takes longer keeps the log from shrinking, so it is stopped.
const LONGEST_READ: Duration = Duration::from_secs(5);

pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` in a read transaction, so that its queries see one state.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let connection = match kept {
            Some(connection) => connection,
            None => connect_read_only(&self.path)?,
        };
        let started = Instant::now();
        connection.progress_handler(20_000, Some(move || started.elapsed() > LONGEST_READ))?;
        let answer = (|| {
            let snapshot = connection.unchecked_transaction()?;
            let answer = work(&snapshot);
            snapshot.finish()?;
            answer
        })();
        // A connection that failed is closed rather than kept.
        if answer.as_ref().err().is_none_or(|error| !error.is_storage())
            && let Ok(mut idle) = self.idle.lock()
            && idle.len() < KEPT
        {
            idle.push(connection);
        }
        answer
    }

    pub(super) fn clear(&self) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
    }
}
