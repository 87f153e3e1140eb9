//! The shapes of the OpenAPI document.

use serde_json::{Map, Value, json};

/// A parameter of a query by the name it goes by here.
pub(super) fn parameter(name: &str) -> Value {
    let (wire, schema) = match name {
        "limit" => ("limit", json!({ "type": "integer", "minimum": 1, "maximum": 500 })),
        "offset" => ("offset", json!({ "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u64 })),
        "days" => ("days", json!({ "type": "integer", "minimum": 1, "maximum": 366 })),
        "task_type" => ("task_type", kinds()),
        "status" => ("status", statuses()),
        "state" => ("state", json!({ "type": "string", "enum": ["pending", "delivered", "dead"] })),
        "url_status" => (
            "status",
            json!({ "type": "string", "enum": [
                "pending_ingest", "downloading", "downloaded", "transcribed", "categorized", "failed",
            ] }),
        ),
        "sort" => (
            "sort",
            json!({ "type": "string", "enum": [
                "created_at", "-created_at", "updated_at", "-updated_at", "priority", "-priority", "title", "-title",
                "queue",
            ] }),
        ),
        "format" => {
            ("format", json!({ "type": "string", "enum": ["json", "txt", "md", "srt", "vtt", "ass", "csv"] }))
        }
        other => (other, json!({ "type": "string" })),
    };
    json!({ "name": wire, "in": "query", "required": false, "schema": schema })
}

fn kinds() -> Value {
    let words: Vec<&str> = domain::TaskKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({ "type": "string", "enum": words })
}

fn statuses() -> Value {
    let words: Vec<&str> = domain::TaskStatus::ALL.iter().map(|status| status.as_str()).collect();
    json!({ "type": "string", "enum": words })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

/// A body in which an unknown field is refused.
fn closed(required: &[&str], properties: Value) -> Value {
    let mut schema = object(required, properties);
    schema["additionalProperties"] = false.into();
    schema
}

/// The fields that every kind of task takes beside its own.
fn with_common(own: Value) -> Value {
    let mut fields = json!({
        "priority": { "type": "string", "enum": ["low", "medium", "high", "urgent"] },
        "metadata": { "type": "object" },
        "not_before": or_null(time()),
        "webhook_url": { "type": ["string", "null"] },
        "webhook_secret": { "type": ["string", "null"] },
        "webhook_events": { "type": "array", "items": event() },
    });
    if let (Some(fields), Value::Object(own)) = (fields.as_object_mut(), own) {
        fields.extend(own);
    }
    fields
}

fn event() -> Value {
    json!({ "type": "string", "enum": backend::webhooks::payload::EVENTS })
}

/// Every schema by its name.
pub(super) fn schemas() -> Value {
    let mut all = Map::new();
    all.extend(bodies());
    all.extend(answers());
    Value::Object(all)
}

fn bodies() -> Map<String, Value> {
    let text = json!({ "type": ["string", "null"] });
    let language = json!({ "type": "string", "examples": ["auto", "en", "pt"] });
    let model = json!({ "type": "string", "examples": ["auto", "basic", "whisper:base"] });
    let header =
        closed(&["name", "value"], json!({ "name": { "type": "string" }, "value": { "type": "string" } }));
    let item = closed(
        &["task_type"],
        with_common(json!({ "task_type": kinds(), "input_data": { "type": "object" } })),
    );
    let value = json!({
        "Process": closed(&[], with_common(json!({
            "url": text, "file": text, "recipe": text, "language": language, "model": model,
            "headers": { "type": "array", "items": header }, "again": { "type": "boolean" },
        }))),
        "Transcribe": closed(&[], with_common(json!({
            "audio_url": text, "file": text, "language": language, "model": model,
            "response_format": { "type": "string", "enum": ["json", "text", "srt", "vtt", "verbose_json"] },
        }))),
        "GenerateImage": object(&[], with_common(json!({
            "prompt": { "type": "string" }, "style": { "type": "string" }, "size": { "type": "string" },
            "quality": { "type": "string" }, "n": { "type": "integer" },
        }))),
        "GenerateVideo": object(&[], with_common(json!({
            "prompt": { "type": "string" }, "duration": { "type": "number" }, "style": { "type": "string" },
            "fps": { "type": "integer" }, "resolution": { "type": "string" },
        }))),
        "GenerateSubtitles": object(&[], with_common(json!({
            "text": { "type": "string" }, "transcript_id": { "type": "string" },
            "target_language": { "type": "string" }, "format": { "type": "string" },
            "timing_mode": { "type": "string" },
        }))),
        "OtherKind": object(&[], with_common(json!({}))),
        "BatchItem": item,
        "Batch": { "anyOf": [
            { "type": "array", "minItems": 1, "maxItems": 50, "items": { "$ref": "#/components/schemas/BatchItem" } },
            closed(&["tasks"], json!({
                "tasks": { "type": "array", "minItems": 1, "maxItems": 50,
                           "items": { "$ref": "#/components/schemas/BatchItem" } },
                "webhook_url": text, "webhook_secret": text,
            })),
        ] },
        "NewWebhook": closed(&["url"], json!({
            "url": { "type": "string" }, "events": { "type": "array", "items": event() },
            "description": { "type": "string", "maxLength": 200 }, "secret": text,
            "allow_local": { "type": "boolean" },
        })),
        "ChangeWebhook": closed(&[], json!({
            "url": text, "events": { "anyOf": [{ "type": "array", "items": event() }, { "type": "null" }] },
            "description": text, "allow_local": { "type": ["boolean", "null"] },
            "active": { "type": ["boolean", "null"] }, "rotate_secret": { "type": "boolean" },
            "drop_old_secret": { "type": "boolean" },
        })),
        "Replay": closed(&[], json!({
            "delivery": { "type": ["integer", "null"], "format": "int64" }, "since": or_null(time()),
        })),
        "AddUrls": closed(&["urls"], json!({
            "urls": { "type": "array", "minItems": 1, "maxItems": 50, "items": { "type": "string" } },
            "recipe": text, "priority": { "type": ["string", "null"], "enum": ["low", "medium", "high", "urgent", null] },
        })),
        "Start": closed(&[], json!({ "recipe": text, "again": { "type": "boolean" } })),
        "TranscriptionForm": object(&["file"], json!({
            "file": { "type": "string", "format": "binary" }, "model": { "type": "string" },
            "language": { "type": "string" }, "prompt": { "type": "string" },
            "response_format": { "type": "string", "enum": ["json", "text", "srt", "vtt", "verbose_json"] },
        })),
    });
    value.as_object().cloned().unwrap_or_default()
}

fn answers() -> Map<String, Value> {
    let error = object(
        &["code", "message", "cure"],
        json!({
            "code": { "type": "string", "enum": domain::ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>() },
            "message": { "type": "string" }, "detail": { "type": "string" },
            "retry_after_ms": { "type": "integer" }, "cure": { "type": "string" },
        }),
    );
    let task = object(
        &[
            "task_id",
            "task_type",
            "status",
            "paused",
            "progress",
            "current_step",
            "created_at",
            "updated_at",
            "estimated_completion",
            "metadata",
            "result",
            "error",
        ],
        json!({
            "task_id": { "type": "string" }, "task_type": kinds(), "status": statuses(),
            "paused": { "type": "boolean" }, "progress": { "type": "number", "minimum": 0, "maximum": 100 },
            "current_step": { "type": ["string", "null"] }, "created_at": time(), "updated_at": time(),
            "estimated_completion": or_null(time()), "metadata": { "type": "object" },
            "result": { "type": ["object", "null"] }, "error": or_null(error.clone()),
        }),
    );
    let page = |items: Value| {
        object(
            &["total", "limit", "offset", "items"],
            json!({
                "total": { "type": "integer" }, "limit": { "type": "integer" }, "offset": { "type": "integer" },
                "items": { "type": "array", "items": items },
            }),
        )
    };
    let webhook = object(
        &["webhook_id", "url", "events", "active"],
        json!({
            "webhook_id": { "type": "string" }, "url": { "type": "string" },
            "events": { "type": "array", "items": { "type": "string" } }, "active": { "type": "boolean" },
            "secret": { "type": "string", "description": "Shown once, when it is made." },
        }),
    );
    let value = json!({
        "Error": object(&["error"], json!({ "error": error })),
        "Accepted": object(&["id", "task_id", "status", "created_at"], json!({
            "id": { "type": "string" }, "task_id": { "type": "string" }, "status": statuses(), "created_at": time(),
        })),
        "BatchAccepted": object(&["batch_id", "task_ids"], json!({
            "id": { "type": "string" }, "batch_id": { "type": "string" }, "total": { "type": "integer" },
            "task_ids": { "type": "array", "items": { "type": "string" } }, "status": { "type": "string" },
        })),
        "Task": task,
        "Tasks": page(json!({ "$ref": "#/components/schemas/Task" })),
        "BatchView": object(&["batch_id", "status", "progress", "total", "tasks"], json!({
            "batch_id": { "type": "string" },
            "status": { "type": "string", "enum": ["processing", "completed", "partial", "failed"] },
            "progress": { "type": "number" }, "total": { "type": "integer" },
            "completed": { "type": "integer" }, "failed": { "type": "integer" }, "cancelled": { "type": "integer" },
            "tasks": { "type": "array", "items": { "$ref": "#/components/schemas/Task" } },
        })),
        "Webhook": webhook,
        "Webhooks": page(json!({ "$ref": "#/components/schemas/Webhook" })),
        "Page": page(json!({ "type": "object" })),
        "Object": { "type": "object" },
    });
    value.as_object().cloned().unwrap_or_default()
}
