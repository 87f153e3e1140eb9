//! The public API over real sockets: tokens, tasks, batches, idempotency, languages, uploads, webhooks.
//! Numbers in the names are the items of the security checklist they prove.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use backend::Backend;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use server::{Running, ServeOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::engine;

struct Api {
    backend: Backend,
    running: Running,
    client: reqwest::Client,
    folder: tempfile::TempDir,
}

/// A second of a tone as 16 kHz mono WAV: media that every step can work on, and in which nobody speaks.
fn tone(path: &Path, pitch: f64) -> PathBuf {
    let samples: Vec<u8> = (0..16_000)
        .flat_map(|at| (((f64::from(at) * pitch / 16_000.0).sin() * 8_000.0) as i16).to_le_bytes())
        .collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + samples.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    file.extend((samples.len() as u32).to_le_bytes());
    file.extend(samples);
    std::fs::write(path, file).unwrap();
    path.to_path_buf()
}

async fn api() -> Api {
    let folder = tempfile::tempdir().unwrap();
    let backend = engine::open(&folder.path().join("data")).await;
    let options = ServeOptions { port: None, ui: false, api: true };
    let running = server::start(backend.clone(), true, options).await.unwrap();
    Api { backend, running, client: reqwest::Client::builder().no_proxy().build().unwrap(), folder }
}

impl Api {
    fn ask(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://127.0.0.1:{}{path}", self.running.port))
            .bearer_auth(token)
    }

    async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.ask(Method::GET, path, &self.running.token)).await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(self.ask(Method::POST, path, &self.running.token).json(&body)).await
    }

    async fn switch_on(&self) {
        let mut settings = engine::call(&self.backend, "settings.get", json!({})).await;
        settings["api_enabled"] = true.into();
        engine::call(&self.backend, "settings.set", settings).await;
    }

    async fn token(&self, name: &str, scope: &str) -> String {
        let made = engine::call(&self.backend, "tokens.create", json!({"name": name, "scope": scope})).await;
        made["token"].as_str().unwrap().to_string()
    }

    async fn ended(&self, task_id: &Value) -> Value {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let (_, task) = self.get(&format!("/api/v1/media/tasks/{}", task_id.as_str().unwrap())).await;
            if matches!(task["status"].as_str(), Some("completed" | "failed" | "cancelled")) {
                return task;
            }
            assert!(Instant::now() < deadline, "not ended: {task:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn file(&self, name: &str, pitch: f64) -> Value {
        json!(tone(&self.folder.path().join(name), pitch))
    }
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn item_4_tokens_are_scoped_revocable_and_only_in_the_header() {
    let api = api().await;
    let (read, submit) = (api.token("reader", "read").await, api.token("maker", "submit").await);
    let tasks = "/api/v1/media/tasks";
    let (status, answer) = api.send(api.ask(Method::GET, tasks, &read)).await;
    assert_eq!((status.as_u16(), code(&answer)), (403, "FORBIDDEN"), "switched off: {answer}");
    api.switch_on().await;
    assert_eq!(api.send(api.ask(Method::GET, tasks, &read)).await.0, 200);
    let process =
        |token: &str| api.ask(Method::POST, "/api/v1/media/process", token).json(&json!({"url": "x"}));
    assert_eq!(api.send(process(&read)).await.0, 403);
    assert_eq!(api.send(process(&submit)).await.0, 400);
    let hooks = api.ask(Method::GET, "/api/v1/media/webhooks", &submit);
    assert_eq!(api.send(hooks).await.0, 403);
    for wrong in ["", "x", &read[..read.len() - 1], &read.to_uppercase()] {
        assert_eq!(api.send(api.ask(Method::GET, tasks, wrong)).await.0, 401, "{wrong:?}");
    }
    let in_query = api.client.get(format!("http://127.0.0.1:{}{tasks}?token={read}", api.running.port));
    assert_eq!(api.send(in_query).await.0, 401);
    engine::call(&api.backend, "tokens.revoke", json!({"token": "reader"})).await;
    assert_eq!(api.send(api.ask(Method::GET, tasks, &read)).await.0, 401);
    let listed = engine::call(&api.backend, "tokens.list", json!({})).await.to_string();
    assert!(!listed.contains(&read) && !listed.contains(&submit));
    let database = std::fs::read(api.folder.path().join("data/bobina.db")).unwrap();
    let wal = std::fs::read(api.folder.path().join("data/bobina.db-wal")).unwrap_or_default();
    let held = |bytes: &[u8]| bytes.windows(submit.len()).any(|part| part == submit.as_bytes());
    assert!(!held(&database) && !held(&wal), "a token lies in the database");
    let audit = engine::call(&api.backend, "audit.list", json!({"actor": "token:maker"})).await;
    assert_eq!(audit["items"][0]["error"], "URL_INVALID", "{audit}");
}

#[tokio::test]
async fn items_2_and_3_hosts_and_origins_are_checked_for_the_api_too() {
    let api = api().await;
    let token = api.running.token.clone();
    for (name, value) in [
        ("host", "evil.com"),
        ("host", "127.0.0.1.evil.com"),
        ("origin", "https://evil.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/api/v1/media/tasks", "/v1/models", "/metrics", "/docs", "/api/v1/openapi.json"] {
            let asked = api.ask(Method::GET, path, &token).header(name, value);
            assert_eq!(api.send(asked).await.0, 403, "{name}: {value} on {path}");
        }
    }
    let form = api
        .ask(Method::POST, "/api/v1/media/process", &token)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(api.send(form).await.0, 403);
    let cookies = api.ask(Method::GET, "/api/v1/media/tasks", &token).send().await.unwrap();
    assert!(cookies.headers().get("set-cookie").is_none());
    assert!(cookies.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_task_is_made_read_listed_and_refuses_to_be_cancelled_once_done() {
    let api = api().await;
    let given = json!({"file": api.file("a.wav", 440.0), "recipe": "transcribe", "metadata": {"project": "x"}, "priority": "high"});
    let (status, made) = api.post("/api/v1/media/process", given).await;
    assert_eq!(status, 202, "{made}");
    assert_eq!(made["id"], made["task_id"]);
    assert!(made["created_at"].is_string() && made["status"].is_string());
    let task = api.ended(&made["task_id"]).await;
    assert_eq!(task["status"], "completed", "{task:#}");
    let mut fields: Vec<&str> = task.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let mut wanted = vec![
        "task_id",
        "task_type",
        "status",
        "paused",
        "progress",
        "current_step",
        "created_at",
        "updated_at",
        "estimated_completion",
        "metadata",
        "result",
        "error",
    ];
    wanted.sort_unstable();
    assert_eq!(fields, wanted);
    assert_eq!(task["metadata"]["project"], "x");
    assert_eq!(task["metadata"]["video_duration"], 1.0);
    assert!(task["metadata"]["video_size_mb"].is_number() && task["metadata"]["current_step"].is_null());
    let path = format!("/api/v1/media/tasks/{}", made["task_id"].as_str().unwrap());
    let (status, refused) = api.send(api.ask(Method::DELETE, &path, &api.running.token)).await;
    assert_eq!((status.as_u16(), code(&refused)), (409, "TASK_FINISHED"));
    let (_, page) = api.get("/api/v1/media/tasks?status=completed&task_type=media_processing&limit=1").await;
    assert_eq!((page["total"].as_u64(), page["limit"].as_u64()), (Some(1), Some(1)), "{page}");
    for wrong in ["limit=0", "limit=501", "limit=x", "status=done", "sort=color", "task_type=x"] {
        assert_eq!(api.get(&format!("/api/v1/media/tasks?{wrong}")).await.0, 400, "{wrong}");
    }
    let (status, unknown) = api.get("/api/v1/media/tasks/t_nothing").await;
    assert_eq!((status.as_u16(), code(&unknown)), (404, "TASK_NOT_FOUND"));
    let (_, statistics) = api.get("/api/v1/media/statistics").await;
    assert_eq!(statistics["totals"][0]["completed"], 1, "{statistics}");
    assert_eq!(statistics["totals"][0]["success_rate"], 1.0);
    let metrics = api.ask(Method::GET, "/metrics", &api.running.token).send().await.unwrap();
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(metrics.text().await.unwrap().contains("bobina_tasks{status=\"completed\"} 1\n"));
}

#[tokio::test]
async fn cancelling_twice_is_fine_and_retry_brings_it_back() {
    let api = api().await;
    let later = json!({"file": api.file("b.wav", 500.0), "not_before": "2999-01-01T00:00:00Z"});
    let (_, made) = api.post("/api/v1/media/process", later).await;
    let path = format!("/api/v1/media/tasks/{}", made["task_id"].as_str().unwrap());
    for _ in 0..2 {
        let (status, task) = api.send(api.ask(Method::DELETE, &path, &api.running.token)).await;
        assert_eq!((status.as_u16(), task["status"].as_str()), (200, Some("cancelled")), "{task}");
    }
    let (status, task) = api.send(api.ask(Method::POST, &format!("{path}/retry"), &api.running.token)).await;
    assert_eq!(status, 202, "{task}");
    assert_ne!(task["status"], "cancelled");
}

#[tokio::test]
async fn item_5_batches_are_all_or_none_and_say_which_was_wrong() {
    let api = api().await;
    let good = json!({"task_type": "media_processing", "input_data": {"file": api.file("c.wav", 600.0)}});
    let missing = json!({"task_type": "media_processing", "input_data": {"file": "/nowhere/at/all.wav"}});
    let (status, refused) = api.post("/api/v1/media/batch", json!([good, missing])).await;
    assert_eq!(status, 404, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("items[1]"), "{refused}");
    let (status, refused) = api.post("/api/v1/media/batch", json!([good, {"task_type": "nonsense"}])).await;
    assert_eq!((status.as_u16(), code(&refused)), (400, "INVALID_INPUT"));
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("items[1]"), "{refused}");
    for count in [0, 51] {
        let (status, refused) = api.post("/api/v1/media/batch", json!(vec![good.clone(); count])).await;
        assert_eq!((status.as_u16(), code(&refused)), (400, "INVALID_INPUT"), "{count}");
    }
    assert_eq!(api.get("/api/v1/media/tasks").await.1["total"], 0, "a refused batch left tasks");
    let broken = api.folder.path().join("broken.mp4");
    std::fs::write(&broken, b"\0\0\0\x18ftypmp42\0\0\0\0mp42isomnothing").unwrap();
    let failing = json!({"task_type": "media_processing", "input_data": {"file": broken}});
    let (status, made) = api.post("/api/v1/media/batch", json!({"tasks": [good, failing]})).await;
    assert_eq!(status, 202, "{made}");
    for id in made["task_ids"].as_array().unwrap() {
        api.ended(id).await;
    }
    let (_, batch) = api.get(&format!("/api/v1/media/batches/{}", made["batch_id"].as_str().unwrap())).await;
    assert_eq!(batch["status"], "partial", "{batch:#}");
    assert_eq!((&batch["completed"], &batch["failed"], &batch["total"]), (&json!(1), &json!(1), &json!(2)));
    assert!(batch["tasks"][1]["error"]["code"].is_string());
    assert_eq!(api.get("/api/v1/media/batches/b_nothing").await.0, 404);
}

#[tokio::test]
async fn item_5_an_idempotency_key_makes_one_task_even_when_sent_at_once() {
    let api = api().await;
    let body = json!({"file": api.file("d.wav", 700.0), "not_before": "2999-01-01T00:00:00Z"});
    let send = |body: Value| {
        let asked = api.ask(Method::POST, "/api/v1/media/process", &api.running.token);
        api.send(asked.header("idempotency-key", "k1").json(&body))
    };
    let answers = futures::future::join_all((0..8).map(|_| send(body.clone()))).await;
    for (status, answer) in &answers {
        assert_eq!(*status, 202, "{answer}");
        assert_eq!(answer["task_id"], answers[0].1["task_id"]);
    }
    assert_eq!(api.get("/api/v1/media/tasks").await.1["total"], 1);
    let other = json!({"file": api.file("e.wav", 800.0)});
    let (status, refused) = send(other).await;
    assert_eq!((status.as_u16(), code(&refused)), (422, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test]
async fn errors_speak_the_callers_language_and_kinds_that_are_missing_say_so() {
    let api = api().await;
    let (status, refused) =
        api.post("/api/v1/media/images/generate", json!({"prompt": "a reel of film"})).await;
    assert_eq!((status.as_u16(), code(&refused)), (422, "KIND_UNAVAILABLE"));
    let asked = api
        .ask(Method::GET, "/api/v1/media/tasks/t_no", &api.running.token)
        .header("accept-language", "pt-BR,pt;q=0.9");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.headers()["content-language"], "pt-BR");
    let said: Value = answer.json().await.unwrap();
    assert_eq!(
        (code(&said), said["error"]["message"].as_str().unwrap().starts_with("Essa tarefa")),
        ("TASK_NOT_FOUND", true)
    );
    let reserved = json!({"file": "/x.wav", "metadata": {"current_step": 1}});
    assert_eq!(code(&api.post("/api/v1/media/process", reserved).await.1), "INVALID_INPUT");
    let misspelt = json!({"file": "/x.wav", "languge": "en"});
    assert_eq!(code(&api.post("/api/v1/media/process", misspelt).await.1), "INVALID_INPUT");
    let answer = api.ask(Method::GET, "/api/v1/media/tasks", &api.running.token).send().await.unwrap();
    assert!(answer.headers()["ratelimit-policy"].to_str().unwrap().contains("q=3000"));
    assert!(answer.headers().contains_key("ratelimit"));
    assert_eq!(api.get("/api/v1/nothing").await.0, 404);
    let (status, wrong) = api.send(api.ask(Method::PUT, "/api/v1/media/tasks", &api.running.token)).await;
    assert_eq!((status.as_u16(), code(&wrong)), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn item_6_a_programs_token_reaches_uploads_and_named_folders_only() {
    let api = api().await;
    api.switch_on().await;
    let token = api.token("maker", "submit").await;
    let inside = api.folder.path().join("open");
    std::fs::create_dir(&inside).unwrap();
    tone(&inside.join("ok.wav"), 440.0);
    let outside = tone(&api.folder.path().join("secret.wav"), 440.0);
    std::os::unix::fs::symlink(&outside, inside.join("link.wav")).unwrap();
    let mut settings = engine::call(&api.backend, "settings.get", json!({})).await;
    settings["api_folders"] = json!([inside]);
    engine::call(&api.backend, "settings.set", settings).await;
    let try_file = |file: String| {
        api.send(api.ask(Method::POST, "/api/v1/media/process", &token).json(&json!({"file": file})))
    };
    assert_eq!(try_file(inside.join("ok.wav").to_string_lossy().into()).await.0, 202);
    for path in [
        outside.to_string_lossy().into_owned(),
        inside.join("link.wav").to_string_lossy().into_owned(),
        format!("{}/../secret.wav", inside.display()),
        "../../etc/passwd".into(),
        "..\\..\\x".into(),
        "%2e%2e%2fetc%2fpasswd".into(),
        "C:\\x:ads".into(),
        "\\\\?\\x".into(),
        "\\\\host\\share".into(),
        "/dev/zero".into(),
        "CON".into(),
        "a\0b".into(),
        "/etc/passwd".into(),
        format!("/{}", "x".repeat(5000)),
        format!("{}/\u{202e}gpj.wav", inside.display()),
        "upload:../../x".into(),
        "upload:00000000000000000000000000000000".into(),
    ] {
        let (status, answer) = try_file(path.clone()).await;
        assert!(matches!(status.as_u16(), 400 | 403 | 404), "{path:?}: {status} {answer}");
    }
    // The owner may name any regular file, and still no device.
    for path in ["/dev/zero", "../../etc/passwd"] {
        let (status, _) = api.post("/api/v1/media/process", json!({"file": path})).await;
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_cut_and_becomes_a_task() {
    let api = api().await;
    let bytes = std::fs::read(tone(&api.folder.path().join("u.wav"), 900.0)).unwrap();
    let begin = |length: usize| {
        api.ask(Method::POST, "/api/v1/uploads", &api.running.token)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("upload-metadata", "filename Li4vLi4vdS53YXY=")
    };
    let made = begin(bytes.len()).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let place = made.headers()["location"].to_str().unwrap().to_string();
    let piece = |from: usize, part: Vec<u8>| {
        api.ask(Method::PATCH, &place, &api.running.token)
            .header("tus-resumable", "1.0.0")
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", from)
            .body(part)
    };
    assert_eq!(piece(0, bytes[..5000].to_vec()).send().await.unwrap().status(), 204);
    assert_eq!(piece(0, bytes[..10].to_vec()).send().await.unwrap().status(), 409);
    let wrong = piece(5000, bytes[5000..6000].to_vec())
        .header("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(wrong.send().await.unwrap().status().as_u16(), 460);
    let stands = api
        .ask(Method::HEAD, &place, &api.running.token)
        .header("tus-resumable", "1.0.0")
        .send()
        .await
        .unwrap();
    assert_eq!(stands.headers()["upload-offset"], "5000");
    assert_eq!(piece(5000, vec![0; bytes.len()]).send().await.unwrap().status(), 413, "more than announced");
    assert_eq!(piece(5000, bytes[5000..].to_vec()).send().await.unwrap().status(), 204);
    let (_, upload) = api.get(&place).await;
    assert_eq!((&upload["finished"], &upload["name"]), (&json!(true), &json!("u.wav")), "{upload}");
    let (status, task) = api.post("/api/v1/media/process", json!({"file": upload["file"]})).await;
    assert_eq!(status, 202, "{task}");
    assert_eq!(api.ended(&task["task_id"]).await["status"], "completed");
    assert_eq!(begin(usize::MAX).send().await.unwrap().status(), 413);
    let cut = begin(10).send().await.unwrap().headers()["location"].to_str().unwrap().to_string();
    let gone = api.ask(Method::DELETE, &cut, &api.running.token).header("tus-resumable", "1.0.0");
    assert_eq!(gone.send().await.unwrap().status(), 204);
    assert_eq!(api.get(&cut).await.0, 404);
}

#[tokio::test]
async fn openai_clients_are_answered_in_their_shape() {
    let api = api().await;
    let (_, models) = api.get("/v1/models").await;
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "whisper-1"));
    let bytes = std::fs::read(tone(&api.folder.path().join("o.wav"), 1000.0)).unwrap();
    for (format, wanted) in [("json", "{\"text\":\"\"}"), ("text", "\n"), ("vtt", "WEBVTT o\n\n")] {
        let mut form =
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"o.wav\"\r\n\r\n".to_vec();
        form.extend(&bytes);
        form.extend(format!("\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\n{format}\r\n--b--\r\n").bytes());
        let asked = api.ask(Method::POST, "/v1/audio/transcriptions", &api.running.token);
        let answer =
            asked.header("content-type", "multipart/form-data; boundary=b").body(form).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
            (200, wanted),
            "{format}"
        );
    }
    let empty = api.ask(Method::POST, "/v1/audio/transcriptions", &api.running.token);
    let empty = empty.header("content-type", "multipart/form-data; boundary=b").body("--b--\r\n");
    assert_eq!(api.send(empty).await.0, 400);
}

#[tokio::test]
async fn every_documented_operation_is_served() {
    let api = api().await;
    let plain = api.client.get(format!("http://127.0.0.1:{}/api/v1/openapi.json", api.running.port));
    let (_, document) = api.send(plain).await;
    assert_eq!(document["openapi"], "3.1.0");
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let filled: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { "none" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answer = api.ask(method.clone(), &filled, &api.running.token).send().await.unwrap();
            let status = answer.status();
            let said = if path.ends_with("/events") { String::new() } else { answer.text().await.unwrap() };
            assert!(status != 405 && !said.contains("COMMAND_UNKNOWN"), "{method} {path}: {status} {said}");
            assert!(!status.is_server_error(), "{method} {path}: {status} {said}");
        }
    }
    let page = api.client.get(format!("http://127.0.0.1:{}/docs", api.running.port)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("/api/v1/media/tasks"));
}
