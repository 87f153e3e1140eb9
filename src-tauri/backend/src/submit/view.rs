//! A task in the shape in which programs see it.

use crate::Backend;
use crate::api::types::{ExportRequest, Page, TaskId, TaskQuery, TaskView};
use crate::store::submissions::Submission;
use crate::store::{lists, submissions};
use domain::{ApiError, Task, TaskKind, TaskStatus};
use serde_json::{Value, json};

/// Text longer than this is not copied into a result; the transcript's own address gives it.
const LONGEST_TEXT: usize = 1024 * 1024;

/// A task with what was given with it.
pub fn view_of(task: &Task, given: Option<&Submission>) -> TaskView {
    let mut metadata = given.map(|given| given.metadata.clone()).unwrap_or_default();
    metadata.insert("video_duration".into(), json!(task.duration));
    metadata.insert("video_size_mb".into(), json!(task.size.map(|bytes| bytes as f64 / 1e6)));
    metadata.insert("current_step".into(), json!(task.current_step));
    TaskView {
        task_id: task.task_id.clone(),
        task_type: task.kind,
        status: task.status,
        paused: task.paused,
        progress: task.progress,
        current_step: task.current_step.clone(),
        created_at: task.created_at,
        updated_at: task.updated_at,
        estimated_completion: task.estimated_completion,
        metadata,
        result: result_of(task),
        error: task.error.clone(),
    }
}

/// What a completed task made, by ids; null before.
pub fn result_of(task: &Task) -> Option<Value> {
    (task.status == TaskStatus::Completed).then(|| {
        json!({
            "media_id": task.media_id,
            "transcript_id": task.transcript_id,
            "note": task.note,
            "cached": task.cached,
        })
    })
}

/// One page of the tasks as programs see them.
pub async fn views(backend: &Backend, query: TaskQuery) -> Result<Page<TaskView>, ApiError> {
    let page = backend.queue.list(query).await?;
    let tasks = page.items;
    let items = backend.store.read(move |conn| {
        tasks
            .iter()
            .map(|task| Ok(view_of(task, submissions::of_task(conn, &task.task_id)?.as_ref())))
            .collect()
    });
    Ok(Page { total: page.total, limit: page.limit, offset: page.offset, items: items.await? })
}

/// The tasks of these ids that are there, in that order.
pub(super) async fn of_ids(backend: &Backend, ids: &[String]) -> Result<Vec<TaskView>, ApiError> {
    let (ids, now) = (ids.to_vec(), backend.clock.now());
    let read = backend.store.read(move |conn| {
        let mut views = Vec::with_capacity(ids.len());
        for id in &ids {
            if let Some(task) = lists::task(conn, id, now)? {
                views.push(view_of(&task, submissions::of_task(conn, id)?.as_ref()));
            }
        }
        Ok(views)
    });
    Ok(read.await?)
}

/// A task as programs see it; a transcription's result holds its text in the format that was asked for.
pub async fn view(backend: &Backend, which: TaskId) -> Result<TaskView, ApiError> {
    let task = backend.queue.get(&which.task_id).await?.task;
    let id = task.task_id.clone();
    let given = backend.store.read(move |conn| submissions::of_task(conn, &id)).await?;
    let mut view = view_of(&task, given.as_ref());
    let wants_text = task.kind == TaskKind::AudioTranscription && task.status == TaskStatus::Completed;
    if let (true, Some(id), Some(Value::Object(result))) =
        (wants_text, &task.transcript_id, view.result.as_mut())
    {
        let wanted = given.as_ref().and_then(|given| given.options.get("response_format"));
        let wanted = wanted.and_then(Value::as_str).unwrap_or("json").to_string();
        let format = match wanted.as_str() {
            "srt" | "vtt" => wanted.as_str(),
            _ => "txt",
        };
        let request = ExportRequest { id: id.clone(), format: format.into() };
        let transcript = crate::library::transcript(&backend.store, id.clone()).await?;
        let text = match format {
            "txt" => transcript.text.clone(),
            _ => crate::library::export(&backend.store, request).await?.content,
        };
        result.insert("response_format".into(), wanted.clone().into());
        result.insert("language".into(), transcript.language.into());
        result.insert("engine".into(), transcript.engine.into());
        result.insert("text".into(), if text.len() <= LONGEST_TEXT { text.into() } else { Value::Null });
        if wanted == "verbose_json" {
            result.insert("segments".into(), json!(transcript.segments));
        }
    }
    Ok(view)
}
