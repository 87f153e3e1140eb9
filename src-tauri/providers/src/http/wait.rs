//! How long a service wants us to wait, and what limits it tells: headers, bodies and prose.
//!
//! Where each service hides it: `Retry-After` (seconds or an HTTP date), OpenAI's `retry-after-ms`, Gemini's
//! `error.details[].retryDelay`, Replicate's "resets in ~30s".

use crate::call::LimitsSeen;
use http::HeaderMap;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The longest wait that is believed.
const MOST: Duration = Duration::from_secs(24 * 3600);

/// The wait an answer asks for.
pub(super) fn hint(headers: &HeaderMap, body: &Value, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    text("retry-after-ms")
        .and_then(|ms| ms.parse::<f64>().ok())
        .and_then(|ms| seconds(ms / 1000.0))
        .or_else(|| text("retry-after").and_then(|value| after(value, now)))
        .or_else(|| delay_in(body))
        .or_else(|| body["detail"].as_str().and_then(prose))
        .map(|wait| wait.min(MOST))
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

/// `Retry-After` of RFC 9110: seconds or a date. A fraction of a second is taken too.
fn after(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(number) = value.parse::<f64>() {
        return seconds(number);
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(SystemTime::from(date.timestamp()).duration_since(now).unwrap_or_default())
}

/// Gemini: `google.rpc.RetryInfo` with `retryDelay: "53s"`.
fn delay_in(body: &Value) -> Option<Duration> {
    let details = body["error"]["details"].as_array()?;
    let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    seconds(delay.strip_suffix('s')?.parse().ok()?)
}

/// Replicate: "Your rate limit resets in ~30s."
fn prose(text: &str) -> Option<Duration> {
    let rest = text.split_once("resets in ")?.1.trim_start_matches('~');
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    rest[digits.len()..].starts_with('s').then(|| digits.parse().ok().and_then(seconds)).flatten()
}

/// The limits in an answer's headers: `x-ratelimit-*` (OpenAI, Groq) and ElevenLabs' concurrency.
pub(super) fn limits(headers: &HeaderMap) -> LimitsSeen {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    LimitsSeen {
        remaining_requests: text("x-ratelimit-remaining-requests").and_then(|n| n.parse().ok()),
        reset: text("x-ratelimit-reset-requests").and_then(span),
        most_at_once: text("maximum-concurrent-requests").and_then(|n| n.parse().ok()),
    }
}

/// OpenAI's spans: `12ms`, `6m0s`, `1h2m3s`, `7.66s`.
fn span(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, left) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("d", 86_400.0)]
            .iter()
            .find_map(|(name, unit)| rest.strip_prefix(name).map(|left| (*unit, left)))?;
        total += number * unit;
        rest = left;
    }
    seconds(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn every_hiding_place_is_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_400);
        let ask = |headers: HeaderMap, body: Value| hint(&headers, &body, now).map(|d| d.as_millis());
        assert_eq!(ask(headers("retry-after", "7"), Value::Null), Some(7000));
        assert_eq!(ask(headers("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), Value::Null), Some(80_000));
        assert_eq!(ask(headers("retry-after-ms", "250"), Value::Null), Some(250));
        assert_eq!(ask(headers("retry-after", "-5"), Value::Null), None);
        let gemini = json!({ "error": { "details": [{ "links": [] }, { "retryDelay": "53s" }] } });
        assert_eq!(ask(HeaderMap::new(), gemini), Some(53_000));
        let replicate = json!({ "detail": "Request was throttled. Your rate limit resets in ~30s." });
        assert_eq!(ask(HeaderMap::new(), replicate), Some(30_000));
        assert_eq!(ask(headers("retry-after", "99999999999"), Value::Null), Some(86_400_000));
    }

    #[test]
    fn limits_are_read_in_their_own_units() {
        assert_eq!(span("12ms"), Some(Duration::from_millis(12)));
        assert_eq!(span("6m0s"), Some(Duration::from_secs(360)));
        assert_eq!(span("soon"), None);
        assert_eq!(limits(&headers("maximum-concurrent-requests", "5")).most_at_once, Some(5));
    }
}
