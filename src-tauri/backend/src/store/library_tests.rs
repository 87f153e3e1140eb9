//! The library's tables, driven through their functions on a real database.

use super::*;
use crate::search::{COUNTED, Query};
use domain::category::{Category, Evidence};
use domain::transcript::Gap;
use domain::{ApiError, ErrorCode, MediaKind, Segment, Source, UrlStatus, UtcTime, Word};
use rusqlite::Connection;

pub(super) const NOW: UtcTime = UtcTime(1_795_000_000_000);

pub(super) fn database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    migrate::migrate(&mut conn, NOW).unwrap();
    conn
}

pub(super) fn media_named(conn: &Connection, name: &str) -> String {
    let new = media::NewMedia {
        media_id: format!("m{name}"),
        hash: blake3::hash(name.as_bytes()).to_hex().to_string(),
        title: name.into(),
        source: Source::File { path: format!("/videos/{name}.mp4") },
        size: 10,
        mtime: Some(77),
        stored: None,
        kind: MediaKind::Video,
    };
    media::put(conn, &new, NOW).unwrap()
}

fn segment(start: f64, text: &str) -> Segment {
    let words = text
        .split(' ')
        .enumerate()
        .map(|(i, word)| Word {
            start: start + i as f64 * 0.5,
            end: start + i as f64 * 0.5 + 0.4,
            text: word.into(),
            confidence: (i == 0).then_some(0.5),
        })
        .collect();
    Segment { start, end: start + 5.0, text: text.into(), speaker: None, words }
}

pub(super) fn said(conn: &Connection, media_id: &str, key: &str, at: i64, texts: &[&str]) -> String {
    let now = UtcTime(NOW.0 + at);
    let id = transcripts::begin(conn, media_id, "basic", key, "en", 1, now).unwrap();
    let segments: Vec<_> = texts.iter().enumerate().map(|(i, text)| segment(i as f64 * 10.0, text)).collect();
    transcripts::append_window(conn, &id, 0, &segments, "en", None, now).unwrap();
    transcripts::finish(conn, &id, "en", 1, now).unwrap();
    id
}

pub(super) fn find(conn: &Connection, query: &str) -> Vec<search::Hit> {
    search::search(conn, &Query::parse(query).unwrap(), None, 50, 0).unwrap().1
}

/// The index agrees with what it stands for.
pub(super) fn check_index(conn: &Connection) {
    conn.execute_batch("INSERT INTO segment_index (segment_index, rank) VALUES ('integrity-check', 1)")
        .unwrap();
}

#[test]
fn the_same_content_is_one_media_with_many_sources() {
    let conn = database();
    let first = media_named(&conn, "Ação");
    let again = media::NewMedia {
        media_id: "another".into(),
        hash: blake3::hash("Ação".as_bytes()).to_hex().to_string(),
        title: "other".into(),
        source: Source::Url { url: "https://example.com/v.mp4".into() },
        size: 10,
        mtime: None,
        stored: Some("ab/abc.mp4".into()),
        kind: MediaKind::Video,
    };
    assert_eq!(media::put(&conn, &again, UtcTime(NOW.0 + 1)).unwrap(), first);
    assert_eq!(media::put(&conn, &again, UtcTime(NOW.0 + 1)).unwrap(), first);
    let sources = media::sources(&conn, &first).unwrap();
    assert_eq!(sources.len(), 2);
    assert_eq!(sources[1].mtime, Some(77));
    let row = media::find(&conn, &first).unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.stored.as_deref()), ("Ação", Some("ab/abc.mp4")));
    assert_eq!(media::by_path(&conn, "/videos/Ação.mp4", 10, 77).unwrap(), Some(first));
    assert_eq!(
        media::by_path(&conn, "/videos/Ação.mp4", 10, 78).unwrap(),
        None,
        "a changed file is hashed again"
    );
}

#[test]
fn lists_filter_and_sort() {
    let conn = database();
    for name in ["Zebra 100%", "ação final", "Banana"] {
        media_named(&conn, name);
    }
    said(&conn, "mBanana", "k", 0, &["hello"]);
    let list = |filter: media::MediaFilter, order, descending| -> Vec<String> {
        let (total, rows) = media::list(&conn, &filter, order, descending, 10, 0).unwrap();
        assert_eq!(total as usize, rows.len());
        rows.into_iter().map(|row| row.title).collect()
    };
    let all = media::MediaFilter::default;
    assert_eq!(list(all(), media::MediaOrder::Title, false), ["ação final", "Banana", "Zebra 100%"]);
    assert_eq!(list(all(), media::MediaOrder::Title, true)[0], "Zebra 100%");
    let text = |text: &str| media::MediaFilter { text: Some(text.into()), ..all() };
    assert_eq!(list(text("ACAO mp4"), media::MediaOrder::AddedAt, true), ["ação final"]);
    assert_eq!(list(text("100%"), media::MediaOrder::Size, true), ["Zebra 100%"], "% is only a character");
    assert!(list(text("_' OR 1=1 --"), media::MediaOrder::Size, true).is_empty());
    let english = media::MediaFilter { language: Some("en".into()), ..all() };
    assert_eq!(list(english, media::MediaOrder::Duration, true), ["Banana"]);
    let sounds = media::MediaFilter { kind: Some(MediaKind::Audio), ..all() };
    assert!(list(sounds, media::MediaOrder::AddedAt, false).is_empty());
    assert_eq!(
        media::list(&conn, &all(), media::MediaOrder::Title, false, 1, 1).unwrap().1[0].title,
        "Banana"
    );
}

#[test]
fn a_window_is_stored_once_and_hearing_goes_on() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    let begin = || transcripts::begin(&conn, &media_id, "whisper:tiny", "k", "auto", 3, NOW).unwrap();
    let id = begin();
    let gap = Gap { start: 30.0, end: 60.0, reason: "gave up".into() };
    let second = [segment(60.0, "second window")];
    assert!(transcripts::append_window(&conn, &id, 2, &second, "pt", None, NOW).unwrap());
    assert!(!transcripts::append_window(&conn, &id, 2, &second, "pt", None, NOW).unwrap());
    assert_eq!(begin(), id, "the same key goes on");
    assert_eq!(find(&conn, "second").len(), 1, "found before it is complete");
    assert!(
        transcripts::append_window(&conn, &id, 0, &[segment(1.0, "first window")], "pt", None, NOW).unwrap()
    );
    assert!(transcripts::append_window(&conn, &id, 1, &[], "pt", Some(&gap), NOW).unwrap());
    assert_eq!(transcripts::windows_heard(&conn, &id).unwrap(), [0, 1, 2]);
    assert!(transcripts::find_complete(&conn, &media_id, "k").unwrap().is_none());
    transcripts::finish(&conn, &id, "pt", 3, NOW).unwrap();
    let heard = transcripts::load(&conn, &id).unwrap().unwrap();
    assert_eq!(heard.text, "first window second window");
    assert_eq!((heard.language.as_str(), heard.complete), ("pt", true));
    assert_eq!(heard.gaps, [gap]);
    assert_eq!(heard.segments[1], second[0], "words and confidence come back as they were");
    let row = transcripts::find_complete(&conn, &media_id, "k").unwrap().unwrap();
    assert_eq!((row.segments, row.words, row.windows), (2, 4, 3));
    check_index(&conn);
}

#[test]
fn ids_follow_from_their_input() {
    let (one, two) = (database(), database());
    let ids = |conn: &Connection| {
        let media_id = media_named(conn, "a");
        (
            said(conn, &media_id, "k", 0, &["x"]),
            said(conn, &media_id, "k", 1, &["x"]),
            said(conn, &media_id, "l", 1, &["x"]),
        )
    };
    let (a, b) = (ids(&one), ids(&two));
    assert_eq!(a, b);
    assert!(a.0 != a.1 && a.1 != a.2);
}

#[test]
fn only_the_newest_transcript_of_a_media_is_searched() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    said(&conn, &media_id, "k1", 0, &["the old hearing", "kept words"]);
    let new = said(&conn, &media_id, "k2", 10, &["the new hearing", "kept words"]);
    assert!(find(&conn, "old").is_empty());
    let hits = find(&conn, "hearing");
    assert_eq!(hits.len(), 1, "no doubles");
    assert_eq!(hits[0].transcript_id, new);
    // A newer one that is still being heard does not hide the complete one.
    let unfinished =
        transcripts::begin(&conn, &media_id, "basic", "k3", "en", 2, UtcTime(NOW.0 + 20)).unwrap();
    transcripts::append_window(&conn, &unfinished, 0, &[segment(0.0, "the third hearing")], "en", None, NOW)
        .unwrap();
    assert!(find(&conn, "third").is_empty());
    transcripts::finish(&conn, &unfinished, "en", 2, NOW).unwrap();
    assert_eq!(find(&conn, "hearing")[0].transcript_id, unfinished);
    assert_eq!(transcripts::newest(&conn, &media_id).unwrap().unwrap().transcript_id, unfinished);
    check_index(&conn);
    conn.execute_batch("INSERT INTO segment_index (segment_index) VALUES ('rebuild')").unwrap();
    assert_eq!(find(&conn, "hearing").len(), 1, "a rebuild indexes the same rows");
}

#[test]
fn accents_case_prefixes_and_phrases() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    said(
        &conn,
        &media_id,
        "k",
        0,
        &["Você não vai acreditar na Promoção", "perder peso não é fácil", "peso para perder"],
    );
    for query in ["voce", "VOCÊ", "nao vai", "promocao", "PROMOÇÃO", "promo", "pr"] {
        assert_eq!(find(&conn, query)[0].start as u32 / 10, 0, "{query}");
    }
    assert_eq!(find(&conn, "promo ").len(), 0, "a finished word is no prefix");
    assert_eq!(find(&conn, "perder peso").len(), 2);
    assert_eq!(find(&conn, "\"perder peso\"").len(), 1);
    assert_eq!(find(&conn, "peso facil").len(), 1);
    let hit = &find(&conn, "acreditar")[0];
    assert_eq!(hit.start, 1.5, "the second of the word");
    assert_eq!(hit.snippet, "Você não vai \u{2}acreditar\u{3} na Promoção");
}

#[test]
fn hostile_queries_find_nothing_and_break_nothing() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    said(&conn, &media_id, "k", 0, &["near or not and text a b"]);
    let ten_megabytes = "x".repeat(10_000_000);
    for text in [
        "\" OR *",
        "NEAR(",
        "NEAR(a b",
        "a AND",
        "AND",
        "NOT",
        "text:",
        "^a",
        "a*b*",
        "\"",
        "\"\"\"",
        "{a b}:c",
        "-a",
        "+",
        "a\0b",
        "'; DROP TABLE segments; --",
        "\u{202e}a",
        "😀 a",
        "ａｂｃ",
        "Ⅷ ½ ²",
        "\u{301}",
        "a\u{301}",
        "ﬁ",
        "𝒜",
        "१२३",
        ten_megabytes.as_str(),
    ] {
        if let Some(query) = Query::parse(text) {
            let (_, hits) = search::search(&conn, &query, None, 20, 0).unwrap();
            for hit in hits {
                assert!(hit.snippet.contains('\u{2}'), "{text}: {hit:?}");
            }
        }
    }
    assert_eq!(find(&conn, "a\" b").len(), 1);
}

#[test]
fn many_hits_are_counted_up_to_the_cap_and_paged_without_doubles() {
    let conn = database();
    conn.execute_batch("BEGIN").unwrap();
    for number in 0..5 {
        let media_id = media_named(&conn, &format!("v{number}"));
        let texts: Vec<String> = (0..500).map(|i| format!("common word number {i} of {number}")).collect();
        said(&conn, &media_id, "k", number, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let query = Query::parse("common ").unwrap();
    let mut seen = std::collections::HashSet::new();
    for offset in (0..2500).step_by(130) {
        let (total, hits) = search::search(&conn, &query, None, 130, offset).unwrap();
        assert_eq!(total, COUNTED as u64);
        for hit in hits {
            assert!(seen.insert(hit.snippet.clone()), "twice: {}", hit.snippet);
        }
    }
    assert_eq!(seen.len(), 2500);
    let (total, hits) = search::search(&conn, &query, Some("mv1"), 20, 490).unwrap();
    assert_eq!((total, hits.len()), (500, 10));
    assert!(hits.iter().all(|hit| hit.media_id == "mv1"));
    assert_eq!(search::search(&conn, &query, Some("nobody"), 20, 0).unwrap().0, 0);
}

#[test]
fn a_url_only_moves_forward_or_fails() {
    let conn = database();
    let url = "https://example.com/a";
    let item = urls::ensure(&conn, url, "task1", NOW).unwrap();
    assert_eq!((item.status, item.task_id.as_deref()), (UrlStatus::PendingIngest, Some("task1")));
    let media_id = media_named(&conn, "a");
    for status in [UrlStatus::Downloading, UrlStatus::Downloaded, UrlStatus::Transcribed] {
        assert!(urls::set_status(&conn, url, status, None, NOW).unwrap());
    }
    urls::set_media(&conn, url, &media_id, NOW).unwrap();
    assert_eq!(urls::media_of(&conn, url).unwrap(), Some(media_id));
    assert!(!urls::set_status(&conn, url, UrlStatus::Downloading, None, NOW).unwrap());
    assert_eq!(urls::ensure(&conn, url, "task2", NOW).unwrap().status, UrlStatus::Transcribed, "one item");
    let error = ApiError::new(ErrorCode::Internal, "broke");
    assert!(urls::set_status(&conn, url, UrlStatus::Failed, Some(&error), NOW).unwrap());
    assert_eq!(urls::find(&conn, url).unwrap().unwrap().error, Some(error));
    let retried = urls::ensure(&conn, url, "task3", NOW).unwrap();
    assert_eq!((retried.status, retried.error), (UrlStatus::PendingIngest, None));
    assert_eq!(urls::list(&conn, None, 10, 0).unwrap().0, 1);
    assert_eq!(urls::list(&conn, Some(UrlStatus::Failed), 10, 0).unwrap().0, 0);
    assert!(!urls::set_status(&conn, "https://unknown", UrlStatus::Failed, None, NOW).unwrap());
}

#[test]
fn artifacts_are_found_by_key_and_listed_by_kind() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    let artifact = |key: &str, name: Option<&str>| artifacts::Artifact {
        media_id: media_id.clone(),
        kind: "poster".into(),
        key: key.into(),
        name: name.map(Into::into),
        size: 5,
        engine: "ffmpeg 5".into(),
        details: Some(serde_json::json!({"count": 3})),
        created_at: NOW,
    };
    artifacts::put(&conn, &artifact("k1", Some("ab/1.jpg"))).unwrap();
    artifacts::put(&conn, &artifact("k2", None)).unwrap();
    assert_eq!(
        artifacts::find(&conn, &media_id, "poster", "k1").unwrap(),
        Some(artifact("k1", Some("ab/1.jpg")))
    );
    assert_eq!(artifacts::of_media(&conn, &media_id).unwrap(), [artifact("k2", None)]);
    artifacts::put(&conn, &artifact("k1", Some("ab/2.jpg"))).unwrap();
    assert_eq!(artifacts::of_media(&conn, &media_id).unwrap()[0].name.as_deref(), Some("ab/2.jpg"));
    assert_eq!(artifacts::find(&conn, &media_id, "waveform", "k1").unwrap(), None);
}

#[test]
fn categories_are_replaced_whole() {
    let conn = database();
    let media_id = media_named(&conn, "a");
    let id = said(&conn, &media_id, "k", 0, &["x"]);
    let label = |axis: &str, label: &str| Category {
        axis: axis.into(),
        label: label.into(),
        score: 1.5,
        evidence: vec![Evidence { phrase: "x".into(), count: 1, first_at: 0.0 }],
        engine: "rules:1".into(),
    };
    categories::put(&conn, &id, &[label("topic", "old")]).unwrap();
    let new =
        [label("niche", "health"), label("niche", "money"), label("topic", "diet"), label("language", "en")];
    categories::put(&conn, &id, &new).unwrap();
    let stored = categories::of_transcript(&conn, &id).unwrap();
    assert_eq!(stored.len(), 4);
    assert!(stored.iter().any(|category| *category == new[1]));
    assert_eq!(categories::engine_of(&conn, &id).unwrap().as_deref(), Some("rules:1"));
}

#[test]
fn a_watched_file_is_taken_once_in_each_state() {
    let conn = database();
    let row = watch::put(&conn, "/in", "transcribe", true, NOW).unwrap();
    assert_eq!(watch::put(&conn, "/in", "vsl", false, NOW).unwrap().watch_id, row.watch_id);
    assert!(!watch::was_taken(&conn, &row.watch_id, "/in/a.mp4", 1, 2).unwrap());
    watch::set_taken(&conn, &row.watch_id, "/in/a.mp4", 1, 2, NOW).unwrap();
    assert!(watch::was_taken(&conn, &row.watch_id, "/in/a.mp4", 1, 2).unwrap());
    assert!(!watch::was_taken(&conn, &row.watch_id, "/in/a.mp4", 1, 3).unwrap());
    let listed = watch::list(&conn).unwrap();
    assert_eq!((listed.len(), listed[0].taken, listed[0].recipe.as_str()), (1, 1, "vsl"));
    assert_eq!(watch::find(&conn, "/in").unwrap().unwrap().watch_id, row.watch_id);
    assert!(watch::remove(&conn, &row.watch_id).unwrap());
    assert!(!watch::remove(&conn, &row.watch_id).unwrap());
    watch::set_taken(&conn, &row.watch_id, "/in/b.mp4", 1, 2, NOW).unwrap();
    assert!(watch::list(&conn).unwrap().is_empty());
}
