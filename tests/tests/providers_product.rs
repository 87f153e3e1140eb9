//! Cloud services as a user meets them: the built `bobina`, real media, stand-ins that count what is bought.
#![allow(clippy::unwrap_used, reason = "tests")]

use domain::ErrorCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tests::program::{Serving, bobina};
use tests::stand_ins::hearing::assemblyai;
use tests::stand_ins::speech::{KEY, openai};
use tests::stand_ins::{Reply, StandIn};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/welcome.mp4").canonicalize().unwrap()
}

/// A data folder in which the services' addresses are those of stand-ins.
fn folder(services: &[(&str, &str, &StandIn)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let entry = |(name, prefix, stand_in): &(&str, &str, &StandIn)| {
        // Short windows, so that the short sample has several.
        let models = if *name == "openai" {
            json!([{ "name": "whisper-1", "capability": "transcribe", "window_seconds": 3 }])
        } else {
            json!([])
        };
        json!({ "name": name, "base_url": format!("{}{prefix}", stand_in.address), "pace_ms": 50, "models": models })
    };
    let own = json!({ "providers": services.iter().map(entry).collect::<Vec<_>>() });
    std::fs::write(data.join("providers.json"), own.to_string()).unwrap();
    folder
}

/// Runs `bobina` to its end. No session bus: there is no key store, as on a headless server.
#[allow(clippy::disallowed_methods, reason = "the program under test is started from outside")]
async fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let (data, input) = (folder.join("data"), input.to_string());
    let mut command = Command::new(bobina().unwrap());
    command.arg("--data-dir").arg(data).args(arguments).envs(variables.iter().copied());
    command
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let work = move || {
        let mut child = command.spawn().unwrap();
        use std::io::Write;
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Everything under a folder that holds the text.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

const ADD: &[&str] = &["--json", "add", "--wait", "--engine", "openai:whisper-1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_video_is_heard_by_openai_paid_once_and_the_key_is_nowhere() {
    let stand_in = StandIn::start(openai).await;
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let file = sample();
    let key = [("OPENAI_API_KEY", KEY)];
    let added = run(folder.path(), &[ADD, &[file.to_str().unwrap()]].concat(), &key, "").await;
    let task = document(&added)["tasks"][0].clone();
    assert_eq!(task["status"], "completed", "{added:?}");
    assert_eq!(stand_in.complaints(), Vec::<String>::new());
    let bought = stand_in.purchases();
    assert!(bought >= 2, "several windows");
    let id = task["transcript_id"].as_str().unwrap();
    let transcript = document(&run(folder.path(), &["--json", "transcript", id], &[], "").await);
    assert_eq!(
        (&transcript["engine"], &transcript["language"]),
        (&json!("openai:whisper-1"), &json!("en")),
        "{transcript}"
    );
    assert_eq!(transcript["segments"].as_array().unwrap().len(), bought * 2);
    assert_eq!(transcript["segments"][0]["words"].as_array().unwrap().len(), 2);
    // The lane is the service's.
    let shown =
        document(&run(folder.path(), &["--json", "task", task["task_id"].as_str().unwrap()], &[], "").await);
    let heard = shown["jobs"].as_array().unwrap().iter().find(|job| job["kind"] == "transcribe").unwrap();
    assert_eq!(heard["lane"], "provider:openai");
    // The money: what the service said it heard, at the table's price.
    let costs = document(&run(folder.path(), &["--json", "costs"], &[], "").await);
    let seconds = costs["rows"][0]["seconds"].as_f64().unwrap();
    assert!((costs["charged"].as_f64().unwrap() - seconds * 0.006 / 60.0).abs() < 1e-5, "{costs}");
    assert_eq!((&costs["unknown"], &costs["rows"][0]["settled"]), (&json!(0), &json!(bought)));
    // The same wish again costs nothing.
    let again = run(folder.path(), &[ADD, &[file.to_str().unwrap()]].concat(), &key, "").await;
    assert_eq!(
        (document(&again)["tasks"][0]["status"].as_str(), stand_in.purchases()),
        (Some("completed"), bought)
    );
    for output in [&added, &again] {
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains(KEY), "{said}");
    }
    assert_eq!(holding(folder.path(), KEY), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_refused_key_is_said_clearly_and_never_shown() {
    let stand_in = StandIn::start(openai).await;
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let file = sample();
    let add = [ADD, &[file.to_str().unwrap()]].concat();
    let missing = run(folder.path(), &add, &[], "").await;
    assert_eq!(document(&missing)["tasks"][0]["error"]["code"], "KEY_MISSING", "{missing:?}");
    assert_eq!(stand_in.seen().len(), 0);
    const WRONG: &str = "sk-wrong-1b9d44e0c7a25f38";
    let refused =
        run(folder.path(), &[&add[..], &["--again"]].concat(), &[("OPENAI_API_KEY", WRONG)], "").await;
    assert_eq!(document(&refused)["tasks"][0]["error"]["code"], "KEY_REFUSED", "{refused:?}");
    assert_eq!(holding(folder.path(), WRONG), Vec::<PathBuf>::new());
    assert!(
        !String::from_utf8_lossy(&refused.stdout).contains(WRONG)
            && !String::from_utf8_lossy(&refused.stderr).contains(WRONG)
    );
    let unknown =
        run(folder.path(), &["--json", "add", "--engine", "nobody:x", file.to_str().unwrap()], &[], "").await;
    assert_eq!(document(&unknown)["error"]["code"], "ENGINE_UNKNOWN", "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_set_from_standard_input_tested_and_listed() {
    let stand_in = StandIn::start(openai).await;
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let set = run(folder.path(), &["--json", "keys", "set", "openai"], &[], KEY).await;
    assert_eq!((&document(&set)["good"], set.status.code()), (&json!(true), Some(0)), "{set:?}");
    let wrong = run(
        folder.path(),
        &["--json", "keys", "test", "openai"],
        &[("OPENAI_API_KEY", "sk-wrong-1b9d44e0c7a25f38")],
        "",
    )
    .await;
    assert_eq!((&document(&wrong)["good"], wrong.status.code()), (&json!(false), Some(1)), "{wrong:?}");
    let listed =
        document(&run(folder.path(), &["--json", "providers"], &[("OPENAI_API_KEY", KEY)], "").await);
    let openai = listed["items"].as_array().unwrap().iter().find(|item| item["name"] == "openai").unwrap();
    assert_eq!((&openai["key_set"], &openai["key_source"]), (&json!(true), &json!("OPENAI_API_KEY")));
    assert_eq!(stand_in.purchases(), 0, "trying a key costs nothing");
    let shown = run(folder.path(), &["providers"], &[("OPENAI_API_KEY", KEY)], "").await;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        text.contains("openai:whisper-1") && text.contains("2027-02-26") && !text.contains(KEY),
        "{text}"
    );
    assert_eq!(holding(folder.path(), KEY), Vec::<PathBuf>::new());
    run(folder.path(), &["keys", "remove", "openai"], &[], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_parks_the_task_and_raising_it_lets_it_go_on() {
    let stand_in = StandIn::start(openai).await;
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let serving = Serving::start_with(&folder.path().join("data"), &[("OPENAI_API_KEY", KEY)]).await.unwrap();
    serving.call("costs.set_cap", json!({ "provider": "openai", "hard": 0.0 })).await.unwrap();
    let id = add(&serving, "openai:whisper-1").await;
    let parked = until(&serving, &id, |task| task["waiting"]["code"] == ErrorCode::CapReached.as_str()).await;
    assert_eq!((&parked["status"], stand_in.purchases()), (&json!("processing"), 0), "{parked}");
    serving.call("costs.set_cap", json!({ "provider": "openai", "hard": 5.0 })).await.unwrap();
    until(&serving, &id, |task| task["status"] == "completed").await;
    let report = serving.call("costs.get", json!({})).await.unwrap();
    assert!(report["charged"].as_f64().unwrap() > 0.0);
}

async fn add(serving: &Serving, engine: &str) -> String {
    let request = json!({ "sources": [sample().to_str().unwrap()], "engine": engine });
    let added = serving.call("tasks.add", request).await.unwrap();
    added["tasks"][0]["task_id"].as_str().unwrap().to_string()
}

async fn until(serving: &Serving, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let task = serving.call("tasks.get", json!({ "task_id": id })).await.unwrap()["task"].clone();
        if wanted(&task) {
            return task;
        }
        assert!(Instant::now() < deadline, "{task}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn bought(stand_in: &StandIn) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while stand_in.purchases() == 0 {
        assert!(Instant::now() < deadline, "nothing was bought");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_answer_is_awaited_buys_nothing_twice_by_itself() {
    let stand_in = StandIn::start(openai).await;
    stand_in.remember(|memory| memory.latency = Duration::from_secs(3600));
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let (data, key) = (folder.path().join("data"), [("OPENAI_API_KEY", KEY)]);
    let serving = Serving::start_with(&data, &key).await.unwrap();
    let id = add(&serving, "openai:whisper-1").await;
    bought(&stand_in).await;
    // Every window that is sent at once has been counted before the kill.
    tokio::time::sleep(Duration::from_millis(500)).await;
    serving.kill().unwrap();
    let sent = stand_in.purchases();
    stand_in.remember(|memory| memory.latency = Duration::ZERO);
    let serving = Serving::start_with(&data, &key).await.unwrap();
    let failed = until(&serving, &id, |task| task["status"] == "failed").await;
    assert_eq!(failed["error"]["code"], "OUTCOME_UNKNOWN", "{failed}");
    let after = stand_in.purchases();
    assert!(stand_in.seen().len() >= after && after >= sent);
    // Whoever tries again has been told: now each lost window is sent once more, and no other twice.
    serving.call("tasks.retry", json!({ "task_id": id })).await.unwrap();
    let done = until(&serving, &id, |task| task["status"] == "completed").await;
    let transcript = serving.call("transcripts.get", json!({ "id": done["transcript_id"] })).await.unwrap();
    let windows = transcript["segments"].as_array().unwrap().len() / 2;
    assert_eq!(stand_in.purchases(), windows + sent, "{sent} lost, {windows} windows");
    let costs = serving.call("costs.get", json!({})).await.unwrap();
    assert_eq!((&costs["rows"][0]["lost"], &costs["unknown"]), (&json!(sent), &json!(sent)), "{costs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_a_job_runs_there_is_collected_afterwards() {
    let stand_in = StandIn::start(assemblyai).await;
    stand_in.remember(|memory| memory.words = vec!["processing".into(); 100_000]);
    let folder = folder(&[("assemblyai", "", &stand_in)]);
    let (data, key) = (folder.path().join("data"), [("ASSEMBLYAI_API_KEY", KEY)]);
    let serving = Serving::start_with(&data, &key).await.unwrap();
    let id = add(&serving, "assemblyai").await;
    let deadline = Instant::now() + Duration::from_secs(300);
    while !stand_in.seen().iter().any(|seen| seen.path.starts_with("/v2/transcript/")) {
        assert!(Instant::now() < deadline, "no look at the job");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    serving.kill().unwrap();
    // A service that stumbles when it is asked again does not lose the job either.
    stand_in.fault("/v2/transcript/", Reply::json(503, json!({ "error": "busy" })));
    stand_in.remember(|memory| memory.words = vec!["processing".into()]);
    let serving = Serving::start_with(&data, &key).await.unwrap();
    until(&serving, &id, |task| task["status"] == "completed").await;
    assert_eq!((stand_in.purchases(), stand_in.complaints()), (1, vec![]));
    assert_eq!(holding(&data, KEY), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn local_only_refuses_services_elsewhere_and_keeps_those_here() {
    let stand_in = StandIn::start(openai).await;
    let folder = folder(&[("openai", "/v1", &stand_in)]);
    let serving =
        Serving::start_with(&folder.path().join("data"), &[("OPENAI_API_KEY", KEY), ("GROQ_API_KEY", KEY)])
            .await
            .unwrap();
    let mut settings = serving.call("settings.get", json!({})).await.unwrap();
    settings["local_only"] = true.into();
    serving.call("settings.set", settings).await.unwrap();
    let request = json!({ "sources": [sample().to_str().unwrap()], "engine": "groq" });
    let refused = serving.call("tasks.add", request).await.unwrap_err().to_string();
    assert!(refused.contains("LOCAL_ONLY"), "{refused}");
    let id = add(&serving, "openai").await;
    until(&serving, &id, |task| task["status"] == "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_cloud_chooses_by_strategy_among_services_with_a_key() {
    let (first, second) = (StandIn::start(openai).await, StandIn::start(assemblyai).await);
    let folder = folder(&[("openai", "/v1", &first), ("assemblyai", "", &second)]);
    let file = sample();
    let add = |engine: &'static str| {
        ["--json", "add", "--wait", "--again", "--engine", engine, file.to_str().unwrap()]
    };
    let none = run(folder.path(), &add("cloud"), &[], "").await;
    assert_eq!(document(&none)["error"]["code"], "NO_PROVIDER", "{none:?}");
    let odd = run(folder.path(), &add("cloud:luck"), &[], "").await;
    assert_eq!(document(&odd)["error"]["code"], "ENGINE_UNKNOWN", "{odd:?}");
    let keys = [("OPENAI_API_KEY", KEY), ("ASSEMBLYAI_API_KEY", KEY)];
    let best = document(&run(folder.path(), &add("cloud:quality"), &keys, "").await);
    assert_eq!((&best["tasks"][0]["status"], first.purchases()), (&json!("completed"), 0), "{best}");
    assert_eq!(best["tasks"][0]["input"]["engine"], "assemblyai:universal-3-5-pro");
    assert_eq!(second.purchases(), 1);
}
