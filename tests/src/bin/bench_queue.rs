//! Measures the queue with full durability: no-op jobs a second, time from an enqueue's answer to the step's first
//! instruction, and restart over a long queue. With `--peers` it measures Celery on Redis and Huey on SQLite in the
//! same run and prints ratios.
//!
//! `bench_queue [--jobs N] [--peers] [--folder DIR]`; the folder (target/ by default) decides which disk is measured.

use anyhow::{Context, Result, ensure};
use backend::SystemClock;
use backend::queue::{Clock as _, JobRun, Limits, NewTask, Queue, StepFailure, StepOutput, Steps};
use backend::store::Store;
use domain::{Priority, Source, Step, StepKind, TaskInput, TaskKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};

/// Counts, and notes when each step began.
#[derive(Default)]
struct Noop {
    done: AtomicUsize,
    goal: AtomicUsize,
    reached: Notify,
    began: Mutex<Vec<Instant>>,
    note: bool,
}

#[async_trait::async_trait]
impl Steps for Noop {
    async fn run(&self, _job: JobRun) -> Result<StepOutput, StepFailure> {
        if self.note
            && let Ok(mut began) = self.began.lock()
        {
            began.push(Instant::now());
        }
        if self.done.fetch_add(1, Ordering::Relaxed) + 1 == self.goal.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
        Ok(StepOutput::default())
    }
}

fn new_task(number: u64) -> NewTask {
    NewTask {
        task_id: backend::ids::id("t_", number),
        kind: TaskKind::MediaProcessing,
        title: "no-op".into(),
        input: TaskInput {
            source: Source::File { path: "/nowhere".into() },
            recipe: "noop".into(),
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
        steps: vec![Step {
            name: "noop".into(),
            kind: StepKind::Noop,
            after: Vec::new(),
            lane: None,
            options: serde_json::Map::new(),
        }],
        media_id: None,
        duration: None,
        size: None,
        apply: None,
    }
}

async fn open(folder: &Path, steps: &Arc<Noop>, limits: Limits) -> Result<(Store, Queue)> {
    let clock = Arc::new(SystemClock);
    let store = Store::open(folder, clock.now())?;
    let (events, _) = broadcast::channel(16);
    let scratch = folder.join("scratch");
    let queue = Queue::start(store.clone(), clock, steps.clone(), limits, events, scratch).await?;
    Ok((store, queue))
}

async fn fill(queue: &Queue, jobs: usize) -> Result<()> {
    for start in (0..jobs).step_by(500) {
        let tasks = (start..jobs.min(start + 500)).map(|number| new_task(number as u64)).collect();
        queue.add_quietly(tasks).await?;
    }
    Ok(())
}

fn wide() -> Limits {
    Limits { cpu: 256, ..Limits::default() }
}

struct Throughput {
    enqueued: f64,
    run: f64,
}

/// Fills the paused queue, then lets it run dry: jobs a second each way.
async fn throughput(folder: &Path, jobs: usize) -> Result<Throughput> {
    let steps = Arc::new(Noop::default());
    steps.goal.store(jobs, Ordering::Relaxed);
    let (store, queue) = open(folder, &steps, wide()).await?;
    queue.pause(None, None).await?;
    let started = Instant::now();
    fill(&queue, jobs).await?;
    let enqueued = jobs as f64 / started.elapsed().as_secs_f64();
    let started = Instant::now();
    queue.resume(None, None).await?;
    steps.reached.notified().await;
    // Run means: its success is on the disk.
    while queue.status().await?.completed < jobs as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let run = jobs as f64 / started.elapsed().as_secs_f64();
    queue.shutdown(Duration::from_secs(2)).await?;
    store.close();
    Ok(Throughput { enqueued, run })
}

struct Latency {
    enqueue_p50: f64,
    /// From asking to the first instruction: what the user waits.
    whole_p50: f64,
    p50: f64,
    p99: f64,
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
    sorted[place - 1]
}

/// One task at a time into an idle queue: from the answer of `add` to the step's first instruction, in milliseconds.
async fn latency(folder: &Path, rounds: usize) -> Result<Latency> {
    let steps = Arc::new(Noop { note: true, ..Noop::default() });
    let (store, queue) = open(folder, &steps, Limits::default()).await?;
    let (mut waits, mut enqueues, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let asked = Instant::now();
        queue.add_quietly(vec![new_task(round as u64)]).await?;
        let answered = Instant::now();
        enqueues.push((answered - asked).as_secs_f64() * 1e3);
        while steps.began.lock().map_or(0, |began| began.len()) <= round {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let began = steps.began.lock().ok().and_then(|began| began.last().copied()).context("it began")?;
        // A step may begin before the answer has reached us.
        waits.push(began.saturating_duration_since(answered).as_secs_f64() * 1e3);
        whole.push(began.saturating_duration_since(asked).as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    queue.shutdown(Duration::from_secs(2)).await?;
    store.close();
    waits.sort_by(f64::total_cmp);
    enqueues.sort_by(f64::total_cmp);
    whole.sort_by(f64::total_cmp);
    Ok(Latency {
        enqueue_p50: percentile(&enqueues, 0.5),
        whole_p50: percentile(&whole, 0.5),
        p50: percentile(&waits, 0.5),
        p99: percentile(&waits, 0.99),
    })
}

/// From opening a store with `jobs` waiting to the first step's first instruction, in milliseconds.
async fn restart(folder: &Path, jobs: usize) -> Result<f64> {
    let steps = Arc::new(Noop::default());
    let (store, queue) = open(folder, &steps, Limits { work: false, ..Limits::default() }).await?;
    fill(&queue, jobs).await?;
    queue.shutdown(Duration::from_secs(1)).await?;
    store.close();
    drop((store, queue));
    let steps = Arc::new(Noop { note: true, ..Noop::default() });
    steps.goal.store(1, Ordering::Relaxed);
    let started = Instant::now();
    let (store, queue) = open(folder, &steps, Limits::default()).await?;
    steps.reached.notified().await;
    let began = steps.began.lock().ok().and_then(|began| began.first().copied()).context("it began")?;
    queue.shutdown(Duration::from_secs(1)).await?;
    store.close();
    Ok((began - started).as_secs_f64() * 1e3)
}

struct Peer {
    name: String,
    enqueued: f64,
    run: f64,
    p50: f64,
    p99: f64,
    whole_p50: f64,
}

#[allow(clippy::disallowed_methods, reason = "a bench starts the programs it compares with")]
fn peers(folder: &Path) -> Result<Vec<Peer>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/run.sh");
    let output = std::process::Command::new("bash")
        .arg(script)
        .arg(folder)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("the peers' script")?;
    ensure!(output.status.success(), "the peers' script failed");
    String::from_utf8(output.stdout)?
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let number = |name: &str| value[name].as_f64().with_context(|| format!("{name} in {line}"));
            Ok(Peer {
                name: value["peer"].as_str().context("its name")?.into(),
                enqueued: number("enqueued_per_second")?,
                run: number("run_per_second")?,
                p50: number("p50_ms")?,
                p99: number("p99_ms")?,
                whole_p50: number("whole_p50_ms")?,
            })
        })
        .collect()
}

/// The first row is ours; the ratios say how many times it is ahead.
fn print_table(rows: &[Peer]) {
    println!(
        "| {:15} | {:>10} | {:>8} | {:>10} | {:>10} | {:>15} | {:>9} | {:>15} |",
        "", "enqueued/s", "run/s", "p50 ms", "p99 ms", "p50 with answer", "run ratio", "answer+p50 ratio"
    );
    for row in rows {
        println!(
            "| {:15} | {:>10.0} | {:>8.0} | {:>10.2} | {:>10.2} | {:>15.2} | {:>8.1}× | {:>15.1}× |",
            row.name,
            row.enqueued,
            row.run,
            row.p50,
            row.p99,
            row.whole_p50,
            rows[0].run / row.run,
            row.whole_p50 / rows[0].whole_p50
        );
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut jobs, mut with_peers, mut folder) = (30_000usize, false, None::<PathBuf>);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--jobs" => jobs = arguments.next().context("--jobs N")?.parse()?,
            "--peers" => with_peers = true,
            "--folder" => folder = Some(arguments.next().context("--folder DIR")?.into()),
            other => anyhow::bail!("unknown argument {other}; known: --jobs N, --peers, --folder DIR"),
        }
    }
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let fresh = || tempfile::Builder::new().prefix("bench-queue-").tempdir_in(&folder);
    if cfg!(debug_assertions) {
        println!("note: built without optimisation; figures are lower bounds");
    }
    let ours = throughput(fresh()?.path(), jobs).await?;
    println!("no-op jobs, FULL: enqueued {:.0}/s, run {:.0}/s ({jobs} jobs)", ours.enqueued, ours.run);
    let wait = latency(fresh()?.path(), 300).await?;
    println!(
        "enqueue to start, idle, FULL: p50 {:.2} ms, p99 {:.2} ms (the enqueue itself: p50 {:.2} ms)",
        wait.p50, wait.p99, wait.enqueue_p50
    );
    let first = restart(fresh()?.path(), 100_000).await?;
    println!("restart with 100,000 jobs to the first step: {first:.0} ms");
    if with_peers {
        let mut all = vec![Peer {
            name: "Bobina".into(),
            enqueued: ours.enqueued,
            run: ours.run,
            p50: wait.p50,
            p99: wait.p99,
            whole_p50: wait.whole_p50,
        }];
        all.extend(peers(&folder)?);
        print_table(&all);
    }
    Ok(())
}
