//! What each edit does to the segments of a version.
//!
//! Owns the meaning and the limits of every edit; leaves reading and writing rows to its caller.
//! Invariants: an edit is planned whole or refused whole; segments stay in order and no edit makes two overlap; times
//! of words follow the text.

use super::words::{cut, join, realign};
use crate::api::editing_types::{Change, Edit};
use crate::search::fold;
use domain::{ApiError, Segment, Word};

/// Characters of one segment.
const LONGEST_TEXT: usize = 20_000;
/// Characters of a speaker's name.
const LONGEST_NAME: usize = 80;
/// Between two starts, and the least length, in seconds.
const STEP: f64 = 0.001;

/// The version an edit reads while it is planned.
pub trait Draft {
    /// How many segments there are.
    fn count(&self) -> usize;
    /// Segments from a place on, in order.
    fn segments(&self, first: usize, count: usize) -> Result<Vec<Segment>, ApiError>;
    /// Text and speaker of every segment.
    fn lines(&self) -> Result<Vec<(String, Option<String>)>, ApiError>;
}

/// The changes that carry an edit out, each in the numbering that the one before it left.
pub fn plan(edit: &Edit, draft: &impl Draft) -> Result<Vec<Change>, ApiError> {
    match edit {
        Edit::Text { segment, text } => set_text(draft, place(*segment), text),
        Edit::Split { segment, at } => split(draft, place(*segment), place(*at)),
        Edit::Merge { segment } => merge(draft, place(*segment)),
        Edit::Retime { segment, start, end } => retime(draft, place(*segment), *start, *end),
        Edit::Insert { start, end, text, speaker } => insert(draft, *start, *end, text, speaker.as_deref()),
        Edit::Delete { first, last } => {
            let (first, count) = range(draft, *first, *last)?;
            let removed = draft.segments(first, count)?;
            Ok(vec![change(first, removed, Vec::new())])
        }
        Edit::Speaker { first, last, speaker } => {
            let (first, count) = range(draft, *first, *last)?;
            let speaker = name(speaker.as_deref())?;
            let removed = draft.segments(first, count)?;
            let inserted =
                removed.iter().map(|old| Segment { speaker: speaker.clone(), ..old.clone() }).collect();
            Ok(only_different(change(first, removed, inserted)))
        }
        Edit::RenameSpeaker { from, to } => rename(draft, from.as_deref(), name(to.as_deref())?),
        Edit::Replace { find, with, match_case, whole_words, segment } => {
            let finder = Finder::new(find, *match_case, *whole_words)?;
            replace(draft, &finder, &clean(with)?, segment.map(place))
        }
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn change(at: usize, removed: Vec<Segment>, inserted: Vec<Segment>) -> Change {
    Change { at: u32::try_from(at).unwrap_or(u32::MAX), removed, inserted }
}

fn only_different(change: Change) -> Vec<Change> {
    if change.removed == change.inserted { Vec::new() } else { vec![change] }
}

fn one(draft: &impl Draft, at: usize) -> Result<Segment, ApiError> {
    let found = draft.segments(at, 1)?.pop();
    found.ok_or_else(|| ApiError::invalid(format!("segment is {at}, but there are only {}.", draft.count())))
}

fn range(draft: &impl Draft, first: u32, last: u32) -> Result<(usize, usize), ApiError> {
    if first > last || place(last) >= draft.count() {
        let count = draft.count();
        return Err(ApiError::invalid(format!(
            "first and last are {first} and {last}, but there are {count} segments."
        )));
    }
    Ok((place(first), place(last - first) + 1))
}

/// One line of text without control characters.
fn clean(text: &str) -> Result<String, ApiError> {
    let spaced = |c: char| if c.is_whitespace() { ' ' } else { c };
    let text: String = text.chars().map(spaced).filter(|c| !c.is_control()).collect();
    if text.chars().count() > LONGEST_TEXT {
        return Err(ApiError::invalid(format!("text is longer than {LONGEST_TEXT} characters.")));
    }
    Ok(text)
}

/// A speaker's name; none when there is nothing in it.
fn name(text: Option<&str>) -> Result<Option<String>, ApiError> {
    let name = clean(text.unwrap_or_default())?.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > LONGEST_NAME {
        return Err(ApiError::invalid(format!("speaker is longer than {LONGEST_NAME} characters.")));
    }
    Ok((!name.is_empty()).then_some(name))
}

fn set_text(draft: &impl Draft, at: usize, text: &str) -> Result<Vec<Change>, ApiError> {
    let old = one(draft, at)?;
    let text = clean(text)?.trim().to_string();
    if text.is_empty() {
        return Ok(vec![change(at, vec![old], Vec::new())]);
    }
    if text == old.text.trim() {
        return Ok(Vec::new());
    }
    let new = Segment { words: realign(&old, &text), text, ..old.clone() };
    Ok(vec![change(at, vec![old], vec![new])])
}

fn split(draft: &impl Draft, at: usize, character: usize) -> Result<Vec<Change>, ApiError> {
    let old = one(draft, at)?;
    let next = draft.segments(at + 1, 1)?.pop();
    let Some((left, mut right)) = cut(&old, character) else {
        return Err(ApiError::invalid(format!(
            "at is {character}: there would be nothing on one side of it."
        )));
    };
    right.start = right.start.max(left.start + STEP);
    right.end = right.end.max(right.start);
    if next.is_some_and(|next| right.start >= next.start) {
        return Err(ApiError::invalid("The segment is too short to be split.".to_string()));
    }
    Ok(vec![change(at, vec![old], vec![left, right])])
}

fn merge(draft: &impl Draft, at: usize) -> Result<Vec<Change>, ApiError> {
    let both = draft.segments(at, 2)?;
    let [first, second] = both.as_slice() else {
        return Err(ApiError::invalid(format!("segment is {at}: no segment follows it.")));
    };
    let mut words = first.words.clone();
    words.extend(second.words.iter().cloned());
    let merged = Segment {
        start: first.start,
        end: second.end.max(first.end),
        text: join(&first.text, &second.text),
        speaker: first.speaker.clone().or_else(|| second.speaker.clone()),
        words,
    };
    Ok(vec![change(at, both, vec![merged])])
}

fn retime(draft: &impl Draft, at: usize, start: f64, end: f64) -> Result<Vec<Change>, ApiError> {
    let old = one(draft, at)?;
    let previous = if at == 0 { None } else { draft.segments(at - 1, 1)?.pop() };
    let next = draft.segments(at + 1, 1)?.pop();
    let (start, end) = times(start, end)?;
    // Where an engine let two overlap already, they need not overlap more.
    let earliest = previous.map_or(0.0, |previous| previous.end.min(old.start).max(previous.start + STEP));
    let latest = next.map_or(f64::INFINITY, |next| next.start.max(old.end.min(next.start + STEP)));
    if start < earliest - STEP / 2.0 || end > latest + STEP / 2.0 {
        return Err(ApiError::invalid(format!(
            "start and end are {start:.3} and {end:.3}, but only {earliest:.3} to {latest:.3} is free."
        )));
    }
    let shift = start - old.start;
    let moved = ((end - old.end) - shift).abs() < STEP / 2.0;
    let words = old.words.iter().map(|word| {
        let by = if moved { shift } else { 0.0 };
        Word {
            start: (word.start + by).clamp(start, end),
            end: (word.end + by).clamp(start, end),
            ..word.clone()
        }
    });
    let new = Segment { start, end, words: words.collect(), ..old.clone() };
    Ok(only_different(change(at, vec![old], vec![new])))
}

fn times(start: f64, end: f64) -> Result<(f64, f64), ApiError> {
    let millis = |time: f64| (time * 1000.0).round() / 1000.0;
    if !(start.is_finite() && end.is_finite() && start >= 0.0 && end >= start + STEP / 2.0 && end < 1e7) {
        return Err(ApiError::invalid(format!(
            "start and end are {start} and {end}, which is no stretch of time."
        )));
    }
    Ok((millis(start), millis(end)))
}

fn insert(
    draft: &impl Draft,
    start: f64,
    end: f64,
    text: &str,
    speaker: Option<&str>,
) -> Result<Vec<Change>, ApiError> {
    let (start, end) = times(start, end)?;
    let text = clean(text)?.trim().to_string();
    if text.is_empty() {
        return Err(ApiError::invalid("text is empty.".to_string()));
    }
    let all = draft.segments(0, draft.count())?;
    let at = all.partition_point(|segment| segment.start < start);
    let before = at.checked_sub(1).and_then(|before| all.get(before));
    if before.is_some_and(|before| before.end > start) || all.get(at).is_some_and(|after| after.start < end) {
        return Err(ApiError::invalid(format!(
            "start and end are {start:.3} and {end:.3}, where there is a segment already."
        )));
    }
    let new = Segment { start, end, text, speaker: name(speaker)?, words: Vec::new() };
    Ok(vec![change(at, Vec::new(), vec![new])])
}

fn rename(draft: &impl Draft, from: Option<&str>, to: Option<String>) -> Result<Vec<Change>, ApiError> {
    let mut changes = Vec::new();
    for (at, (_, speaker)) in draft.lines()?.into_iter().enumerate() {
        if speaker.as_deref() == from && speaker != to {
            let old = one(draft, at)?;
            let new = Segment { speaker: to.clone(), ..old.clone() };
            changes.push(change(at, vec![old], vec![new]));
        }
    }
    Ok(changes)
}

fn replace(
    draft: &impl Draft,
    finder: &Finder,
    with: &str,
    only: Option<usize>,
) -> Result<Vec<Change>, ApiError> {
    let mut changes = Vec::new();
    let mut gone = 0;
    for (at, (text, _)) in draft.lines()?.into_iter().enumerate() {
        if only.is_some_and(|only| only != at) {
            continue;
        }
        let Some(text) = finder.replaced(&text, with) else { continue };
        // A segment whose whole text is replaced by nothing goes, and the ones after it move up.
        let old = one(draft, at)?;
        let text = clean(&text)?.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            changes.push(change(at - gone, vec![old], Vec::new()));
            gone += 1;
        } else if text != old.text {
            let new = Segment { words: realign(&old, &text), text, ..old.clone() };
            changes.push(change(at - gone, vec![old], vec![new]));
        }
    }
    Ok(changes)
}

/// Looks for a text, as find in the window does: without case and accents unless asked.
struct Finder {
    wanted: Vec<char>,
    match_case: bool,
    whole_words: bool,
}

impl Finder {
    fn new(find: &str, match_case: bool, whole_words: bool) -> Result<Self, ApiError> {
        let wanted: Vec<char> = letters(find, match_case).into_iter().map(|(letter, _, _)| letter).collect();
        if wanted.is_empty() {
            return Err(ApiError::invalid("find is empty.".to_string()));
        }
        Ok(Self { wanted, match_case, whole_words })
    }

    /// The text with every find replaced; `None` when there is none.
    fn replaced(&self, text: &str, with: &str) -> Option<String> {
        let letters = letters(text, self.match_case);
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut at, mut found) = (0, 0, false);
        while at + self.wanted.len() <= letters.len() {
            let here = &letters[at..at + self.wanted.len()];
            let (from, to) = (here[0].1, here[here.len() - 1].2);
            let equal = here.iter().zip(&self.wanted).all(|(letter, wanted)| letter.0 == *wanted);
            if equal && self.stands_alone(text, from, to) {
                out.push_str(&text[copied..from]);
                out.push_str(with);
                (copied, found) = (to, true);
                at += self.wanted.len();
            } else {
                at += 1;
            }
        }
        out.push_str(&text[copied..]);
        found.then_some(out)
    }

    fn stands_alone(&self, text: &str, from: usize, to: usize) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !self.whole_words || !(letter(text[..from].chars().next_back()) || letter(text[to..].chars().next()))
    }
}

/// The letters of a text to compare by, with the bytes each stands for; marks belong to the letter before them.
fn letters(text: &str, match_case: bool) -> Vec<(char, usize, usize)> {
    let mut found: Vec<(char, usize, usize)> = Vec::with_capacity(text.len());
    for (from, sign) in text.char_indices() {
        let to = from + sign.len_utf8();
        let folded = if match_case { Some(sign) } else { fold(sign.encode_utf8(&mut [0; 4])).chars().next() };
        match (folded, found.last_mut()) {
            (Some(letter), _) => found.push((letter, from, to)),
            (None, Some(last)) => last.2 = to,
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
