//! How values lie in columns: times, JSON, words of closed lists.

use super::StoreError;
use domain::UtcTime;
use rusqlite::types::Type;
use rusqlite::{Error, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// A moment.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<UtcTime> {
    row.get(column).map(UtcTime)
}

/// A value stored as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

/// A value stored as JSON, or none.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, error))).transpose()
}

/// A word of a closed list, by the column's place; `StoreError::Damaged` when it is none of them.
pub(super) fn word_at<T: FromStr<Err = domain::UnknownWord>>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, StoreError> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(|word: domain::UnknownWord| StoreError::Damaged(word.to_string()))
}

/// A word of a closed list.
pub(super) fn word<T: FromStr<Err = domain::UnknownWord>>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: domain::UnknownWord| unreadable(column, error.to_string()))
}

/// A value as JSON.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// A count or size for a column; SQLite knows no unsigned numbers.
pub(super) fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unreadable(column: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, format!("{column}: {}", error.into()).into())
}
