//! Scaffold of the commands; the bodies follow.

use super::types::*;
use crate::Backend;
use domain::source::UrlItem;
use domain::{ApiError, Task, Transcript};

/// Queue files, folders and links.
pub async fn add(_backend: &Backend, _input: AddRequest) -> Result<AddOutcome, ApiError> {
    Err(ApiError::internal("tasks::add is not built yet"))
}

/// One page of the tasks.
pub async fn list(_backend: &Backend, _input: TaskQuery) -> Result<Page<Task>, ApiError> {
    Err(ApiError::internal("tasks::list is not built yet"))
}

/// A task with its steps and attempts.
pub async fn get(_backend: &Backend, _input: TaskId) -> Result<TaskDetail, ApiError> {
    Err(ApiError::internal("tasks::get is not built yet"))
}

/// Cancel a task, a running one too.
pub async fn cancel(_backend: &Backend, _input: TaskId) -> Result<Task, ApiError> {
    Err(ApiError::internal("tasks::cancel is not built yet"))
}

/// Pause a task, a lane or everything.
pub async fn pause(_backend: &Backend, _input: PauseRequest) -> Result<QueueStatus, ApiError> {
    Err(ApiError::internal("tasks::pause is not built yet"))
}

/// Undo a pause.
pub async fn resume(_backend: &Backend, _input: PauseRequest) -> Result<QueueStatus, ApiError> {
    Err(ApiError::internal("tasks::resume is not built yet"))
}

/// Try a failed or cancelled task again, or all that failed.
pub async fn retry(_backend: &Backend, _input: RetryRequest) -> Result<Retried, ApiError> {
    Err(ApiError::internal("tasks::retry is not built yet"))
}

/// Move a queued task.
pub async fn reorder(_backend: &Backend, _input: ReorderRequest) -> Result<Task, ApiError> {
    Err(ApiError::internal("tasks::reorder is not built yet"))
}

/// Change a task's priority.
pub async fn set_priority(_backend: &Backend, _input: PriorityRequest) -> Result<Task, ApiError> {
    Err(ApiError::internal("tasks::set_priority is not built yet"))
}

/// Do one step and what depends on it again.
pub async fn run_step(_backend: &Backend, _input: RunStepRequest) -> Result<TaskDetail, ApiError> {
    Err(ApiError::internal("tasks::run_step is not built yet"))
}

/// Jobs that will not be tried again by themselves.
pub async fn dead_letters(_backend: &Backend, _input: PageQuery) -> Result<Page<DeadLetter>, ApiError> {
    Err(ApiError::internal("tasks::dead_letters is not built yet"))
}

/// The queue at a glance.
pub async fn queue_status(_backend: &Backend, _input: Nothing) -> Result<QueueStatus, ApiError> {
    Err(ApiError::internal("tasks::queue_status is not built yet"))
}
