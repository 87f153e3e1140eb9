//! What a task is, from what its jobs are: status, progress, current step, error.
//!
//! Invariant: pure; progress never goes back; a final status means that every job is final.

use domain::{JobState, TaskStatus, UtcTime, progress};

/// What counts of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSummary {
    pub job_id: i64,
    pub step: String,
    pub state: JobState,
    pub weight: f64,
    pub progress: f64,
    pub cached: bool,
    /// It has been claimed at least once.
    pub started: bool,
    pub finished_at: Option<i64>,
    /// Its error as stored JSON.
    pub error: Option<String>,
}

/// What follows for the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollup {
    pub status: TaskStatus,
    pub progress: f64,
    pub current_step: Option<String>,
    /// Error of the job that died first, as stored JSON.
    pub error: Option<String>,
    pub cached: bool,
}

/// Rolls the jobs of a task up, in the order of their positions; `before` is the progress shown so far.
pub fn rollup(jobs: &[JobSummary], before: f64) -> Rollup {
    let status = status(jobs);
    let progress = match status {
        TaskStatus::Completed => 100.0,
        _ => {
            let steps = jobs
                .iter()
                .map(|job| (job.weight, if job.state == JobState::Succeeded { 100.0 } else { job.progress }));
            progress::weighted(steps, before)
        }
    };
    let error = jobs
        .iter()
        .filter(|job| job.state == JobState::Dead)
        .min_by_key(|job| (job.finished_at, job.job_id))
        .and_then(|job| job.error.clone());
    Rollup {
        status,
        progress,
        current_step: if status.is_final() { None } else { current_step(jobs) },
        error,
        cached: status == TaskStatus::Completed && jobs.iter().all(|job| job.cached),
    }
}

fn status(jobs: &[JobSummary]) -> TaskStatus {
    let any = |state: JobState| jobs.iter().any(|job| job.state == state);
    if jobs.iter().all(|job| job.state.is_final()) {
        if any(JobState::Dead) {
            TaskStatus::Failed
        } else if any(JobState::Cancelled) {
            TaskStatus::Cancelled
        } else {
            TaskStatus::Completed
        }
    } else if jobs.iter().any(|job| job.started || job.state == JobState::Succeeded) {
        TaskStatus::Processing
    } else {
        TaskStatus::Queued
    }
}

/// The heaviest step that runs, else the first that waits for something.
fn current_step(jobs: &[JobSummary]) -> Option<String> {
    let running = jobs.iter().filter(|job| job.state == JobState::Running);
    let heaviest = running.max_by(|a, b| a.weight.total_cmp(&b.weight));
    let waiting = |states: &[JobState]| jobs.iter().find(|job| states.contains(&job.state));
    heaviest
        .or_else(|| waiting(&[JobState::Waiting, JobState::Scheduled, JobState::Ready]))
        .or_else(|| waiting(&[JobState::Blocked]))
        .map(|job| job.step.clone())
}

/// A forecast from less progress than this, in percent, would be a guess.
const SENSIBLE_PROGRESS: f64 = 5.0;

/// A forecast from less time than this, in milliseconds, would jump about.
const SENSIBLE_MS: i64 = 3_000;

/// When a running task will be done, from the rate so far; null while that would be a guess.
pub fn estimate(started_at: Option<UtcTime>, progress: f64, now: UtcTime) -> Option<UtcTime> {
    let elapsed = now.since(started_at?);
    if elapsed < SENSIBLE_MS || !(SENSIBLE_PROGRESS..100.0).contains(&progress) {
        return None;
    }
    Some(now.plus_millis((elapsed as f64 * (100.0 - progress) / progress) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use JobState::*;

    fn job(job_id: i64, state: JobState, weight: f64) -> JobSummary {
        JobSummary {
            job_id,
            step: format!("s{job_id}"),
            state,
            weight,
            progress: 0.0,
            cached: false,
            started: state == Running,
            finished_at: state.is_final().then_some(job_id),
            error: (state == Dead).then(|| format!("e{job_id}")),
        }
    }

    #[test]
    fn follows_the_jobs() {
        let of = |states: &[JobState]| {
            let jobs: Vec<_> = states.iter().enumerate().map(|(i, s)| job(i as i64, *s, 1.0)).collect();
            rollup(&jobs, 0.0)
        };
        assert_eq!(of(&[Ready, Blocked]).status, TaskStatus::Queued);
        assert_eq!(of(&[Running, Blocked]).status, TaskStatus::Processing);
        assert_eq!(of(&[Succeeded, Ready]).status, TaskStatus::Processing);
        assert_eq!(of(&[Dead, Cancelled, Running]).status, TaskStatus::Processing);
        let failed = of(&[Succeeded, Dead, Cancelled, Dead]);
        assert_eq!((failed.status, failed.error.as_deref()), (TaskStatus::Failed, Some("e1")));
        assert_eq!(of(&[Succeeded, Cancelled]).status, TaskStatus::Cancelled);
        let done = of(&[Succeeded, Succeeded]);
        assert_eq!((done.status, done.progress, done.current_step), (TaskStatus::Completed, 100.0, None));
    }

    #[test]
    fn shows_the_heaviest_running_step_and_never_goes_back() {
        let mut jobs =
            [job(1, Succeeded, 30.0), job(2, Running, 5.0), job(3, Running, 60.0), job(4, Blocked, 5.0)];
        jobs[2].progress = 50.0;
        let rolled = rollup(&jobs, 0.0);
        assert_eq!(rolled.current_step.as_deref(), Some("s3"));
        assert_eq!(rolled.progress, 60.0);
        jobs[2].progress = 10.0;
        assert_eq!(rollup(&jobs, 60.0).progress, 60.0);
    }

    #[test]
    fn forecasts_only_when_sensible() {
        let at = |ms| Some(UtcTime(ms));
        assert_eq!(estimate(at(0), 50.0, UtcTime(10_000)), at(20_000));
        assert_eq!(estimate(at(0), 1.0, UtcTime(10_000)), None);
        assert_eq!(estimate(at(0), 50.0, UtcTime(10)), None);
        assert_eq!(estimate(None, 50.0, UtcTime(10_000)), None);
    }
}
