//! Making, reading, cancelling and retrying tasks.

use super::reply::json;
use super::{Caller, Refusal, Reply, body, call, query};
use crate::rpc;
use crate::start::App;
use axum::Extension;
use axum::extract::{Path, Request, State};
use domain::{ApiError, ErrorCode};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use std::sync::Arc;

/// Paths below `/media` and the kinds of task they make.
pub(crate) const KINDS: [(&str, &str); 10] = [
    ("images/generate", "image_generation"),
    ("videos/generate", "video_generation"),
    ("videos/analyze", "video_analysis"),
    ("audio/transcribe", "audio_transcription"),
    ("subtitles/generate", "subtitle_generation"),
    ("scenes/analyze", "scene_analysis"),
    ("faces/process", "facial_processing"),
    ("voices/process", "voice_processing"),
    ("sync/process", "multimodal_sync"),
    ("process", "media_processing"),
];

/// Fields that every kind has; the others are the kind's own.
const COMMON: [&str; 6] =
    ["priority", "metadata", "not_before", "webhook_url", "webhook_secret", "webhook_events"];

/// `POST /media/{group}/{action}`: a task of the kind of that path.
pub(crate) async fn create(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    Path((group, action)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    let path = format!("{group}/{action}");
    match KINDS.iter().find(|(known, _)| *known == path) {
        Some((_, kind)) => one(state, caller, kind, headers, request).await,
        None => Err(ApiError::new(ErrorCode::CommandUnknown, "There is nothing at this address.").into()),
    }
}

/// `POST /media/process`: a recipe run over a source.
pub(crate) async fn process(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    one(state, caller, "media_processing", headers, request).await
}

async fn one(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    kind: &str,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    let given: Map<String, Value> = body(request).await?;
    let mut item = Map::new();
    let mut input = Map::new();
    for (name, field) in given {
        let place = if COMMON.contains(&name.as_str()) { &mut item } else { &mut input };
        place.insert(name, field);
    }
    item.insert("task_type".into(), kind.into());
    item.insert("input_data".into(), input.into());
    let answer = submit(&app, &caller, &headers, value!({ "items": [item] })).await?;
    let task = &answer["tasks"][0];
    let id = &task["task_id"];
    let made = value!({
        "id": id, "task_id": id, "status": task["status"], "created_at": task["created_at"],
    });
    Ok(json(StatusCode::ACCEPTED, &made))
}

/// Submits in the name of a caller, under the key it sent.
pub(crate) async fn submit(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    mut request: Value,
) -> Result<Value, ApiError> {
    request["actor"] = caller.actor().into();
    request["confined"] = caller.is_confined().into();
    if let Some(key) = headers.get("idempotency-key") {
        let key = key.to_str().map_err(|_| ApiError::invalid("The Idempotency-Key is not plain text."))?;
        request["idempotency_key"] = key.into();
    }
    call(app, "tasks.submit", request).await.map_err(|error| ApiError {
        message: error.message.trim_start_matches("tasks.submit: ").to_string(),
        ..error
    })
}

/// `POST /media/batch`: an array of tasks, or `{tasks, webhook_url, webhook_secret}`; all or none.
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        tasks: Vec<Value>,
        webhook_url: Option<String>,
        webhook_secret: Option<String>,
    }
    let given = rpc::input(request).await?;
    let whole = match given {
        Value::Array(tasks) => Whole { tasks, webhook_url: None, webhook_secret: None },
        other => serde_json::from_value(other).map_err(|error| {
            ApiError::invalid(format!("Send an array of tasks, or {{tasks, …}}: {error}."))
        })?,
    };
    // Each is read here, so that a wrong one is named by its index.
    for (index, task) in whole.tasks.iter().enumerate() {
        let read = serde_json::from_value::<backend::api::types::SubmitItem>(task.clone());
        read.map_err(|error| ApiError::invalid(format!("items[{index}]: {error}.")))?;
    }
    let request = value!({
        "items": whole.tasks, "batch": true, "webhook_url": whole.webhook_url, "webhook_secret": whole.webhook_secret,
    });
    let answer = submit(&app, &caller, &headers, request).await?;
    let ids: Vec<&Value> =
        answer["tasks"].as_array().into_iter().flatten().map(|task| &task["task_id"]).collect();
    let made = value!({
        "id": answer["batch_id"], "batch_id": answer["batch_id"], "total": ids.len(), "task_ids": ids,
        "status": "processing",
    });
    Ok(json(StatusCode::ACCEPTED, &made))
}

/// `GET /media/batches/{id}`: the batch with its tasks.
pub(crate) async fn read_batch(State(app): State<Arc<App>>, Path(batch_id): Path<String>) -> Reply {
    let batch = call(&app, "batches.get", value!({ "batch_id": batch_id })).await?;
    Ok(json(StatusCode::OK, &batch))
}

#[derive(Deserialize)]
struct ListQuery {
    task_type: Option<String>,
    status: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
    sort: Option<String>,
}

/// `GET /media/tasks`: one page of the tasks.
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Reply {
    let asked: ListQuery = query(&uri)?;
    let input = value!({
        "kind": asked.task_type, "status": asked.status, "limit": asked.limit, "offset": asked.offset,
        "sort": asked.sort,
    });
    Ok(json(StatusCode::OK, &call(&app, "tasks.views", input).await?))
}

/// `GET /media/tasks/{id}`.
pub(crate) async fn read(State(app): State<Arc<App>>, Path(task_id): Path<String>) -> Reply {
    Ok(json(StatusCode::OK, &call(&app, "tasks.view", value!({ "task_id": task_id })).await?))
}

/// `DELETE /media/tasks/{id}`: cancels; 200 again for one that is cancelled already. Media stays.
pub(crate) async fn cancel(State(app): State<Arc<App>>, Path(task_id): Path<String>) -> Reply {
    let id = value!({ "task_id": task_id });
    match call(&app, "tasks.cancel", id.clone()).await {
        Ok(_) => {}
        Err(error) if error.code == ErrorCode::TaskFinished => {
            let task = call(&app, "tasks.view", id).await?;
            return match task["status"].as_str() {
                Some("cancelled") => Ok(json(StatusCode::OK, &task)),
                _ => Err(Refusal(error)),
            };
        }
        Err(error) => return Err(Refusal(error)),
    }
    Ok(json(StatusCode::OK, &call(&app, "tasks.view", id).await?))
}

/// `POST /media/tasks/{id}/retry`.
pub(crate) async fn retry(State(app): State<Arc<App>>, Path(task_id): Path<String>) -> Reply {
    let id = value!({ "task_id": task_id });
    call(&app, "tasks.retry", id.clone()).await?;
    Ok(json(StatusCode::ACCEPTED, &call(&app, "tasks.view", id).await?))
}
