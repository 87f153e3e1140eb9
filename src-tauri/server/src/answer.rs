//! How an answer looks on the wire: JSON, and `{"error": …}` with the status its code has in `domain::error`.

use axum::body::Body;
use axum::response::Response;
use domain::{ApiError, ErrorCode};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, header};
use serde_json::json;

/// Sent with every answer: nothing guesses types, leaks addresses or frames us.
const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Adds the headers every answer carries.
pub(crate) fn harden(mut response: Response) -> Response {
    for (name, value) in ALWAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A value as JSON, never cached.
pub(crate) fn json_value(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error with the status of its code; `Retry-After` in whole seconds where it knows one.
pub(crate) fn error(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_value(status, &json!({ "error": error }));
    if let Some(millis) = error.retry_after_ms {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
    }
    // For whoever says it again in another language.
    response.extensions_mut().insert(error.clone());
    response
}

/// A refusal before anything was done.
pub(crate) fn refuse(code: ErrorCode, message: &str) -> Response {
    error(&ApiError::new(code, message))
}

/// An empty answer with a status that has no error code of ours (404 of a file, 405, 416 …).
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
