//! Databases of released schemas: how the fixture of today's schema is made, and how a copy is put to use.
//!
//! Invariant: a fixture is what the program itself wrote; only places and times are moved, in its every text.

use crate::engine::{long_speech, sample};
use crate::program::Serving;
use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What stands in a fixture for the folder of the sources.
pub const PLACE: &str = "/schema-fixture";

/// Where the fixtures lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema")
}

/// Lays the sources out that a fixture's tasks name.
pub fn make_sources(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder.join("watched"))?;
    std::fs::copy(sample(), folder.join("welcome.mp4"))?;
    // The form of an MP4, and nothing in it.
    let mut broken = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    broken.extend([0x5a; 4096]);
    std::fs::write(folder.join("broken.mp4"), broken)?;
    std::fs::write(folder.join("unheard.mp4"), std::fs::read(sample())?)?;
    long_speech(folder);
    Ok(())
}

/// Works on real sources with the real program, kills it in the middle, and leaves the database in `to`.
pub async fn make(to: &Path) -> Result<()> {
    let house = tempfile::tempdir()?;
    let (data_dir, sources) = (house.path().join("data"), house.path().join("sources"));
    std::fs::create_dir_all(&data_dir)?;
    make_sources(&sources)?;
    let serving = Serving::start(&data_dir).await?;
    let path = |name: &str| sources.join(name).to_string_lossy().into_owned();
    let add = |name: &str, recipe: &str, engine: &str| {
        let request = json!({"sources": [path(name)], "recipe": recipe, "language": "en", "engine": engine});
        serving.call("tasks.add", request)
    };
    serving.call("tasks.pause", json!({"lane": "provider:nobody"})).await?;
    serving.call("watch.add", json!({"path": path("watched")})).await?;
    std::fs::write(sources.join("watched/silent.wav"), crate::crash::tone(440.0, 4_000))?;
    add("welcome.mp4", "vsl", "basic").await?;
    add("broken.mp4", "download", "auto").await?;
    add("unheard.mp4", "transcribe", "whisper:base").await?;
    let link = json!({"sources": ["http://127.0.0.1:9/never.mp4"], "allow_hosts": ["127.0.0.1:9"]});
    serving.call("tasks.add", link).await?;
    until(&serving, |tasks| {
        tasks.len() == 5 && count(tasks, "completed") == 2 && count(tasks, "failed") == 1
    })
    .await?;
    add("long.mp4", "transcribe", "basic").await?;
    let db = data_dir.join("bobina.db");
    until(&serving, |_| heard(&db).is_ok_and(|windows| windows >= 1)).await?;
    serving.kill()?;
    let db = Connection::open(db)?;
    // What only time would bring.
    db.execute_batch(
        "INSERT OR IGNORE INTO expired_tasks SELECT 't_longago00000', max(created_at) FROM tasks;
         INSERT OR IGNORE INTO counters VALUES ('fixture', 1);",
    )?;
    replace_text(&db, &sources.to_string_lossy(), PLACE)?;
    for (table, rows) in rows(&db)? {
        if rows == 0 {
            println!("the table {table} is empty: fill it above, then make the fixture again");
        }
    }
    if to.exists() {
        std::fs::remove_file(to)?;
    }
    db.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// Windows of the transcript that is not whole.
fn heard(db: &Path) -> Result<i64> {
    let sql =
        "SELECT count(*) FROM transcript_windows JOIN transcripts ON id = transcript WHERE NOT complete";
    Ok(Connection::open(db)?.query_row(sql, [], |row| row.get(0))?)
}

fn count(tasks: &[Value], status: &str) -> usize {
    tasks.iter().filter(|task| task["status"] == status).count()
}

async fn until(serving: &Serving, reached: impl Fn(&[Value]) -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let tasks = serving.list("tasks.list").await?;
        if reached(&tasks) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not so within four minutes: {}", json!(tasks));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Puts a copy of a fixture into `data_dir` as if it had been written just now over sources in `sources`.
pub fn lay_out(fixture: &Path, data_dir: &Path, sources: &Path) -> Result<()> {
    std::fs::create_dir_all(data_dir)?;
    let path = data_dir.join("bobina.db");
    std::fs::copy(fixture, &path)?;
    let db = Connection::open(path)?;
    replace_text(&db, PLACE, &sources.to_string_lossy())?;
    // Tasks that ended long ago would be pruned at the start.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
    let newest: i64 = db.query_row("SELECT max(updated_at) FROM tasks", [], |row| row.get(0))?;
    for (table, column, kind) in columns(&db)? {
        let is_time = column.ends_with("_at") || ["at", "not_before"].contains(&column.as_str());
        if is_time && kind == "INTEGER" {
            db.execute(&format!("UPDATE \"{table}\" SET \"{column}\" = \"{column}\" + ?1"), [now - newest])?;
        }
    }
    Ok(())
}

/// How many rows each table holds; the index's own tables left out.
pub fn rows(db: &Connection) -> Result<BTreeMap<String, i64>> {
    let mut counted = BTreeMap::new();
    for table in columns(db)?.into_iter().map(|(table, ..)| table) {
        let rows = db.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0))?;
        counted.insert(table, rows);
    }
    Ok(counted)
}

/// Table, name and type of every column of the ordinary tables.
fn columns(db: &Connection) -> Result<Vec<(String, String, String)>> {
    let sql = "SELECT t.name, c.name, c.type FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
               WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1, c.cid";
    let mut found = db.prepare(sql).context("the tables")?;
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn replace_text(db: &Connection, from: &str, to: &str) -> Result<()> {
    for (table, column, kind) in columns(db)? {
        if kind == "TEXT" {
            let sql = format!(
                "UPDATE \"{table}\" SET \"{column}\" = replace(\"{column}\", ?1, ?2) WHERE instr(\"{column}\", ?1)"
            );
            db.execute(&sql, [from, to])?;
        }
    }
    Ok(())
}
