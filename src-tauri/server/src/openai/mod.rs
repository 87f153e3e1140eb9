//! OpenAI's shape of transcription: `/v1/audio/transcriptions`, `/v1/models`.
//!
//! Owns the form, the waiting and the formats. Leaves the work to a task of the kind `audio_transcription`, which shows
//! up in every list like any other.
//! Invariant: a file is streamed to the disk within a limit and never held in memory; a client that hangs up leaves its
//! task running, and the same file asked for again finds it done.

use crate::rest::{Caller, Reply, call};
use crate::start::App;
use crate::{answer, uploads};
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use domain::{ApiError, ErrorCode};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The largest file, in bytes.
const LARGEST: u64 = 4 << 30;
/// The largest other field, in bytes.
const LARGEST_FIELD: u64 = 64 * 1024;
/// Between two looks at the task: short at first, longer for long recordings.
const LOOKS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

const FORMATS: [&str; 5] = ["json", "text", "srt", "vtt", "verbose_json"];

struct Form {
    upload: String,
    fields: HashMap<String, String>,
}

fn wrong(error: multer::Error) -> ApiError {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            ApiError::new(ErrorCode::BodyTooLarge, "The file or a field is too large.")
        }
        error => ApiError::invalid(format!("The form is broken: {error}.")),
    }
}

/// Reads the form, the file straight to the disk.
async fn read(app: &App, caller: &Caller, request: Request) -> Result<Form, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| ApiError::invalid("Send the file as multipart/form-data."))?;
    let limits = SizeLimit::new()
        .whole_stream(LARGEST + (1 << 20))
        .per_field(LARGEST_FIELD)
        .for_field("file", LARGEST);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let (mut upload, mut fields) = (None, HashMap::new());
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or_default().to_string();
        if name == "file" {
            if upload.is_some() {
                return Err(ApiError::invalid("One file at a time."));
            }
            let file_name = field.file_name().unwrap_or("audio").to_string();
            upload = Some(uploads::take_whole(app, &file_name, &caller.name, LARGEST, field).await?);
        } else if fields.len() < 32 {
            fields.insert(name, field.text().await.map_err(wrong)?);
        }
    }
    let upload = upload.ok_or_else(|| ApiError::invalid("The form holds no file."))?;
    Ok(Form { upload, fields })
}

/// `POST /v1/audio/transcriptions`.
pub(crate) async fn transcribe(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Reply {
    let form = read(&app, &caller, request).await?;
    let field = |name: &str, default: &str| {
        form.fields.get(name).filter(|text| !text.is_empty()).cloned().unwrap_or_else(|| default.into())
    };
    let format = field("response_format", "json");
    if !FORMATS.contains(&format.as_str()) {
        return Err(
            ApiError::invalid(format!("response_format is not one of: {}.", FORMATS.join(", "))).into()
        );
    }
    if field("stream", "false") == "true" {
        return Err(ApiError::invalid("stream is not spoken here; leave it out.").into());
    }
    let request = json!({
        "actor": caller.actor(),
        "confined": true,
        "items": [{
            "task_type": "audio_transcription",
            "priority": "high",
            "input_data": {
                "file": format!("upload:{}", form.upload), "model": field("model", "auto"),
                "language": field("language", "auto"), "response_format": format,
            },
        }],
    });
    let made = call(&app, "tasks.submit", request).await?;
    let task = ended(&app, &made["tasks"][0]["task_id"]).await?;
    answer_with(&app, &task, &format).await
}

/// Waits until the task has ended. A failure is the task's own error; a task that waits for something only the user
/// can give (a model, a tool) is answered at once.
async fn ended(app: &App, task_id: &Value) -> Result<Value, ApiError> {
    let mut pause = LOOKS[0];
    loop {
        let task = call(app, "tasks.get", json!({ "task_id": task_id })).await?["task"].take();
        match task["status"].as_str() {
            Some("completed") => return Ok(task),
            Some("failed") => {
                return Err(serde_json::from_value(task["error"].clone())
                    .unwrap_or_else(|_| ApiError::internal("The task failed and does not say why.")));
            }
            Some("cancelled") => return Err(ApiError::new(ErrorCode::Cancelled, "The task was cancelled.")),
            _ => {}
        }
        if task["waiting"]["reason"] == "for" && task["waiting"]["time"].is_null() {
            let code = task["waiting"]["code"].as_str().and_then(|code| code.parse().ok());
            let message = format!("The task {task_id} waits for something that is missing on this machine.");
            return Err(ApiError::new(code.unwrap_or(ErrorCode::Internal), message));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LOOKS[1]);
    }
}

async fn answer_with(app: &App, task: &Value, format: &str) -> Reply {
    let Some(id) = task["transcript_id"].as_str() else {
        // Nothing was said in it: that is an answer, not a fault.
        return Ok(match format {
            "json" => answer::json_value(StatusCode::OK, &json!({ "text": "" })),
            "verbose_json" => {
                answer::json_value(StatusCode::OK, &verbose(&json!({ "duration": task["duration"] })))
            }
            "vtt" => plain("WEBVTT\n\n"),
            _ => plain(""),
        });
    };
    if matches!(format, "srt" | "vtt") {
        let file = call(app, "transcripts.export", json!({ "id": id, "format": format })).await?;
        return Ok(plain(file["content"].as_str().unwrap_or_default()));
    }
    let transcript = call(app, "transcripts.get", json!({ "id": id })).await?;
    let text = transcript["text"].as_str().unwrap_or_default().to_string();
    Ok(match format {
        "text" => plain(&format!("{text}\n")),
        "verbose_json" => answer::json_value(StatusCode::OK, &verbose(&transcript)),
        _ => answer::json_value(StatusCode::OK, &json!({ "text": text })),
    })
}

/// What we do not measure (tokens, probabilities) stands with the value that says nothing.
fn verbose(transcript: &Value) -> Value {
    let segments = transcript["segments"].as_array().cloned().unwrap_or_default();
    let words: Vec<Value> = segments
        .iter()
        .flat_map(|segment| segment["words"].as_array().cloned().unwrap_or_default())
        .map(|word| json!({ "word": word["text"], "start": word["start"], "end": word["end"] }))
        .collect();
    let segments: Vec<Value> = segments
        .iter()
        .enumerate()
        .map(|(id, segment)| {
            json!({
                "id": id, "seek": 0, "start": segment["start"], "end": segment["end"], "text": segment["text"],
                "tokens": [], "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0,
                "no_speech_prob": 0.0,
            })
        })
        .collect();
    json!({
        "task": "transcribe", "language": transcript["language"].as_str().unwrap_or("und"),
        "duration": transcript["duration"], "text": transcript["text"].as_str().unwrap_or_default(),
        "segments": segments, "words": words,
    })
}

fn plain(text: &str) -> Response {
    crate::rest::text("text/plain", text)
}

/// `POST /v1/audio/translations`: no engine of this version translates speech.
pub(crate) async fn translate() -> Reply {
    Err(ApiError::new(ErrorCode::KindUnavailable, "No engine of this version translates speech.").into())
}

async fn known(app: &App) -> Result<Vec<Value>, ApiError> {
    let models = call(app, "models.list", json!({})).await?;
    let model = |id: &str| json!({ "id": id, "object": "model", "created": 0, "owned_by": "bobina" });
    let mut list = vec![model("whisper-1"), model("basic")];
    for item in models["items"].as_array().into_iter().flatten() {
        if let (Some(name), Some(true)) = (item["name"].as_str(), item["installed"].as_bool()) {
            list.push(model(name));
        }
    }
    Ok(list)
}

/// `GET /v1/models`: what can hear here; `whisper-1` is the best of them.
pub(crate) async fn models(State(app): State<Arc<App>>) -> Reply {
    Ok(answer::json_value(StatusCode::OK, &json!({ "object": "list", "data": known(&app).await? })))
}

/// `GET /v1/models/{id}`.
pub(crate) async fn model(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    match known(&app).await?.into_iter().find(|model| model["id"] == id.as_str()) {
        Some(model) => Ok(answer::json_value(StatusCode::OK, &model)),
        None => Err(ApiError::new(ErrorCode::ModelUnknown, "There is no such model.").into()),
    }
}
