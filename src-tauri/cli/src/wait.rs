//! Seeing tasks through: following their events until each has ended or waits for the user.
//!
//! Invariant: ends when every task is final or stands still for want of a model or a tool, and on Ctrl-C; never
//! leaves because of a retry or a wait that ends by itself.

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::session::typed;
use crate::signals;
use backend::api::types::TaskDetail;
use domain::task::Waiting;
use domain::{ApiError, Cure, ErrorCode, Event, JobState, Task};
use futures::StreamExt;
use serde_json::json;
use server::{EventStream, Host, Role};
use std::collections::HashMap;
use std::time::Duration;

/// Events tell of every change; reading the open tasks again now and then is the net under them.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// How the tasks stand at the end.
pub struct Outcome {
    /// In the order they were given; `error` is set on those that wait for a cure too.
    pub tasks: Vec<Task>,
    /// The user did not want to wait any longer.
    pub interrupted: bool,
}

/// Waits for the tasks, showing how they go on.
pub async fn for_tasks(
    host: &Host,
    output: &Output,
    tasks: Vec<Task>,
    mut events: EventStream,
) -> Result<Outcome, Failure> {
    let mut following = Following::new(tasks, Progress::new());
    let mut stop = std::pin::pin!(signals::asked_to_stop());
    let mut again = tokio::time::interval(READ_AGAIN);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut interrupted = false;
    while !following.is_done() {
        tokio::select! {
            () = &mut stop => {
                interrupted = true;
                break;
            }
            event = events.next() => match event {
                Some(Event::TaskChanged { task }) => following.take(host, *task).await?,
                Some(Event::JobChanged { job }) => following.progress.job(&job),
                Some(Event::Lagged) => following.read(host).await?,
                Some(_) => {}
                None => return Err(ApiError::internal("The events have ended.").into()),
            },
            _ = again.tick() => following.read(host).await?,
        }
    }
    following.progress.finish();
    let tasks = following.into_tasks();
    if interrupted {
        let open = tasks.iter().filter(|task| !task.status.is_final()).count();
        output.note(&match host.role() {
            Role::Remote { pid, works: true } => {
                format!("Not waiting any longer; {open} unfinished, going on in the Bobina that is running (process {pid}).")
            }
            _ => format!("Stopped; {open} unfinished, kept in the queue and gone on with at the next start."),
        });
    }
    Ok(Outcome { tasks, interrupted })
}

struct Following {
    order: Vec<String>,
    tasks: HashMap<String, Task>,
    progress: Progress,
}

impl Following {
    fn new(tasks: Vec<Task>, mut progress: Progress) -> Self {
        let order: Vec<String> = tasks.iter().map(|task| task.task_id.clone()).collect();
        for task in &tasks {
            progress.task(task);
        }
        let tasks = tasks.into_iter().map(|task| (task.task_id.clone(), task)).collect();
        Self { order, tasks, progress }
    }

    fn is_done(&self) -> bool {
        self.tasks.values().all(has_ended)
    }

    /// Takes in how a task stands now, when it is one of ours.
    async fn take(&mut self, host: &Host, mut task: Task) -> Result<(), Failure> {
        match self.tasks.get(&task.task_id) {
            None => return Ok(()),
            // An older word than the one we have.
            Some(known) if known.updated_at > task.updated_at => return Ok(()),
            Some(_) => {}
        }
        if !task.status.is_final() {
            task.error = None;
            if let Some(code) = stands_still(&task) {
                task.error = Some(cause(host, &task.task_id, code).await?);
            }
        }
        self.progress.task(&task);
        self.tasks.insert(task.task_id.clone(), task);
        Ok(())
    }

    /// Asks again how the open ones stand.
    async fn read(&mut self, host: &Host) -> Result<(), Failure> {
        let open: Vec<String> =
            self.tasks.values().filter(|task| !has_ended(task)).map(|task| task.task_id.clone()).collect();
        for task_id in open {
            let detail: TaskDetail = typed(host.call("tasks.get", json!({ "task_id": task_id })).await?)?;
            self.take(host, detail.task).await?;
        }
        Ok(())
    }

    fn into_tasks(mut self) -> Vec<Task> {
        self.order.iter().filter_map(|id| self.tasks.remove(id)).collect()
    }
}

fn has_ended(task: &Task) -> bool {
    task.status.is_final() || task.error.is_some()
}

/// The code of a wait that only the user can end.
fn stands_still(task: &Task) -> Option<ErrorCode> {
    match &task.waiting {
        Some(Waiting::For { code, .. }) if matches!(code.cure(), Cure::DownloadModel | Cure::InstallTool) => {
            Some(*code)
        }
        _ => None,
    }
}

/// The waiting job's own error, which names the model or the tool.
async fn cause(host: &Host, task_id: &str, code: ErrorCode) -> Result<ApiError, Failure> {
    let detail: TaskDetail = typed(host.call("tasks.get", json!({ "task_id": task_id })).await?)?;
    let waits = |state| matches!(state, JobState::Waiting | JobState::Scheduled | JobState::Ready);
    let error = detail.jobs.into_iter().filter(|job| waits(job.state)).find_map(|job| job.error);
    Ok(error.filter(|error| error.code == code).unwrap_or_else(|| {
        ApiError::new(code, "The task waits for a model or a tool that is not installed.")
    }))
}
