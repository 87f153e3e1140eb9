//! Commands over tasks, their steps and the queue.
//!
//! Owns checking a request as a whole and turning it into tasks; leaves states to `crate::queue`.
//! Invariant: a refused source never keeps the others from being queued, and what is answered as queued is stored.

use super::types::*;
use crate::Backend;
use crate::cloud::strategy_of;
use crate::intake::{self, Given, sample};
use crate::queue::NewTask;
use crate::recipes;
use crate::secrets::Kept;
use crate::steps::{engine, partial};
use crate::store::pauses::Scope;
use crate::store::{calls, urls};
use domain::{
    ApiError, ErrorCode, Header, Lane, Recipe, Source, Step, StepKind, Task, TaskInput, TaskKind, UnknownWord,
};
use media::download::NetPolicy;
use providers::Capability;

/// Calls of the last 30 days are the record that services are chosen by, in milliseconds.
const RECORD_MS: i64 = 30 * 86_400_000;

/// Queue files, folders and links.
pub async fn add(backend: &Backend, request: AddRequest) -> Result<AddOutcome, ApiError> {
    if request.sources.is_empty() {
        return Err(ApiError::invalid("Nothing was given to add."));
    }
    let settings = backend.settings.get();
    let recipe = recipes::find(backend.data_dir(), request.recipe.as_deref().unwrap_or(&settings.recipe))?;
    check_language(&request.language)?;
    let request = AddRequest { engine: engine_of(backend, &request.engine).await?, ..request };
    let lane = check_engine(backend, &request.engine)?;
    let policy = NetPolicy {
        allow_hosts: settings.allow_hosts.iter().chain(&request.allow_hosts).cloned().collect(),
        ..NetPolicy::default()
    };
    let sources = request.sources.clone();
    let given = tokio::task::spawn_blocking(move || intake::examine(&sources, &policy))
        .await
        .map_err(|e| ApiError::internal(format!("The sources could not be examined: {e}")))?;
    let several = given.iter().filter(|g| matches!(g, Given::Source(_))).count() > 1;
    let batch_id = several.then(|| backend.new_id("b_"));
    let has_url = given.iter().any(|g| matches!(g, Given::Source(Source::Url { .. })));
    let headers =
        if has_url { keep_headers(backend, &request.headers).await? } else { KeptHeaders::default() };
    let mut outcome = AddOutcome { tasks: Vec::new(), refused: Vec::new() };
    let mut tasks = Vec::new();
    for given in given {
        match given {
            Given::Refused(refused) => outcome.refused.push(refused),
            Given::Source(source) => {
                tasks.push(new_task(
                    backend,
                    &request,
                    &recipe,
                    lane.as_ref(),
                    &headers,
                    batch_id.clone(),
                    source,
                ));
            }
        }
    }
    outcome.tasks = backend.queue.add(tasks).await?;
    Ok(outcome)
}

/// Queue the sample clip that comes with the program.
pub async fn add_sample(backend: &Backend, _: Nothing) -> Result<AddOutcome, ApiError> {
    let folder = backend.data_dir().join("samples");
    let path = tokio::task::spawn_blocking(move || sample::place(&folder))
        .await
        .map_err(|e| ApiError::internal(format!("The sample could not be placed: {e}")))??;
    let request = AddRequest {
        sources: vec![path.display().to_string()],
        recipe: None,
        language: sample::LANGUAGE.into(),
        engine: "auto".into(),
        priority: domain::Priority::High,
        headers: Vec::new(),
        allow_hosts: Vec::new(),
        not_before: None,
        again: false,
    };
    add(backend, request).await
}

/// A task of one source, checked as [`add`] checks it but not queued yet.
///
/// Errors: those of the source; `INVALID_INPUT` for a folder, which makes many.
pub(crate) async fn prepare(
    backend: &Backend,
    request: &AddRequest,
    batch_id: Option<String>,
) -> Result<NewTask, ApiError> {
    let settings = backend.settings.get();
    let recipe = recipes::find(backend.data_dir(), request.recipe.as_deref().unwrap_or(&settings.recipe))?;
    check_language(&request.language)?;
    let lane = check_engine(backend, &request.engine)?;
    let policy = NetPolicy {
        allow_hosts: settings.allow_hosts.iter().chain(&request.allow_hosts).cloned().collect(),
        ..NetPolicy::default()
    };
    let sources = request.sources.clone();
    let mut given = tokio::task::spawn_blocking(move || intake::examine(&sources, &policy))
        .await
        .map_err(|e| ApiError::internal(format!("The source could not be examined: {e}")))?;
    match (given.pop(), given.is_empty()) {
        (Some(Given::Source(source)), true) => {
            let headers = keep_headers(backend, &request.headers).await?;
            Ok(new_task(backend, request, &recipe, lane.as_ref(), &headers, batch_id, source))
        }
        (Some(Given::Refused(refused)), true) => Err(refused.error),
        _ => Err(ApiError::invalid("A folder makes many tasks; give one file or one link for each task.")),
    }
}

/// Headers of a request, the secret ones behind the name of their entry in the key store.
#[derive(Clone, Default)]
struct KeptHeaders {
    plain: Vec<Header>,
    secret: Option<String>,
}

async fn keep_headers(backend: &Backend, headers: &[Header]) -> Result<KeptHeaders, ApiError> {
    for header in headers {
        let name = http_name(&header.name);
        if !name || header.value.bytes().any(|b| b == b'\r' || b == b'\n' || b == 0) {
            return Err(ApiError::invalid(format!(
                "\"{}\" is not a valid header.",
                header.name.escape_debug()
            )));
        }
    }
    let (secret, plain): (Vec<Header>, Vec<Header>) = headers.iter().cloned().partition(Header::is_secret);
    if secret.is_empty() {
        return Ok(KeptHeaders { plain, secret: None });
    }
    let name = backend.new_id("headers-");
    let text = serde_json::to_string(&secret).map_err(|e| ApiError::internal(e.to_string()))?;
    if backend.secrets.put(&name, &text).await == Kept::Session {
        tracing::warn!("there is no key store: the secret headers are kept until Bobina ends");
    }
    Ok(KeptHeaders { plain, secret: Some(name) })
}

/// A token as RFC 9110, section 5.6.2, has it.
fn http_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn new_task(
    backend: &Backend,
    request: &AddRequest,
    recipe: &Recipe,
    lane: Option<&Lane>,
    headers: &KeptHeaders,
    batch_id: Option<String>,
    source: Source,
) -> NewTask {
    let is_url = matches!(source, Source::Url { .. });
    let task_id = backend.new_id("t_");
    let now = backend.clock.now();
    let url = match &source {
        Source::Url { url } => Some(url.clone()),
        Source::File { .. } => None,
    };
    let id = task_id.clone();
    NewTask {
        task_id,
        kind: TaskKind::MediaProcessing,
        title: title(&source),
        input: TaskInput {
            source,
            recipe: recipe.name.clone(),
            language: request.language.clone(),
            engine: request.engine.clone(),
            headers: if is_url { headers.plain.clone() } else { Vec::new() },
            secret_headers: if is_url { headers.secret.clone() } else { None },
            allow_hosts: if is_url { request.allow_hosts.clone() } else { Vec::new() },
            again: request.again,
        },
        steps: in_lane(&recipe.steps, lane),
        priority: request.priority,
        batch_id,
        not_before: request.not_before,
        media_id: None,
        duration: None,
        size: None,
        apply: url.map(|url| -> crate::queue::Apply {
            Box::new(move |tx| urls::ensure(tx, &url, &id, now).map(drop))
        }),
    }
}

/// The name a task goes by until its media is known.
fn title(source: &Source) -> String {
    match source {
        Source::File { path } => std::path::Path::new(path)
            .file_name()
            .map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned()),
        Source::Url { url } => url.clone(),
    }
}

fn check_language(language: &str) -> Result<(), ApiError> {
    let code = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
    if language == "auto" || code {
        return Ok(());
    }
    Err(ApiError::invalid(format!("\"{language}\" is not a language: give auto or a code such as en or pt.")))
}

/// The engine a request means: `cloud` and `cloud:<strategy>` are the service that is chosen now.
async fn engine_of(backend: &Backend, engine: &str) -> Result<String, ApiError> {
    let Some(strategy) = strategy_of(engine)? else { return Ok(engine.to_string()) };
    let now = backend.clock.now();
    let since = now.plus_millis(-RECORD_MS);
    let sums = backend.store.read(move |conn| calls::sums(conn, since, now)).await?;
    let (chosen, reason) =
        backend.cloud.route(strategy, Capability::Transcribe, &sums, now, backend.clock.random()).await?;
    tracing::info!(reason, "a cloud service was chosen");
    Ok(chosen.engine())
}

/// Refuses an engine that does not exist. A cloud service is a lane of its own.
fn check_engine(backend: &Backend, engine: &str) -> Result<Option<Lane>, ApiError> {
    let named = engine.strip_prefix("whisper:").is_some_and(|name| !name.is_empty());
    if matches!(engine, "auto" | "basic") || named {
        return Ok(None);
    }
    if !engine::is_cloud(engine) {
        let message = format!(
            "There is no engine \"{engine}\". There are: auto, basic, whisper:<model>, <provider>:<model>."
        );
        return Err(ApiError::new(ErrorCode::EngineUnknown, message));
    }
    let chosen = backend.cloud.choose(engine, Capability::Transcribe, backend.clock.now())?;
    if backend.settings.get().local_only && !chosen.provider.is_on_this_machine() {
        let message = format!("{} is not on this machine, and local-only mode is on.", chosen.provider.title);
        return Err(ApiError::new(ErrorCode::LocalOnly, message));
    }
    Ok(Some(Lane::Provider(chosen.provider.name)))
}

/// The steps, of which those that hear stand in the lane of the service, unless the recipe says otherwise.
fn in_lane(steps: &[Step], lane: Option<&Lane>) -> Vec<Step> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        if step.kind == StepKind::Transcribe && step.lane.is_none() {
            step.lane = lane.cloned();
        }
    }
    steps
}

/// One page of the tasks.
pub async fn list(backend: &Backend, query: TaskQuery) -> Result<Page<Task>, ApiError> {
    backend.queue.list(query).await
}

/// A task with its steps and attempts.
pub async fn get(backend: &Backend, id: TaskId) -> Result<TaskDetail, ApiError> {
    backend.queue.get(&id.task_id).await
}

/// Cancel a task, a running one too.
pub async fn cancel(backend: &Backend, id: TaskId) -> Result<Task, ApiError> {
    let task = backend.queue.cancel(&id.task_id).await?;
    // A running step removes its own partial files once it has ended.
    let (folder, id, input) = (backend.data_dir().join("work"), task.task_id.clone(), task.input.clone());
    tokio::task::spawn_blocking(move || partial::remove(&folder, &id, &input))
        .await
        .map_err(|e| ApiError::internal(format!("Partial files could not be removed: {e}")))?;
    if let Source::Url { url } = &task.input.source {
        let (url, now) = (url.clone(), backend.clock.now());
        let error = ApiError::new(ErrorCode::Cancelled, "The task was cancelled.");
        backend.store.write(move |conn| urls::cancel(conn, &url, &error, now)).await?;
    }
    Ok(task)
}

/// Pause a task, a lane or everything.
pub async fn pause(backend: &Backend, request: PauseRequest) -> Result<QueueStatus, ApiError> {
    match (&request.task_id, request.until) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("A pause that ends by itself is not for a single task."));
        }
        (None, Some(until)) if until <= backend.clock.now() => {
            return Err(ApiError::invalid("The pause would end in the past."));
        }
        (None, until) => backend.queue.hold(Scope::of_user(lane(request.lane)?), until).await?,
        (Some(task_id), None) => backend.queue.pause(Some(task_id), None).await?,
    }
    backend.queue.status().await
}

/// Undo a pause.
pub async fn resume(backend: &Backend, request: PauseRequest) -> Result<QueueStatus, ApiError> {
    backend.queue.resume(request.task_id.as_deref(), lane(request.lane)?).await?;
    backend.queue.status().await
}

fn lane(name: Option<String>) -> Result<Option<Lane>, ApiError> {
    name.map(|name| name.parse().map_err(|e: UnknownWord| ApiError::invalid(e.to_string()))).transpose()
}

/// Try a failed or cancelled task again, or all that failed.
pub async fn retry(backend: &Backend, request: RetryRequest) -> Result<Retried, ApiError> {
    // A tool that was missing may have been installed since; a try should see it.
    backend.find_tools().await;
    let task_ids = match (request.task_id, request.all_failed) {
        (Some(id), false) => vec![backend.queue.retry(&id).await?.task_id],
        (None, true) => backend.queue.retry_all().await?,
        _ => return Err(ApiError::invalid("Give either a task_id or all_failed.")),
    };
    Ok(Retried { task_ids })
}

/// Move a queued task.
pub async fn reorder(backend: &Backend, request: ReorderRequest) -> Result<Task, ApiError> {
    backend.queue.reorder(&request.task_id, request.before.as_deref()).await
}

/// Change a task's priority.
pub async fn set_priority(backend: &Backend, request: PriorityRequest) -> Result<Task, ApiError> {
    backend.queue.set_priority(&request.task_id, request.priority).await
}

/// Do one step and what depends on it again.
pub async fn run_step(backend: &Backend, request: RunStepRequest) -> Result<TaskDetail, ApiError> {
    backend.queue.run_step(&request.task_id, &request.step).await
}

/// Jobs that will not be tried again by themselves.
pub async fn dead_letters(backend: &Backend, query: PageQuery) -> Result<Page<DeadLetter>, ApiError> {
    backend.queue.dead_letters(query).await
}

/// Put dead letters away; their tasks stay failed.
pub async fn clear_letters(backend: &Backend, request: ClearLetters) -> Result<ClearedLetters, ApiError> {
    if request.all == (request.task_id.is_some() || request.code.is_some()) {
        return Err(ApiError::invalid("Give a task_id, a code or both; or all."));
    }
    let job_ids = backend.queue.clear_letters(request.task_id, request.code).await?;
    Ok(ClearedLetters { job_ids })
}

/// The queue at a glance.
pub async fn queue_status(backend: &Backend, _: Nothing) -> Result<QueueStatus, ApiError> {
    backend.queue.status().await
}
