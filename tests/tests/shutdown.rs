//! Ended by a signal in the middle of work: soon, with nothing left running, and the work goes on at the next start.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tests::engine::{speech, text};
use tests::program::{Serving, bobina, ended, processes_on, signal};
use tokio::io::AsyncWriteExt;

/// The queue's own limit on stopping is 5 s; the rest is for a busy machine.
const END: Duration = Duration::from_secs(15);
const REACHED: Duration = Duration::from_secs(400);

async fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + REACHED;
    while !reached() {
        assert!(Instant::now() < deadline, "{what}: not so within {REACHED:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A number from the database of a folder.
fn number(data_dir: &Path, sql: &str) -> i64 {
    let Ok(db) = rusqlite::Connection::open(data_dir.join("bobina.db")) else { return 0 };
    db.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

/// Speech is being heard: a program of another's runs for the data folder besides our own.
fn is_hearing(data_dir: &Path, engine: &str) -> bool {
    number(data_dir, "SELECT count(*) FROM jobs WHERE kind = 'transcribe' AND state = 'running'") == 1
        && processes_on(data_dir).iter().any(|(_, line)| line.contains(engine))
}

/// No child is left; every step that ran is ready again with its try given back.
fn is_at_rest(data_dir: &Path) {
    assert_eq!(processes_on(data_dir), Vec::new(), "left running");
    assert_eq!(number(data_dir, "SELECT count(*) FROM jobs WHERE state = 'running'"), 0);
    let tries = "SELECT count(*) FROM jobs WHERE kind = 'transcribe' AND state = 'ready' AND attempts = 0";
    assert_eq!(number(data_dir, tries), 1, "the step is ready again, its try given back");
    assert_eq!(std::fs::read_dir(data_dir.join("scratch")).unwrap().count(), 0, "scratch files stayed");
    assert!(!data_dir.join("running").exists(), "the next start would take it for a crash");
    assert!(!data_dir.join("owner.json").exists(), "a stale address");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_soon_and_leaves_its_work_ready() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let source = speech(folder.path(), 3);
    let request = json!({"sources": [text(&source)], "language": "en", "engine": "basic"});
    for (round, name) in ["TERM", "INT"].into_iter().enumerate() {
        let mut serving = Serving::start(&data_dir).await.unwrap();
        if round == 0 {
            serving.call("tasks.add", request.clone()).await.unwrap();
        }
        until("hearing", || is_hearing(&data_dir, "pocketsphinx")).await;
        serving.signal(name).unwrap();
        assert_eq!(serving.ended(END).await.unwrap(), Some(0), "{name}");
        is_at_rest(&data_dir);
    }
    let serving = Serving::start(&data_dir).await.unwrap();
    let deadline = Instant::now() + REACHED;
    loop {
        let tasks = serving.list("tasks.list").await.unwrap();
        if tasks[0]["status"] == "completed" {
            break;
        }
        assert!(Instant::now() < deadline && tasks[0]["status"] != "failed", "{:#}", tasks[0]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
async fn waiting_ends_with_130_and_its_model_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let source = speech(folder.path(), 3);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mini-whisper/mini-espeak-q5_1.bin");
    let imported = Command::new(bobina().unwrap())
        .args(["--data-dir", text(&data_dir), "models", "import", text(&model), "--name", "mini"])
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    for name in ["INT", "TERM"] {
        let mut child = Command::new(bobina().unwrap())
            .args(["--data-dir", text(&data_dir), "add", text(&source), "--wait", "--json"])
            .args(["--engine", "whisper:mini", "--language", "en"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("hearing", || is_hearing(&data_dir, " worker")).await;
        signal(child.id(), name).unwrap();
        let code = ended(&mut child, END).await.unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(code, Some(130), "{name}: {said:#}");
        let status = said["tasks"][0]["status"].as_str();
        assert!(matches!(status, Some("queued" | "processing")), "{name}: {said:#}");
        is_at_rest(&data_dir);
        let cancelled = Command::new(bobina().unwrap())
            .args(["--data-dir", text(&data_dir), "cancel", said["tasks"][0]["task_id"].as_str().unwrap()])
            .output()
            .unwrap();
        assert!(cancelled.status.success(), "{}", String::from_utf8_lossy(&cancelled.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let mut serving = Serving::start(&data_dir).await.unwrap();
    // An answer under way, which a polite end waits for.
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", serving.port())).await.unwrap();
    let head = format!(
        "POST /rpc/queue.status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
        serving.port(),
        serving.token()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    serving.call("queue.status", json!({})).await.unwrap();
    let code = loop {
        serving.signal("INT").unwrap();
        if let Ok(code) = serving.ended(Duration::from_millis(100)).await {
            break code;
        }
    };
    assert_eq!(code, Some(130));
    let again = Serving::start(&data_dir).await.unwrap();
    again.call("queue.status", json!({})).await.unwrap();
}
