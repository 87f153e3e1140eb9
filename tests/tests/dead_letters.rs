//! Dead letters that the user no longer wants: put away by task, by code or all, and nothing else is touched.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::{Backend, api};
use domain::ErrorCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tests::engine::{add, call, open, text};

fn broken(folder: &Path, name: &str, filler: u8) -> PathBuf {
    let path = folder.join(name);
    let mut bytes = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    bytes.extend([filler; 2000]);
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn letters(backend: &Backend) -> Vec<Value> {
    let page = call(backend, "dead_letters.list", json!({})).await;
    let items = page["items"].as_array().unwrap().clone();
    assert_eq!(page["total"], items.len());
    assert_eq!(call(backend, "queue.status", json!({})).await["dead_letters"], items.len());
    items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_put_away_and_their_tasks_stay() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let backend = open(&data_dir).await;
    let mut ids = Vec::new();
    for (number, name) in ["a.mp4", "b.mp4", "c.mp4"].into_iter().enumerate() {
        let path = broken(folder.path(), name, 0x41 + number as u8);
        let (tasks, _) = add(&backend, json!({"sources": [text(&path)]})).await;
        assert_eq!(tasks[0]["status"], "failed", "{:#}", tasks[0]);
        ids.push(tasks[0]["task_id"].clone());
    }
    let before = letters(&backend).await;
    assert_eq!(before.len(), 3);
    for wrong in [json!({}), json!({"all": true, "task_id": ids[0]})] {
        let error = api::call(&backend, "dead_letters.clear", wrong).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidInput);
    }
    let unknown = api::call(&backend, "dead_letters.clear", json!({"task_id": "t_000000000000"})).await;
    assert_eq!(unknown.unwrap_err().code, ErrorCode::TaskNotFound);
    let none = call(&backend, "dead_letters.clear", json!({"code": "FILE_NOT_FOUND"})).await;
    assert_eq!(none["job_ids"], json!([]));

    let mut events = backend.events();
    let cleared = call(&backend, "dead_letters.clear", json!({"task_id": ids[0]})).await;
    assert_eq!(cleared["job_ids"].as_array().unwrap().len(), 1);
    // Lists are read again. The last words about the tasks themselves may come before.
    while !matches!(events.recv().await.unwrap(), domain::Event::QueueChanged) {}
    let left = letters(&backend).await;
    assert!(left.len() == 2 && left.iter().all(|letter| letter["task_id"] != ids[0]));
    assert_eq!(tests::engine::task(&backend, &ids[0]).await["status"], "failed", "the task stays as it is");
    assert_eq!(call(&backend, "library.list", json!({})).await["total"], 3, "the media is untouched");

    // All that failed means: all whose letters are still there.
    backend.shutdown().await;
    let backend = open(&data_dir).await;
    assert_eq!(letters(&backend).await.len(), 2, "put away for good");
    let code = left[0]["error"]["code"].clone();
    let cleared = call(&backend, "dead_letters.clear", json!({"code": code})).await;
    assert_eq!(cleared["job_ids"].as_array().unwrap().len(), 2);
    let retried = call(&backend, "tasks.retry", json!({"all_failed": true})).await;
    assert_eq!(retried["task_ids"], json!([]));

    // Named, it is tried again; when it fails again, that is a new letter.
    call(&backend, "tasks.retry", json!({"task_id": ids[0]})).await;
    tests::engine::until(&backend, &ids[0], |task| task["status"] == "failed").await;
    assert_eq!(letters(&backend).await.len(), 1);
    call(&backend, "dead_letters.clear", json!({"all": true})).await;
    assert_eq!(letters(&backend).await.len(), 0);
    backend.shutdown().await;
}
