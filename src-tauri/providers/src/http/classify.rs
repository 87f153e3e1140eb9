//! What a refusal means: status, code word and message of a service, made one of our codes.
//!
//! One reader for all shapes, since each service keeps its words in another place and a gateway before it may answer
//! in a third. Words win over the status: OpenAI's 429 `insufficient_quota` and ElevenLabs' 401 `quota_exceeded` are
//! an empty account, not a busy service or a wrong key.

use super::{Answer, wait};
use crate::error::ProviderError;
use crate::service::Service;
use domain::ErrorCode;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Longest text of a service that is kept, in characters.
const MOST: usize = 600;

/// What a refusal's body says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// Lower case, such as `insufficient_quota`; several, separated by spaces.
    pub words: String,
    pub message: String,
}

/// The error a refusal stands for.
pub(super) fn refusal(service: &Service, answer: &Answer) -> ProviderError {
    let body = serde_json::from_slice(&answer.body).unwrap_or_else(|_| {
        // A gateway's page: its first line says enough.
        let text = String::from_utf8_lossy(&answer.body);
        Value::String(text.trim().chars().take(MOST).collect())
    });
    let mut said = said(&body);
    if let Some(kind) = answer.header("x-fal-error-type") {
        said.words = format!("{} {}", said.words, kind.to_ascii_lowercase());
    }
    let status = answer.status.as_u16();
    let hint = wait::hint(&answer.headers, &body, SystemTime::now());
    let code = code(status, &said, is_daily(&body) && hint.is_none());
    let wait = match code {
        ErrorCode::RateLimited => hint.or(service.wait_when_limited),
        ErrorCode::ServerFault => hint,
        _ => None,
    };
    let mut error = ProviderError::new(code, &service.name, sentence(&service.title, code, status, wait));
    error.status = Some(status);
    error.retry_after = wait;
    let detail = service.clean(&format!("{} {}", said.words, said.message));
    let detail = detail.trim();
    if detail.is_empty() { error } else { error.with_detail(detail.chars().take(MOST).collect::<String>()) }
}

/// The error of a job that failed at the service: its words decide, and nothing says it may simply be sent again.
pub(crate) fn failed_job(service: &Service, words: &str, message: &str) -> ProviderError {
    let said = Said { words: words.to_ascii_lowercase(), message: message.to_string() };
    let code = by_words(&said).unwrap_or(ErrorCode::ServerFault);
    let text = format!("{} could not do it.", service.title);
    let text = if code == ErrorCode::ServerFault { text } else { sentence(&service.title, code, 0, None) };
    let detail = service.clean(format!("{words} {message}").trim());
    let error = ProviderError::new(code, &service.name, text);
    ProviderError { job_over: true, ..error.with_detail(detail.chars().take(MOST).collect::<String>()) }
}

fn code(status: u16, said: &Said, daily: bool) -> ErrorCode {
    if let Some(code) = by_words(said) {
        return code;
    }
    match status {
        401 => ErrorCode::KeyRefused,
        402 => ErrorCode::QuotaExhausted,
        403 => ErrorCode::KeyRefused,
        404 if said.words.contains("model") || said.message.to_ascii_lowercase().contains("model") => {
            ErrorCode::ModelUnknown
        }
        404 => ErrorCode::UrlNotFound,
        410 => ErrorCode::ResultExpired,
        408 | 425 => ErrorCode::NetworkTimeout,
        409 => ErrorCode::ServerFault,
        413 => ErrorCode::BodyTooLarge,
        429 if daily => ErrorCode::QuotaExhausted,
        // 498: Groq's flexible capacity is used up.
        429 | 498 => ErrorCode::RateLimited,
        400..=499 => ErrorCode::InvalidInput,
        _ => ErrorCode::ServerFault,
    }
}

fn by_words(said: &Said) -> Option<ErrorCode> {
    let has = |list: &[&str]| list.iter().any(|word| said.words.contains(word));
    if has(&["idempotency_outcome_unknown"]) {
        return Some(ErrorCode::OutcomeUnknown);
    }
    let spent = [
        "insufficient_quota",
        "quota_exceeded",
        "insufficient_balance",
        "membership_required",
        "usage_limit_exceeded",
        "cycle_limit_exceeded",
        "payment_required",
        "billing",
    ];
    if has(&spent) || said.message.to_ascii_lowercase().contains("negative balance") {
        return Some(ErrorCode::QuotaExhausted);
    }
    let refused = [
        "content_moderation",
        "content_policy",
        "moderation_blocked",
        "content_filter",
        "safety",
        "prohibited_content",
        "public_figure",
        "copyrighted_content",
        "recitation",
    ];
    if has(&refused) {
        return Some(ErrorCode::ContentRefused);
    }
    if has(&["invalid_api_key", "incorrect_api_key", "api_key_invalid"])
        || said.message.contains("API key not valid")
    {
        return Some(ErrorCode::KeyRefused);
    }
    if has(&["model_not_found", "model_not_available"]) {
        return Some(ErrorCode::ModelUnknown);
    }
    if has(&["rate_limited", "rate_limit_exceeded", "concurrency_limit", "too_many_concurrent"]) {
        return Some(ErrorCode::RateLimited);
    }
    if has(&["asset.invalid", "input_preprocessing", "invalid_input"]) {
        return Some(ErrorCode::InvalidInput);
    }
    None
}

/// A 429 of Gemini that names a quota by the day: waiting a minute does not help.
fn is_daily(body: &Value) -> bool {
    body["error"]["details"].as_array().is_some_and(|details| {
        details
            .iter()
            .any(|detail| detail["@type"].as_str().is_some_and(|kind| kind.ends_with("QuotaFailure")))
    })
}

fn sentence(title: &str, code: ErrorCode, status: u16, wait: Option<Duration>) -> String {
    let status = if status == 0 { String::new() } else { format!(" ({status})") };
    match code {
        ErrorCode::KeyRefused => format!("{title} refuses the key{status}."),
        ErrorCode::QuotaExhausted => {
            format!("The account at {title} has no credit or allowance left{status}.")
        }
        ErrorCode::ContentRefused => format!("{title} refuses the content{status}."),
        ErrorCode::ModelUnknown => format!("{title} does not know or offer the model{status}."),
        ErrorCode::BodyTooLarge => format!("The request is too large for {title}{status}."),
        ErrorCode::RateLimited => match wait {
            Some(wait) => {
                format!("{title} wants fewer requests, and the next in {} s{status}.", wait.as_secs().max(1))
            }
            None => format!("{title} wants fewer requests{status}."),
        },
        ErrorCode::NetworkTimeout => format!("{title} is not ready for it yet{status}."),
        ErrorCode::UrlNotFound => format!("{title} says there is no such thing{status}."),
        ErrorCode::ResultExpired => format!("{title} has removed the result{status}."),
        ErrorCode::OutcomeUnknown => format!("{title} cannot say whether it took the request{status}."),
        ErrorCode::ServerFault => format!("{title} failed{status}."),
        _ => format!("{title} does not accept the request{status}."),
    }
}

/// Reads the words and the message out of any of the shapes in use.
pub(crate) fn said(body: &Value) -> Said {
    let mut found = Said::default();
    let word = |found: &mut Said, value: &Value| {
        let text = value.as_str().map(str::to_string).or_else(|| value.as_i64().map(|n| n.to_string()));
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            if !found.words.is_empty() {
                found.words.push(' ');
            }
            found.words.push_str(&text.to_ascii_lowercase());
        }
    };
    let say = |found: &mut Said, value: &Value| {
        if let Some(text) = value.as_str().filter(|_| found.message.is_empty()) {
            found.message = text.to_string();
        }
    };
    say(&mut found, body);
    for part in [&body["error"], &body["detail"], &body["data"]["error"], &body["data"]["detail"]] {
        say(&mut found, part);
        for key in ["message", "raw_message", "msg"] {
            say(&mut found, &part[key]);
        }
        for key in ["code", "status", "type"] {
            word(&mut found, &part[key]);
        }
        for each in part.as_array().into_iter().flatten().take(3) {
            let place: Vec<&str> =
                each["loc"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let text = format!("{}: {}", place.join("."), each["msg"].as_str().unwrap_or_default());
            say(&mut found, &Value::String(text));
            word(&mut found, &each["type"]);
        }
    }
    for key in ["name", "err_code", "category", "errorCode", "error_code", "error_type", "code"] {
        word(&mut found, &body[key]);
    }
    for key in ["message", "err_msg", "title", "details"] {
        say(&mut found, &body[key]);
    }
    for each in body["errors"].as_array().into_iter().flatten().take(3) {
        say(&mut found, each);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(status: u16, body: &Value) -> ErrorCode {
        code(status, &said(body), is_daily(body))
    }

    #[test]
    fn every_shape_is_read() {
        use ErrorCode::*;
        let table = [
            (
                429,
                json!({ "error": { "message": "m", "type": "insufficient_quota", "param": null, "code": "insufficient_quota" } }),
                QuotaExhausted,
            ),
            (
                429,
                json!({ "error": { "message": "m", "type": "requests", "code": "rate_limit_exceeded" } }),
                RateLimited,
            ),
            (401, json!({ "detail": { "status": "quota_exceeded", "message": "m" } }), QuotaExhausted),
            (401, json!({ "detail": { "status": "invalid_api_key", "message": "m" } }), KeyRefused),
            (
                429,
                json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{ "@type": "type.googleapis.com/google.rpc.QuotaFailure" }] } }),
                QuotaExhausted,
            ),
            (
                400,
                json!({ "error": { "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT" } }),
                KeyRefused,
            ),
            (403, json!({ "id": "x", "name": "content_moderation", "errors": ["no"] }), ContentRefused),
            (400, json!({ "error": "Account has negative balance" }), QuotaExhausted),
            (
                422,
                json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "missing", "type": "value_error" }] }),
                InvalidInput,
            ),
            (402, json!({ "err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "no" }), QuotaExhausted),
            (
                503,
                json!({ "statusCode": 503, "errorCode": "IDEMPOTENCY_OUTCOME_UNKNOWN", "message": "?" }),
                OutcomeUnknown,
            ),
            (
                404,
                json!({ "error": { "message": "The model `x` does not exist", "code": "model_not_found" } }),
                ModelUnknown,
            ),
            (502, json!("<html>bad gateway</html>"), ServerFault),
            (498, json!({ "error": { "message": "flex", "type": "capacity" } }), RateLimited),
        ];
        for (status, body, expected) in table {
            assert_eq!(judged(status, &body), expected, "{status} {body}");
        }
        assert_eq!(
            said(&json!({ "detail": [{ "loc": ["body", "f"], "msg": "missing", "type": "t" }] })).message,
            "body.f: missing"
        );
    }
}
