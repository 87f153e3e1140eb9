//! The main job through the backend's own commands: real files in, a searchable library out.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::engine::{add, call, open, sample, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_becomes_a_searchable_transcript_and_is_not_done_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(&folder.path().join("data")).await;
    let request = json!({"sources": [text(&sample())], "language": "en", "engine": "basic"});
    let (tasks, refused) = add(&backend, request.clone()).await;
    assert!(refused.is_empty());
    let task = &tasks[0];
    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["progress"], 100.0);
    assert_eq!(task["cached"], false);
    assert!(task["duration"].as_f64().is_some_and(|d| (10.0..20.0).contains(&d)), "{task:#}");

    let transcript = call(&backend, "transcripts.get", json!({"id": task["transcript_id"]})).await;
    assert_eq!(transcript["engine"], "basic");
    assert_eq!(transcript["language"], "en");
    let said = transcript["text"].as_str().expect("text").to_lowercase();
    for word in ["welcome", "search", "second", "nothing", "lost"] {
        assert!(said.contains(word), "\"{word}\" is not in: {said}");
    }

    let hits = call(&backend, "library.search", json!({"query": "nothing is ever lo"})).await;
    assert_eq!(hits["total"], 1, "{hits:#}");
    let start = hits["items"][0]["start"].as_f64().expect("a time");
    assert!((9.0..13.5).contains(&start), "the last sentence begins near its end, not at {start}");

    let media = call(&backend, "library.get", json!({"media_id": task["media_id"]})).await;
    for made in ["poster", "filmstrip", "waveform"] {
        assert!(!media["item"][made].is_null(), "no {made}: {media:#}");
    }
    assert!(media["info"]["loudness"].as_f64().is_some_and(|l| (-30.0..-10.0).contains(&l)), "{media:#}");
    let poster = media["item"]["poster"].as_str().expect("a path");
    let file = backend.artifact_path(poster).await.expect("readable").expect("there");
    assert!(std::fs::read(file).expect("a file").starts_with(&[0xff, 0xd8]), "the poster is no JPEG");

    let (again, _) = add(&backend, request).await;
    assert_eq!(again[0]["cached"], true, "{:#}", again[0]);
    assert_eq!(again[0]["transcript_id"], task["transcript_id"]);
    assert_eq!(call(&backend, "library.list", json!({})).await["total"], 1);
    backend.shutdown().await;
    assert!(tests::program::processes_on(folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_content_under_another_name_is_one_item() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(&folder.path().join("data")).await;
    let copy = folder.path().join("another name.mp4");
    std::fs::copy(sample(), &copy).expect("copied");
    let sources = json!([text(&sample()), text(&copy)]);
    let (tasks, _) = add(&backend, json!({"sources": sources, "recipe": "download"})).await;
    assert_eq!(tasks[0]["media_id"], tasks[1]["media_id"]);
    assert_eq!(call(&backend, "library.list", json!({})).await["total"], 1);
    let media = call(&backend, "library.get", json!({"media_id": tasks[0]["media_id"]})).await;
    assert_eq!(media["sources"].as_array().map(Vec::len), Some(2), "{media:#}");
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_model_waits_and_says_what_cures_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(&folder.path().join("data")).await;
    let request = json!({"sources": [text(&sample())], "language": "pt"});
    let outcome = call(&backend, "tasks.add", request).await;
    let id = outcome["tasks"][0]["task_id"].clone();
    let deadline = Instant::now() + Duration::from_secs(60);
    let task = loop {
        let task = call(&backend, "tasks.get", json!({"task_id": id})).await["task"].clone();
        if task["waiting"]["code"] == "MODEL_MISSING" {
            break task;
        }
        assert!(Instant::now() < deadline, "{task:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(task["status"], "processing");
    assert_eq!(call(&backend, "dead_letters.list", json!({})).await["total"], 0);
    let cancelled = call(&backend, "tasks.cancel", json!({"task_id": id})).await;
    assert_eq!(cancelled["status"], "cancelled");
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_by_name_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = open(&folder.path().join("data")).await;
    let empty = folder.path().join("empty.mp4");
    std::fs::write(&empty, b"").expect("written");
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, b"words").expect("written");
    let playlist = folder.path().join("list.m3u8");
    std::fs::write(&playlist, b"#EXTM3U\nfile:///etc/passwd\n").expect("written");
    let sources = json!([
        text(&empty),
        text(&notes),
        text(&sample()),
        text(&playlist),
        "http://10.0.0.1/x.mp4",
        "/no/such"
    ]);
    let (tasks, refused) = add(&backend, json!({"sources": sources, "recipe": "download"})).await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["status"], "completed");
    let codes: Vec<_> = refused.iter().map(|r| r["error"]["code"].as_str().expect("a code")).collect();
    let expected =
        ["FILE_EMPTY", "FILE_TYPE_UNSUPPORTED", "PLAYLIST_LOCAL", "HOST_BLOCKED", "FILE_NOT_FOUND"];
    assert_eq!(codes, expected);
    backend.shutdown().await;
}
