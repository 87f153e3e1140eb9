//! `POST /rpc/{name}`: one command of the table, its input as the JSON body, its output as the answer.

use crate::answer;
use crate::start::App;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use domain::{ApiError, ErrorCode};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Largest input of a command, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// In whose name another process of ours calls.
pub(crate) const ACTOR: &str = "bobina-actor";

/// Runs the command.
pub(crate) async fn run(State(app): State<Arc<App>>, Path(name): Path<String>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_string);
    let headers = request.headers().clone();
    let result = match input(request).await {
        Ok(input) => {
            let actor = actor_of(&headers);
            backend::audit::in_the_name_of(actor, app.engine.call(&name, input)).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(output) => answer::json_value(StatusCode::OK, &at_this_listener(&app, &name, host, output)),
        Err(error) => answer::error(&error),
    }
}

/// Whom the audit names: another `bobina` says what it is; anything else with the owner's token is the browser's page.
fn actor_of(headers: &http::HeaderMap) -> String {
    let said = headers.get(ACTOR).and_then(|value| value.to_str().ok()).unwrap_or("browser");
    said.chars().take(80).collect()
}

/// Media plays from the listener that was asked, so that a browser reads it from its own origin.
fn at_this_listener(app: &App, name: &str, host: Option<String>, output: Value) -> Value {
    match host {
        Some(host) if name == "server.address" => {
            json!({ "media_url": format!("http://{host}/media/{}", app.guard.media.as_str()) })
        }
        _ => output,
    }
}

pub(crate) async fn input(request: Request) -> Result<Value, ApiError> {
    let (parts, body) = request.into_parts();
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // A form or plain text is what another page can send without being asked first.
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "Send the input with Content-Type: application/json.",
        ));
    }
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    let bytes = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, MAX_BODY + 1))
        .await
        .map_err(|_| ApiError::invalid("The body did not arrive in time."))?
        .map_err(|_| too_large())?;
    if bytes.len() > MAX_BODY {
        return Err(too_large());
    }
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    // serde_json stops at 128 levels, so that deep nesting costs an error and not the stack.
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::invalid(format!("The body is not JSON: {error}.")))
}

fn too_large() -> ApiError {
    ApiError::new(ErrorCode::BodyTooLarge, format!("The input is larger than {} MB.", MAX_BODY >> 20))
}

/// `GET /health`: who answers here, for a second `bobina` that found the address.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    answer::json_value(
        StatusCode::OK,
        &json!({ "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION"), "works": app.engine.works() }),
    )
}

/// Anything under a path of the API that is none.
pub(crate) async fn unknown(_request: axum::http::Request<Body>) -> Response {
    answer::refuse(ErrorCode::CommandUnknown, "There is nothing at this address.")
}
