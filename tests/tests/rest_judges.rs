//! Outside judges from PyPI: the `openai` SDK, `standardwebhooks`, `tuspy`, `schemathesis`; and the examples of
//! docs/api.md, run as they stand there.
//!
//! Their environment is made once, under the target folder; where it cannot be made each test says "skipped:" by name.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]
#![allow(clippy::disallowed_methods, reason = "the judges are programs of the test, not of the product")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use backend::Backend;
use serde_json::{Value, json};
use server::{Running, ServeOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tests::engine;

/// The judges' Python, made on first use; `None` where it cannot be.
fn python(test: &str) -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let venv = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("judges-venv");
        let (python, made) = (venv.join("bin/python"), venv.join("made"));
        if !made.exists() {
            let run = |program: &Path, arguments: &[&str]| {
                Command::new(program).args(arguments).output().is_ok_and(|done| done.status.success())
            };
            let folder = venv.to_str().unwrap();
            let packages = ["openai==2.*", "standardwebhooks==1.*", "tuspy==1.*", "schemathesis==4.*"];
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            if !run(Path::new("python3"), &["-m", "venv", folder])
                || !run(&python, &[&pip[..], &packages[..]].concat())
            {
                return None;
            }
            std::fs::write(made, "").unwrap();
        }
        Some(python)
    });
    if python.is_none() {
        println!("skipped: {test}: python3-venv or PyPI is not there");
    }
    python.as_deref()
}

struct Api {
    backend: Backend,
    running: Running,
    folder: tempfile::TempDir,
}

async fn api() -> Api {
    let folder = tempfile::tempdir().unwrap();
    let backend = engine::open(&folder.path().join("data")).await;
    let options = ServeOptions { port: None, ui: false, api: true };
    let running = server::start(backend.clone(), true, options).await.unwrap();
    Api { backend, running, folder }
}

impl Api {
    /// Runs a program against this server, off the runtime's threads.
    async fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("BOBINA_URL", format!("http://127.0.0.1:{}", self.running.port))
            .env("BOBINA_TOKEN", &self.running.token)
            .env("BOBINA_FILE", self.folder.path().join("talk.wav"))
            .env("NO_PROXY", "*")
            .current_dir(self.folder.path());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn judge(&self, python: &Path, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/judge.py");
        let whole = [&[script.to_str().unwrap()], arguments].concat();
        let done = self.run(python, &whole).await;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// A spoken sentence; `None` where nothing can speak.
    fn speech(&self) -> Option<String> {
        let file = self.folder.path().join("talk.wav").to_str().unwrap().to_string();
        let spoken = Command::new("espeak-ng")
            .args(["-v", "en-us", "-s", "130", "-w", &file])
            .arg("hello world, this is a test")
            .status();
        spoken.is_ok_and(|status| status.success()).then_some(file)
    }
}

#[tokio::test]
async fn the_openai_sdk_transcribes() {
    let test = "the_openai_sdk_transcribes";
    let Some(python) = python(test) else { return };
    let api = api().await;
    let Some(file) = api.speech() else { return println!("skipped: {test}: espeak-ng is not there") };
    api.judge(python, &["openai", &file]).await;
}

#[tokio::test]
async fn tuspy_uploads_through_a_cut_connection() {
    let test = "tuspy_uploads_through_a_cut_connection";
    let Some(python) = python(test) else { return };
    let api = api().await;
    let Some(file) = api.speech() else { return println!("skipped: {test}: espeak-ng is not there") };
    let id = api.judge(python, &["tus", &file]).await;
    let done = api.folder.path().join("data/uploads").join(id.trim()).join("done/talk.wav");
    assert!(std::fs::read(done).unwrap() == std::fs::read(file).unwrap(), "the bytes differ");
}

type Seen = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

#[tokio::test]
async fn standardwebhooks_verifies_what_arrives() {
    let Some(python) = python("standardwebhooks_verifies_what_arrives") else { return };
    let api = api().await;
    let seen = Seen::default();
    let take = async |State(seen): State<Seen>, headers: HeaderMap, body: Bytes| {
        seen.lock().unwrap().push((headers, body.to_vec()));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(take)).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let refused = backend::api::call(&api.backend, "webhooks.create", json!({"url": url})).await;
    assert_eq!(refused.unwrap_err().code.as_str(), "HOST_BLOCKED");
    let hook = engine::call(&api.backend, "webhooks.create", json!({"url": url, "allow_local": true})).await;
    engine::call(&api.backend, "webhooks.test", json!({"webhook_id": hook["webhook_id"]})).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen.lock().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "nothing arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (headers, body) = seen.lock().unwrap()[0].clone();
    let headers: Value = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .into_iter()
        .map(|name| (name.to_string(), Value::from(headers[name].to_str().unwrap())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(body);
    let file = api.folder.path().join("delivery.json");
    std::fs::write(&file, json!({"headers": headers, "body": body}).to_string()).unwrap();
    api.judge(python, &["webhooks", hook["secret"].as_str().unwrap(), file.to_str().unwrap()]).await;
    let listed = engine::call(&api.backend, "webhooks.list", json!({})).await.to_string();
    assert!(!listed.contains(hook["secret"].as_str().unwrap()), "a secret is listed");
    engine::call(&api.backend, "webhooks.remove", json!({"webhook_id": hook["webhook_id"]})).await;
}

#[tokio::test]
async fn schemathesis_finds_no_server_error_and_no_undocumented_answer() {
    let Some(python) = python("schemathesis_finds_no_server_error_and_no_undocumented_answer") else {
        return;
    };
    let api = api().await;
    let token = format!("Authorization: Bearer {}", api.running.token);
    let url = format!("http://127.0.0.1:{}/api/v1/openapi.json", api.running.port);
    let program = python.with_file_name("schemathesis");
    let arguments = [
        "run",
        &url,
        "-H",
        &token,
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        // Streams do not end, and schemathesis cannot write the pieces of an upload: tuspy judges those.
        "--exclude-operation-id",
        "patch_api_v1_uploads__upload_id",
        "--exclude-path",
        "/api/v1/events",
        "--exclude-path",
        "/api/v1/ws",
        "--max-examples",
        "12",
        "--seed",
        "7",
        "--phases",
        "coverage,fuzzing",
        "--no-color",
        "--suppress-health-check",
        "all",
        "--request-timeout",
        "60",
    ];
    let done = api.run(&program, &arguments).await;
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// The fenced examples of docs/api.md whose first line is this comment.
fn example(first: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md")).unwrap();
    let start = text.find(first).unwrap();
    text[start..].split("```").next().unwrap().to_string()
}

#[tokio::test]
async fn the_examples_of_the_documentation_run() {
    let api = api().await;
    let Some(_) = api.speech() else {
        return println!("skipped: the_examples_of_the_documentation_run: espeak-ng is not there");
    };
    for (first, program, file) in
        [("# curl", "bash", "e.sh"), ("# Python", "python3", "e.py"), ("// JavaScript", "node", "e.mjs")]
    {
        let text = example(first);
        assert!(text.lines().count() <= 16, "{first} is longer than 15 lines and its name");
        let path = api.folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        if Command::new(program).arg("--version").output().is_err() {
            println!("skipped: {first} of docs/api.md: {program} is not there");
            continue;
        }
        let done = api.run(Path::new(program), &[path.to_str().unwrap()]).await;
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && said.contains("completed"),
            "{first}: {said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}
