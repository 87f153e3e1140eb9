//! From what a program gives for a kind of task to a task for the queue.
//!
//! Invariant: a field that the kind does not know is refused, so that a misspelt one is never silently ignored.

use crate::Backend;
use crate::api::tasks::prepare;
use crate::api::types::{AddRequest, SubmitItem};
use crate::queue::NewTask;
use domain::{ApiError, ErrorCode, Header, TaskKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};

/// Keys of a task's metadata that we fill in; a user's own of such a name is refused.
pub const METADATA_OF_OURS: [&str; 3] = ["video_duration", "video_size_mb", "current_step"];

/// The most a task's metadata may hold, in bytes of JSON.
const LARGEST_METADATA: usize = 16 * 1024;

/// What stands before the id of a finished upload where a path may stand.
const UPLOAD: &str = "upload:";

/// A user's object is small and leaves our keys alone.
pub(super) fn check_metadata(metadata: &Map<String, Value>) -> Result<(), ApiError> {
    if let Some(key) = METADATA_OF_OURS.iter().find(|key| metadata.contains_key(**key)) {
        return Err(ApiError::invalid(format!(
            "metadata.{key} is filled in by Bobina; choose another name."
        )));
    }
    let size = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if size > LARGEST_METADATA {
        return Err(ApiError::invalid(format!("metadata is larger than {} KiB.", LARGEST_METADATA >> 10)));
    }
    Ok(())
}

fn auto() -> String {
    "auto".into()
}

fn response_format() -> String {
    "json".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessInput {
    url: Option<String>,
    file: Option<String>,
    recipe: Option<String>,
    #[serde(default = "auto")]
    language: String,
    #[serde(default = "auto")]
    model: String,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    again: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TranscribeInput {
    audio_url: Option<String>,
    file: Option<String>,
    #[serde(default = "auto")]
    language: String,
    #[serde(default = "auto")]
    model: String,
    #[serde(default = "response_format")]
    response_format: String,
}

/// The task an item describes, and the options of its kind that its result depends on.
pub(super) async fn task_of(
    backend: &Backend,
    item: &SubmitItem,
    batch_id: Option<String>,
    confined: bool,
) -> Result<(NewTask, Map<String, Value>), ApiError> {
    let mut options = Map::new();
    let request = match item.task_type {
        TaskKind::MediaProcessing => {
            let input: ProcessInput = read(item)?;
            AddRequest {
                sources: vec![source(backend, "url", input.url, input.file, confined)?],
                recipe: input.recipe,
                language: input.language,
                engine: engine(&input.model),
                headers: input.headers,
                again: input.again,
                ..base(item)?
            }
        }
        TaskKind::AudioTranscription => {
            let input: TranscribeInput = read(item)?;
            let known = ["json", "text", "srt", "vtt", "verbose_json"];
            if !known.contains(&input.response_format.as_str()) {
                return Err(ApiError::invalid(format!(
                    "response_format is not one of: {}.",
                    known.join(", ")
                )));
            }
            options.insert("response_format".into(), input.response_format.into());
            AddRequest {
                sources: vec![source(backend, "audio_url", input.audio_url, input.file, confined)?],
                recipe: Some("transcribe".into()),
                language: input.language,
                engine: engine(&input.model),
                ..base(item)?
            }
        }
        kind => {
            return Err(ApiError::new(
                ErrorCode::KindUnavailable,
                format!("This version has no way yet to do {kind}."),
            ));
        }
    };
    let mut task = prepare(backend, &request, batch_id).await?;
    task.kind = item.task_type;
    Ok((task, options))
}

/// The fields that every kind has, the others as they are when nobody gives them.
fn base(item: &SubmitItem) -> Result<AddRequest, ApiError> {
    let given = json!({ "sources": [], "priority": item.priority, "not_before": item.not_before });
    serde_json::from_value(given).map_err(|error| ApiError::internal(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(item: &SubmitItem) -> Result<T, ApiError> {
    serde_json::from_value(Value::Object(item.input_data.clone()))
        .map_err(|error| ApiError::invalid(format!("input_data: {error}.")))
}

/// Names other services use for their own model mean "the best there is"; a bare Whisper model gets its full name.
pub fn engine(model: &str) -> String {
    match model {
        "" | "auto" | "whisper-1" | "default" => auto(),
        "basic" => "basic".into(),
        _ if model.contains(':') => model.into(),
        _ => format!("whisper:{model}"),
    }
}

fn source(
    backend: &Backend,
    name: &str,
    url: Option<String>,
    file: Option<String>,
    confined: bool,
) -> Result<String, ApiError> {
    match (url, file) {
        (Some(url), None) => {
            let is_web = url.trim().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
            if !is_web || !url.contains("://") {
                return Err(ApiError::new(
                    ErrorCode::UrlInvalid,
                    format!("{name} is no http or https address."),
                ));
            }
            Ok(url)
        }
        (None, Some(file)) => path(backend, &file, confined),
        _ => Err(ApiError::invalid(format!("Give either {name} or file."))),
    }
}

/// The path of a file that a program may name: an upload, or a plain absolute path. A confined program only reaches
/// uploads and the folders of the settings, whatever links lead there.
fn path(backend: &Backend, text: &str, confined: bool) -> Result<String, ApiError> {
    if let Some(id) = text.strip_prefix(UPLOAD) {
        return upload(backend, id);
    }
    let given = Path::new(text);
    let is_plain = given.is_absolute()
        && !text.chars().any(char::is_control)
        && !text.starts_with(r"\\")
        && !text.chars().any(|each| matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        && given
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_) | Component::Prefix(_)));
    if !is_plain || text.len() > 4096 {
        return Err(ApiError::invalid(
            "file must be upload:<id> or a plain absolute path, without .. and control characters.",
        ));
    }
    if !confined {
        return Ok(text.to_string());
    }
    let outside = || {
        ApiError::new(
            ErrorCode::FileUnreadable,
            "This token reaches uploads and the folders named in Settings › API only.",
        )
    };
    let real = given.canonicalize().map_err(|_| outside())?;
    let folders = backend.settings.get().api_folders;
    let allowed = folders.iter().filter_map(|folder| Path::new(folder).canonicalize().ok());
    if allowed.into_iter().any(|folder| real.starts_with(folder)) {
        // What the links led to when it was checked, so that swapping one later changes nothing.
        return Ok(real.to_string_lossy().into_owned());
    }
    Err(outside())
}

fn upload(backend: &Backend, id: &str) -> Result<String, ApiError> {
    let missing = || ApiError::new(ErrorCode::UploadNotFound, "There is no finished upload of that id.");
    if id.is_empty() || !id.bytes().all(|each| each.is_ascii_alphanumeric() || each == b'_') {
        return Err(missing());
    }
    let folder = uploads(backend.data_dir()).join(id).join("done");
    let mut entries = std::fs::read_dir(folder).map_err(|_| missing())?;
    match entries.next() {
        Some(Ok(entry)) => Ok(entry.path().to_string_lossy().into_owned()),
        _ => Err(missing()),
    }
}

/// Where uploads lie, finished ones as `<id>/done/<name>`.
pub fn uploads(data_dir: &Path) -> PathBuf {
    data_dir.join("uploads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_keys_are_ours() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        assert!(check_metadata(&object(json!({"project": "a", "nested": {"current_step": 1}}))).is_ok());
        for key in METADATA_OF_OURS {
            let error = check_metadata(&object(json!({ key: 1 }))).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidInput);
            assert!(error.message.contains(key));
        }
        assert!(check_metadata(&object(json!({"long": "x".repeat(20_000)}))).is_err());
    }

    #[test]
    fn models_go_by_the_names_people_use() {
        assert_eq!(engine("whisper-1"), "auto");
        assert_eq!(engine("base"), "whisper:base");
        assert_eq!(engine("whisper:large-v3"), "whisper:large-v3");
        assert_eq!(engine("basic"), "basic");
    }
}
