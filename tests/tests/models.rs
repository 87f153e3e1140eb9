//! Speech models over the command line: brought from a mirror with every fault, imported, removed; and work that waits
//! for a model goes on by itself when one arrives.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::engine::{sample, text};
use tests::program::{Serving, bobina, ended, signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Bytes that the catalogue promises for this model.
const TINY: u64 = 77_704_715;
const CUT: u64 = 5_000_000;

fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mini-whisper/mini-espeak-q5_1.bin")
}

#[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(bobina().unwrap());
    command.args(["--data-dir", text(data_dir), "--json"]).args(arguments).stdin(Stdio::null());
    command
}

#[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
async fn run(data_dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = command(data_dir, arguments);
    let done: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = serde_json::from_slice(&done.stdout);
    (done.status.code(), said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr))))
}

/// How the mirror answers.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// A few bytes at a time, for ever.
    Slow,
    /// Breaks off after some bytes, each time.
    Breaks,
    /// Whole, but not what the catalogue means.
    Foreign,
    /// A length that is not the model's.
    Short,
}

/// A mirror on loopback: its address, its mood, and from which byte each request began.
async fn mirror(mood: Arc<Mutex<Mood>>) -> (String, Arc<Mutex<Vec<u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/models", listener.local_addr().unwrap());
    let begun: Arc<Mutex<Vec<u64>>> = Arc::default();
    let asked = begun.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mood, asked) = (*mood.lock().unwrap(), asked.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await?);
                }
                let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                let range = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
                let from: u64 = range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
                asked.lock().unwrap().push(from);
                let whole = if mood == Mood::Short { 1000 } else { TINY };
                let status = match from {
                    0 => "200 OK".to_string(),
                    _ => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{whole}", whole - 1),
                };
                let left = whole.saturating_sub(from);
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {left}\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                let mut rest = if mood == Mood::Breaks { left.min(CUT) } else { left };
                let piece = vec![7; 64 << 10];
                while rest > 0 {
                    let now = rest.min(piece.len() as u64);
                    stream.write_all(&piece[..now as usize]).await?;
                    rest -= now;
                    if mood == Mood::Slow {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                std::io::Result::Ok(())
            });
        }
    });
    (address, begun)
}

async fn use_mirror(data_dir: &Path, address: &str) {
    std::fs::create_dir_all(data_dir).unwrap();
    let serving = Serving::start(data_dir).await.unwrap();
    let mut settings = serving.call("settings.get", json!({})).await.unwrap();
    settings["model_mirror"] = json!(address);
    serving.call("settings.set", settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_resumes_and_what_is_no_model_goes() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let mood = Arc::new(Mutex::new(Mood::Slow));
    let (address, begun) = mirror(mood.clone()).await;
    use_mirror(&data_dir, &address).await;
    let part = data_dir.join("models/ggml-tiny.en.bin.part");
    let length = || std::fs::metadata(&part).map_or(0, |there| there.len());

    // Stopped by the user: what has come is kept.
    #[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
    let mut child = command(&data_dir, &["models", "download", "tiny.en"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while length() < 100_000 {
        assert!(Instant::now() < deadline, "nothing arrives");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signal(child.id(), "INT").unwrap();
    assert_eq!(ended(&mut child, Duration::from_secs(30)).await.unwrap(), Some(130));
    let kept = length();
    assert!(kept >= 100_000, "{kept}");

    // The same command goes on there, across every break, to a file that is not the model.
    *mood.lock().unwrap() = Mood::Breaks;
    begun.lock().unwrap().clear();
    let (code, said) = run(&data_dir, &["models", "download", "tiny.en"]).await;
    assert_eq!((code, &said["error"]["code"]), (Some(1), &json!("MODEL_INVALID")), "{said:#}");
    let from = begun.lock().unwrap().clone();
    assert_eq!(from[0], kept, "{from:?}");
    assert!(from.len() > 10 && from.windows(2).all(|two| two[1] == two[0] + CUT), "{from:?}");
    assert!(!part.exists(), "a part that can never become the model");

    for wrong in [Mood::Foreign, Mood::Short] {
        *mood.lock().unwrap() = wrong;
        let (code, said) = run(&data_dir, &["models", "download", "tiny.en"]).await;
        assert_eq!((code, &said["error"]["code"]), (Some(1), &json!("MODEL_INVALID")), "{said:#}");
        assert!(!part.exists());
    }
    let (code, said) = run(&data_dir, &["models", "download", "no-such"]).await;
    assert_eq!((code, &said["error"]["code"]), (Some(1), &json!("MODEL_UNKNOWN")));
    let (_, models) = run(&data_dir, &["models", "list"]).await;
    assert!(models["items"].as_array().unwrap().iter().all(|model| model["installed"] == false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_waits_for_a_model_begins_when_it_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let serving = Serving::start(&data_dir).await.unwrap();
    let request = json!({"sources": [sample()], "engine": "auto", "language": "pt"});
    let added = serving.call("tasks.add", request).await.unwrap();
    let id = added["tasks"][0]["task_id"].clone();
    let until = async |what: &str, reached: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(180);
        loop {
            let task = serving.call("tasks.get", json!({"task_id": id})).await.unwrap()["task"].clone();
            if reached(&task) {
                return task;
            }
            assert!(Instant::now() < deadline, "{what}: {task:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("waits", &|task| task["waiting"]["code"] == "MODEL_MISSING").await;
    let foreign = folder.path().join("foreign.bin");
    std::fs::write(&foreign, b"no model").unwrap();
    let (code, said) = run(&data_dir, &["models", "import", text(&foreign), "--name", "foreign"]).await;
    assert_eq!((code, &said["error"]["code"]), (Some(1), &json!("MODEL_INVALID")), "{said:#}");

    // The project's mini model, its manifest saying that it hears Portuguese.
    let model = folder.path().join("stand-in.bin");
    std::fs::copy(mini(), &model).unwrap();
    let manifest = std::fs::read(mini().with_extension("json")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["languages"] = json!(["pt"]);
    std::fs::write(model.with_extension("json"), manifest.to_string()).unwrap();
    let (code, model) = run(&data_dir, &["models", "import", text(&model)]).await;
    assert_eq!((code, &model["installed"]), (Some(0), &json!(true)), "{model:#}");
    let done = until("completed", &|task| task["status"] == "completed").await;
    assert!(done["transcript_id"].is_string(), "{done:#}");
    let (code, _) = run(&data_dir, &["models", "remove", "stand-in"]).await;
    assert_eq!(code, Some(0));
    let (code, said) = run(&data_dir, &["models", "remove", "stand-in"]).await;
    assert_eq!((code, &said["error"]["code"]), (Some(1), &json!("MODEL_UNKNOWN")), "{said:#}");
}
