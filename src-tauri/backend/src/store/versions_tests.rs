//! Versions, splices and history, driven through their functions on a real database; the index is checked each time.

use super::library_tests::{NOW, check_index, database, find, media_named, said};
use super::versions::{self, Splice};
use super::*;
use domain::{Segment, UtcTime};
use rusqlite::Connection;

fn texts(conn: &Connection, id: &str) -> Vec<String> {
    let loaded = transcripts::load(conn, id).unwrap().unwrap();
    loaded.segments.into_iter().map(|segment| segment.text).collect()
}

fn copied(conn: &Connection, heard: &str) -> String {
    let row = transcripts::find(conn, heard).unwrap().unwrap();
    versions::copy(conn, &row, UtcTime(NOW.0 + 50)).unwrap()
}

fn line(start: f64, text: &str) -> Segment {
    Segment { start, end: start + 1.0, text: text.into(), speaker: None, words: Vec::new() }
}

/// Replaces what stands at a place.
fn splice(conn: &Connection, id: &str, at: usize, removed: usize, inserted: &[Segment]) {
    let place = versions::place(conn, id).unwrap().unwrap();
    let removed = versions::segments(conn, place, at, removed).unwrap();
    versions::splice(conn, place, &Splice { at, removed: &removed, inserted }).unwrap();
    check_index(conn);
}

#[test]
fn a_copy_is_shown_and_what_was_heard_stays_as_it_was() {
    let conn = database();
    let media = media_named(&conn, "a");
    let heard = said(&conn, &media, "k", 1, &["yelow train", "leaves at seven", "tonight"]);
    let before = transcripts::load(&conn, &heard).unwrap();
    let copy = copied(&conn, &heard);
    check_index(&conn);
    assert_eq!(transcripts::newest(&conn, &media).unwrap().unwrap().transcript_id, copy);
    assert_eq!(versions::edited_from(&conn, &heard).unwrap().as_deref(), Some(copy.as_str()));
    splice(&conn, &copy, 0, 1, &[line(0.0, "yellow train")]);
    splice(&conn, &copy, 1, 1, &[line(10.0, "leaves"), line(11.0, "at seven")]);
    splice(&conn, &copy, 2, 2, &[line(11.0, "at eight")]);
    assert_eq!(texts(&conn, &copy), ["yellow train", "leaves", "at eight"]);
    let row = transcripts::find(&conn, &copy).unwrap().unwrap();
    assert_eq!((row.segments, row.words), (3, 5));
    assert_eq!(transcripts::load(&conn, &heard).unwrap(), before, "what was heard never changes");
    assert_eq!(find(&conn, "yellow").len(), 1);
    assert_eq!((find(&conn, "yelow").len(), find(&conn, "seven").len()), (0, 0));
    splice(&conn, &copy, 0, 3, &[]);
    assert!(texts(&conn, &copy).is_empty() && find(&conn, "train").is_empty());
}

#[test]
fn the_index_follows_the_version_that_is_shown() {
    let conn = database();
    let media = media_named(&conn, "a");
    let first = said(&conn, &media, "k1", 1, &["alpha"]);
    let copy = copied(&conn, &first);
    splice(&conn, &copy, 0, 1, &[line(0.0, "beta")]);
    // A newer one that an engine made does not push the user's own work aside.
    let other = said(&conn, &media, "k2", 100, &["gamma"]);
    assert_eq!((find(&conn, "beta").len(), find(&conn, "gamma").len()), (1, 0));
    versions::show(&conn, &other).unwrap();
    check_index(&conn);
    assert_eq!((find(&conn, "beta").len(), find(&conn, "gamma").len()), (0, 1));
    // An edit of a version that is not shown leaves the index alone.
    splice(&conn, &copy, 0, 1, &[line(0.0, "delta")]);
    assert_eq!((find(&conn, "delta").len(), find(&conn, "gamma").len()), (0, 1));
    versions::remove(&conn, &other).unwrap();
    check_index(&conn);
    assert_eq!(find(&conn, "delta").len(), 1, "the newest of the others");
}

#[test]
fn equal_starts_are_parted_in_the_copy() {
    let conn = database();
    let media = media_named(&conn, "a");
    let id = transcripts::begin(&conn, &media, "basic", "k", "en", 1, NOW).unwrap();
    let same = [line(5.0, "one"), line(5.0, "two"), line(5.0, "three"), line(5.001, "four")];
    transcripts::append_window(&conn, &id, 0, &same, "en", None, NOW).unwrap();
    transcripts::finish(&conn, &id, "en", 1, NOW).unwrap();
    let copy = copied(&conn, &id);
    assert_eq!(texts(&conn, &copy), ["one", "two", "three", "four"]);
    let starts: Vec<f64> =
        transcripts::load(&conn, &copy).unwrap().unwrap().segments.iter().map(|s| s.start).collect();
    assert_eq!(starts, [5.0, 5.001, 5.002, 5.003]);
}

#[test]
fn the_history_goes_back_and_forth_and_forgets_the_oldest() {
    let conn = database();
    let media = media_named(&conn, "a");
    let copy = copied(&conn, &said(&conn, &media, "k", 1, &["alpha"]));
    let place = versions::place(&conn, &copy).unwrap().unwrap();
    for number in 0..310 {
        versions::put_edit(&conn, place, &number.to_string(), NOW).unwrap();
        assert_eq!(versions::advance(&conn, place, NOW).unwrap(), number + 1);
    }
    let last = versions::next_edit(&conn, place, false).unwrap().unwrap();
    assert_eq!(last.changes, "309");
    versions::set_undone(&conn, last.edit_id, true).unwrap();
    assert_eq!(versions::next_edit(&conn, place, true).unwrap().unwrap().changes, "309");
    assert_eq!(versions::next_edit(&conn, place, false).unwrap().unwrap().changes, "308");
    versions::put_edit(&conn, place, "new", NOW).unwrap();
    assert_eq!(versions::next_edit(&conn, place, true).unwrap(), None, "what was undone is gone");
    let mut kept = 0;
    while let Some(edit) = versions::next_edit(&conn, place, false).unwrap() {
        versions::set_undone(&conn, edit.edit_id, true).unwrap();
        kept += 1;
    }
    assert_eq!(kept, 300);
}

#[test]
fn removed_media_are_hidden_until_they_are_wanted_again() {
    let conn = database();
    let media = media_named(&conn, "a");
    said(&conn, &media, "k", 1, &["alpha"]);
    assert_eq!(removal::used_by(&conn, &media).unwrap(), None);
    conn.execute(
        "INSERT INTO tasks (task_id, kind, status, priority, title, source, input, media_id, created_at, updated_at)
         VALUES ('t', 'media_processing', 'processing', 1, 'At work', 's', '{}', ?1, 1, 1)",
        [&media],
    )
    .unwrap();
    assert_eq!(removal::used_by(&conn, &media).unwrap().as_deref(), Some("At work"));
    removal::hide(&conn, &media, None, NOW).unwrap();
    check_index(&conn);
    assert!(find(&conn, "alpha").is_empty() && media::find(&conn, &media).unwrap().is_none());
    assert_eq!(media::by_path(&conn, "/videos/a.mp4", 10, 77).unwrap(), None, "it is hashed and added again");
    assert_eq!(media_named(&conn, "a"), media, "the same content comes back");
    check_index(&conn);
    assert_eq!(find(&conn, "alpha").len(), 1);
    removal::hide(&conn, &media, None, NOW).unwrap();
    assert_eq!(removal::purge(&conn, NOW).unwrap(), 0);
    assert_eq!(removal::purge(&conn, UtcTime(NOW.0 + 1)).unwrap(), 1);
    check_index(&conn);
    assert_eq!(removal::trashed(&conn, &media).unwrap(), None);
}

#[test]
fn the_users_word_on_an_axis_stands_first() {
    let conn = database();
    let media = media_named(&conn, "a");
    let heard = said(&conn, &media, "k", 1, &["alpha"]);
    let rules = domain::category::Category {
        axis: "niche".into(),
        label: "health".into(),
        score: 1.0,
        evidence: vec![],
        engine: "rules".into(),
    };
    categories::put(&conn, &heard, &[rules]).unwrap();
    copied(&conn, &heard);
    let with = |label: &str| {
        let filter =
            media::MediaFilter { category: Some(("niche".into(), label.into())), ..Default::default() };
        media::list(&conn, &filter, media::MediaOrder::AddedAt, true, 10, 0).unwrap().0
    };
    assert_eq!(
        (with("health"), with("money")),
        (1, 0),
        "an edited version keeps the labels of what was heard"
    );
    assert_eq!(tags::labels(&conn).unwrap(), [("niche:health".to_string(), 1)]);
    tags::set_category(&conn, &media, "niche", Some("money")).unwrap();
    assert_eq!((with("health"), with("money")), (0, 1));
    assert_eq!(tags::labels(&conn).unwrap(), [("niche:money".to_string(), 1)]);
    tags::set_category(&conn, &media, "niche", Some("")).unwrap();
    assert!(tags::labels(&conn).unwrap().is_empty());
    tags::set_category(&conn, &media, "niche", None).unwrap();
    assert_eq!(with("health"), 1);
}
