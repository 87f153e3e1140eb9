//! Figures: how tasks ended by day and kind, what waits, what is kept.
//!
//! Owns the sums; leaves counting to `store::figures`, which counts each task in the transaction in which it ends.

use crate::Backend;
use crate::api::types::{CacheStatistics, DayFigures, Nothing, PriorityFigures, Statistics, StatisticsQuery};
use crate::store::figures::{self, FigureRow};
use crate::store::{audit, lists};
use domain::{ApiError, TaskKind, TaskStatus, UtcTime};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

/// How tasks ended, by day and kind, in the last days.
pub async fn get(backend: &Backend, query: StatisticsQuery) -> Result<Statistics, ApiError> {
    let days = query.days.unwrap_or(30);
    if !(1..=366).contains(&days) {
        return Err(ApiError::invalid(format!("days is {days}; it must lie between 1 and 366")));
    }
    let since = backend.clock.now().plus_millis(-DAY_MS * i64::from(days - 1));
    let read = backend.store.read(move |conn| {
        let queue = figures::by_priority(conn)?
            .into_iter()
            .map(|(rank, queued, processing)| {
                Ok(PriorityFigures { priority: lists::priority_of(rank)?, queued, processing })
            })
            .collect::<Result<Vec<_>, crate::store::StoreError>>()?;
        Ok((figures::since(conn, since)?, queue, audit::by_actor(conn, since)?))
    });
    let (rows, queue, actors) = read.await?;
    let mut by_day: BTreeMap<(i64, &str), Vec<&FigureRow>> = BTreeMap::new();
    let mut by_kind: BTreeMap<&str, Vec<&FigureRow>> = BTreeMap::new();
    for row in &rows {
        by_day.entry((row.day, row.kind.as_str())).or_default().push(row);
        by_kind.entry(row.kind.as_str()).or_default().push(row);
    }
    Ok(Statistics {
        days: by_day.iter().filter_map(|((day, _), rows)| sum(Some(*day), rows)).collect(),
        totals: by_kind.values().filter_map(|rows| sum(None, rows)).collect(),
        queue,
        actors,
    })
}

fn sum(day: Option<i64>, rows: &[&FigureRow]) -> Option<DayFigures> {
    let kind: TaskKind = rows.first()?.kind;
    let count =
        |status: TaskStatus| rows.iter().filter(|row| row.status == status).map(|row| row.count).sum();
    let (completed, failed): (u64, u64) = (count(TaskStatus::Completed), count(TaskStatus::Failed));
    let millis: u64 =
        rows.iter().filter(|row| row.status == TaskStatus::Completed).map(|row| row.millis).sum();
    let ended = completed + failed;
    Some(DayFigures {
        day: day.map(|day| UtcTime(day * DAY_MS).to_string().chars().take(10).collect()),
        task_type: kind,
        completed,
        failed,
        cancelled: count(TaskStatus::Cancelled),
        success_rate: (ended > 0).then(|| completed as f64 / ended as f64),
        mean_seconds: (completed > 0).then(|| millis as f64 / completed as f64 / 1000.0),
        p95_seconds: p95(rows, completed),
    })
}

/// The upper end of the bucket that holds the 95th of a hundred completed tasks, in seconds.
fn p95(rows: &[&FigureRow], completed: u64) -> Option<f64> {
    let wanted = (completed as f64 * 0.95).ceil() as u64;
    let mut buckets: BTreeMap<i64, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.status == TaskStatus::Completed) {
        *buckets.entry(row.bucket).or_default() += row.count;
    }
    let mut seen = 0;
    for (bucket, count) in buckets {
        seen += count;
        if seen >= wanted && wanted > 0 {
            return Some(figures::upper_millis(bucket) / 1000.0);
        }
    }
    None
}

/// Results that are kept so that nothing is made twice.
pub async fn cache(backend: &Backend, _: Nothing) -> Result<CacheStatistics, ApiError> {
    let (entries, bytes, hits) = backend.store.read(figures::cache).await?;
    Ok(CacheStatistics { entries, bytes, hits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: TaskStatus, millis: i64, count: u64) -> FigureRow {
        FigureRow {
            day: 20_000,
            kind: TaskKind::MediaProcessing,
            status,
            bucket: figures::bucket(millis),
            count,
            millis: count * millis.unsigned_abs(),
        }
    }

    #[test]
    fn rates_means_and_percentiles() {
        let rows = [
            row(TaskStatus::Completed, 1_000, 19),
            row(TaskStatus::Completed, 100_000, 1),
            row(TaskStatus::Failed, 5_000_000, 5),
        ];
        let figures = sum(Some(20_000), &rows.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(figures.day.as_deref(), Some("2024-10-04"));
        assert_eq!((figures.completed, figures.failed, figures.success_rate), (20, 5, Some(0.8)));
        assert_eq!(figures.mean_seconds, Some(5.95));
        let p95 = figures.p95_seconds.unwrap();
        assert!((1.0..1.2).contains(&p95), "{p95}");
        assert!(sum(None, &[&rows[2]]).unwrap().p95_seconds.is_none());
    }
}
