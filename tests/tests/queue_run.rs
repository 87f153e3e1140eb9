//! The queue over a real store: steps that succeed, fail, hang, panic; what users do meanwhile.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

mod queue_rig;

use backend::api::types::{PageQuery, TaskQuery};
use backend::queue::{Clock, Limits};
use backend::store::pauses::Scope;
use domain::task::{Hold, Waiting};
use domain::{AttemptOutcome, ErrorCode, Event, JobState, Lane, Priority, TaskStatus};
use queue_rig::{MovedClock, Rig, new_task, work};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn everything() -> TaskQuery {
    serde_json::from_value(json!({"limit": 500, "sort": "created_at"})).unwrap()
}

fn page() -> PageQuery {
    PageQuery { limit: None, offset: None }
}

#[tokio::test]
async fn steps_run_in_their_order_and_the_task_completes() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let id = rig
        .add(
            1,
            json!([
                {"name": "fetch", "media_id": "m_1"},
                {"name": "probe", "after": ["fetch"]},
                {"name": "poster", "after": ["probe"], "ms": 5},
                {"name": "hear", "after": ["probe"], "note": "no_speech"},
                {"name": "end", "after": ["poster", "hear"]},
            ]),
        )
        .await;
    let task = rig.until_status(&id, TaskStatus::Completed).await;
    assert_eq!((task.progress, task.current_step.as_deref()), (100.0, None));
    assert_eq!((task.media_id.as_deref(), task.note.as_deref()), (Some("m_1"), Some("no_speech")));
    assert!(
        task.started_at.is_some() && task.finished_at.is_some() && task.waiting.is_none() && !task.cached
    );
    let order: Vec<_> = rig.steps.seen().iter().map(|seen| seen.step.clone()).collect();
    assert_eq!((order[0].as_str(), order[1].as_str(), order[4].as_str()), ("fetch", "probe", "end"));
    let detail = rig.queue.get(&id).await.unwrap();
    for job in &detail.jobs {
        assert_eq!((job.state, job.attempts, job.history.len()), (JobState::Succeeded, 1, 1), "{}", job.step);
        assert_eq!(job.history[0].outcome, AttemptOutcome::Succeeded);
    }
    rig.stop().await;
}

#[tokio::test]
async fn passing_faults_are_tried_again_later_permanent_ones_die_with_what_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let passing = rig.add(1, json!({"fail": "NETWORK_LOST", "fail_times": 1})).await;
    let permanent = rig
        .add(2, json!([{"name": "a", "fail": "MEDIA_DAMAGED"}, {"name": "b", "after": ["a"]}, {"name": "c"}]))
        .await;

    let task = rig.until(&passing, "the retry", |task| task.waiting.is_some()).await;
    let Some(Waiting::Until { time, attempt: 2 }) = task.waiting else { panic!("{:?}", task.waiting) };
    let delay = time.since(rig.queue.get(&passing).await.unwrap().jobs[0].history[0].finished_at.unwrap());
    assert!((24_000..=36_000).contains(&delay), "{delay}");

    let task = rig.until_status(&permanent, TaskStatus::Failed).await;
    assert_eq!(task.error.unwrap().code, ErrorCode::MediaDamaged);
    let states: Vec<_> = rig.queue.get(&permanent).await.unwrap().jobs.iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Dead, JobState::Cancelled, JobState::Succeeded]);
    let letters = rig.queue.dead_letters(page()).await.unwrap();
    assert_eq!((letters.total, letters.items[0].step.as_str()), (1, "a"));
    assert_eq!(letters.items[0].error.cure, ErrorCode::MediaDamaged.cure());

    // The clock reaches the retry; the failed step is tried again by hand and keeps what succeeded.
    rig.clock.ahead_ms.store(40_000, Ordering::Relaxed);
    rig.queue.retry(&permanent).await.unwrap();
    rig.until_status(&passing, TaskStatus::Completed).await;
    rig.until_status(&permanent, TaskStatus::Failed).await;
    let runs =
        |step: &str| rig.steps.seen().iter().filter(|s| s.task_id == permanent && s.step == step).count();
    assert_eq!((runs("a"), runs("b"), runs("c")), (2, 0, 1));
    rig.stop().await;
}

#[tokio::test]
async fn exhausted_retries_end_in_the_dead_letters_and_come_back_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { max_attempts: 2, ..Limits::default() };
    let rig = Rig::start_with(folder.path(), limits, Arc::new(MovedClock::default())).await;
    let id = rig.add(1, json!({"fail": "SERVER_FAULT", "fail_times": 2})).await;
    rig.until(&id, "the first failure", |task| task.waiting.is_some()).await;
    rig.clock.ahead_ms.store(3_600_000, Ordering::Relaxed);
    rig.queue.resume(None, None).await.unwrap();
    let task = rig.until_status(&id, TaskStatus::Failed).await;
    assert_eq!(task.error.unwrap().code, ErrorCode::ServerFault);
    assert_eq!(rig.queue.retry_all().await.unwrap(), std::slice::from_ref(&id));
    let task = rig.until_status(&id, TaskStatus::Completed).await;
    assert!(task.error.is_none());
    let job = &rig.queue.get(&id).await.unwrap().jobs[0];
    assert_eq!((job.attempts, job.history.len()), (1, 3));
    assert_eq!(rig.queue.retry(&id).await.unwrap_err().code, ErrorCode::TaskFinished);
    rig.stop().await;
}

#[tokio::test]
async fn a_missing_model_waits_without_using_a_try_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let id = rig.add(1, json!({"fail": "MODEL_MISSING", "fail_times": 3})).await;
    for look in 1..=3 {
        let task = rig
            .until(&id, "waiting", |task| task.waiting.is_some() && task.status != TaskStatus::Completed)
            .await;
        assert_eq!(task.waiting, Some(Waiting::For { code: ErrorCode::ModelMissing, time: None }));
        let job = &rig.queue.get(&id).await.unwrap().jobs[0];
        assert_eq!((job.state, job.attempts, job.history.len()), (JobState::Waiting, 0, 1), "look {look}");
        assert_eq!(rig.queue.wake(ErrorCode::ToolMissing).await.unwrap(), 0);
        assert_eq!(rig.queue.wake(ErrorCode::ModelMissing).await.unwrap(), 1);
        let runs = look + 1;
        let deadline = Instant::now() + Duration::from_secs(5);
        while rig.steps.seen().iter().filter(|s| s.ended.is_some()).count() < runs {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    rig.until_status(&id, TaskStatus::Completed).await;
    rig.stop().await;
}

#[tokio::test]
async fn cancel_stops_a_running_task_within_two_seconds_and_refuses_its_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let running = rig.add(1, json!([{"name": "a", "ms": 60_000}, {"name": "b", "after": ["a"]}])).await;
    // Does not hear its token, and ends with a success that must not count.
    let deaf = rig.add(2, json!({"ms": 300, "deaf": true})).await;
    rig.until_running(&running).await;
    rig.until_running(&deaf).await;
    let begun = Instant::now();
    for id in [&running, &deaf] {
        let task = rig.queue.cancel(id).await.unwrap();
        assert_eq!(task.status, TaskStatus::Cancelled);
    }
    while rig.steps.seen().iter().any(|seen| seen.ended.is_none()) {
        assert!(begun.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    for id in [&running, &deaf] {
        let detail = rig.queue.get(id).await.unwrap();
        assert_eq!(detail.task.status, TaskStatus::Cancelled);
        assert!(detail.jobs.iter().all(|job| job.state == JobState::Cancelled));
        assert_eq!(detail.jobs[0].history[0].outcome, AttemptOutcome::Cancelled);
    }
    assert_eq!(rig.queue.cancel(&deaf).await.unwrap_err().code, ErrorCode::TaskFinished);
    assert_eq!(rig.queue.cancel("t_none").await.unwrap_err().code, ErrorCode::TaskNotFound);
    // A cancelled task may be tried again.
    rig.queue.retry(&deaf).await.unwrap();
    rig.until_status(&deaf, TaskStatus::Completed).await;
    rig.stop().await;
}

#[tokio::test]
async fn pause_gives_runs_back_and_resume_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let one = rig.add(1, work(400)).await;
    rig.until_running(&one).await;
    rig.queue.pause(Some(&one), None).await.unwrap();
    let task = rig.task(&one).await;
    assert!(task.paused && task.waiting == Some(Waiting::Paused) && !task.status.is_final());
    let job = &rig.queue.get(&one).await.unwrap().jobs[0];
    assert_eq!(
        (job.state, job.attempts, job.history[0].outcome),
        (JobState::Ready, 0, AttemptOutcome::Snoozed)
    );
    rig.queue.resume(Some(&one), None).await.unwrap();
    rig.until_status(&one, TaskStatus::Completed).await;

    rig.queue.pause(None, Some(Lane::Cpu)).await.unwrap();
    let cpu = rig.add(2, work(1)).await;
    let net = rig.add(3, json!({"lane": "net"})).await;
    rig.until_status(&net, TaskStatus::Completed).await;
    assert_eq!(rig.task(&cpu).await.waiting, Some(Waiting::Paused));
    rig.queue.pause(None, None).await.unwrap();
    rig.queue.resume(None, Some(Lane::Cpu)).await.unwrap();
    let status = rig.queue.status().await.unwrap();
    assert!(status.paused && status.lanes.iter().all(|lane| !lane.paused));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(rig.task(&cpu).await.status, TaskStatus::Queued);
    rig.queue.resume(None, None).await.unwrap();
    rig.until_status(&cpu, TaskStatus::Completed).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_pause_ends_at_its_time_and_the_schedule_stands_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(MovedClock::default());
    let rig = Rig::start_with(folder.path(), Limits::default(), clock.clone()).await;
    let until = clock.now().plus_millis(3_600_000);
    rig.queue.hold(Scope::All, Some(until)).await.unwrap();
    rig.queue.hold(Scope::Hold(Hold::Power), None).await.unwrap();
    let id = rig.add(1, work(1)).await;
    assert_eq!(rig.task(&id).await.waiting, Some(Waiting::PausedUntil { time: until }));
    clock.ahead_ms.store(3_600_001, Ordering::Relaxed);
    // Any change wakes the queue, which finds that the time has come.
    rig.add(2, work(1)).await;
    let held = Some(Waiting::Held { by: Hold::Power, time: None });
    rig.until(&id, "the end of the pause", |task| task.waiting == held).await;
    let status = rig.queue.status().await.unwrap();
    assert_eq!((status.paused, status.paused_until, status.held), (false, None, Some(Hold::Power)));
    rig.queue.let_go(Scope::Hold(Hold::Power)).await.unwrap();
    rig.until_status(&id, TaskStatus::Completed).await;
    rig.stop().await;
}

#[tokio::test]
async fn lanes_hold_their_limits_and_one_mutex_runs_once() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let ids: Vec<_> = {
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(rig.add(number, json!({"ms": 40})).await);
        }
        for number in 6..10 {
            ids.push(rig.add(number, json!({"ms": 20, "lane": "net", "mutex": "same"})).await);
        }
        ids
    };
    let waiting = rig.task(&ids[5]).await.waiting;
    assert!(matches!(&waiting, Some(Waiting::Lane { lane, .. }) if lane == "cpu"), "{waiting:?}");
    for id in &ids {
        rig.until_status(id, TaskStatus::Completed).await;
    }
    let seen = rig.steps.seen();
    let at_once = |ids: &[String]| {
        let spans: Vec<_> =
            seen.iter().filter(|s| ids.contains(&s.task_id)).map(|s| (s.started, s.ended.unwrap())).collect();
        spans
            .iter()
            .map(|(at, _)| spans.iter().filter(|(from, to)| from <= at && at < to).count())
            .max()
            .unwrap()
    };
    assert_eq!(at_once(&ids[..6]), 2);
    assert_eq!(at_once(&ids[6..]), 1);
    rig.stop().await;
}

#[tokio::test]
async fn a_batch_does_not_block_a_single_task_and_priority_and_order_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { cpu: 1, ..Limits::default() };
    let rig = Rig::start_with(folder.path(), limits, Arc::new(MovedClock::default())).await;
    rig.queue.pause(None, None).await.unwrap();
    let batch: Vec<_> = (0..20)
        .map(|number| {
            let mut task = new_task(number, work(1));
            task.batch_id = Some("b_1".into());
            task
        })
        .collect();
    let batch: Vec<_> = rig.queue.add(batch).await.unwrap().into_iter().map(|task| task.task_id).collect();
    let single = rig.add(100, work(1)).await;
    let urgent = rig.add(101, work(1)).await;
    rig.queue.set_priority(&urgent, Priority::Urgent).await.unwrap();
    rig.queue.reorder(&batch[19], Some(&batch[1])).await.unwrap();
    rig.queue.reorder(&batch[0], None).await.unwrap();
    let shown = rig.queue.list(TaskQuery { sort: Some("queue".into()), ..everything() }).await.unwrap();
    assert_eq!(shown.items[0].task_id, urgent);
    rig.queue.resume(None, None).await.unwrap();
    for id in batch.iter().chain([&single, &urgent]) {
        rig.until_status(id, TaskStatus::Completed).await;
    }
    let order: Vec<_> = rig.steps.seen().iter().map(|seen| seen.task_id.clone()).collect();
    let place = |id: &String| order.iter().position(|other| other == id).unwrap();
    assert_eq!(place(&urgent), 0);
    assert!(place(&single) <= 2, "the single task ran as number {}", place(&single));
    assert_eq!(place(&batch[19]) + 1, place(&batch[1]));
    assert_eq!(place(&batch[0]), 21);
    rig.stop().await;
}

#[tokio::test]
async fn a_step_that_hangs_is_stopped_by_its_limit_or_for_its_silence() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let slow = rig.add(1, json!({"ms": 60_000, "limit_ms": 200})).await;
    let silent = rig.add(2, json!({"ms": 60_000, "patience_ms": 200})).await;
    for (id, code) in [(&slow, ErrorCode::ProcessingTimeout), (&silent, ErrorCode::StepStuck)] {
        rig.until(id, "the retry", |task| matches!(task.waiting, Some(Waiting::Until { .. }))).await;
        let job = &rig.queue.get(id).await.unwrap().jobs[0];
        assert_eq!((job.attempts, job.error.as_ref().unwrap().code), (1, code));
    }
    rig.stop().await;
}

#[tokio::test]
async fn panics_and_rows_that_fail_end_one_step_only() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let panics = rig.add(1, json!({"panic": true})).await;
    let rows = rig.add(2, json!({"rows": "fail"})).await;
    let fine = rig.add(3, work(1)).await;
    let task = rig.until_status(&panics, TaskStatus::Failed).await;
    let error = task.error.unwrap();
    assert_eq!((error.code, error.detail.as_deref()), (ErrorCode::Internal, Some("the step was told to")));
    assert_eq!(rig.until_status(&rows, TaskStatus::Failed).await.error.unwrap().message, "rows refused");
    rig.until_status(&fine, TaskStatus::Completed).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_step_runs_again_with_what_depends_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let id = rig
        .add(1, json!([{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}, {"name": "d", "after": ["a"]}]))
        .await;
    rig.until_status(&id, TaskStatus::Completed).await;
    rig.queue.run_step(&id, "b").await.unwrap();
    rig.until_status(&id, TaskStatus::Completed).await;
    let runs = |step: &str| rig.steps.seen().iter().filter(|seen| seen.step == step).count();
    assert_eq!((runs("a"), runs("b"), runs("c"), runs("d")), (1, 2, 2, 1));
    assert_eq!(rig.queue.run_step(&id, "x").await.unwrap_err().code, ErrorCode::InvalidInput);
    rig.stop().await;
}

#[tokio::test]
async fn skipped_steps_succeed_and_a_task_of_found_results_is_cached() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let id = rig
        .add(
            1,
            json!([{"name": "a", "cached": true, "skip_dependents": true, "note": "no_audio"},
                   {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]),
        )
        .await;
    let task = rig.until_status(&id, TaskStatus::Completed).await;
    assert!(task.cached);
    assert_eq!(task.note.as_deref(), Some("no_audio"));
    assert_eq!(rig.steps.seen().len(), 1);
    rig.stop().await;
}

#[tokio::test]
async fn not_before_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let mut task = new_task(1, work(1));
    let now = rig.task(&rig.add(2, work(1)).await).await.created_at;
    task.not_before = Some(now.plus_millis(600));
    let id = rig.queue.add(vec![task]).await.unwrap().remove(0).task_id;
    assert!(matches!(rig.task(&id).await.waiting, Some(Waiting::Until { attempt: 1, .. })));
    let done = rig.until_status(&id, TaskStatus::Completed).await;
    assert!(done.started_at.unwrap() >= now.plus_millis(600));
    // The timer woke it, not the slow poll.
    assert!(done.started_at.unwrap() <= now.plus_millis(1_600));
    rig.stop().await;
}

#[tokio::test]
async fn events_follow_the_commit_and_end_with_the_last_state() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let mut events = rig.events.subscribe();
    let id =
        rig.add(1, json!([{"name": "a", "progress": 0.5, "ms": 1200}, {"name": "b", "after": ["a"]}])).await;
    let (mut progress, mut statuses, mut queue) = (0.0, Vec::new(), false);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while statuses.last() != Some(&TaskStatus::Completed) {
        match tokio::time::timeout_at(deadline, events.recv()).await.unwrap().unwrap() {
            Event::TaskChanged { task } => {
                assert_eq!(task.task_id, id);
                assert!(task.progress >= progress, "progress went back");
                progress = task.progress;
                statuses.push(task.status);
            }
            Event::QueueChanged => queue = true,
            _ => {}
        }
    }
    assert!(queue && statuses.contains(&TaskStatus::Processing), "{statuses:?}");
    assert!(statuses.len() < 12, "{} events for one task", statuses.len());
    rig.stop().await;
}

#[tokio::test]
async fn shutdown_gives_running_jobs_back_and_the_next_start_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let id = rig.add(1, work(60_000)).await;
    rig.until_running(&id).await;
    let begun = Instant::now();
    rig.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let limits = Limits { work: false, ..Limits::default() };
    let rig = Rig::start_with(folder.path(), limits, Arc::new(MovedClock::default())).await;
    let job = &rig.queue.get(&id).await.unwrap().jobs[0];
    assert_eq!(
        (job.state, job.attempts, job.history[0].outcome),
        (JobState::Ready, 0, AttemptOutcome::Snoozed)
    );
    rig.queue.set_limits(Limits::default()).await.unwrap();
    rig.until_running(&id).await;
    rig.queue.cancel(&id).await.unwrap();
    rig.stop().await;
}

#[tokio::test]
async fn ended_tasks_expire_and_are_told_from_unknown_ones() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::start(folder.path()).await;
    let done = rig.add(1, work(1)).await;
    let dead = rig.add(2, json!({"fail": "MEDIA_DAMAGED"})).await;
    rig.until_status(&done, TaskStatus::Completed).await;
    rig.until_status(&dead, TaskStatus::Failed).await;
    rig.stop().await;
    let clock = Arc::new(MovedClock::default());
    clock.ahead_ms.store(8 * 24 * 3_600_000, Ordering::Relaxed);
    let rig = Rig::start_with(folder.path(), Limits::default(), clock).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while rig.queue.list(everything()).await.unwrap().total > 1 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(rig.queue.get(&done).await.unwrap_err().code, ErrorCode::TaskExpired);
    assert_eq!(rig.queue.cancel(&done).await.unwrap_err().code, ErrorCode::TaskExpired);
    assert_eq!(rig.queue.get("t_unknown").await.unwrap_err().code, ErrorCode::TaskNotFound);
    // A dead letter stays until the user has dealt with it.
    assert_eq!(rig.task(&dead).await.status, TaskStatus::Failed);
    rig.stop().await;
}
