//! Cancel, pause, restart and run again, while real work is under way.

use backend::Backend;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tests::engine::{add, call, ended, long_speech, open, sample, text, until};
use tests::program::processes_on;

fn is_hearing(task: &Value) -> bool {
    task["current_step"] == "transcribe" && task["progress"].as_f64().is_some_and(|p| p > 36.0)
}

/// The data folder, opened, and a task that hears long speech with the basic engine.
async fn hearing(folder: &Path) -> (PathBuf, Backend, Value) {
    let data_dir = folder.join("data");
    let backend = open(&data_dir).await;
    let request = json!({"sources": [text(&long_speech(folder))], "language": "en", "engine": "basic"});
    let outcome = call(&backend, "tasks.add", request).await;
    (data_dir, backend, outcome["tasks"][0]["task_id"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_task_is_cancelled_within_two_seconds_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data_dir, backend, id) = hearing(folder.path()).await;
    until(&backend, &id, is_hearing).await;
    assert!(!processes_on(folder.path()).is_empty(), "nothing is hearing");

    let asked = Instant::now();
    let task = call(&backend, "tasks.cancel", json!({"task_id": id})).await;
    assert_eq!(task["status"], "cancelled");
    let left = || {
        let scratch = std::fs::read_dir(data_dir.join("scratch")).expect("a folder").count();
        let speech = std::fs::read_dir(data_dir.join("work/speech")).expect("a folder").count();
        (processes_on(folder.path()), scratch + speech)
    };
    while left() != (Vec::new(), 0) {
        assert!(asked.elapsed() < Duration::from_secs(2), "still there: {:?}", left());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(tests::engine::task(&backend, &id).await["status"], "cancelled", "a late word was taken");
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_stops_the_work_and_a_restart_goes_on_from_the_last_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data_dir, backend, id) = hearing(folder.path()).await;
    let before = until(&backend, &id, |_| windows(&data_dir) >= 1).await;
    call(&backend, "tasks.pause", json!({})).await;
    let stopped = Instant::now();
    while !processes_on(folder.path()).is_empty() {
        assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", processes_on(folder.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let paused = tests::engine::task(&backend, &id).await;
    assert_eq!(paused["status"], before["status"], "a pause is a flag, not a status");
    backend.shutdown().await;

    let heard = windows(&data_dir);
    let backend = open(&data_dir).await;
    assert_eq!(
        call(&backend, "queue.status", json!({})).await["paused"],
        true,
        "the pause outlives the program"
    );
    call(&backend, "tasks.resume", json!({})).await;
    let task = until(&backend, &id, ended).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let detail = call(&backend, "tasks.get", json!({"task_id": id})).await;
    let jobs = detail["jobs"].as_array().expect("jobs");
    let transcribe = jobs.iter().find(|job| job["kind"] == "transcribe").expect("the step");
    assert_eq!(transcribe["attempts"], 1, "a pause and a restart use up no try: {transcribe:#}");
    assert!(windows(&data_dir) > heard, "it had ended before the pause");
    let transcript = call(&backend, "transcripts.get", json!({"id": task["transcript_id"]})).await;
    let said = transcript["text"].as_str().expect("text").matches("nothing is ever lost").count();
    assert!((7..=9).contains(&said), "9 rounds of the clip, heard {said} times");
    backend.shutdown().await;
}

/// Windows of speech stored so far.
fn windows(data_dir: &Path) -> i64 {
    let db = rusqlite::Connection::open(data_dir.join("bobina.db")).expect("the database");
    db.query_row("SELECT count(*) FROM transcript_windows", [], |row| row.get(0)).expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_is_done_again_on_demand_and_a_recipe_of_the_users_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let backend = open(&data_dir).await;
    std::fs::create_dir_all(data_dir.join("recipes")).expect("a folder");
    let recipe = json!({"name": "look", "title": "Look", "steps": [
        {"name": "fetch", "kind": "fetch"},
        {"name": "probe", "kind": "probe", "after": ["fetch"]},
        {"name": "poster", "kind": "poster", "after": ["probe"]},
    ]});
    std::fs::write(data_dir.join("recipes/look.json"), recipe.to_string()).expect("written");
    let (tasks, _) = add(&backend, json!({"sources": [text(&sample())], "recipe": "look"})).await;
    assert_eq!(tasks[0]["status"], "completed", "{:#}", tasks[0]);
    let id = tasks[0]["task_id"].clone();
    call(&backend, "tasks.run_step", json!({"task_id": id, "step": "poster"})).await;
    until(&backend, &id, ended).await;
    let detail = call(&backend, "tasks.get", json!({"task_id": id})).await;
    let jobs = detail["jobs"].as_array().expect("jobs");
    let runs = |step: &str| {
        let job = jobs.iter().find(|job| job["step"] == step).expect("the step");
        job["history"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((runs("probe"), runs("poster")), (1, 2), "{detail:#}");
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_and_silent_films_complete_with_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(&folder.path().join("data")).await;
    let make = |name: &str, arguments: &[&str]| {
        let path = folder.path().join(name);
        #[allow(clippy::disallowed_methods, reason = "fixtures are made by ffmpeg itself")]
        let made =
            Command::new("ffmpeg").args(["-v", "error", "-f", "lavfi"]).args(arguments).arg(&path).status();
        assert!(made.expect("ffmpeg starts").success());
        path
    };
    let picture = make("picture.png", &["-i", "testsrc2=s=320x180", "-frames:v", "1"]);
    let film = make("film.mp4", &["-i", "testsrc2=s=320x180:d=2", "-pix_fmt", "yuv420p"]);
    let noise = make("noise.wav", &["-i", "anoisesrc=d=5:a=0.1"]);
    let sources = json!([text(&picture), text(&film), text(&noise)]);
    let (tasks, refused) =
        add(&backend, json!({"sources": sources, "recipe": "vsl", "language": "en"})).await;
    assert!(refused.is_empty());
    let seen: Vec<_> = tasks
        .iter()
        .map(|t| (t["status"].as_str(), t["note"].as_str(), t["transcript_id"].is_string()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("completed"), Some("no_audio"), false),
            (Some("completed"), Some("no_audio"), false),
            (Some("completed"), Some("no_speech"), true),
        ],
        "{tasks:#?}"
    );
    backend.shutdown().await;
}
