//! Events as they happen: `GET /events` (server-sent events) and the WebSocket `/ws`.
//!
//! Each event is one JSON [`domain::Event`]. A listener that was too slow gets `lagged` and reads the lists again.
//! Invariant: both end at once when the server shuts down, so that a shutdown waits for nobody.

use crate::guard::{self, WEBSOCKET_BEARER};
use crate::start::App;
use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use domain::Event;
use futures::{Stream, StreamExt};
use http::header::{self, HeaderMap, HeaderValue};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How often a silent line says that it is alive.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(10);

/// The stream of events.
pub(crate) async fn stream(State(app): State<Arc<App>>) -> Response {
    let events = app.engine.events();
    let ended = app.closing.clone().cancelled_owned();
    let rest = futures::stream::unfold(events, |mut events| async move {
        let line = match tokio::time::timeout(HEARTBEAT, events.next()).await {
            Ok(Some(event)) => message(&event),
            Ok(None) => return None,
            Err(_) => Bytes::from_static(b": alive\n\n"),
        };
        Some((Ok::<Bytes, Infallible>(line), events))
    });
    answer_stream(rest.take_until(ended))
}

/// Lines of server-sent events as an answer.
pub(crate) fn answer_stream(
    lines: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let first = futures::stream::iter([Ok(Bytes::from_static(b": connected\n\n"))]);
    let mut response = Response::new(Body::from_stream(first.chain(lines)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn message(event: &Event) -> Bytes {
    Bytes::from(format!("data: {}\n\n", text(event)))
}

fn text(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| {
        tracing::error!("an event could not be written: {error}");
        r#"{"type":"lagged"}"#.into()
    })
}

/// The subprotocol that is answered with.
pub(crate) fn chosen_protocol(headers: &HeaderMap) -> Option<String> {
    let offered: Vec<String> = guard::protocols(headers).map(str::to_string).collect();
    offered
        .iter()
        .find(|offered| *offered == "bobina")
        .or_else(|| offered.iter().find(|offered| offered.starts_with(WEBSOCKET_BEARER)))
        .cloned()
}

/// The same over a WebSocket. A browser offers `bobina` beside the subprotocol with the token and gets that one back,
/// so that the token is not repeated; a client that offers only the token's gets it echoed, as the protocol demands.
pub(crate) async fn socket(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.max_message_size(64 * 1024);
    let upgrade = match chosen_protocol(&headers) {
        Some(chosen) => upgrade.protocols([chosen]),
        None => upgrade,
    };
    let events = app.engine.events();
    let closing = app.closing.clone();
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let mut events = events;
        loop {
            let message = tokio::select! {
                () = closing.cancelled() => break,
                event = events.next() => match event {
                    Some(event) => Message::Text(text(&event).into()),
                    None => break,
                },
                // Clients have nothing to say here; reading answers their pings and notices that they left.
                received = socket.recv() => match received {
                    Some(Ok(_)) => continue,
                    _ => break,
                },
                () = tokio::time::sleep(HEARTBEAT) => Message::Ping(Bytes::new()),
            };
            if socket.send(message).await.is_err() {
                return;
            }
        }
        // The other side may be gone already; closing is a courtesy.
        let _ = socket.send(Message::Close(None)).await;
    })
}
