//! The database of a data folder: `bobina.db`, and all SQL of Bobina.
//!
//! Owns opening, migrations, the one writer, the pool of readers and the rows. Leaves every decision to its callers.
//! Invariant: one read-write connection, on one thread; an answer to a write is given after its COMMIT.

pub mod artifacts;
pub mod attempts;
pub mod audit;
pub mod batches;
pub mod calls;
pub mod categories;
pub mod deliveries;
pub mod dependencies;
pub mod figures;
pub mod jobs;
pub mod letters;
pub mod lists;
pub mod media;
pub mod outbox;
pub mod pauses;
pub mod removal;
pub mod search;
pub mod submissions;
pub mod tags;
pub mod tasks;
pub mod tokens;
pub mod transcripts;
pub mod urls;
pub mod versions;
pub mod watch;
pub mod webhooks;

mod error;
mod migrate;
mod readers;
mod rows;
mod writer;

#[cfg(test)]
mod library_tests;
#[cfg(test)]
mod versions_tests;

pub use error::StoreError;
pub use migrate::KNOWN_SCHEMA;

use domain::UtcTime;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

/// Name of the database file in the data folder.
pub const FILE_NAME: &str = "bobina.db";

/// The oldest SQLite without the bug that corrupts a WAL database on reset.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How much a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: `synchronous=FULL`. What the product uses.
    Full,
    /// Nothing beyond the process: `synchronous=OFF`, for simulations that make thousands of stores.
    Off,
}

/// A handle on an open store; clones share it. The database closes with the last one, or with [`Store::close`].
#[derive(Clone)]
pub struct Store {
    writer: Arc<writer::Writer>,
    readers: Arc<readers::Readers>,
    folder: Arc<Path>,
}

impl Store {
    /// Opens or makes `<folder>/bobina.db` and brings its schema up to date.
    ///
    /// Errors: `DATA_NEWER` when a newer Bobina wrote it, `DISK_FULL`, `STORAGE_FAULT`.
    /// Blocks for the length of a migration.
    pub fn open(folder: &Path, now: UtcTime) -> Result<Store, StoreError> {
        Self::open_with(folder, now, Durability::Full)
    }

    /// [`Store::open`] with less durability, for simulations.
    pub fn open_with(folder: &Path, now: UtcTime, durability: Durability) -> Result<Store, StoreError> {
        let path = folder.join(FILE_NAME);
        let connection = connect(&path, now, durability)?;
        Ok(Store {
            writer: Arc::new(writer::Writer::start(connection)?),
            readers: Arc::new(readers::Readers::new(path)),
            folder: folder.into(),
        })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `work` inside a transaction and answers after its COMMIT.
    ///
    /// Writes that arrive together share one transaction, each in a savepoint of its own: an error undoes only its own
    /// work. `work` runs on the writer's thread, so it does nothing slow but SQL. It runs at most once, and also when
    /// the caller has stopped waiting.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Runs `work` on a connection that cannot write, on a thread where blocking is allowed; stopped after 5 s.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let readers = self.readers.clone();
        match tokio::task::spawn_blocking(move || readers.read(work)).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Panicked),
        }
    }

    /// Waits for the writes already handed in, moves the log into the database file and closes it.
    /// Later writes answer `STORAGE_FAULT`. Blocks.
    pub fn close(&self) {
        self.writer.stop();
        self.readers.clear();
    }
}

/// Opens the read-write connection: what the writer thread owns, and what simulations drive directly.
///
/// Errors: as [`Store::open`].
pub fn connect(path: &Path, now: UtcTime, durability: Durability) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::SqliteTooOld(rusqlite::version()));
    }
    let mut connection = Connection::open(path)?;
    // Before anything of it is changed, its journal included.
    migrate::check(&connection)?;
    connection.set_prepared_statement_cache_capacity(256);
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
        let mode: String = row.get(0)?;
        if mode.eq_ignore_ascii_case("wal") { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) }
    })?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Off => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // The writer moves the log itself when it is idle; this is the bound while it never is (4 KB pages).
    connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    if cfg!(target_os = "macos") {
        // Plain fsync does not empty the drive's cache there.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    }
    // Only foreign programs, such as a backup, can be in the way: this process has one writer, and owns the folder.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    migrate::migrate(&mut connection, now)?;
    Ok(connection)
}

/// A connection that cannot change anything.
fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    use rusqlite::OpenFlags;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", true)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}
