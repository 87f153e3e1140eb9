//! Commands over cloud services, their keys and their costs.
//!
//! Leaves keys to `crate::cloud::Keys` and money to the ledger.
//! Invariant: no answer holds a key.

use super::provider_types::*;
use super::types::{Nothing, Page};
use crate::Backend;
use crate::cloud::{KeySource, day_of, month_of};
use crate::secrets::Kept;
use crate::store::calls;
use domain::{ApiError, ErrorCode, UtcTime};
use providers::{Provider, Usd};

/// The largest cap, in US dollars.
const MOST: f64 = 1e9;

/// Cloud services, their models, and whether a key is there.
pub async fn list(backend: &Backend, _: Nothing) -> Result<Page<ProviderItem>, ApiError> {
    let registry = backend.cloud.registry()?;
    let now = backend.clock.now();
    let (month, caps) = (month_of(now), backend.store.read(calls::caps).await?);
    let sums = backend.store.read(move |conn| calls::sums(conn, month, UtcTime(i64::MAX))).await?;
    let mut items = Vec::new();
    for provider in &registry.providers {
        let source = backend.cloud.keys.of(provider).await?.map(|(_, source)| source);
        let cap = caps.iter().find(|(name, ..)| *name == provider.name);
        let spent: i64 = sums.iter().filter(|sum| sum.provider == provider.name).map(|sum| sum.charged).sum();
        items.push(ProviderItem {
            name: provider.name.clone(),
            title: provider.title.clone(),
            base_url: provider.base_url.to_string(),
            privacy: provider.privacy.clone(),
            needs_key: !provider.environment.is_empty(),
            key_set: source.is_some(),
            key_source: source.map(|source| match source {
                KeySource::Environment(name) => name,
                KeySource::Store => "key store".into(),
            }),
            environment: provider.environment.clone(),
            models: models(provider, now)?,
            spent_this_month: Usd(spent).dollars(),
            soft_cap: cap.and_then(|(_, soft, _)| soft.map(|usd| Usd(usd).dollars())),
            hard_cap: cap.and_then(|(_, _, hard)| hard.map(|usd| Usd(usd).dollars())),
        });
    }
    let total = items.len();
    Ok(Page { total: total as u64, limit: u32::try_from(total).unwrap_or(u32::MAX), offset: 0, items })
}

fn models(provider: &Provider, now: UtcTime) -> Result<Vec<ProviderModel>, ApiError> {
    let today = day_of(now);
    let item = |model: &providers::Model| {
        let price = model.price.map(serde_json::to_value).transpose();
        Ok(ProviderModel {
            name: model.name.clone(),
            capability: model.capability.as_str().into(),
            price: price.map_err(|e| ApiError::internal(format!("a price is not encodable: {e}")))?,
            end_of_life: model.end_of_life.map(|day| day.to_string()),
            ended: model.has_ended(today),
            ends_soon: model.ends_soon(today),
            word_times: model.times == providers::Times::Words,
            speakers: model.speakers,
        })
    };
    provider.models.iter().map(item).collect()
}

/// Keep a key for a service, and try it with a question that costs nothing.
pub async fn key_set(backend: &Backend, request: KeyRequest) -> Result<KeyState, ApiError> {
    let provider = find(backend, &request.provider)?;
    let kept = backend.cloud.keys.set(&provider, &request.key).await?;
    let mut state = key_test(backend, ProviderName { provider: request.provider }).await?;
    if state.kept.as_deref() == Some("store") && kept == Kept::Session {
        state.kept = Some("session".into());
    }
    Ok(state)
}

/// Try the key of a service with a question that costs nothing.
pub async fn key_test(backend: &Backend, input: ProviderName) -> Result<KeyState, ApiError> {
    let provider = find(backend, &input.provider)?;
    let kept = backend.cloud.keys.of(&provider).await?.map(|(_, source)| match source {
        KeySource::Environment(_) => "environment".to_string(),
        KeySource::Store => "store".to_string(),
    });
    if kept.is_none() && !provider.environment.is_empty() {
        return Ok(KeyState { provider: input.provider, set: false, kept: None, good: None });
    }
    let good = match backend.cloud.check(&provider).await {
        Ok(()) => Some(true),
        Err(error) if error.code == ErrorCode::KeyRefused => Some(false),
        // The service cannot be asked now, which says nothing about the key.
        Err(error) => {
            tracing::info!(provider = provider.name, code = %error.code, "the key could not be tried");
            None
        }
    };
    Ok(KeyState { provider: input.provider, set: kept.is_some(), kept, good })
}

/// Forget the key of a service.
pub async fn key_remove(backend: &Backend, input: ProviderName) -> Result<Nothing, ApiError> {
    backend.cloud.keys.remove(&find(backend, &input.provider)?).await?;
    Ok(Nothing {})
}

fn find(backend: &Backend, name: &str) -> Result<Provider, ApiError> {
    let registry = backend.cloud.registry()?;
    registry.provider(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = registry.providers.iter().map(|provider| provider.name.as_str()).collect();
        ApiError::invalid(format!("There is no cloud service \"{name}\". There are: {}.", known.join(", ")))
    })
}

/// What a month's calls have cost.
pub async fn costs(backend: &Backend, query: CostQuery) -> Result<CostReport, ApiError> {
    let (month, from, to) = span(query.month.as_deref(), backend.clock.now())?;
    let (sums, caps) =
        backend.store.read(move |conn| Ok((calls::sums(conn, from, to)?, calls::caps(conn)?))).await?;
    let spent = |name: &str| -> i64 {
        sums.iter().filter(|sum| name == "*" || sum.provider == name).map(|sum| sum.charged).sum()
    };
    let over = |(name, soft, _): &calls::Cap| soft.is_some_and(|soft| spent(name) > soft);
    Ok(CostReport {
        month,
        charged: Usd(spent("*")).dollars(),
        unknown: sums.iter().map(|sum| sum.unknown).sum(),
        over_soft_cap: caps.iter().filter(|cap| over(cap)).map(|(name, ..)| name.clone()).collect(),
        rows: sums.into_iter().map(row).collect(),
    })
}

fn row(sum: calls::CostSum) -> CostRow {
    CostRow {
        provider: sum.provider,
        model: sum.model,
        capability: sum.capability,
        calls: sum.calls,
        settled: sum.settled,
        refused: sum.refused,
        lost: sum.lost,
        charged: Usd(sum.charged).dollars(),
        unknown: sum.unknown,
        seconds: sum.seconds,
        latency: sum.latency.map(|millis| millis / 1000.0),
    }
}

/// The month's name, beginning and end.
fn span(month: Option<&str>, now: UtcTime) -> Result<(String, UtcTime, UtcTime), ApiError> {
    let first = match month {
        None => day_of(now).first_of_month(),
        Some(text) => format!("{text}-01")
            .parse::<jiff::civil::Date>()
            .map_err(|_| ApiError::invalid(format!("\"{text}\" is not a month such as 2026-11.")))?,
    };
    let start = |day: jiff::civil::Date| {
        let zoned = day.to_zoned(jiff::tz::TimeZone::UTC);
        zoned.map(|zoned| UtcTime(zoned.timestamp().as_millisecond()))
    };
    let out = |_| ApiError::invalid("That month lies too far away.");
    let next = first.checked_add(jiff::Span::new().months(1)).map_err(out)?;
    Ok((first.strftime("%Y-%m").to_string(), start(first).map_err(out)?, start(next).map_err(out)?))
}

/// Cap what may be spent in a month.
pub async fn set_cap(backend: &Backend, request: CapRequest) -> Result<Nothing, ApiError> {
    if request.provider != "*" {
        find(backend, &request.provider)?;
    }
    let money = |value: Option<f64>| match value {
        Some(dollars) if !(0.0..=MOST).contains(&dollars) => {
            Err(ApiError::invalid(format!("A cap of {dollars} dollars makes no sense.")))
        }
        other => Ok(other.map(|dollars| Usd::from_dollars(dollars).0)),
    };
    let cap = (request.provider, money(request.soft)?, money(request.hard)?);
    backend.store.write(move |tx| calls::set_cap(tx, &cap)).await?;
    backend.queue.wake(ErrorCode::CapReached).await?;
    Ok(Nothing {})
}
