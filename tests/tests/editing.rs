//! Editing a transcript through the commands: copies, undo, two editors at once, what cannot be edited.
#![allow(clippy::unwrap_used, reason = "a broken fixture stops the test where it stands")]

use backend::Backend;
use backend::api;
use backend::store::media::NewMedia;
use backend::store::{Store, media, transcripts};
use domain::{ErrorCode, MediaKind, Segment, Source, UtcTime, Word};
use serde_json::{Value, json};
use tests::engine::{call, open};

const NOW: UtcTime = UtcTime(1_795_000_000_000);

/// A data folder with one transcript, complete or still being heard.
async fn house(lines: &[&str], complete: bool) -> (tempfile::TempDir, Backend, String) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path(), NOW).unwrap();
    let segments: Vec<Segment> = lines.iter().enumerate().map(segment).collect();
    let id = store
        .write(move |tx| {
            let new = NewMedia {
                media_id: "m1".into(),
                hash: blake3::hash(b"m1").to_hex().to_string(),
                title: "Talk".into(),
                source: Source::File { path: "/nowhere/talk.mp4".into() },
                size: 1,
                mtime: None,
                stored: None,
                kind: MediaKind::Video,
            };
            media::put(tx, &new, NOW)?;
            let id = transcripts::begin(tx, "m1", "basic", "key", "en", 1, NOW)?;
            transcripts::append_window(tx, &id, 0, &segments, "en", None, NOW)?;
            if complete {
                transcripts::finish(tx, &id, "en", 1, NOW)?;
            }
            Ok(id)
        })
        .await
        .unwrap();
    store.close();
    drop(store);
    let backend = open(root.path()).await;
    (root, backend, id)
}

fn segment((place, text): (usize, &&str)) -> Segment {
    let start = place as f64 * 10.0;
    let word = |(at, text): (usize, &str)| {
        let from = start + at as f64 * 0.5;
        Word { start: from, end: from + 0.4, text: text.into(), confidence: Some(0.9) }
    };
    let words = text.split(' ').enumerate().map(word).collect();
    Segment { start, end: start + 9.0, text: (*text).into(), speaker: None, words }
}

async fn refused(backend: &Backend, command: &str, input: Value) -> ErrorCode {
    api::call(backend, command, input).await.unwrap_err().code
}

async fn text(backend: &Backend, id: &str) -> String {
    call(backend, "transcripts.get", json!({ "id": id })).await["text"].as_str().unwrap().to_string()
}

async fn hits(backend: &Backend, query: &str) -> u64 {
    call(backend, "library.search", json!({ "query": query })).await["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_makes_a_version_and_undo_takes_it_back() {
    let (_root, backend, heard) = house(&["the yelow train", "leaves at seven"], true).await;
    let edit = json!({ "edit": "text", "segment": 0, "text": "The yellow train" });
    let done =
        call(&backend, "transcripts.edit", json!({ "id": heard, "revision": 0, "edits": [edit] })).await;
    let edited = done["transcript_id"].as_str().unwrap().to_string();
    assert_ne!(edited, heard);
    assert_eq!(
        (&done["copied"], &done["revision"], &done["can_undo"]),
        (&json!(true), &json!(1), &json!(true))
    );
    assert_eq!(
        done["changes"][0]["inserted"][0]["words"][2]["start"], 1.0,
        "an unchanged word keeps its time"
    );
    assert_eq!(text(&backend, "m1").await, "The yellow train leaves at seven", "it is the one that is shown");
    assert_eq!(text(&backend, &heard).await, "the yelow train leaves at seven");
    assert_eq!((hits(&backend, "yellow").await, hits(&backend, "yelow").await), (1, 0));
    let detail = call(&backend, "library.get", json!({ "media_id": "m1" })).await;
    assert_eq!(detail["transcripts"].as_array().unwrap().len(), 2);
    assert_eq!(detail["transcripts"][0]["parent"], json!(heard));

    let several = json!([
        { "edit": "split", "segment": 1, "at": 7 },
        { "edit": "speaker", "first": 0, "last": 2, "speaker": "Ana" },
        { "edit": "replace", "find": "SEVEN", "with": "eight" },
    ]);
    let done =
        call(&backend, "transcripts.edit", json!({ "id": edited, "revision": 1, "edits": several })).await;
    assert_eq!(done["revision"], 2, "the edits of one request are one");
    assert_eq!(text(&backend, &edited).await, "The yellow train leaves at eight");
    let back = call(&backend, "transcripts.undo", json!({ "id": edited, "revision": 2 })).await;
    assert_eq!((&back["revision"], &back["can_redo"]), (&json!(3), &json!(true)));
    let whole = call(&backend, "transcripts.get", json!({ "id": edited })).await;
    assert_eq!(whole["segments"].as_array().unwrap().len(), 2);
    assert_eq!((hits(&backend, "seven").await, hits(&backend, "eight").await), (1, 0));
    call(&backend, "transcripts.redo", json!({ "id": edited })).await;
    assert_eq!(text(&backend, &edited).await, "The yellow train leaves at eight");
    call(&backend, "transcripts.undo", json!({ "id": edited })).await;
    let last = call(&backend, "transcripts.undo", json!({ "id": edited })).await;
    assert_eq!(last["can_undo"], false);
    assert_eq!(text(&backend, &edited).await, "the yelow train leaves at seven");
    let nothing = call(&backend, "transcripts.undo", json!({ "id": edited })).await;
    assert!(nothing["changes"].as_array().unwrap().is_empty());

    call(&backend, "transcripts.show", json!({ "id": heard })).await;
    assert_eq!(call(&backend, "transcripts.get", json!({ "id": "m1" })).await["transcript_id"], json!(heard));
    let detail = call(&backend, "transcripts.remove", json!({ "id": edited })).await;
    assert_eq!(detail["transcripts"].as_array().unwrap().len(), 1);
    assert_eq!(
        refused(&backend, "transcripts.remove", json!({ "id": heard })).await,
        ErrorCode::InvalidInput
    );
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_editors_cannot_lose_each_others_work() {
    let (_root, backend, heard) = house(&["one two three", "four"], true).await;
    let on = |id: &str, revision: u32, text: &str| json!({ "id": id, "revision": revision, "edits": [{ "edit": "text", "segment": 0, "text": text }] });
    let first = call(&backend, "transcripts.edit", on(&heard, 0, "first")).await;
    let edited = first["transcript_id"].as_str().unwrap().to_string();
    // The other window still shows what was heard.
    assert_eq!(
        refused(&backend, "transcripts.edit", on(&heard, 0, "second")).await,
        ErrorCode::TranscriptChanged
    );
    let ours = api::call(&backend, "transcripts.edit", on(&edited, 1, "mine"));
    let theirs = api::call(&backend, "transcripts.edit", on(&edited, 1, "theirs"));
    let both = tokio::join!(ours, theirs);
    let (won, lost) = match both {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        both => panic!("one of the two: {both:?}"),
    };
    assert_eq!((lost.code, &won["revision"]), (ErrorCode::TranscriptChanged, &json!(2)));
    assert_eq!(
        refused(&backend, "transcripts.undo", json!({ "id": edited, "revision": 1 })).await,
        ErrorCode::TranscriptChanged
    );
    backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_edited_is_said_and_nothing_is_half_done() {
    let (_root, backend, heard) = house(&["one two", "three"], true).await;
    let edits = json!([
        { "edit": "text", "segment": 0, "text": "changed" },
        { "edit": "merge", "segment": 7 },
    ]);
    let half = refused(&backend, "transcripts.edit", json!({ "id": heard, "edits": edits })).await;
    assert_eq!(half, ErrorCode::InvalidInput);
    assert_eq!(text(&backend, "m1").await, "one two three");
    let detail = call(&backend, "library.get", json!({ "media_id": "m1" })).await;
    assert_eq!(detail["transcripts"].as_array().unwrap().len(), 1, "no version stays behind");
    let same = json!({ "id": heard, "edits": [{ "edit": "text", "segment": 0, "text": "one two" }] });
    let done = call(&backend, "transcripts.edit", same).await;
    assert_eq!((&done["transcript_id"], &done["copied"]), (&json!(heard), &json!(false)));
    for (input, code) in [
        (
            json!({ "id": "nobody", "edits": [{ "edit": "merge", "segment": 0 }] }),
            ErrorCode::TranscriptNotFound,
        ),
        (json!({ "id": heard, "edits": [] }), ErrorCode::InvalidInput),
        (json!({ "id": heard, "edits": [{ "edit": "shout", "segment": 0 }] }), ErrorCode::InvalidInput),
        (
            json!({ "id": heard, "edits": [{ "edit": "split", "segment": -1, "at": 0 }] }),
            ErrorCode::InvalidInput,
        ),
        (
            json!({ "id": heard, "revision": 7, "edits": [{ "edit": "merge", "segment": 0 }] }),
            ErrorCode::TranscriptChanged,
        ),
    ] {
        assert_eq!(refused(&backend, "transcripts.edit", input.clone()).await, code, "{input}");
    }
    backend.shutdown().await;
    let (_root, backend, heard) = house(&["one"], false).await;
    let input = json!({ "id": heard, "edits": [{ "edit": "text", "segment": 0, "text": "x" }] });
    assert_eq!(refused(&backend, "transcripts.edit", input).await, ErrorCode::TranscriptUnfinished);
    assert_eq!(
        refused(&backend, "transcripts.remove", json!({ "id": heard })).await,
        ErrorCode::TranscriptUnfinished
    );
    backend.shutdown().await;
}
