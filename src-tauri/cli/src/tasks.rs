//! `bobina tasks`, `task`, `cancel`, `pause`, `resume`, `retry`, `dead-letters`.

use crate::args::{DeadLettersArgs, PauseArgs, RetryArgs, TasksArgs};
use crate::failure::Failure;
use crate::output::{Output, cure, describe};
use crate::session::{Session, typed};
use crate::text::{self, clock, column, number, plain, relative, wide};
use backend::api::types::{ClearedLetters, DeadLetter, Page, QueueStatus, Retried, TaskDetail};
use console::{StyledObject, style};
use domain::{ApiError, ErrorCode, Job, JobState, Task, TaskStatus};
use serde_json::{Value, json};
use server::Host;

/// Rows asked for at once when looking for the beginning of an id.
const LOOK_AT: u32 = 500;

/// A task as `--json` shows it: its fields, and `source` as one string.
pub fn document(task: &Task) -> Value {
    let mut value = json!(task);
    value["source"] = json!(task.input.source.as_str());
    value
}

/// A status in its colour, as wide as the longest.
pub fn coloured(status: TaskStatus) -> StyledObject<String> {
    let text = style(format!("{:10}", status.as_str()));
    match status {
        TaskStatus::Completed => text.green(),
        TaskStatus::Failed => text.red(),
        TaskStatus::Processing => text.cyan(),
        TaskStatus::Cancelled => text.dim(),
        TaskStatus::Queued => text,
    }
}

/// The whole id of a task from its beginning. What is no id at all stays as it is, for the command to refuse.
pub async fn whole_id(host: &Host, id: &str) -> Result<String, ApiError> {
    match host.call("tasks.get", json!({ "task_id": id })).await {
        Err(error) if error.code == ErrorCode::TaskNotFound && !id.is_empty() => {}
        Err(error) => return Err(error),
        Ok(_) => return Ok(id.to_string()),
    }
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        let page = host.call("tasks.list", json!({ "limit": LOOK_AT, "offset": offset })).await?;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids = items.iter().filter_map(|task| task["task_id"].as_str());
        found.extend(ids.filter(|whole| whole.starts_with(id)).map(str::to_string));
        offset += LOOK_AT;
        if items.len() < LOOK_AT as usize {
            break;
        }
    }
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(ApiError::new(ErrorCode::TaskNotFound, format!("There is no task \"{id}\"."))),
        many => Err(ApiError::invalid(format!(
            "\"{id}\" is the beginning of {} tasks: {}{}",
            many.len(),
            many.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "),
            if many.len() > 5 { " …" } else { "." }
        ))),
    }
}

/// Opens the folder, runs `name` on the task whose id begins with `id`, and closes it.
async fn on_task(session: &Session, name: &str, id: &str) -> Result<Value, Failure> {
    let host = session.open(false).await?;
    let answer = async {
        let task_id = whole_id(&host, id).await?;
        host.call(name, json!({ "task_id": task_id })).await
    };
    let answer = answer.await;
    host.close().await;
    Ok(answer?)
}

pub async fn list(session: &Session, output: &Output, args: TasksArgs) -> Result<u8, Failure> {
    let query = json!({
        "status": args.status, "kind": args.kind, "limit": args.page.limit, "offset": args.page.offset,
    });
    let page: Page<Task> = typed(session.once("tasks.list", query).await?)?;
    let items: Vec<Value> = page.items.iter().map(document).collect();
    let value = json!({ "total": page.total, "limit": page.limit, "offset": page.offset, "items": items });
    output.either(&value, || {
        if page.items.is_empty() {
            return "No tasks.\n".into();
        }
        let now = text::now();
        let rows: Vec<Vec<String>> = page.items.iter().map(|task| row(task, now)).collect();
        let columns =
            [column("ID"), column("STATUS"), number("%"), column("WHEN"), wide("TITLE"), wide("NOW")];
        text::table(&columns, &rows, output.width()) + &more(page.total, page.items.len(), page.offset)
    });
    Ok(0)
}

/// Says that there are more than were shown.
pub fn more(total: u64, shown: usize, offset: u32) -> String {
    let until = u64::from(offset) + shown as u64;
    if until < total { format!("{until} of {total}; --offset {until} shows more.\n") } else { String::new() }
}

fn row(task: &Task, now: domain::UtcTime) -> Vec<String> {
    let doing = match (&task.error, &task.current_step, task.paused) {
        (Some(error), _, _) => error.code.to_string(),
        (_, _, true) => "paused".into(),
        (_, Some(step), _) => step.clone(),
        _ => task.note.clone().unwrap_or_default(),
    };
    vec![
        task.task_id.clone(),
        coloured(task.status).to_string(),
        format!("{:.0}", task.progress),
        relative(task.updated_at, now),
        plain(&task.title),
        plain(&doing),
    ]
}

pub async fn show(session: &Session, output: &Output, id: &str) -> Result<u8, Failure> {
    let detail: TaskDetail = typed(on_task(session, "tasks.get", id).await?)?;
    let value = json!({ "task": document(&detail.task), "jobs": detail.jobs });
    output.either(&value, || describe_task(&detail, output.width()));
    Ok(0)
}

fn describe_task(detail: &TaskDetail, width: Option<usize>) -> String {
    let (task, now) = (&detail.task, text::now());
    let mut out = format!("{}\n", style(plain(&task.title)).bold());
    let mut field = |name: &str, value: String| out.push_str(&format!("  {name:<12}{value}\n"));
    field("task", task.task_id.clone());
    field("source", plain(task.input.source.as_str()));
    field("status", format!("{} {:.0} %", coloured(task.status).to_string().trim_end(), task.progress));
    field(
        "recipe",
        format!("{}, language {}, engine {}", task.input.recipe, task.input.language, task.input.engine),
    );
    field("added", relative(task.created_at, now));
    if let Some(seconds) = task.duration {
        field("length", clock(seconds));
    }
    if let Some(bytes) = task.size {
        field("size", text::size(bytes));
    }
    if let Some(id) = &task.media_id {
        field("media", id.clone());
    }
    if let Some(id) = &task.transcript_id {
        field("transcript", id.clone());
    }
    if let Some(note) = &task.note {
        field("note", note.clone());
    }
    let rows: Vec<Vec<String>> = detail.jobs.iter().map(|job| job_row(job, now)).collect();
    let columns =
        [column("STEP"), column("STATE"), number("%"), number("TRIES"), column("ENGINE"), wide("DETAIL")];
    out.push('\n');
    out.push_str(&text::table(&columns, &rows, width));
    for error in detail.jobs.iter().filter_map(|job| job.error.as_ref()).take(3) {
        out.push_str(&format!("\n{}\n", describe(error)));
    }
    out
}

fn job_row(job: &Job, now: domain::UtcTime) -> Vec<String> {
    let detail = match (&job.error, job.run_at, job.state) {
        (_, Some(at), JobState::Scheduled) => format!("next try {}", relative(at, now)),
        (Some(error), _, _) => error.code.to_string(),
        _ if job.cached => "was there already".into(),
        _ => job.detail.clone().unwrap_or_default(),
    };
    vec![
        job.step.clone(),
        job.state.to_string(),
        format!("{:.0}", job.progress),
        format!("{}/{}", job.attempts, job.max_attempts),
        job.engine.clone().unwrap_or_default(),
        plain(&detail),
    ]
}

pub async fn cancel(session: &Session, output: &Output, id: &str) -> Result<u8, Failure> {
    let task: Task = typed(on_task(session, "tasks.cancel", id).await?)?;
    output.either(&json!({ "task": document(&task) }), || {
        format!("{} {}  {}\n", coloured(task.status), plain(&task.title), task.task_id)
    });
    Ok(0)
}

pub async fn pause(session: &Session, output: &Output, args: PauseArgs, pause: bool) -> Result<u8, Failure> {
    let host = session.open(false).await?;
    let name = if pause { "tasks.pause" } else { "tasks.resume" };
    let answer = async {
        let task_id = match &args.id {
            Some(id) => Some(whole_id(&host, id).await?),
            None => None,
        };
        host.call(name, json!({ "task_id": task_id, "lane": args.lane })).await
    };
    let answer = answer.await;
    host.close().await;
    let answer = answer?;
    let status: QueueStatus = typed(answer.clone())?;
    output.either(&answer, || {
        let what = match (&args.id, &args.lane) {
            (Some(id), _) => format!("The task {}", plain(id)),
            (_, Some(lane)) => format!("The lane {}", plain(lane)),
            _ => "Everything".into(),
        };
        let done = if pause { "is paused" } else { "goes on" };
        format!("{what} {done}. {} queued, {} running.\n", status.queued, status.processing)
    });
    Ok(0)
}

pub async fn retry(session: &Session, output: &Output, args: RetryArgs) -> Result<u8, Failure> {
    let host = session.open(false).await?;
    let answer = async {
        let task_id = match &args.id {
            Some(id) => Some(whole_id(&host, id).await?),
            None => None,
        };
        host.call("tasks.retry", json!({ "task_id": task_id, "all_failed": args.all_failed })).await
    };
    let answer = answer.await;
    host.close().await;
    let answer = answer?;
    let retried: Retried = typed(answer.clone())?;
    output.either(&answer, || match retried.task_ids.len() {
        0 => "Nothing had failed.\n".into(),
        1 => format!("1 task is queued again: {}\n", retried.task_ids[0]),
        many => format!("{many} tasks are queued again.\n"),
    });
    Ok(0)
}

pub async fn dead_letters(session: &Session, output: &Output, args: DeadLettersArgs) -> Result<u8, Failure> {
    if args.clear {
        return clear_letters(session, output, args).await;
    }
    let answer = session.list("dead_letters.list", json!({}), &args.page).await?;
    let letters: Page<DeadLetter> = typed(answer.clone())?;
    output.either(&answer, || {
        if letters.items.is_empty() {
            return "No dead letters.\n".into();
        }
        let now = text::now();
        let mut out = String::new();
        for letter in &letters.items {
            out.push_str(&format!(
                "{}  {}  step {}, {} tries, {}\n  {} ({})\n",
                letter.task_id,
                style(plain(&letter.title)).bold(),
                letter.step,
                letter.attempts,
                relative(letter.died_at, now),
                plain(&letter.error.message),
                letter.error.code,
            ));
            if let Some(cure) = cure(&letter.error) {
                out.push_str(&format!("  {cure}\n"));
            }
        }
        out + &more(letters.total, letters.items.len(), letters.offset)
            + "Try one again with `bobina retry ID`, all with `bobina retry --all-failed`; put one away with `bobina dead-letters --clear ID`.\n"
    });
    Ok(0)
}

async fn clear_letters(session: &Session, output: &Output, args: DeadLettersArgs) -> Result<u8, Failure> {
    let host = session.open(false).await?;
    let answer = async {
        let task_id = match &args.id {
            Some(id) => Some(whole_id(&host, id).await?),
            None => None,
        };
        let all = task_id.is_none() && args.code.is_none();
        host.call("dead_letters.clear", json!({ "task_id": task_id, "code": args.code, "all": all })).await
    };
    let answer = answer.await;
    host.close().await;
    let answer = answer?;
    let cleared: ClearedLetters = typed(answer.clone())?;
    output.either(&answer, || match cleared.job_ids.len() {
        0 => "There was no such dead letter.\n".into(),
        1 => "1 dead letter is put away; its task stays failed.\n".into(),
        many => format!("{many} dead letters are put away; their tasks stay failed.\n"),
    });
    Ok(0)
}
