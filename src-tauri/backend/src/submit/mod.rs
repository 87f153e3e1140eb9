//! Tasks as programs submit and see them.
//!
//! Owns checking a submission as a whole, the batch, the idempotency key, and the shape in which programs see a task.
//! Leaves making tasks of sources to `api::tasks` and the queue, and webhooks' rows to [`crate::webhooks`].
//! Invariant: one invalid item refuses all, and names itself by its index; what is answered as queued is stored, with
//! its webhooks, its batch and its idempotency key, in one transaction.

mod item;
mod view;

pub use item::{METADATA_OF_OURS, uploads as uploads_folder};
pub use view::{result_of, view, view_of, views};

use crate::Backend;
use crate::api::types::{SubmitItem, SubmitRequest, Submitted, UrlRef};
use crate::queue::{Apply, NewTask};
use crate::store::webhooks::WebhookRow;
use crate::store::{StoreError, batches, submissions, urls, webhooks as hooks};
use crate::webhooks;
use domain::{ApiError, ErrorCode, Priority, TaskKind};
use serde_json::{Map, Value, json};

/// Tasks of one batch at most.
const LARGEST_BATCH: usize = 50;

/// Queue tasks, all or none.
///
/// Errors: `INVALID_INPUT` and those of a source, with `items[<index>]` in the message; `KIND_UNAVAILABLE`;
/// `IDEMPOTENCY_CONFLICT`.
pub async fn submit(backend: &Backend, mut request: SubmitRequest) -> Result<Submitted, ApiError> {
    if request.items.is_empty() || request.items.len() > LARGEST_BATCH {
        let count = request.items.len();
        return Err(ApiError::invalid(format!(
            "A batch holds 1 to {LARGEST_BATCH} tasks; this one has {count}."
        )));
    }
    let actor = request.actor.take().unwrap_or_else(crate::audit::actor);
    let fingerprint = fingerprint(&request)?;
    let key = request.idempotency_key.take();
    if let Some(key) = &key {
        if key.is_empty() || key.len() > 255 {
            return Err(ApiError::invalid("An Idempotency-Key has 1 to 255 characters."));
        }
        if let Some(before) = repeated(backend, &actor, key, &fingerprint).await? {
            return Ok(before);
        }
    }
    let many = request.batch;
    let batch_id = many.then(|| backend.new_id("b_"));
    let mut tasks = Vec::with_capacity(request.items.len());
    for (index, item) in request.items.iter().enumerate() {
        let made = make(backend, item, batch_id.clone(), &actor, request.confined).await;
        tasks.push(made.map_err(|error| if many { at(index, error) } else { error })?);
    }
    let ids: Vec<String> = tasks.iter().map(|task| task.task_id.clone()).collect();
    let batch_hook = match (&batch_id, &request.webhook_url) {
        (Some(batch_id), Some(url)) => {
            let about = webhooks::About::Batch(batch_id.clone());
            let secret = request.webhook_secret.as_deref();
            Some(webhooks::prepare(backend, url, secret, &["batch.completed".into()], about, &actor).await?)
        }
        (None, Some(_)) => return Err(ApiError::invalid("Give webhook_url with the task, not beside it.")),
        _ => None,
    };
    close(backend, &mut tasks, batch_id.clone(), batch_hook, &actor, key.as_deref(), &fingerprint, &ids)?;
    match backend.queue.add_quietly(tasks).await {
        Ok(()) => {}
        // The same key came twice at once: the other one was first.
        Err(error) if error.code == ErrorCode::IdempotencyConflict => {
            let key = key.unwrap_or_default();
            return match repeated(backend, &actor, &key, &fingerprint).await? {
                Some(before) => Ok(before),
                None => Err(error),
            };
        }
        Err(error) => return Err(error),
    }
    backend.webhooks.wake();
    Ok(Submitted { batch_id, tasks: view::of_ids(backend, &ids).await?, repeated: false })
}

/// Puts the rows of the whole into the transaction of the last task: batch, its webhook, the idempotency key.
#[allow(clippy::too_many_arguments, reason = "each is one row or column of the transaction")]
fn close(
    backend: &Backend,
    tasks: &mut [NewTask],
    batch_id: Option<String>,
    batch_hook: Option<WebhookRow>,
    actor: &str,
    key: Option<&str>,
    fingerprint: &str,
    ids: &[String],
) -> Result<(), ApiError> {
    let total = tasks.len();
    let Some(last) = tasks.last_mut() else { return Ok(()) };
    let inner = last.apply.take();
    let (actor, key, fingerprint, now) =
        (actor.to_string(), key.map(str::to_string), fingerprint.to_string(), backend.clock.now());
    let answer = json!({ "batch_id": batch_id, "task_ids": ids }).to_string();
    let apply: Apply = Box::new(move |conn| {
        if let Some(inner) = inner {
            inner(conn)?;
        }
        if let Some(batch_id) = &batch_id {
            batches::insert(conn, batch_id, &actor, total, now)?;
        }
        if let Some(hook) = &batch_hook {
            hooks::insert(conn, hook)?;
        }
        match key {
            Some(key) if !submissions::keep_answer(conn, &actor, &key, &fingerprint, &answer, now)? => {
                Err(StoreError::Answer(conflict()))
            }
            _ => Ok(()),
        }
    });
    last.apply = Some(apply);
    Ok(())
}

fn conflict() -> ApiError {
    ApiError::new(
        ErrorCode::IdempotencyConflict,
        "This Idempotency-Key came before with another request. Use a new key for a new request.",
    )
}

/// What the key stands for; who asks and the key itself are no part of it.
fn fingerprint(request: &SubmitRequest) -> Result<String, ApiError> {
    let whole = SubmitRequest { actor: None, idempotency_key: None, ..request.clone() };
    let text = serde_json::to_vec(&whole).map_err(|e| ApiError::internal(e.to_string()))?;
    Ok(blake3::hash(&text).to_hex().to_string())
}

/// The answer that this key got before.
async fn repeated(
    backend: &Backend,
    actor: &str,
    key: &str,
    fingerprint: &str,
) -> Result<Option<Submitted>, ApiError> {
    let (who, what) = (actor.to_string(), key.to_string());
    let kept = backend.store.read(move |conn| submissions::answered(conn, &who, &what)).await?;
    let Some((request, answer)) = kept else { return Ok(None) };
    if request != fingerprint {
        return Err(conflict());
    }
    let answer: Value = serde_json::from_str(&answer).map_err(|e| ApiError::internal(e.to_string()))?;
    let ids: Vec<String> = serde_json::from_value(answer["task_ids"].clone()).unwrap_or_default();
    Ok(Some(Submitted {
        batch_id: answer["batch_id"].as_str().map(str::to_string),
        tasks: view::of_ids(backend, &ids).await?,
        repeated: true,
    }))
}

/// Says which of many was wrong.
fn at(index: usize, error: ApiError) -> ApiError {
    ApiError { message: format!("items[{index}]: {}", error.message), ..error }
}

/// One task with everything that is written beside it.
async fn make(
    backend: &Backend,
    given: &SubmitItem,
    batch_id: Option<String>,
    actor: &str,
    confined: bool,
) -> Result<NewTask, ApiError> {
    item::check_metadata(&given.metadata)?;
    let (mut task, options) = item::task_of(backend, given, batch_id, confined).await?;
    let hook = match &given.webhook_url {
        Some(url) => {
            let about = webhooks::About::Task(task.task_id.clone());
            let secret = given.webhook_secret.as_deref();
            Some(webhooks::prepare(backend, url, secret, &given.webhook_events, about, actor).await?)
        }
        None if given.webhook_secret.is_some() || !given.webhook_events.is_empty() => {
            return Err(ApiError::invalid("webhook_secret and webhook_events need a webhook_url."));
        }
        None => None,
    };
    let submission =
        submissions::Submission { actor: actor.to_string(), metadata: given.metadata.clone(), options };
    let (inner, task_id) = (task.apply.take(), task.task_id.clone());
    task.apply = Some(Box::new(move |conn| {
        if let Some(inner) = inner {
            inner(conn)?;
        }
        if let Some(hook) = &hook {
            hooks::insert(conn, hook)?;
        }
        submissions::insert(conn, &task_id, &submission)
    }));
    Ok(task)
}

/// Work on a URL that was added before. `URL_UNKNOWN`.
pub async fn start_url(backend: &Backend, which: UrlRef) -> Result<Submitted, ApiError> {
    let id = which.url_id.clone();
    let url = backend.store.read(move |conn| urls::by_id(conn, &id)).await?;
    let Some(url) = url else {
        return Err(ApiError::new(ErrorCode::UrlUnknown, format!("There is no URL {}.", which.url_id)));
    };
    let mut input_data = Map::new();
    input_data.insert("url".into(), url.url.into());
    if let Some(recipe) = which.recipe {
        input_data.insert("recipe".into(), recipe.into());
    }
    input_data.insert("again".into(), which.again.into());
    let item = SubmitItem {
        task_type: TaskKind::MediaProcessing,
        input_data,
        priority: Priority::Medium,
        metadata: Map::new(),
        not_before: None,
        webhook_url: None,
        webhook_secret: None,
        webhook_events: Vec::new(),
    };
    let request = SubmitRequest {
        items: vec![item],
        batch: false,
        webhook_url: None,
        webhook_secret: None,
        actor: which.actor,
        confined: false,
        idempotency_key: None,
    };
    submit(backend, request).await
}
