//! Talking to the owner of a data folder from a second process.
//!
//! Owns the loopback HTTP client, the event stream's reading and telling a refusal from an owner that is gone.
//! Invariant: never leaves 127.0.0.1: no proxy, no redirect.

use crate::engine::EventStream;
use backend::OwnerAddress;
use bytes::{Bytes, BytesMut};
use domain::{ApiError, ErrorCode, Event};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The owner says at least every 10 s that it is alive.
const SILENCE: Duration = Duration::from_secs(45);
/// Loopback connects at once or not at all.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// A single event is far smaller; a stream without line ends is not ours.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// An HTTP client for loopback.
pub(crate) fn http_client() -> Result<reqwest::Client, ApiError> {
    // Another part may have chosen one already; any does, since nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIME)
        .build()
        .map_err(|error| ApiError::internal(format!("The HTTP client could not be made: {error}")))
}

/// Why a call has no output.
#[derive(Debug)]
pub enum CallError {
    /// The owner's own answer.
    Refused(ApiError),
    /// The owner cannot be reached; the command was not received.
    Unreachable,
    /// The line broke after the command was sent: it may have been done.
    Broken,
}

/// Who owns the data folder, and whether it runs tasks.
#[derive(Clone, Debug, Deserialize)]
pub struct Health {
    pub pid: u32,
    pub version: String,
    pub works: bool,
}

/// A line to the owner.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    health: Health,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client of {}", self.base)
    }
}

impl Client {
    /// Connects to a published address; `None` when nobody, or somebody else, answers there.
    pub async fn connect(address: &OwnerAddress) -> Result<Option<Self>, ApiError> {
        let http = http_client()?;
        let base = format!("http://127.0.0.1:{}", address.port);
        let asked = http.get(format!("{base}/health")).bearer_auth(&address.token).timeout(CONNECT_TIME);
        let Ok(answer) = asked.send().await else { return Ok(None) };
        if !answer.status().is_success() {
            return Ok(None);
        }
        let Ok(text) = answer.bytes().await else { return Ok(None) };
        let health = match serde_json::from_slice::<Health>(&text) {
            Ok(health) if health.pid == address.pid => health,
            _ => return Ok(None),
        };
        Ok(Some(Self { http, base, token: address.token.clone(), health }))
    }

    /// What the owner said of itself when we connected.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Whether both lead to the same start of the same owner.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.base == other.base && self.token == other.token
    }

    /// Runs a command in the owner.
    pub async fn call(&self, name: &str, input: &Value) -> Result<Value, CallError> {
        let request = self
            .http
            .post(format!("{}/rpc/{name}", self.base))
            .bearer_auth(&self.token)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(crate::rpc::ACTOR, backend::audit::actor())
            .body(input.to_string());
        let answer = request
            .send()
            .await
            .map_err(|error| if error.is_connect() { CallError::Unreachable } else { CallError::Broken })?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|_| CallError::Broken)?;
        if status == http::StatusCode::UNAUTHORIZED {
            // Another process got the port: ours is gone.
            return Err(CallError::Unreachable);
        }
        let body: Value = serde_json::from_slice(&bytes).map_err(|error| {
            CallError::Refused(ApiError::internal(format!("The owner's answer is not JSON: {error}")))
        })?;
        if status.is_success() {
            return Ok(body);
        }
        let refused = body.get("error").cloned().unwrap_or_default();
        Err(CallError::Refused(serde_json::from_value(refused).unwrap_or_else(|_| {
            ApiError::new(ErrorCode::Internal, format!("The owner answered with HTTP {status}."))
        })))
    }

    /// The owner's events from now on; the stream ends when the owner does. `None`: it is gone already.
    pub async fn events(&self) -> Option<EventStream> {
        let request = self.http.get(format!("{}/events", self.base)).bearer_auth(&self.token);
        let answer = request.send().await.ok().filter(|answer| answer.status().is_success())?;
        let state = (answer.bytes_stream().boxed(), BytesMut::new());
        let events = futures::stream::unfold(state, |(mut bytes, mut buffer)| async move {
            loop {
                if let Some(event) = next_event(&mut buffer) {
                    return Some((event, (bytes, buffer)));
                }
                match tokio::time::timeout(SILENCE, bytes.next()).await {
                    Ok(Some(Ok(chunk))) if buffer.len() + chunk.len() <= MAX_EVENT => {
                        buffer.extend_from_slice(&chunk);
                    }
                    _ => return None,
                }
            }
        });
        Some(events.boxed())
    }
}

/// Takes the next whole event out of what has arrived; comments and events of newer versions are passed over.
fn next_event(buffer: &mut BytesMut) -> Option<Event> {
    while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
        let block: Bytes = buffer.split_to(end + 2).freeze();
        let data: Vec<&[u8]> =
            block.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")).collect();
        if data.is_empty() {
            continue;
        }
        match serde_json::from_slice(&data.join(&b'\n')) {
            Ok(event) => return Some(event),
            Err(error) => tracing::warn!("an event of the owner is not understood: {error}"),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_in_pieces() {
        let mut buffer = BytesMut::from(&b": connected\n\n: alive\n\ndata: {\"type\":\"urls_cha"[..]);
        assert_eq!(next_event(&mut buffer), None);
        buffer.extend_from_slice(
            b"nged\"}\n\ndata: {\"type\":\"from_the_future\"}\n\ndata: {\"type\":\"lagged\"}\n\n",
        );
        assert_eq!(next_event(&mut buffer), Some(Event::UrlsChanged));
        assert_eq!(next_event(&mut buffer), Some(Event::Lagged));
        assert_eq!(next_event(&mut buffer), None);
    }
}
