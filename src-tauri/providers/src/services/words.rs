//! From words with times to segments.
//!
//! Invariant: segments come out in order, within the sound, none ends before it begins.

use domain::{Segment, Word};
use serde_json::Value;

/// A segment ends at a silence this long, in seconds.
const SILENCE: f64 = 0.8;
/// A segment ends at the first word after this time, in seconds.
const LONGEST: f64 = 12.0;

/// A word and who said it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub word: Word,
    pub speaker: Option<String>,
}

/// Groups words: a new segment after the end of a sentence, a silence, a change of speaker, or a long stretch.
pub(super) fn segments(words: Vec<Said>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for Said { word, speaker } in words {
        let joins = segments.last().is_some_and(|last| {
            let ended = last.text.ends_with(['.', '?', '!', '…', '。', '？', '！', '؟']);
            last.speaker == speaker
                && !ended
                && word.start - last.end < SILENCE
                && word.end - last.start < LONGEST
        });
        match segments.last_mut() {
            Some(last) if joins => {
                last.end = last.end.max(word.end);
                if !joined_script(&last.text, &word.text) {
                    last.text.push(' ');
                }
                last.text.push_str(&word.text);
                last.words.push(word);
            }
            _ => segments.push(Segment {
                start: word.start,
                end: word.end,
                text: word.text.clone(),
                speaker,
                words: vec![word],
            }),
        }
    }
    segments
}

/// Whether two words stand without a space: scripts that write none, such as Chinese and Japanese.
fn joined_script(before: &str, after: &str) -> bool {
    let spaceless = |c: char| matches!(u32::from(c), 0x2E80..=0x30FF | 0x3400..=0x9FFF | 0xFF00..=0xFFEF);
    before.chars().next_back().is_some_and(spaceless) && after.chars().next().is_some_and(spaceless)
}

/// A number, or a number written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n| n.is_finite())
}

/// Puts times in order and into the sound, drops what is empty.
pub(super) fn tidied(segments: Vec<Segment>, seconds: f64) -> Vec<Segment> {
    let place = |time: f64, least: f64| time.clamp(0.0, seconds.max(0.0)).max(least);
    let mut last = 0.0;
    let mut tidy = Vec::with_capacity(segments.len());
    for mut segment in segments {
        segment.text = segment.text.trim().to_string();
        if segment.text.is_empty() {
            continue;
        }
        segment.start = place(segment.start, last);
        segment.end = place(segment.end, segment.start);
        let mut within = segment.start;
        segment.words.retain(|word| !word.text.trim().is_empty());
        for word in &mut segment.words {
            word.text = word.text.trim().to_string();
            word.start = place(word.start, within).min(segment.end);
            word.end = place(word.end, word.start).min(segment.end);
            within = word.start;
        }
        last = segment.end;
        tidy.push(segment);
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(start: f64, end: f64, text: &str, speaker: Option<&str>) -> Said {
        let word = Word { start, end, text: text.into(), confidence: None };
        Said { word, speaker: speaker.map(str::to_string) }
    }

    #[test]
    fn sentences_silences_and_speakers_part_segments() {
        let words = vec![
            said(0.0, 0.4, "Hello", None),
            said(0.5, 0.9, "there.", None),
            said(1.0, 1.2, "Yes", None),
            said(3.0, 3.2, "later", None),
            said(3.2, 3.4, "on", Some("B")),
        ];
        let texts: Vec<String> = segments(words).into_iter().map(|s| s.text).collect();
        assert_eq!(texts, ["Hello there.", "Yes", "later", "on"]);
        let joined = segments(vec![said(0.0, 0.1, "你", None), said(0.1, 0.2, "好", None)]);
        assert_eq!(joined[0].text, "你好");
    }

    #[test]
    fn times_are_put_in_order() {
        let odd = |start, end| Segment { start, end, text: " a ".into(), speaker: None, words: vec![] };
        let tidy = tidied(vec![odd(-1.0, 2.0), odd(1.5, 1.0), odd(9.0, 12.0)], 10.0);
        let times: Vec<_> = tidy.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(times, [(0.0, 2.0), (2.0, 2.0), (9.0, 10.0)]);
        assert_eq!(tidy[0].text, "a");
    }
}
