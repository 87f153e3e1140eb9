//! How often one token may ask one route.
//!
//! Owns the buckets and the headers (`RateLimit-Policy`, `RateLimit`, and `Retry-After` on a refusal).
//! Invariant: memory is bounded; a token's rate on one route takes nothing from its others.

use super::call;
use crate::start::App;
use axum::response::Response;
use domain::{ApiError, ErrorCode};
use http::HeaderValue;
use http::header::{HeaderName, RETRY_AFTER};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets kept; a full one says nothing and goes first.
const MOST: usize = 4096;

/// How long the setting is believed before it is read again.
const BELIEVED: Duration = Duration::from_secs(5);

/// Requests a minute when the setting cannot be read.
const USUAL: u32 = 3000;

#[derive(Debug, Default)]
pub(crate) struct Limits {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<(String, String), Bucket>,
    setting: Option<(u32, Instant)>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

/// Where a bucket stands, for the headers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    limit: u32,
    left: u32,
    /// Seconds until there is room again, or until the bucket is full.
    after: u64,
    refused: bool,
}

impl Rate {
    pub(crate) fn write(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("ratelimit-policy", format!("\"route\";q={};w=60", self.limit));
        set("ratelimit", format!("\"route\";r={};t={}", self.left, self.after));
        if self.refused {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.after.max(1)));
        }
        response
    }
}

impl Limits {
    /// Takes one request's worth.
    pub(crate) async fn take(&self, who: &str, route: &str, app: &App) -> Result<Rate, (Rate, ApiError)> {
        let limit = self.setting(app).await;
        let rate = self.take_at(who, route, limit, Instant::now());
        if !rate.refused {
            return Ok(rate);
        }
        let error = ApiError::new(
            ErrorCode::RateLimited,
            format!("More than {limit} requests a minute to this route."),
        )
        .with_retry_after_ms(rate.after.max(1) * 1000);
        Err((rate, error))
    }

    async fn setting(&self, app: &App) -> u32 {
        let known = self.state.lock().unwrap_or_else(PoisonError::into_inner).setting;
        if let Some((rate, read)) = known
            && read.elapsed() < BELIEVED
        {
            return rate;
        }
        let settings = call(app, "settings.get", json!({})).await.unwrap_or_default();
        let rate =
            settings.get("api_rate").and_then(|rate| u32::try_from(rate.as_u64()?).ok()).unwrap_or(USUAL);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).setting = Some((rate, Instant::now()));
        rate
    }

    fn take_at(&self, who: &str, route: &str, limit: u32, now: Instant) -> Rate {
        let limit = limit.max(1);
        let (most, a_second) = (f64::from(limit), f64::from(limit) / 60.0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.buckets.len() >= MOST {
            state.buckets.retain(|_, bucket| {
                bucket.left + now.saturating_duration_since(bucket.filled).as_secs_f64() * a_second < most
            });
            if state.buckets.len() >= MOST {
                state.buckets.clear();
            }
        }
        let bucket = state
            .buckets
            .entry((who.to_string(), route.to_string()))
            .or_insert(Bucket { left: most, filled: now });
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + passed * a_second).min(most);
        bucket.filled = now;
        let refused = bucket.left < 1.0;
        if !refused {
            bucket.left -= 1.0;
        }
        let missing = if refused { 1.0 - bucket.left } else { most - bucket.left };
        Rate { limit, left: bucket.left as u32, after: (missing / a_second).ceil() as u64, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_and_route_has_its_own() {
        let limits = Limits::default();
        let now = Instant::now();
        assert!((0..60).all(|_| !limits.take_at("a", "GET /x", 60, now).refused));
        let refused = limits.take_at("a", "GET /x", 60, now);
        assert_eq!((refused.refused, refused.left, refused.after), (true, 0, 1));
        assert!(!limits.take_at("a", "GET /y", 60, now).refused);
        assert!(!limits.take_at("b", "GET /x", 60, now).refused);
        assert!(!limits.take_at("a", "GET /x", 60, now + Duration::from_secs(1)).refused);
    }

    #[test]
    fn buckets_do_not_grow_without_end() {
        let limits = Limits::default();
        let now = Instant::now();
        for each in 0..10_000 {
            limits.take_at(&each.to_string(), "GET /x", 60, now);
        }
        assert!(limits.state.lock().unwrap().buckets.len() <= MOST);
    }
}
