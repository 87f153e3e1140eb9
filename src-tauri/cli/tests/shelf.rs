//! Removing, bringing back, tagging and finding media with the built `bobina`; the trash is one of the test's own.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // A test harness starts the program it tests, and ends where it fails.

use backend::store::media::NewMedia;
use backend::store::{Store, media, transcripts};
use domain::{MediaKind, Segment, Source, UtcTime};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const NOW: UtcTime = UtcTime(1_795_000_000_000);

struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// One file of the user's and one that was fetched, each with a transcript.
    async fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(house.path("data/media/ab")).unwrap();
        std::fs::write(house.path("talk.mp4"), "the user's own").unwrap();
        std::fs::write(house.path("data/media/ab/fetched.mp4"), "fetched by us").unwrap();
        let store = Store::open(&house.path("data"), NOW).unwrap();
        let own = house.path("talk.mp4").to_string_lossy().into_owned();
        let add = move |tx: &_| {
            let items = [
                ("m_own", "the user's own", Source::File { path: own }, None),
                (
                    "m_fetched",
                    "fetched by us",
                    Source::Url { url: "https://a.example/v".into() },
                    Some("ab/fetched.mp4"),
                ),
            ];
            for (id, content, source, stored) in items {
                let new = NewMedia {
                    media_id: id.into(),
                    hash: blake3_of(content),
                    title: id.into(),
                    source,
                    size: content.len() as u64,
                    mtime: Some(1),
                    stored: stored.map(Into::into),
                    kind: MediaKind::Video,
                };
                media::put(tx, &new, NOW)?;
                let transcript = transcripts::begin(tx, id, "basic", "k", "en", 1, NOW)?;
                let said = Segment {
                    start: 0.0,
                    end: 1.0,
                    text: format!("garantia {id}"),
                    speaker: None,
                    words: vec![],
                };
                transcripts::append_window(tx, &transcript, 0, &[said], "en", None, NOW)?;
                transcripts::finish(tx, &transcript, "en", 1, NOW)?;
            }
            Ok(())
        };
        store.write(add).await.unwrap();
        store.close();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> (i32, Value) {
        let output = Command::new(env!("CARGO_BIN_EXE_bobina"))
            .arg("--json")
            .args(args)
            .env("BOBINA_DATA_DIR", self.path("data"))
            .env("XDG_DATA_HOME", self.path("share"))
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        let value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), value)
    }

    fn done(&self, args: &[&str]) -> Value {
        let (code, value) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {value:#}");
        value
    }

    fn hits(&self) -> u64 {
        self.done(&["search", "garantia"])["total"].as_u64().unwrap()
    }
}

/// The product hashes with BLAKE3; the program itself says what a file's hash is by finding it.
fn blake3_of(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

#[tokio::test]
async fn removed_media_go_to_the_trash_and_come_back() {
    let house = House::new().await;
    assert_eq!(house.hits(), 2);
    let removed = house.done(&["library", "remove", "m_own", "m_fetched"]);
    assert_eq!(removed["trashed"], 1);
    assert!(house.path("talk.mp4").exists(), "the user's own file is never touched");
    assert!(!house.path("data/media/ab/fetched.mp4").exists());
    let trashed = std::fs::read_to_string(house.path("share/Trash/files/fetched.mp4")).unwrap();
    assert_eq!(trashed, "fetched by us");
    assert_eq!((house.done(&["library"])["total"].as_u64(), house.hits()), (Some(0), 0));
    let (code, again) = house.run(&["library", "remove", "m_own"]);
    assert_eq!((code, &again["error"]["code"]), (1, &json!("MEDIA_NOT_FOUND")));
    house.done(&["library", "restore", "m_own", "m_fetched"]);
    assert!(house.path("data/media/ab/fetched.mp4").exists());
    assert_eq!((house.done(&["library"])["total"].as_u64(), house.hits()), (Some(2), 2));
    let (code, _) = house.run(&["library", "remove", "m_own", "m_nobody"]);
    assert_eq!(code, 1);
    assert_eq!(house.done(&["library"])["total"], 2, "all or none");
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off() {
    let house = House::new().await;
    house.done(&["library", "tag", "m_own", "m_fetched", "--add", "Ótimo", "--add", "swipe file"]);
    house.done(&["library", "tag", "m_own", "--add", "otimo", "--remove", "SWIPE FILE"]);
    let with = |tag: &str| house.done(&["library", "--tag", tag]);
    assert_eq!(with("OTIMO")["total"], 2);
    assert_eq!(with("swipe file")["items"][0]["media_id"], "m_fetched");
    let list = house.done(&["library"]);
    let own = list["items"].as_array().unwrap().iter().find(|item| item["media_id"] == "m_own").unwrap();
    assert_eq!(own["tags"], json!(["Ótimo"]), "as first written");
    let (_, refused) = house.run(&["library", "tag", "m_own", "--add", "  "]);
    assert_eq!(refused["error"]["code"], "INVALID_INPUT");
}

#[tokio::test]
async fn a_moved_file_is_found_by_its_content() {
    let house = House::new().await;
    let missing = || {
        let list = house.done(&["library"]);
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["media_id"] == "m_own").unwrap()["missing"].clone()
    };
    assert_eq!(missing(), json!(false));
    std::fs::create_dir_all(house.path("elsewhere/deep")).unwrap();
    std::fs::write(house.path("elsewhere/same length.mp4"), "another's file").unwrap();
    std::fs::rename(house.path("talk.mp4"), house.path("elsewhere/deep/renamed.mp4")).unwrap();
    assert_eq!(missing(), json!(true));
    let other = house.path("elsewhere/same length.mp4");
    let (_, differs) = house.run(&["library", "find", "m_own", other.to_str().unwrap()]);
    assert_eq!(differs["error"]["code"], "FILE_DIFFERS");
    let renamed = house.path("elsewhere/deep/renamed.mp4");
    house.done(&["library", "find", "m_own", renamed.to_str().unwrap()]);
    assert_eq!(missing(), json!(false));
}

#[tokio::test]
async fn only_what_nothing_names_is_swept_and_not_at_once() {
    let house = House::new().await;
    let stray = house.path("data/artifacts/cd/stray.jpg");
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, "x").unwrap();
    let swept = house.done(&["library", "sweep"]);
    assert_eq!(
        (&swept["files"], stray.exists()),
        (&json!(0), true),
        "a file of this minute may await its row"
    );
    assert!(house.path("data/media/ab/fetched.mp4").exists());
}
