//! Databases of released schemas open with today's program, whole; one of a newer program is left alone.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::{Backend, Options};
use domain::ErrorCode;
use rusqlite::Connection;
use serde_json::json;
use std::path::{Path, PathBuf};
use tests::engine::{call, ended, open, until};
use tests::schema;

fn fixtures() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(schema::folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
    found.sort();
    assert!(!found.is_empty(), "no fixture");
    found
}

fn version(db: &Connection) -> u32 {
    db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_released_schema_opens_whole_and_its_work_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    schema::make_sources(&sources).unwrap();
    for fixture in fixtures() {
        let name = fixture.file_stem().unwrap().to_string_lossy().into_owned();
        let data_dir = folder.path().join(&name);
        schema::lay_out(&fixture, &data_dir, &sources).unwrap();
        let before = {
            let db = Connection::open(data_dir.join("bobina.db")).unwrap();
            assert_eq!(version(&db), name.parse::<u32>().unwrap(), "{name} is named after its schema");
            schema::rows(&db).unwrap()
        };
        finish(&name, &data_dir).await;
        let db = Connection::open(data_dir.join("bobina.db")).unwrap();
        assert_eq!(version(&db), backend::store::KNOWN_SCHEMA, "{name}");
        let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "{name}");
        let broken: i64 =
            db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0, "{name}: foreign keys");
        let after = schema::rows(&db).unwrap();
        for (table, rows) in &before {
            assert!(after.get(table).is_some_and(|now| now >= rows), "{name}: {table} had {rows}: {after:?}");
        }
    }
}

/// Opens the folder, finds everything that the fixture holds, and sees the work through that was cut off.
async fn finish(name: &str, data_dir: &Path) {
    let backend = open(data_dir).await;
    let tasks = call(&backend, "tasks.list", json!({"limit": 100})).await;
    assert_eq!(tasks["total"], 6, "{name}: {tasks:#}");
    let find = |title: &str| {
        let items = tasks["items"].as_array().unwrap();
        items
            .iter()
            .find(|task| task["title"] == title)
            .unwrap_or_else(|| panic!("{title}: {tasks:#}"))
            .clone()
    };
    let whole = find("welcome");
    assert_eq!(whole["status"], "completed");
    let transcript = call(&backend, "transcripts.get", json!({"id": whole["transcript_id"]})).await;
    let first = transcript["segments"][0].clone();
    assert!(first["words"].as_array().is_some_and(|words| !words.is_empty()), "{name}: {transcript:#}");
    let word = first["words"][0]["text"].as_str().unwrap();
    let hits = call(&backend, "library.search", json!({"query": word})).await;
    assert!(hits["total"].as_u64() > Some(0), "{name}: \"{word}\" is not found");
    let letters = call(&backend, "dead_letters.list", json!({})).await;
    assert_eq!(letters["total"], 1, "{name}: {letters:#}");
    assert!(letters["items"][0]["error"]["code"].is_string());
    assert_eq!(find("unheard")["waiting"]["code"], "MODEL_MISSING", "{name}: {:#}", find("unheard"));
    assert_eq!(call(&backend, "urls.list", json!({})).await["total"], 1);
    assert_eq!(call(&backend, "watch.list", json!({})).await["total"], 1);

    let id = find("long")["task_id"].clone();
    let done = until(&backend, &id, ended).await;
    assert_eq!(done["status"], "completed", "{name}: {done:#}");
    let text = call(&backend, "transcripts.get", json!({"id": done["transcript_id"]})).await;
    let said = text["text"].as_str().unwrap().matches("nothing is ever lost").count();
    assert!((7..=9).contains(&said), "{name}: 9 rounds of the clip, heard {said} times");
    let detail = call(&backend, "tasks.get", json!({"task_id": id})).await;
    let jobs = detail["jobs"].as_array().unwrap();
    assert!(jobs.iter().all(|job| job["attempts"] == 1), "{name}: a kill uses up no try: {detail:#}");
    backend.shutdown().await;
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(data_dir.join("scratch/7-9")).unwrap();
    std::fs::write(data_dir.join("scratch/7-9/half.wav"), b"of the newer program").unwrap();
    let path = data_dir.join("bobina.db");
    std::fs::copy(fixtures().last().unwrap(), &path).unwrap();
    let db = Connection::open(&path).unwrap();
    // What a newer program may have chosen: another journal, a table that this one does not know.
    db.pragma_update(None, "journal_mode", "DELETE").unwrap();
    db.execute_batch("CREATE TABLE of_tomorrow (x ANY) STRICT; PRAGMA user_version = 9999;").unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let worker_program = tests::program::bobina().unwrap();
    let refused = Backend::open(Options { data_dir: data_dir.clone(), worker_program, work: true }).await;
    let error = refused.err().expect("a newer database was opened");
    assert_eq!(error.code, ErrorCode::DataNewer, "{error:?}");
    assert!(error.message.contains("9999"), "{error:?}");
    assert!(std::fs::read(&path).unwrap() == before, "the database was changed");
    assert!(data_dir.join("scratch/7-9/half.wav").exists(), "files of the newer program are gone");
    assert!(!data_dir.join("bobina.db-wal").exists(), "a log was begun");
}
