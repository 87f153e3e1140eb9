//! The backend itself inside a test, driven by its own commands.

use backend::{Backend, Opened, Options, api};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Opens the data folder as its owner, with the queue running.
pub async fn open(data_dir: &Path) -> Backend {
    let worker_program = crate::program::bobina().expect("cargo build -p cli comes first");
    let options = Options { data_dir: data_dir.into(), worker_program, work: true };
    match Backend::open(options).await.expect("the folder opens") {
        Opened::Owner(backend) => backend,
        Opened::Taken(address) => panic!("{address:?} has it"),
    }
}

/// A command that succeeds.
pub async fn call(backend: &Backend, command: &str, input: Value) -> Value {
    api::call(backend, command, input).await.unwrap_or_else(|error| panic!("{command}: {error:?}"))
}

/// The task as it is now.
pub async fn task(backend: &Backend, id: &Value) -> Value {
    call(backend, "tasks.get", json!({"task_id": id})).await["task"].clone()
}

/// Waits until the task is as wanted, at most five minutes, and gives it as it is then.
pub async fn until(backend: &Backend, id: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let task = task(backend, id).await;
        if wanted(&task) {
            return task;
        }
        assert!(Instant::now() < deadline, "not so within five minutes: {task:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Completed, failed or cancelled.
pub fn ended(task: &Value) -> bool {
    matches!(task["status"].as_str(), Some("completed" | "failed" | "cancelled"))
}

/// Adds, waits until every task of it ended, and gives tasks and refusals as they are then.
pub async fn add(backend: &Backend, request: Value) -> (Vec<Value>, Vec<Value>) {
    let outcome = call(backend, "tasks.add", request).await;
    let mut tasks = Vec::new();
    for task in outcome["tasks"].as_array().expect("a list") {
        tasks.push(until(backend, &task["task_id"], ended).await);
    }
    (tasks, outcome["refused"].as_array().expect("a list").clone())
}

/// The sample clip that ships with Bobina.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../assets/samples/welcome.mp4")
        .canonicalize()
        .expect("the sample")
}

/// The path as JSON wants it.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a readable path")
}

/// Two minutes of speech, `long.mp4` in the folder: long enough to be in the middle of.
pub fn long_speech(folder: &Path) -> PathBuf {
    speech(folder, 9)
}

/// So many rounds of the sample clip's speech, 14 s each, as `long.mp4` in the folder.
#[allow(clippy::disallowed_methods, reason = "fixtures are made by ffmpeg itself")]
pub fn speech(folder: &Path, rounds: u32) -> PathBuf {
    let path = folder.join("long.mp4");
    let again = (rounds - 1).to_string();
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", &again, "-i", text(&sample()), "-c", "copy", "-y", text(&path)])
        .status();
    assert!(made.expect("ffmpeg starts").success());
    path
}
