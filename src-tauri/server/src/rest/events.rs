//! Progress as it happens: server-sent events and a WebSocket, in the shape of the webhooks' messages.
//!
//! Invariant: both end at once when the server shuts down; a listener that was too slow is told so by `lagged`.

use crate::events::{HEARTBEAT, answer_stream, chosen_protocol};
use crate::start::App;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use domain::{Event, Task, TaskStatus};
use futures::StreamExt;
use http::HeaderMap;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// The message of an event, for those that concern tasks.
fn message(event: &Event) -> Option<Value> {
    match event {
        Event::TaskChanged { task } => Some(of_task(task)),
        Event::Lagged => Some(json!({ "event_type": "lagged" })),
        _ => None,
    }
}

fn of_task(task: &Task) -> Value {
    let event = match task.status {
        TaskStatus::Queued => "task.created",
        TaskStatus::Processing if task.progress > 0.0 => "task.progress",
        TaskStatus::Processing => "task.started",
        TaskStatus::Completed => "task.completed",
        TaskStatus::Failed => "task.failed",
        TaskStatus::Cancelled => "task.cancelled",
    };
    json!({
        "event_type": event,
        "task_id": task.task_id,
        "timestamp": task.updated_at,
        "data": {
            "status": task.status,
            "type": task.kind,
            "progress": task.progress,
            "current_step": task.current_step,
            "output_data": backend::submit::result_of(task),
            "error": task.error,
        },
    })
}

/// `GET /api/v1/events`.
pub(crate) async fn stream(State(app): State<Arc<App>>) -> Response {
    let events = app.engine.events();
    let ended = app.closing.clone().cancelled_owned();
    let lines = futures::stream::unfold(events, |mut events| async move {
        loop {
            let line = match tokio::time::timeout(HEARTBEAT, events.next()).await {
                Ok(Some(event)) => match message(&event) {
                    Some(message) => {
                        let name = message["event_type"].as_str().unwrap_or("message").to_string();
                        Bytes::from(format!("event: {name}\ndata: {message}\n\n"))
                    }
                    None => continue,
                },
                Ok(None) => return None,
                Err(_) => Bytes::from_static(b": alive\n\n"),
            };
            return Some((Ok::<Bytes, Infallible>(line), events));
        }
    });
    answer_stream(lines.take_until(ended))
}

/// `GET /api/v1/ws`.
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
    let (events, closing) = (app.engine.events(), app.closing.clone());
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let mut events = events;
        loop {
            let message = tokio::select! {
                () = closing.cancelled() => break,
                event = events.next() => match event.as_ref().map(message) {
                    Some(Some(message)) => Message::Text(message.to_string().into()),
                    Some(None) => continue,
                    None => break,
                },
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
