//! The built `bobina`, driven as a person or a script drives it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // A test harness starts the program it tests, and ends where it fails.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Bobina {
    folder: tempfile::TempDir,
}

impl Bobina {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bobina"));
        command.args(args).current_dir(self.folder.path()).env("BOBINA_DATA_DIR", self.data());
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn json(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(args);
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{args:?}: {error}\n{text}\n{}", String::from_utf8_lossy(&output.stderr))
        });
        (output.status.code().unwrap(), value)
    }

    fn serve(&self) -> Serving {
        let mut child = self
            .command(&["serve", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("/#token="), "{line}");
        Serving { child, address: line.trim().to_string() }
    }

    /// A second of silence, as a sound file.
    fn sound(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        let samples = vec![0u8; 32_000];
        let mut wav = Vec::new();
        wav.extend_from_slice(b"RIFF");
        wav.extend_from_slice(&(36 + samples.len() as u32).to_le_bytes());
        wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        wav.extend_from_slice(&16_000u32.to_le_bytes());
        wav.extend_from_slice(&32_000u32.to_le_bytes());
        wav.extend_from_slice(b"\x02\0\x10\0data");
        wav.extend_from_slice(&(samples.len() as u32).to_le_bytes());
        wav.extend_from_slice(&samples);
        std::fs::write(&path, wav).unwrap();
        path.to_str().unwrap().to_string()
    }
}

struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    /// Sends a request and reads the whole answer.
    fn raw(&self, line: &str, headers: &str, body: &str) -> Vec<u8> {
        let host = self.address.trim_start_matches("http://").split('/').next().unwrap();
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Runs a command through this one's own listener.
    fn post(&self, name: &str) -> Value {
        let token = self.address.split("token=").nth(1).unwrap();
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let answer = self.raw(&format!("POST /rpc/{name}"), &headers, "{}");
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        serde_json::from_slice(&answer[body..]).unwrap()
    }

    fn signal(&mut self, signal: i32) {
        // SAFETY: the child is ours and not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    fn ended(&mut self) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_use_ends_with_2_and_one_document() {
    let bobina = Bobina::new();
    for args in [
        &["--json", "frobnicate"][..],
        &["tasks", "--status", "done", "--json"],
        &["tasks", "--json", "--limit", "0"],
        &["add", "--json"],
        &["add", "x.mp4", "--not-before", "soon", "--json"],
        &["add", "x.mp4", "--header", "nonsense", "--json"],
        &["transcript", "x", "--format", "doc", "--json"],
    ] {
        let (code, value) = bobina.json(args);
        assert_eq!((code, &value["error"]["code"]), (2, &Value::from("INVALID_INPUT")), "{args:?}: {value}");
        assert!(value["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    let plain = bobina.run(&["tasks", "--status", "done"]);
    assert_eq!((plain.status.code(), plain.stdout.is_empty()), (Some(2), true));
    assert!(stderr(&plain).contains("queued, processing"), "{}", stderr(&plain));
    assert_eq!(bobina.run(&["--version"]).status.code(), Some(0));
    assert_eq!(bobina.run(&["tasks", "--help"]).status.code(), Some(0));
}

#[test]
fn global_flags_stand_before_or_after_and_beat_the_environment() {
    let bobina = Bobina::new();
    let other = bobina.folder.path().join("other");
    let other = other.to_str().unwrap();
    for args in [["--data-dir", other, "--json", "tasks"], ["tasks", "--json", "--data-dir", other]] {
        let (code, value) = bobina.json(&args);
        assert_eq!(
            (code, &value["total"], &value["items"]),
            (0, &0.into(), &Value::Array(vec![])),
            "{value}"
        );
    }
    assert!(Path::new(other).join("bobina.db").exists());
    assert!(!bobina.data().exists(), "the flag wins over the variable");
}

#[test]
fn every_list_has_its_shape() {
    let bobina = Bobina::new();
    for args in
        [&["tasks"][..], &["library"], &["urls"], &["dead-letters"], &["watch", "list"], &["search", "word"]]
    {
        let (code, value) = bobina.json(&[args, &["--json"]].concat());
        assert_eq!(
            (code, &value["total"], value["items"].is_array()),
            (0, &0.into(), true),
            "{args:?}: {value}"
        );
    }
    let (_, recipes) = bobina.json(&["recipes", "--json"]);
    let names: Vec<&str> = recipes["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["recipe"]["name"].as_str())
        .collect();
    for name in ["download", "transcribe", "vsl"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let (_, models) = bobina.json(&["models", "list", "--json"]);
    assert!(models["items"].as_array().is_some_and(|items| items.len() >= 10), "{models}");
    let (_, doctor) = bobina.json(&["doctor", "--json"]);
    assert!(
        doctor["checks"]
            .as_array()
            .is_some_and(|checks| checks.iter().any(|check| check["name"] == "ffmpeg"))
    );
    let (code, none) = bobina.json(&["task", "t_nothing", "--json"]);
    assert_eq!((code, &none["error"]["code"]), (1, &"TASK_NOT_FOUND".into()));
}

#[test]
fn a_list_is_whole_where_no_page_is_asked_for() {
    let bobina = Bobina::new();
    let urls: Vec<String> = (0..27).map(|number| format!("https://example.org/film-{number}.mp4")).collect();
    let mut args = vec!["add", "--json"];
    args.extend(urls.iter().map(String::as_str));
    assert_eq!(bobina.json(&args).0, 0);
    let (_, all) = bobina.json(&["urls", "--json"]);
    assert_eq!((all["total"].as_u64(), all["items"].as_array().map(Vec::len)), (Some(27), Some(27)), "{all}");
    let (_, page) = bobina.json(&["urls", "--json", "--limit", "5", "--offset", "25"]);
    assert_eq!(
        (page["total"].as_u64(), page["items"].as_array().map(Vec::len)),
        (Some(27), Some(2)),
        "{page}"
    );
}

#[test]
fn add_without_anybody_there_records_and_says_who_will_run_it() {
    let bobina = Bobina::new();
    bobina.sound("a.wav");
    bobina.sound("b.wav");
    let output = bobina.run(&["add", "a.wav", "missing.mp4", "b.wav", "--json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "one was refused");
    let sources: Vec<&str> =
        value["tasks"].as_array().unwrap().iter().map(|task| task["source"].as_str().unwrap()).collect();
    assert!(
        sources.len() == 2 && sources[0].ends_with("/a.wav") && sources[1].ends_with("/b.wav"),
        "{sources:?}"
    );
    for task in value["tasks"].as_array().unwrap() {
        assert_eq!((&task["status"], &task["cached"]), (&"queued".into(), &false.into()));
        for field in ["task_id", "kind", "media_id", "transcript_id", "error"] {
            assert!(task.get(field).is_some(), "{field}");
        }
    }
    assert!(value["refused"][0]["source"].as_str().unwrap().ends_with("missing.mp4"));
    assert_eq!(value["refused"][0]["error"]["code"], "FILE_NOT_FOUND");
    assert!(stderr(&output).contains("bobina serve"), "{}", stderr(&output));
    let (_, tasks) = bobina.json(&["tasks", "--json"]);
    assert_eq!(tasks["total"], 2);
    let id = tasks["items"][0]["task_id"].as_str().unwrap();
    let (code, one) = bobina.json(&["task", &id[..id.len() - 2], "--json"]);
    assert_eq!((code, &one["task"]["task_id"]), (0, &id.into()), "an id may be abbreviated");
    let (code, cancelled) = bobina.json(&["cancel", id, "--json"]);
    assert_eq!((code, &cancelled["task"]["status"]), (0, &"cancelled".into()));
}

#[test]
fn names_do_not_reach_the_terminal_raw() {
    let bobina = Bobina::new();
    bobina.sound("evil\u{1b}[31m\nname.wav");
    let added = bobina.run(&["add", "evil\u{1b}[31m\nname.wav"]);
    let listed = bobina.run(&["tasks"]);
    for text in [&added.stdout, &added.stderr, &listed.stdout] {
        assert!(!text.contains(&0x1b), "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2, "a row stays one line");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let bobina = Bobina::new();
    let mut child =
        bobina.command(&["recipes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "");
}

#[test]
fn a_second_bobina_goes_through_the_first_and_they_agree() {
    let bobina = Bobina::new();
    let mut first = bobina.serve();
    bobina.sound("a.wav");
    let added = bobina.run(&["add", "a.wav", "--not-before", "+2h"]);
    assert!(added.status.success(), "{}", stderr(&added));
    assert!(stderr(&added).contains(&format!("process {}", first.child.id())), "{}", stderr(&added));
    let mut second = bobina.serve();
    assert_ne!(first.address, second.address);
    let (_, tasks) = bobina.json(&["tasks", "--json"]);
    assert_eq!(tasks["total"], 1);

    // Killed without a word: the second takes over, and the command line goes through it.
    first.signal(libc::SIGKILL);
    first.ended();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut owner = 0;
    while owner != u64::from(second.child.id()) {
        assert!(Instant::now() < deadline, "the second one does not take over");
        std::thread::sleep(Duration::from_millis(100));
        let text = std::fs::read_to_string(bobina.data().join("owner.json")).unwrap_or_default();
        owner = serde_json::from_str::<Value>(&text).unwrap_or_default()["pid"].as_u64().unwrap_or(0);
    }
    let (_, tasks) = bobina.json(&["tasks", "--json"]);
    assert_eq!(tasks["total"], 1, "nothing is lost");

    second.signal(libc::SIGTERM);
    assert_eq!(second.ended(), 0, "asked to stop is no failure");
    assert!(!bobina.data().join("owner.json").exists(), "no address is left behind");
    let (code, tasks) = bobina.json(&["tasks", "--json"]);
    assert_eq!((code, &tasks["total"]), (0, &1.into()));
}

#[test]
fn media_plays_through_the_second_one_too() {
    let bobina = Bobina::new();
    let sound = bobina.sound("a.wav");
    let _first = bobina.serve();
    let (code, _) = bobina.json(&["add", "a.wav", "--recipe", "download", "--wait", "--json"]);
    assert_eq!(code, 0);
    let second = bobina.serve();
    let file = bobina.json(&["library", "--json"]).1["items"][0]["file"].as_str().unwrap().to_string();
    let address = second.post("server.address");
    let media = address["media_url"].as_str().unwrap();
    assert!(
        second.address.starts_with(&media[..media.find("/media/").unwrap()]),
        "its own listener: {media}"
    );
    let path = &media[media.find("/media/").unwrap()..];
    let answer = second.raw(&format!("GET {path}/{file}"), "Range: bytes=40-143\r\n", "");
    assert!(answer.starts_with(b"HTTP/1.1 206"), "{}", String::from_utf8_lossy(&answer));
    assert!(answer.ends_with(&std::fs::read(sound).unwrap()[40..144]));
}

#[test]
fn a_taken_port_is_said_plainly() {
    let bobina = Bobina::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, value) = bobina.json(&["serve", "--port", &port, "--json"]);
    assert_eq!((code, &value["error"]["code"]), (1, &"PORT_TAKEN".into()));
}

#[test]
fn the_owners_address_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let bobina = Bobina::new();
    let serving = bobina.serve();
    let mode = std::fs::metadata(bobina.data().join("owner.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let folder = std::fs::metadata(bobina.data()).unwrap().permissions().mode();
    assert_eq!(folder & 0o077, 0, "the data folder too");
    let token = serving.address.split("token=").nth(1).unwrap().to_string();
    let log = std::fs::read_to_string(bobina.data().join("logs/bobina.log")).unwrap_or_default();
    assert!(!log.contains(&token), "tokens are not logged");
}

#[test]
fn waiting_ends_with_the_tasks_and_prints_the_same_shape() {
    let bobina = Bobina::new();
    bobina.sound("quiet.wav");
    std::fs::write(bobina.folder.path().join("notes.txt"), "not media").unwrap();
    let (code, value) =
        bobina.json(&["add", "quiet.wav", "--wait", "--json", "--engine", "basic", "--language", "en"]);
    let task = &value["tasks"][0];
    assert_eq!((code, &task["status"]), (0, &"completed".into()), "{value}");
    assert_eq!(task["note"], "no_speech");
    assert_eq!(task["error"], Value::Null);
    let (code, again) =
        bobina.json(&["add", "quiet.wav", "--wait", "--json", "--engine", "basic", "--language", "en"]);
    assert_eq!((code, &again["tasks"][0]["cached"]), (0, &true.into()), "{again}");
    assert_eq!(again["tasks"][0]["media_id"], task["media_id"]);
    let (code, refused) = bobina.json(&["add", "notes.txt", "--wait", "--json"]);
    assert_eq!((code, &refused["refused"][0]["error"]["code"]), (1, &"FILE_TYPE_UNSUPPORTED".into()));
    let (code, library) = bobina.json(&["library", "--json"]);
    assert_eq!((code, &library["total"], &library["items"][0]["kind"]), (0, &1.into(), &"audio".into()));
}

#[test]
fn waiting_for_a_missing_model_ends_with_1_and_names_the_cure() {
    let bobina = Bobina::new();
    bobina.sound("quiet.wav");
    let output = bobina.run(&["add", "quiet.wav", "--wait", "--engine", "whisper:base"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("MODEL_MISSING"), "{}", stderr(&output));
    assert!(stderr(&output).contains("bobina models download"), "{}", stderr(&output));
}

#[test]
fn interrupted_waiting_leaves_the_task_queued_and_says_so() {
    let bobina = Bobina::new();
    bobina.sound("a.wav");
    let mut child = bobina
        .command(&["add", "a.wav", "--wait", "--json", "--not-before", "+2h"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says when it will start; then it is known to be waiting.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("starts at"), "{first}");
    std::thread::sleep(Duration::from_millis(300));
    // SAFETY: the child is ours and not yet waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(rest.iter().any(|line| line.contains("queue")), "{rest:?}");
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["tasks"][0]["status"], "queued");
    let (_, tasks) = bobina.json(&["tasks", "--json"]);
    assert_eq!(tasks["items"][0]["status"], "queued");
}
