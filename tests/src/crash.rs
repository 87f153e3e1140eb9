//! Kills the program with SIGKILL at random moments under load and checks that nothing was lost or done twice.
//!
//! Owns the ledger: what was acknowledged is written down here, outside the program.

use crate::program::{Serving, processes_on};
use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    pub kills: u32,
    pub accepted: usize,
    /// Longest time from start to the server's address, in milliseconds.
    pub slowest_start_ms: u128,
    /// Runs of a step that a kill cut off.
    pub lost_attempts: u64,
}

/// Kills the program `kills` times, then lets it finish and checks everything.
pub async fn run(kills: u32, seed: u64, folder: &Path) -> Result<Report> {
    let mut random = StdRng::seed_from_u64(seed);
    let data_dir = folder.join("data");
    std::fs::create_dir_all(&data_dir)?;
    let sources = folder.join("sources");
    std::fs::create_dir_all(&sources)?;
    let mut report = Report { kills, ..Report::default() };
    // Task id → source. Only what the program acknowledged.
    let mut ledger: BTreeMap<String, String> = BTreeMap::new();
    let mut made = 0usize;
    for kill in 0..kills {
        let before = Instant::now();
        let serving =
            Serving::start(&data_dir).await.with_context(|| format!("seed {seed}, start {kill}"))?;
        report.slowest_start_ms = report.slowest_start_ms.max(before.elapsed().as_millis());
        let until = Instant::now() + Duration::from_millis(random.random_range(0..800));
        // Adding goes on until the kill, so that kills fall into additions too; the backlog stays bounded.
        let adding = async {
            while made < (kill as usize + 1) * 3 {
                let batch: Vec<String> = (0..random.random_range(1..3u32))
                    .map(|_| {
                        made += 1;
                        write_source(&sources, seed, made)
                    })
                    .collect::<Result<_>>()?;
                let answer = serving
                    .call("tasks.add", json!({"sources": batch, "recipe": "transcribe", "language": "en"}));
                note(&mut ledger, &answer.await?)?;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
            anyhow::Ok(())
        };
        // An addition that the kill cuts off was never acknowledged: it may be there or not.
        if let Ok(Err(error)) = tokio::time::timeout_at(until.into(), adding).await {
            return Err(error.context(format!("seed {seed}, kill {kill}")));
        }
        serving.kill()?;
        no_process_stays(&data_dir).await.with_context(|| format!("seed {seed}, kill {kill}"))?;
    }
    report.accepted = ledger.len();
    finish(&data_dir, &ledger, &mut report).await.with_context(|| format!("seed {seed}"))?;
    Ok(report)
}

fn note(ledger: &mut BTreeMap<String, String>, answer: &Value) -> Result<()> {
    ensure!(answer["refused"].as_array().is_some_and(Vec::is_empty), "a good file was refused: {answer}");
    for task in answer["tasks"].as_array().context("no tasks")? {
        let id = task["task_id"].as_str().context("no id")?;
        let source = task["input"]["source"]["path"].as_str().context("no source")?;
        ledger.insert(id.into(), source.into());
    }
    Ok(())
}

/// A WAV of its own content: a tone whose pitch is its number, 0.4 s, written without ffmpeg for speed.
fn write_source(folder: &Path, seed: u64, number: usize) -> Result<String> {
    let path: PathBuf = folder.join(format!("{number}.wav"));
    std::fs::write(&path, tone(200.0 + number as f64 + (seed % 97) as f64, 400))?;
    Ok(path.to_string_lossy().into_owned())
}

/// The bytes of a WAV file: a tone of so many hertz, so many milliseconds long.
pub fn tone(hertz: f64, milliseconds: u32) -> Vec<u8> {
    const RATE: u32 = 16_000;
    let samples: Vec<u8> = (0..RATE / 1000 * milliseconds)
        .flat_map(|i| {
            let value = (f64::from(i) / f64::from(RATE) * hertz * std::f64::consts::TAU).sin() * 8000.0;
            (value as i16).to_le_bytes()
        })
        .collect();
    let mut wav = Vec::with_capacity(samples.len() + 44);
    let length = samples.len() as u32;
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&(RATE * 2).to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.extend_from_slice(&samples);
    wav
}

async fn no_process_stays(data_dir: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let left = processes_on(data_dir);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("2 s after the kill these still run: {left:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn finish(data_dir: &Path, ledger: &BTreeMap<String, String>, report: &mut Report) -> Result<()> {
    let serving = Serving::start(data_dir).await?;
    let deadline = Instant::now() + Duration::from_secs(60 + ledger.len() as u64 * 2);
    let tasks = loop {
        let tasks = serving.list("tasks.list").await?;
        let open =
            tasks.iter().filter(|t| matches!(t["status"].as_str(), Some("queued" | "processing"))).count();
        if open == 0 {
            break tasks;
        }
        ensure!(Instant::now() < deadline, "{open} tasks did not end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let by_id: BTreeMap<&str, &Value> =
        tasks.iter().filter_map(|task| Some((task["task_id"].as_str()?, task))).collect();
    for (id, source) in ledger {
        let task =
            by_id.get(id.as_str()).with_context(|| format!("the accepted task {id} ({source}) is lost"))?;
        ensure!(task["status"] == "completed", "the accepted task {id} ended as {task}");
        ensure!(task["media_id"].is_string(), "the task {id} has no media: {task}");
    }
    // One media for each distinct source, whatever was repeated.
    let sources: BTreeSet<&str> =
        tasks.iter().filter_map(|t| t["input"]["source"]["path"].as_str()).collect();
    let media = serving.list("library.list").await?;
    ensure!(media.len() == sources.len(), "{} media of {} sources", media.len(), sources.len());
    serving.kill()?;
    no_process_stays(data_dir).await?;
    check_files(data_dir, report)
}

/// The database is sound, every artifact's name is its hash, each result stands once, and no scratch is left.
pub fn check_files(data_dir: &Path, report: &mut Report) -> Result<()> {
    let db = rusqlite::Connection::open(data_dir.join("bobina.db"))?;
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(sound == "ok", "integrity_check: {sound}");
    let broken: i64 = db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    ensure!(broken == 0, "{broken} foreign keys lead nowhere");
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let twice = one(
        "SELECT count(*) FROM (SELECT 1 FROM artifacts GROUP BY media_id, kind, key HAVING count(*) > 1)",
    )?;
    ensure!(twice == 0, "{twice} artifacts stand twice");
    let running = one("SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded','dead','cancelled')")?;
    ensure!(running == 0, "{running} jobs have not ended");
    report.lost_attempts = one("SELECT count(*) FROM attempts WHERE outcome = 'lost'")? as u64;
    for folder in ["artifacts", "media"] {
        for file in files_below(&data_dir.join(folder))? {
            let stem = file.file_stem().context("no name")?.to_string_lossy().into_owned();
            let hash = blake3::hash(&std::fs::read(&file)?).to_hex();
            ensure!(hash.as_str() == stem, "{} does not hold what its name says", file.display());
        }
    }
    Ok(())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
