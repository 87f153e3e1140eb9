//! The OpenAPI 3.1 document of the public API, served at `/api/v1/openapi.json`.
//!
//! Owns one row for each operation; leaves the shapes to [`super::schemas`].
//! Invariant: every route that is served stands here, and nothing else does (`tests/rest_document.rs`).

use super::reply::json as answer;
use super::schemas::{parameter, schemas};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// One operation: method, path, what it does, its query, its body and its answer as names of schemas.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) says: &'static str,
    pub(super) query: &'static [&'static str],
    pub(super) body: Option<&'static str>,
    /// Status and schema; an empty name stands for an answer without a body, one with a slash for a content type.
    pub(super) answer: (u16, &'static str),
}

const fn operation(
    method: &'static str,
    path: &'static str,
    says: &'static str,
    query: &'static [&'static str],
    body: Option<&'static str>,
    answer: (u16, &'static str),
) -> Operation {
    Operation { method, path, says, query, body, answer }
}

/// Every operation, in the order of the readable page.
pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "post",
        "/api/v1/media/process",
        "Run a recipe over a file or link",
        &[],
        Some("Process"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/audio/transcribe",
        "Transcribe audio or video",
        &[],
        Some("Transcribe"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/images/generate",
        "Make pictures",
        &[],
        Some("GenerateImage"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/videos/generate",
        "Make a video",
        &[],
        Some("GenerateVideo"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/videos/analyze",
        "Judge a video",
        &[],
        Some("OtherKind"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/subtitles/generate",
        "Make subtitles",
        &[],
        Some("GenerateSubtitles"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/scenes/analyze",
        "Find shots, faces and people",
        &[],
        Some("OtherKind"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/faces/process",
        "Work on faces",
        &[],
        Some("OtherKind"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/voices/process",
        "Work on voices",
        &[],
        Some("OtherKind"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/sync/process",
        "Mend sound and picture",
        &[],
        Some("OtherKind"),
        (202, "Accepted"),
    ),
    operation(
        "post",
        "/api/v1/media/batch",
        "Queue 1 to 50 tasks, all or none",
        &[],
        Some("Batch"),
        (202, "BatchAccepted"),
    ),
    operation(
        "get",
        "/api/v1/media/batches/{batch_id}",
        "A batch with its tasks",
        &[],
        None,
        (200, "BatchView"),
    ),
    operation(
        "get",
        "/api/v1/media/tasks",
        "One page of the tasks",
        &["task_type", "status", "limit", "offset", "sort"],
        None,
        (200, "Tasks"),
    ),
    operation("get", "/api/v1/media/tasks/{task_id}", "A task", &[], None, (200, "Task")),
    operation(
        "delete",
        "/api/v1/media/tasks/{task_id}",
        "Cancel a task; media stays",
        &[],
        None,
        (200, "Task"),
    ),
    operation("post", "/api/v1/media/tasks/{task_id}/retry", "Try a task again", &[], None, (202, "Task")),
    operation(
        "get",
        "/api/v1/media/statistics",
        "How tasks ended, by day and kind",
        &["days"],
        None,
        (200, "Object"),
    ),
    operation("get", "/api/v1/media/health", "Whether work is being done", &[], None, (200, "Object")),
    operation("get", "/api/v1/media/providers", "What can do the work", &[], None, (200, "Object")),
    operation("get", "/api/v1/media/cache/stats", "Results that are kept", &[], None, (200, "Object")),
    operation("get", "/api/v1/media/webhooks", "Standing webhooks", &[], None, (200, "Webhooks")),
    operation(
        "post",
        "/api/v1/media/webhooks",
        "Tell an address of events",
        &[],
        Some("NewWebhook"),
        (201, "Webhook"),
    ),
    operation(
        "get",
        "/api/v1/media/webhooks/statistics",
        "Figures of all webhooks",
        &[],
        None,
        (200, "Object"),
    ),
    operation("get", "/api/v1/media/webhooks/{webhook_id}", "A webhook", &[], None, (200, "Webhook")),
    operation(
        "patch",
        "/api/v1/media/webhooks/{webhook_id}",
        "Change a webhook",
        &[],
        Some("ChangeWebhook"),
        (200, "Webhook"),
    ),
    operation(
        "delete",
        "/api/v1/media/webhooks/{webhook_id}",
        "Remove a webhook with its log",
        &[],
        None,
        (204, ""),
    ),
    operation(
        "get",
        "/api/v1/media/webhooks/{webhook_id}/status",
        "Messages and their tries",
        &["state", "limit", "offset"],
        None,
        (200, "Object"),
    ),
    operation(
        "post",
        "/api/v1/media/webhooks/{webhook_id}/test",
        "Send a test message",
        &[],
        None,
        (202, "Object"),
    ),
    operation(
        "post",
        "/api/v1/media/webhooks/{webhook_id}/replay",
        "Send messages again",
        &[],
        Some("Replay"),
        (202, "Object"),
    ),
    operation(
        "get",
        "/api/v1/urls",
        "Links and where they stand",
        &["url_status", "limit", "offset"],
        None,
        (200, "Page"),
    ),
    operation("post", "/api/v1/urls", "Queue links", &[], Some("AddUrls"), (202, "Object")),
    operation(
        "post",
        "/api/v1/pipeline/start/{url_id}",
        "Work on a link again",
        &[],
        Some("Start"),
        (202, "Accepted"),
    ),
    operation(
        "get",
        "/api/v1/transcripts",
        "Find what was said",
        &["query", "limit", "offset"],
        None,
        (200, "Page"),
    ),
    operation("get", "/api/v1/transcripts/{id}", "A transcript", &["format"], None, (200, "Transcript")),
    operation(
        "get",
        "/api/v1/events",
        "Progress as server-sent events",
        &[],
        None,
        (200, "text/event-stream"),
    ),
    operation("get", "/api/v1/ws", "Progress over a WebSocket", &[], None, (101, "")),
    operation("post", "/api/v1/uploads", "Begin a resumable upload (tus 1.0)", &[], None, (201, "")),
    operation("get", "/api/v1/uploads/{upload_id}", "An upload", &[], None, (200, "Object")),
    operation(
        "head",
        "/api/v1/uploads/{upload_id}",
        "Where an upload stands (tus 1.0)",
        &[],
        None,
        (200, ""),
    ),
    operation(
        "patch",
        "/api/v1/uploads/{upload_id}",
        "The next piece (tus 1.0)",
        &[],
        Some("application/offset+octet-stream"),
        (204, ""),
    ),
    operation(
        "delete",
        "/api/v1/uploads/{upload_id}",
        "Forget an unfinished upload (tus 1.0)",
        &[],
        None,
        (204, ""),
    ),
    operation(
        "post",
        "/v1/audio/transcriptions",
        "Transcribe in OpenAI's shape",
        &[],
        Some("multipart/form-data"),
        (200, "Transcription"),
    ),
    operation(
        "post",
        "/v1/audio/translations",
        "Translate speech: 422 in this version",
        &[],
        Some("multipart/form-data"),
        (200, "Transcription"),
    ),
    operation("get", "/v1/models", "What can hear here, in OpenAI's shape", &[], None, (200, "Object")),
    operation("get", "/v1/models/{model_id}", "A model", &[], None, (200, "Object")),
    operation("get", "/metrics", "Figures in Prometheus' text format", &[], None, (200, "text/plain")),
];

/// Statuses an error may have on any route.
const ERRORS: [(u16, &str); 18] = [
    (400, "INVALID_INPUT and other wrong values"),
    (401, "UNAUTHORIZED"),
    (402, "CAP_REACHED, QUOTA_EXHAUSTED"),
    (403, "FORBIDDEN, HOST_BLOCKED, FILE_UNREADABLE"),
    (404, "TASK_NOT_FOUND and others that are not there"),
    (405, "METHOD_NOT_ALLOWED"),
    (409, "TASK_FINISHED, TASK_ACTIVE, UPLOAD_CONFLICT"),
    (410, "TASK_EXPIRED"),
    (413, "BODY_TOO_LARGE"),
    (415, "FILE_TYPE_UNSUPPORTED"),
    (422, "KIND_UNAVAILABLE, IDEMPOTENCY_CONFLICT"),
    (424, "MODEL_MISSING, TOOL_MISSING"),
    (426, "The WebSocket needs an upgrade"),
    (429, "RATE_LIMITED"),
    (460, "CHECKSUM_MISMATCH"),
    (503, "NETWORK_LOST, SECRET_STORE_UNAVAILABLE"),
    (504, "PROCESSING_TIMEOUT, NETWORK_TIMEOUT"),
    (507, "DISK_FULL"),
];

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn content(name: &str) -> Value {
    match name {
        "multipart/form-data" => {
            json!({ "multipart/form-data": { "schema": reference("TranscriptionForm") } })
        }
        // Two shapes beside each other, by what was asked for.
        "Transcript" | "Transcription" => json!({
            "application/json": { "schema": reference("Object") },
            "text/plain": { "schema": { "type": "string" } },
            "text/markdown": { "schema": { "type": "string" } },
            "text/vtt": { "schema": { "type": "string" } },
            "text/csv": { "schema": { "type": "string" } },
            "text/x-ssa": { "schema": { "type": "string" } },
            "application/x-subrip": { "schema": { "type": "string" } },
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document": { "schema": { "type": "string" } },
        }),
        name if name.contains('/') => json!({ name: { "schema": { "type": "string" } } }),
        name => json!({ "application/json": { "schema": reference(name) } }),
    }
}

fn described(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let (status, schema) = operation.answer;
    let mut answer = json!({ "description": operation.says });
    if !schema.is_empty() {
        answer["content"] = content(schema);
    }
    responses.insert(status.to_string(), answer);
    for (status, says) in ERRORS {
        let error = json!({
            "description": says, "content": { "application/json": { "schema": reference("Error") } },
        });
        responses.insert(status.to_string(), error);
    }
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(operation.query.iter().map(|name| parameter(name)));
    let mut described = json!({
        "summary": operation.says,
        "operationId": operation_id(operation),
        "tags": [tag(operation.path)],
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({ "required": body != "Start", "content": content(body) });
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let path: String =
        operation.path.chars().map(|each| if each.is_ascii_alphanumeric() { each } else { '_' }).collect();
    format!("{}{}", operation.method, path.trim_end_matches('_'))
}

/// The part of the API a path belongs to.
pub(super) fn tag(path: &str) -> &'static str {
    match path {
        path if path.contains("webhooks") => "webhooks",
        path if path.starts_with("/v1/") => "openai",
        path if path.contains("uploads") => "uploads",
        path if path.contains("tasks") || path.contains("batch") => "tasks",
        path if path.starts_with("/api/v1/media/") && path.matches('/').count() == 5 => "create",
        "/api/v1/media/process" => "create",
        path if path.contains("urls") || path.contains("pipeline") => "links",
        path if path.contains("transcripts") => "transcripts",
        _ => "state",
    }
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path.to_string()).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bobina",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Media work on this machine: queue it, follow it, be told of it.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
        },
    })
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn serve() -> Response {
    answer(StatusCode::OK, &document())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_id() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        let mut ids = HashSet::new();
        for operation in OPERATIONS {
            assert!(ids.insert(operation_id(operation)), "{}", operation_id(operation));
            assert!(operation.query.iter().all(|name| parameter(name)["name"].is_string()));
        }
    }
}
