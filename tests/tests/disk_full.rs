//! The disk fills up at the n-th change of the data folder, for every n: nothing accepted is lost, nothing half-written
//! is seen, and once there is space again the work is finished.
//!
//! `BOBINA_FAULTS=all` takes every n however long it lasts; otherwise as many as fit into some seconds, spread evenly.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tests::crash::{Report, check_files, tone};
use tests::engine::text;
use tests::program::Serving;

/// How long faults are made.
const BUDGET: Duration = Duration::from_secs(40);
const NEVER: u64 = u64::MAX;

/// The numbers that the preloaded library shares with us.
struct Disk {
    control: File,
    path: PathBuf,
    library: PathBuf,
}

impl Disk {
    #[allow(clippy::disallowed_methods, reason = "the library is built by the system's own compiler")]
    fn new(folder: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/full_disk.c");
        let library = folder.join("full_disk.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let path = folder.join("control");
        std::fs::write(&path, [0; 24]).unwrap();
        let control = File::options().read(true).write(true).open(&path).unwrap();
        let disk = Self { control, path, library };
        disk.fill_at(NEVER);
        disk
    }

    async fn serve(&self, data_dir: &Path) -> Serving {
        let environment = [
            ("LD_PRELOAD", text(&self.library)),
            ("FULL_DISK_CONTROL", text(&self.path)),
            ("FULL_DISK_FOLDER", text(data_dir)),
        ];
        Serving::start_with(data_dir, &environment).await.unwrap()
    }

    /// From now on the `change`-th change, counted from 1, and all after it fail.
    fn fill_at(&self, change: u64) {
        // First out of reach, so that no change fails between the three.
        for (place, number) in [(8, NEVER), (0, 0), (16, 0), (8, change)] {
            self.control.write_all_at(&number.to_ne_bytes(), place).unwrap();
        }
    }

    /// There is space again.
    fn free(&self) {
        self.control.write_all_at(&NEVER.to_ne_bytes(), 8).unwrap();
    }

    fn number(&self, place: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, place).unwrap();
        u64::from_ne_bytes(bytes)
    }

    fn changes(&self) -> u64 {
        self.number(0)
    }

    fn failures(&self) -> u64 {
        self.number(16)
    }
}

struct House {
    folder: tempfile::TempDir,
    data_dir: PathBuf,
    disk: Disk,
    made: u32,
    /// Codes of faults that tries ended with.
    codes: BTreeSet<String>,
}

impl House {
    fn source(&mut self) -> Value {
        self.made += 1;
        let path = self.folder.path().join(format!("{}.wav", self.made));
        std::fs::write(&path, tone(200.0 + f64::from(self.made), 200)).unwrap();
        json!({"sources": [path], "recipe": "download"})
    }

    /// Adds a source while the disk fills up at the n-th change, frees the disk, and sees the task completed.
    async fn round(&mut self, serving: &Serving, at: u64) {
        let request = self.source();
        self.disk.fill_at(at);
        let answer = serving.call("tasks.add", request.clone()).await;
        let mut id = answer.as_ref().ok().map(|answer| answer["tasks"][0]["task_id"].clone());
        let began = Instant::now();
        // Until it ends, or the fault has done its work for a while.
        while let Some(id) = &id {
            let hit = self.disk.failures() > 0 && began.elapsed() > Duration::from_millis(150);
            if hit || ended(serving, id).await.is_some() {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "change {at}: neither a fault nor an end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if let Some(id) = &id
            && ended(serving, id).await.as_deref() == Some("completed")
        {
            self.is_whole(serving, id, at).await;
        }
        self.disk.free();
        if let Err(refused) = &answer {
            let said = format!("{refused:#}");
            assert!(said.contains("DISK_FULL") || said.contains("STORAGE_FAULT"), "change {at}: {said}");
            let added = serving.call("tasks.add", request).await.unwrap();
            id = Some(added["tasks"][0]["task_id"].clone());
        }
        let id = id.unwrap();
        let began = Instant::now();
        while ended(serving, &id).await.as_deref() != Some("completed") {
            // What is put off would be tried by itself later; `TASK_ACTIVE` says that it is running already.
            if let Err(error) = serving.call("tasks.retry", json!({"task_id": id})).await {
                let said = format!("{error:#}");
                assert!(
                    said.contains("TASK_ACTIVE") || said.contains("TASK_FINISHED"),
                    "change {at}: {said}"
                );
            }
            let detail = || serving.call("tasks.get", json!({"task_id": id}));
            assert!(began.elapsed() < Duration::from_secs(60), "change {at}: {:#}", detail().await.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.is_whole(serving, &id, at).await;
    }

    /// Every step of a completed task succeeded, and every try that did not says why.
    async fn is_whole(&mut self, serving: &Serving, id: &Value, at: u64) {
        let detail = serving.call("tasks.get", json!({"task_id": id})).await.unwrap();
        for job in detail["jobs"].as_array().unwrap() {
            assert_eq!(job["state"], "succeeded", "change {at}: {detail:#}");
            for attempt in job["history"].as_array().unwrap() {
                if let Some(code) = attempt["error"]["code"].as_str() {
                    assert!(["DISK_FULL", "STORAGE_FAULT"].contains(&code), "change {at}: {attempt:#}");
                    self.codes.insert(code.into());
                }
            }
        }
        let media = serving.call("library.get", json!({"media_id": detail["task"]["media_id"]})).await;
        assert!(media.is_ok(), "change {at}: {media:?}");
    }
}

/// How a task has ended, if it has. A disk that is full does not keep it from being read.
async fn ended(serving: &Serving, id: &Value) -> Option<String> {
    let detail = serving.call("tasks.get", json!({"task_id": id})).await.unwrap();
    let status = detail["task"]["status"].as_str().unwrap();
    matches!(status, "completed" | "failed" | "cancelled").then(|| status.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_at_any_change_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let disk = Disk::new(folder.path());
    let mut house = House { data_dir: data_dir.clone(), disk, folder, made: 0, codes: BTreeSet::new() };
    let mut serving = house.disk.serve(&data_dir).await;
    house.round(&serving, NEVER).await;
    let whole = house.disk.changes();
    house.round(&serving, NEVER).await;
    let changes = house.disk.changes().max(whole);
    assert!(changes > 20, "the library sees too little: {changes} changes");

    let all = std::env::var_os("BOBINA_FAULTS").is_some();
    let began = Instant::now();
    // A step that shares no factor with the count visits every change, and spreads the first ones evenly.
    let step = (changes * 5 / 8..).find(|step| {
        (1..=*step).filter(|d| step.is_multiple_of(*d) && changes.is_multiple_of(*d)).count() == 1
    });
    let (mut visited, mut at) = (0, 0);
    while visited < changes && (all || began.elapsed() < BUDGET) {
        visited += 1;
        at = (at + step.unwrap()) % changes;
        house.round(&serving, at + 1).await;
        if visited.is_multiple_of(16) {
            // Killed while the disk is full, and started again on the free one.
            let request = house.source();
            house.disk.fill_at(at + 1);
            // Accepted or not: what counts is what stands there after the kill.
            let _ = serving.call("tasks.add", request).await;
            serving.kill().unwrap();
            house.disk.free();
            serving = house.disk.serve(&data_dir).await;
        }
    }
    println!("{visited} of {changes} changes, codes {:?}", house.codes);
    assert!(house.codes.contains("DISK_FULL"), "no step ever met a full disk: {:?}", house.codes);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let tasks = serving.list("tasks.list").await.unwrap();
        let open: Vec<_> = tasks.iter().filter(|task| task["status"] != "completed").collect();
        if open.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{open:#?}");
        // Put off by a fault before a kill: now rather than in half a minute. Refused while it runs.
        let _ = serving.call("tasks.retry", json!({"task_id": open[0]["task_id"]})).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    serving.signal("TERM").unwrap();
    serving.ended(Duration::from_secs(30)).await.unwrap();
    assert_eq!(std::fs::read_dir(house.data_dir.join("scratch")).unwrap().count(), 0, "scratch files stayed");
    check_files(&house.data_dir, &mut Report::default()).unwrap();
}
