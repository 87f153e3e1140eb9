//! The schema's numbered steps.
//!
//! Invariant: a step, once released, never changes; a database of a newer program is left untouched.

use super::StoreError;
use domain::UtcTime;
use rusqlite::{Connection, TransactionBehavior, params};

/// Name and SQL of every step, oldest first; `user_version` counts those applied.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_queue", include_str!("migrations/0001_queue.sql")),
    ("0002_library", include_str!("migrations/0002_library.sql")),
    ("0003_letters", include_str!("migrations/0003_letters.sql")),
    ("0004_pauses", include_str!("migrations/0004_pauses.sql")),
    ("0005_library_work", include_str!("migrations/0005_library_work.sql")),
    ("0006_automation", include_str!("migrations/0006_automation.sql")),
    ("0008_providers", include_str!("migrations/0008_providers.sql")),
];

/// The schema this program writes.
pub const KNOWN_SCHEMA: u32 = MIGRATIONS.len() as u32;

/// The database's schema. Errors: `DATA_NEWER` when this program does not know it.
pub(super) fn check(connection: &Connection) -> Result<u32, StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > KNOWN_SCHEMA {
        return Err(StoreError::DataNewer { found, known: KNOWN_SCHEMA });
    }
    Ok(found)
}

/// Applies the steps that are missing, each in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, now: UtcTime) -> Result<(), StoreError> {
    let found = check(connection)?;
    for (index, (name, sql)) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
        )?;
        step.execute_batch(sql)?;
        step.execute("INSERT INTO migrations (name, applied_at) VALUES (?1, ?2)", params![name, now.0])?;
        step.pragma_update(None, "user_version", index as u32 + 1)?;
        step.commit()?;
        tracing::info!(step = name, "database schema brought up to date");
    }
    Ok(())
}
