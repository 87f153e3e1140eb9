//! A queue over a real store whose steps do what their options say.
//!
//! Owns the scripted steps; leaves what is tested to the tests.
//! Options of a step: `ms` (works that long, stopping when told), `fail` (a code, every time), `fail_times` (then
//! succeeds), `panic`, `deaf` (does not hear the token), `progress` (tells it), `mutex`, `rows` (writes rows that fail).

#![allow(dead_code, reason = "each test uses its part of the rig")]

use backend::queue::{Clock, JobRun, Limits, NewTask, Queue, StepFailure, StepOutput, Steps};
use backend::store::{Store, StoreError};
use domain::{
    ApiError, ErrorCode, Event, Priority, Source, Step, StepKind, Task, TaskInput, TaskKind, TaskStatus,
    UtcTime,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Real time, moved by tests as they please.
#[derive(Default)]
pub struct MovedClock {
    pub ahead_ms: AtomicI64,
    count: AtomicU64,
}

impl Clock for MovedClock {
    fn now(&self) -> UtcTime {
        let real =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
        UtcTime(real as i64 + self.ahead_ms.load(Ordering::Relaxed))
    }

    fn random(&self) -> f64 {
        (self.count.fetch_add(1, Ordering::Relaxed) % 97) as f64 / 97.0
    }
}

/// One run of a step, as the steps saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub task_id: String,
    pub step: String,
    pub lease: i64,
    pub started: Instant,
    pub ended: Option<Instant>,
    pub cancelled: bool,
}

#[derive(Default)]
pub struct Scripted {
    pub seen: Mutex<Vec<Seen>>,
    tries: Mutex<HashMap<i64, u32>>,
}

impl Scripted {
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    async fn play(&self, job: &JobRun) -> Result<StepOutput, StepFailure> {
        let option = |name: &str| job.step.options.get(name).cloned().unwrap_or(Value::Null);
        if let Some(share) = option("progress").as_f64() {
            job.run.report(share, Some("so far"));
        }
        if let Some(ms) = option("ms").as_u64() {
            let pause = Duration::from_millis(ms);
            if option("deaf") == true {
                tokio::time::sleep(pause).await;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = job.run.cancel.cancelled() => return Err(ApiError::new(ErrorCode::Cancelled, "Stopped.").into()),
                }
            }
        }
        if option("panic") == true {
            panic!("the step was told to");
        }
        let tries = {
            let mut tries = self.tries.lock().unwrap();
            let count = tries.entry(job.job_id).or_default();
            *count += 1;
            *count
        };
        if let Some(code) = option("fail").as_str()
            && option("fail_times").as_u64().is_none_or(|times| u64::from(tries) <= times)
        {
            job.handle.set_engine("scripted");
            return Err(ApiError::new(code.parse().unwrap(), format!("told to fail: {code}")).into());
        }
        let mut output = StepOutput { cached: option("cached") == true, ..StepOutput::default() };
        output.note = option("note").as_str().map(str::to_string);
        output.media_id = option("media_id").as_str().map(str::to_string);
        output.skip_dependents = option("skip_dependents") == true;
        if option("rows") == "fail" {
            output.apply =
                Some(Box::new(|_| Err(StoreError::answer(ErrorCode::MediaDamaged, "rows refused"))));
        }
        Ok(output)
    }
}

#[async_trait::async_trait]
impl Steps for Scripted {
    async fn run(&self, job: JobRun) -> Result<StepOutput, StepFailure> {
        let place = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen {
                task_id: job.task_id.clone(),
                step: job.step.name.clone(),
                lease: job.lease,
                started: Instant::now(),
                ended: None,
                cancelled: false,
            });
            seen.len() - 1
        };
        let result = self.play(&job).await;
        let mut seen = self.seen.lock().unwrap();
        seen[place].ended = Some(Instant::now());
        seen[place].cancelled = job.run.cancel.is_cancelled();
        result
    }

    fn limit(&self, job: &JobRun) -> Duration {
        Duration::from_millis(job.step.options.get("limit_ms").and_then(Value::as_u64).unwrap_or(60_000))
    }

    fn patience(&self, job: &JobRun) -> Duration {
        Duration::from_millis(job.step.options.get("patience_ms").and_then(Value::as_u64).unwrap_or(60_000))
    }
}

pub struct Rig {
    pub queue: Queue,
    pub store: Store,
    pub steps: Arc<Scripted>,
    pub clock: Arc<MovedClock>,
    pub events: broadcast::Sender<Event>,
}

impl Rig {
    pub async fn start(folder: &Path) -> Rig {
        Self::start_with(folder, Limits::default(), Arc::new(MovedClock::default())).await
    }

    pub async fn start_with(folder: &Path, limits: Limits, clock: Arc<MovedClock>) -> Rig {
        let store = Store::open(folder, clock.now()).unwrap();
        let steps = Arc::new(Scripted::default());
        let (events, _) = broadcast::channel(4096);
        let scratch = folder.join("scratch");
        let queue =
            Queue::start(store.clone(), clock.clone(), steps.clone(), limits, events.clone(), scratch)
                .await
                .unwrap();
        Rig { queue, store, steps, clock, events }
    }

    pub async fn stop(self) {
        self.queue.shutdown(Duration::from_secs(2)).await.unwrap();
        self.store.close();
    }

    pub async fn add(&self, number: u64, steps: Value) -> String {
        self.queue.add(vec![new_task(number, steps)]).await.unwrap()[0].task_id.clone()
    }

    pub async fn task(&self, task_id: &str) -> Task {
        self.queue.get(task_id).await.unwrap().task
    }

    /// Waits until the task satisfies `done`, at most 10 s.
    pub async fn until(&self, task_id: &str, what: &str, done: impl Fn(&Task) -> bool) -> Task {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let task = self.task(task_id).await;
            if done(&task) {
                return task;
            }
            assert!(Instant::now() < deadline, "waited for {what}, but: {task:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until_status(&self, task_id: &str, status: TaskStatus) -> Task {
        self.until(task_id, status.as_str(), |task| task.status == status).await
    }

    pub async fn until_running(&self, task_id: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.steps.seen().iter().any(|seen| seen.task_id == task_id && seen.ended.is_none()) {
            assert!(Instant::now() < deadline, "{task_id} does not run");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A task of `noop` steps: `[{"name": "a", "ms": 10, "after": ["b"], "lane": "net"}, …]`, or one object.
pub fn new_task(number: u64, steps: Value) -> NewTask {
    let steps = match steps {
        Value::Array(steps) => steps,
        one => vec![one],
    };
    NewTask {
        task_id: backend::ids::id("t_", number),
        kind: TaskKind::MediaProcessing,
        title: format!("task {number}"),
        input: TaskInput {
            source: Source::File { path: format!("/nowhere/{number}") },
            recipe: "test".into(),
            language: "auto".into(),
            engine: "auto".into(),
            headers: Vec::new(),
            secret_headers: None,
            allow_hosts: Vec::new(),
            again: false,
        },
        priority: Priority::Medium,
        batch_id: None,
        not_before: None,
        steps: steps.into_iter().enumerate().map(|(index, step)| scripted_step(index, step)).collect(),
        media_id: None,
        duration: None,
        size: None,
        apply: None,
    }
}

fn scripted_step(index: usize, step: Value) -> Step {
    let Value::Object(mut options) = step else { panic!("a step is an object") };
    let mut take = |name: &str| options.remove(name);
    let name =
        take("name").and_then(|n| n.as_str().map(str::to_string)).unwrap_or_else(|| format!("s{index}"));
    let lane = take("lane").map(|lane| serde_json::from_value(lane).unwrap());
    let after = take("after").map(|after| serde_json::from_value(after).unwrap()).unwrap_or_default();
    Step { name, kind: StepKind::Noop, after, lane, options: Map::from_iter(options) }
}

/// One step that works for `ms`.
pub fn work(ms: u64) -> Value {
    json!({ "ms": ms })
}
