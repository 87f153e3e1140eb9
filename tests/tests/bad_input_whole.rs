//! Bad and hostile files through the whole program: added by name and by folder, each refused, failed with its code, or
//! done; the rest goes on; nothing is left behind.
#![allow(clippy::unwrap_used)] // helpers of tests count as tests

mod media_files;

use backend::{Backend, Opened, Options, api};
use media_files::{Room, ffmpeg};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

async fn open(data_dir: &Path) -> Backend {
    let options = Options {
        data_dir: data_dir.into(),
        worker_program: tests::program::bobina().expect("cargo build -p cli comes first"),
        work: true,
    };
    match Backend::open(options).await.expect("the folder opens") {
        Opened::Owner(backend) => backend,
        Opened::Taken(address) => panic!("{address:?} has it"),
    }
}

async fn call(backend: &Backend, command: &str, input: Value) -> Value {
    api::call(backend, command, input).await.unwrap_or_else(|error| panic!("{command}: {error:?}"))
}

/// Waits for the end of each task: what it was called, and its status or the code of its failure.
async fn ends(backend: &Backend, tasks: &Value) -> BTreeMap<String, String> {
    let mut ends = BTreeMap::new();
    for task in tasks.as_array().unwrap() {
        let deadline = Instant::now() + Duration::from_secs(240);
        let ended = loop {
            let task = call(backend, "tasks.get", json!({"task_id": task["task_id"]})).await["task"].clone();
            if matches!(task["status"].as_str(), Some("completed" | "failed" | "cancelled")) {
                break task;
            }
            assert!(Instant::now() < deadline, "still not done: {task:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let name = Path::new(ended["input"]["source"]["path"].as_str().unwrap())
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let end = ended["error"]["code"].as_str().or(ended["status"].as_str()).unwrap().to_owned();
        ends.insert(name, end);
    }
    ends
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_bad_files_ends_file_by_file() {
    let room = Room::new().await;
    let given = room.path("given");
    std::fs::create_dir(&given).unwrap();
    let clip = "-f lavfi -i testsrc2=s=160x120:r=10:d=1 -f lavfi -i sine=440:d=1 -c:v mpeg4 -c:a aac";
    ffmpeg(&format!("{clip} good.mp4"), room.folder.path());
    let good = std::fs::read(room.path("good.mp4")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(given.join(name), bytes).unwrap();
    // The same film over and over would be one item: a trailing `free` box makes each another content.
    let variant = |n: u32| [&good[..], &[0, 0, 0, 12], b"free", &n.to_be_bytes()].concat();
    let done = [
        "-i",
        "it's \"quoted\".mp4",
        "two\nlines.mp4",
        ";rm -rf ~.mp4",
        "$(id).mp4",
        "%d.mp4",
        "\u{202e}4pm.mp4",
        "concat:a|b.mp4",
        "pipe:0",
        "x.m3u8",
    ];
    for (n, name) in done.iter().enumerate() {
        write(name, &variant(n as u32));
    }
    write("cut.mp4", &good[..good.len() / 2]);
    write("rubbish.mp4", &[&good[..40], &[0x5a; 4000]].concat());
    write("empty.mp4", b"");
    write("text.mp4", b"words");
    write("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n");
    write("archive.mp4", b"PK\x03\x04\x14\0\0\0");
    write("large.y4m", b"YUV4MPEG2 W65535 H65535 F25:1 Ip A1:1 C420jpeg\nFRAME\n\x80\x80\x80\x80");
    std::fs::write(given.join(std::ffi::OsStr::from_bytes(b"not \xff utf-8.mp4")), variant(99)).unwrap();
    media_files::command("mkfifo", &["fifo.mp4"], &given);
    std::os::unix::fs::symlink("nowhere", given.join("dangling.mp4")).unwrap();
    std::os::unix::fs::symlink(".", given.join("loop")).unwrap();

    let data = room.path("data");
    let backend = open(&data).await;
    let sources = json!([given.to_str().unwrap(), given.join("missing.mp4").to_str().unwrap()]);
    let outcome = call(&backend, "tasks.add", json!({"sources": sources, "recipe": "download"})).await;
    let refused: BTreeMap<String, String> = outcome["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| {
            let source = Path::new(refusal["source"].as_str().unwrap());
            let name = source.file_name().unwrap().to_string_lossy().into_owned();
            (name, refusal["error"]["code"].as_str().unwrap().to_owned())
        })
        .collect();
    for (name, code) in [
        ("empty.mp4", "FILE_EMPTY"),
        ("text.mp4", "FILE_TYPE_UNSUPPORTED"),
        ("archive.mp4", "FILE_TYPE_UNSUPPORTED"),
        ("list.mp4", "PLAYLIST_LOCAL"),
        ("fifo.mp4", "NOT_A_FILE"),
        ("dangling.mp4", "FILE_NOT_FOUND"),
        ("missing.mp4", "FILE_NOT_FOUND"),
    ] {
        assert_eq!(refused.get(name).map(String::as_str), Some(code), "{name}: {refused:?}");
    }

    let ends = ends(&backend, &outcome["tasks"]).await;
    for name in done {
        assert_eq!(ends.get(name).map(String::as_str), Some("completed"), "{name}: {ends:?}");
    }
    for (name, code) in
        [("cut.mp4", "MEDIA_DAMAGED"), ("rubbish.mp4", "MEDIA_DAMAGED"), ("large.y4m", "MEDIA_TOO_LARGE")]
    {
        assert_eq!(ends.get(name).map(String::as_str), Some(code), "{name}: {ends:?}");
    }
    // A name that is no text is refused or done, never lost.
    let odd = |name: &&String| name.starts_with("not ");
    let told = ends.iter().filter(|(name, end)| odd(name) && *end == "completed").count()
        + refused.keys().filter(odd).count();
    assert_eq!(told, 1, "{ends:?} {refused:?}");

    let letters = call(&backend, "dead_letters.list", json!({})).await;
    assert_eq!(letters["total"], 3, "{letters:#}");
    backend.shutdown().await;
    assert_eq!(names(&data.join("scratch")), [""; 0]);
    assert_eq!(names(&data.join("children")), [""; 0]);
    assert!(tests::program::processes_on(&data).is_empty());
}
