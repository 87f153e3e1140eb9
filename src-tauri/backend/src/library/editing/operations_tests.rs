//! Every edit on a transcript in memory.

use super::*;

struct Pages(Vec<Segment>);

impl Draft for Pages {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn segments(&self, first: usize, count: usize) -> Result<Vec<Segment>, ApiError> {
        Ok(self.0.iter().skip(first).take(count).cloned().collect())
    }
    fn lines(&self) -> Result<Vec<(String, Option<String>)>, ApiError> {
        Ok(self.0.iter().map(|segment| (segment.text.clone(), segment.speaker.clone())).collect())
    }
}

impl Pages {
    /// Lines of words that take half a second each, ten seconds apart.
    fn of(lines: &[&str]) -> Self {
        let segment = |(place, text): (usize, &&str)| {
            let start = place as f64 * 10.0;
            let word = |(at, text): (usize, &str)| {
                let from = start + at as f64 * 0.5;
                Word { start: from, end: from + 0.4, text: text.into(), confidence: None }
            };
            let words: Vec<Word> = text.split(' ').enumerate().map(word).collect();
            Segment { start, end: start + 8.0, text: (*text).into(), speaker: Some("A".into()), words }
        };
        Self(lines.iter().enumerate().map(segment).collect())
    }

    fn edit(&mut self, edit: Edit) -> Result<usize, ApiError> {
        let changes = plan(&edit, self)?;
        for change in &changes {
            let at = change.at as usize;
            let removed =
                self.0.splice(at..at + change.removed.len(), change.inserted.clone()).collect::<Vec<_>>();
            assert_eq!(removed, change.removed, "what is removed is what stood there");
        }
        assert!(self.0.windows(2).all(|pair| pair[0].start < pair[1].start), "{:?}", self.0);
        for segment in &self.0 {
            assert!(segment.start <= segment.end);
            assert!(segment.words.windows(2).all(|pair| pair[0].start <= pair[1].start), "{segment:?}");
        }
        Ok(changes.len())
    }

    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|segment| segment.text.as_str()).collect()
    }
}

fn replace_all(find: &str, with: &str, match_case: bool, whole_words: bool) -> Edit {
    Edit::Replace { find: find.into(), with: with.into(), match_case, whole_words, segment: None }
}

#[test]
fn text_split_and_merge() {
    let mut pages = Pages::of(&["please cal me tomorow", "the train"]);
    pages.edit(Edit::Text { segment: 0, text: " please call\nme tomorrow\u{0} ".into() }).unwrap();
    assert_eq!(pages.0[0].text, "please call me tomorrow");
    assert_eq!((pages.0[0].words[2].text.as_str(), pages.0[0].words[2].start), ("me", 1.0));
    pages.edit(Edit::Split { segment: 0, at: 12 }).unwrap();
    assert_eq!(pages.texts(), ["please call", "me tomorrow", "the train"]);
    assert_eq!((pages.0[0].end, pages.0[1].start, pages.0[1].end), (0.9, 1.0, 8.0));
    pages.edit(Edit::Merge { segment: 1 }).unwrap();
    assert_eq!(pages.texts(), ["please call", "me tomorrow the train"]);
    assert_eq!((pages.0[1].start, pages.0[1].end, pages.0[1].words.len()), (1.0, 18.0, 4));
    assert_eq!(
        pages.edit(Edit::Text { segment: 0, text: "please call".into() }).unwrap(),
        0,
        "nothing changed"
    );
    pages.edit(Edit::Text { segment: 0, text: "  ".into() }).unwrap();
    assert_eq!(pages.texts(), ["me tomorrow the train"]);
    for wrong in [
        Edit::Text { segment: 9, text: "x".into() },
        Edit::Text { segment: 0, text: "x".repeat(LONGEST_TEXT + 1) },
        Edit::Split { segment: 0, at: 0 },
        Edit::Split { segment: 0, at: u32::MAX },
        Edit::Merge { segment: 0 },
        Edit::Delete { first: 0, last: 1 },
        Edit::Delete { first: 1, last: 0 },
    ] {
        assert_eq!(pages.edit(wrong.clone()).unwrap_err().code, domain::ErrorCode::InvalidInput, "{wrong:?}");
    }
    pages.edit(Edit::Delete { first: 0, last: 0 }).unwrap();
    assert!(pages.0.is_empty());
}

#[test]
fn times_stay_in_order() {
    let mut pages = Pages::of(&["one two", "three four", "five six"]);
    pages.edit(Edit::Retime { segment: 1, start: 9.0, end: 17.0 }).unwrap();
    assert_eq!(pages.0[1].words[0].start, 9.0, "a move takes the words along");
    pages.edit(Edit::Retime { segment: 1, start: 9.2, end: 19.9 }).unwrap();
    assert_eq!((pages.0[1].words[0].start, pages.0[1].words[1].start), (9.2, 9.5), "an edge does not");
    for (start, end) in [
        (7.0, 12.0),
        (9.0, 20.1),
        (12.0, 12.0),
        (13.0, 12.0),
        (f64::NAN, 1.0),
        (-1.0, 12.0),
        (9.0, f64::INFINITY),
    ] {
        assert!(pages.edit(Edit::Retime { segment: 1, start, end }).is_err(), "{start} {end}");
    }
    pages.edit(Edit::Insert { start: 8.2, end: 9.0, text: "new".into(), speaker: None }).unwrap();
    assert_eq!(pages.texts(), ["one two", "new", "three four", "five six"]);
    let within = Edit::Insert { start: 1.0, end: 2.0, text: "x".into(), speaker: None };
    assert!(pages.edit(within).is_err());
    pages
        .edit(Edit::Insert {
            start: 99.0,
            end: 100.0,
            text: "end".into(),
            speaker: Some(" Ana  Lima ".into()),
        })
        .unwrap();
    assert_eq!(pages.0[4].speaker.as_deref(), Some("Ana Lima"));
}

#[test]
fn speakers_are_named_and_renamed_everywhere() {
    let mut pages = Pages::of(&["a", "b", "c"]);
    pages.edit(Edit::Speaker { first: 1, last: 2, speaker: Some("Bia".into()) }).unwrap();
    assert_eq!(
        pages.edit(Edit::RenameSpeaker { from: Some("Bia".into()), to: Some("Beatriz".into()) }).unwrap(),
        2
    );
    assert_eq!(pages.edit(Edit::RenameSpeaker { from: Some("A".into()), to: Some(" ".into()) }).unwrap(), 1);
    let names: Vec<_> = pages.0.iter().map(|segment| segment.speaker.as_deref()).collect();
    assert_eq!(names, [None, Some("Beatriz"), Some("Beatriz")]);
    assert_eq!(
        pages.edit(Edit::RenameSpeaker { from: None, to: Some("C".into()) }).unwrap(),
        1,
        "those without a name"
    );
    assert!(pages.edit(Edit::Speaker { first: 0, last: 0, speaker: Some("x".repeat(81)) }).is_err());
}

#[test]
fn find_and_replace() {
    let mut pages = Pages::of(&["Você está aqui, voce", "VOCÊ voces", "nada"]);
    assert_eq!(pages.edit(replace_all("voce", "tu", false, true)).unwrap(), 2);
    assert_eq!(pages.texts(), ["tu está aqui, tu", "tu voces", "nada"]);
    assert_eq!(pages.edit(replace_all("TU", "x", true, false)).unwrap(), 0);
    assert_eq!(pages.edit(replace_all("nada", "", false, false)).unwrap(), 1);
    assert_eq!(pages.texts(), ["tu está aqui, tu", "tu voces"]);
    // Decomposed letters are found with their marks, and nothing of them stays.
    let mut pages = Pages::of(&["vo voce\u{302} e", "x", "x y"]);
    pages.edit(replace_all("você", "eu", false, false)).unwrap();
    assert_eq!(pages.texts(), ["vo eu e", "x", "x y"]);
    pages.edit(replace_all("x", "", false, false)).unwrap();
    assert_eq!(pages.texts(), ["vo eu e", "y"]);
    assert!(pages.edit(replace_all("", "x", false, false)).is_err());
    let only = Edit::Replace {
        find: "e".into(),
        with: "a".into(),
        match_case: false,
        whole_words: false,
        segment: Some(1),
    };
    assert_eq!(pages.edit(only).unwrap(), 0);
}
