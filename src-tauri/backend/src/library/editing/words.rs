//! Times of words after their text was changed.
//!
//! Owns matching the words of a new text with those that were heard, and cutting text and words at a place.
//! Invariant: words come in the order of the text, their times never go back and stay within their segment; a word that
//! was not changed keeps its time.

use crate::search::fold;
use domain::{Segment, Word};

/// Above this product of word counts the middle is not matched but spread evenly.
const MOST_CELLS: usize = 4_000_000;

/// The words of a text: parted by white space, and one for each sign of scripts that use none.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for chunk in text.split_whitespace() {
        let mut from = 0;
        for (at, sign) in chunk.char_indices() {
            if is_whole_word(sign) {
                if at > from {
                    found.push(&chunk[from..at]);
                }
                found.push(&chunk[at..at + sign.len_utf8()]);
                from = at + sign.len_utf8();
            }
        }
        if from < chunk.len() {
            found.push(&chunk[from..]);
        }
    }
    found
}

/// Han, Hiragana and Katakana.
fn is_whole_word(sign: char) -> bool {
    matches!(sign, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

/// What two words are compared by: letters and digits without case and accents, else the word as it stands.
fn key(token: &str) -> String {
    let letters: String = fold(token).chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.is_empty() { token.to_string() } else { letters }
}

/// Words for another text of the segment. Those that were heard keep their times, those that were not share the time
/// of what they stand for, by their length. No words where none were known.
pub fn realign(segment: &Segment, text: &str) -> Vec<Word> {
    if segment.words.is_empty() {
        return Vec::new();
    }
    let old: Vec<Word> = segment.words.iter().flat_map(parts).collect();
    let new = tokens(text);
    let old_keys: Vec<String> = old.iter().map(|word| key(&word.text)).collect();
    let new_keys: Vec<String> = new.iter().map(|token| key(token)).collect();
    let pairs = matching(&old_keys, &new_keys);
    let mut words = Vec::with_capacity(new.len());
    let (mut old_at, mut new_at) = (0, 0);
    for (old_match, new_match) in pairs.into_iter().chain([(old.len(), new.len())]) {
        let replaced = &old[old_at..old_match];
        let before = words.last().map_or(segment.start, |word: &Word| word.end);
        let after = old.get(old_match).map_or(segment.end, |word| word.start);
        let from = replaced.first().map_or(before, |word| word.start).max(before);
        let to = replaced.last().map_or(after, |word| word.end).max(from);
        spread(&new[new_at..new_match], from, to, &mut words);
        if let (Some(word), Some(token)) = (old.get(old_match), new.get(new_match)) {
            words.push(Word { text: (*token).to_string(), ..word.clone() });
        }
        (old_at, new_at) = (old_match + 1, new_match + 1);
    }
    words
}

/// A heard word as tokens: engines give several signs, or two words with a space, as one.
fn parts(word: &Word) -> Vec<Word> {
    let found = tokens(&word.text);
    if found.len() < 2 {
        return vec![Word { text: word.text.trim().to_string(), ..word.clone() }];
    }
    let mut words = Vec::new();
    spread(&found, word.start, word.end, &mut words);
    for part in &mut words {
        part.confidence = word.confidence;
    }
    words
}

/// Shares a stretch of time among words by their length.
fn spread(tokens: &[&str], from: f64, to: f64, words: &mut Vec<Word>) {
    let weight = |token: &&str| token.chars().count() as f64 + 1.0;
    let all: f64 = tokens.iter().map(weight).sum();
    let mut at = 0.0;
    for token in tokens {
        let start = from + (to - from) * at / all;
        at += weight(token);
        let end = from + (to - from) * at / all;
        words.push(Word { start, end, text: (*token).to_string(), confidence: None });
    }
}

/// Pairs of equal words in the same order on both sides, as many as possible.
fn matching(old: &[String], new: &[String]) -> Vec<(usize, usize)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut pairs: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    let (left, right) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if left.len() * right.len() <= MOST_CELLS {
        pairs.extend(longest_common(left, right).into_iter().map(|(a, b)| (a + head, b + head)));
    }
    pairs.extend((0..tail).rev().map(|back| (old.len() - 1 - back, new.len() - 1 - back)));
    pairs
}

/// The longest common subsequence, by the table of Wagner and Fischer.
fn longest_common(left: &[String], right: &[String]) -> Vec<(usize, usize)> {
    let width = right.len() + 1;
    let mut table = vec![0u32; (left.len() + 1) * width];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            table[a * width + b] = if left[a] == right[b] {
                table[(a + 1) * width + b + 1] + 1
            } else {
                table[(a + 1) * width + b].max(table[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < left.len() && b < right.len() {
        if left[a] == right[b] {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if table[(a + 1) * width + b] >= table[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

/// Cuts a segment before the character `at` of its text; `None` when one side would say nothing.
/// A word that is cut shares its time by length.
pub fn cut(segment: &Segment, at: usize) -> Option<(Segment, Segment)> {
    let byte = segment.text.char_indices().nth(at).map(|(byte, _)| byte)?;
    let (left_text, right_text) = (segment.text[..byte].trim(), segment.text[byte..].trim());
    if left_text.is_empty() || right_text.is_empty() {
        return None;
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut from = 0;
    for word in &segment.words {
        let text = word.text.trim();
        let begins = segment.text[from..].find(text).map_or(from, |found| from + found);
        let ends = (begins + text.len()).min(segment.text.len());
        if ends <= byte {
            left.push(word.clone());
        } else if begins >= byte {
            right.push(word.clone());
        } else {
            let share =
                segment.text[begins..byte].chars().count() as f64 / text.chars().count().max(1) as f64;
            let middle = word.start + (word.end - word.start) * share;
            left.push(Word { end: middle, text: segment.text[begins..byte].to_string(), ..word.clone() });
            right.push(Word { start: middle, text: segment.text[byte..ends].to_string(), ..word.clone() });
        }
        from = ends;
    }
    let share = at as f64 / segment.text.chars().count().max(1) as f64;
    let linear = segment.start + (segment.end - segment.start) * share;
    let left_end = left.last().map_or(linear, |word| word.end);
    let right_start = right.first().map_or(left_end.max(linear), |word| word.start);
    let side = |start: f64, end: f64, text: &str, words: Vec<Word>| Segment {
        start,
        end,
        text: text.to_string(),
        speaker: segment.speaker.clone(),
        words,
    };
    let left_end = left_end.clamp(segment.start, segment.end.max(segment.start));
    let right_start = right_start.clamp(left_end, segment.end.max(left_end));
    Some((
        side(segment.start, left_end, left_text, left),
        side(right_start, segment.end.max(right_start), right_text, right),
    ))
}

/// Two texts as one; scripts without spaces get none.
pub fn join(left: &str, right: &str) -> String {
    let (left, right) = (left.trim(), right.trim());
    let whole = left.chars().next_back().is_some_and(is_whole_word)
        && right.chars().next().is_some_and(is_whole_word);
    if left.is_empty() || right.is_empty() || whole {
        format!("{left}{right}")
    } else {
        format!("{left} {right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Segment {
        let word = |(at, text): (usize, &str)| Word {
            start: at as f64,
            end: at as f64 + 0.8,
            text: text.into(),
            confidence: Some(0.5),
        };
        let words: Vec<Word> = text.split(' ').enumerate().map(word).collect();
        Segment { start: 0.0, end: words.len() as f64, text: text.into(), speaker: None, words }
    }

    fn times(words: &[Word]) -> Vec<(&str, f64, f64)> {
        words
            .iter()
            .map(|w| (w.text.as_str(), (w.start * 10.0).round() / 10.0, (w.end * 10.0).round() / 10.0))
            .collect()
    }

    #[test]
    fn unchanged_words_keep_their_times() {
        let segment = said("the yelow train leaves");
        let words = realign(&segment, "The yellow train, it leaves!");
        assert_eq!(
            times(&words),
            [
                ("The", 0.0, 0.8),
                ("yellow", 1.0, 1.8),
                ("train,", 2.0, 2.8),
                ("it", 2.8, 3.0),
                ("leaves!", 3.0, 3.8)
            ]
        );
        assert_eq!(words[0].confidence, Some(0.5));
        assert_eq!(words[1].confidence, None, "the user wrote it");
    }

    #[test]
    fn everything_new_shares_the_time_of_what_was_there() {
        let words = realign(&said("one two"), "aaa bbb ccc");
        assert_eq!(times(&words), [("aaa", 0.0, 0.6), ("bbb", 0.6, 1.2), ("ccc", 1.2, 1.8)]);
        assert!(realign(&said("one two"), "").is_empty());
        let silent = Segment { words: Vec::new(), ..said("one") };
        assert!(realign(&silent, "two three").is_empty());
    }

    #[test]
    fn scripts_without_spaces_go_by_sign() {
        let mut segment = said("x");
        segment.text = "你好世界".into();
        segment.words = vec![
            Word { start: 0.0, end: 1.0, text: "你好".into(), confidence: None },
            Word { start: 1.0, end: 2.0, text: "世界".into(), confidence: None },
        ];
        assert_eq!(
            times(&realign(&segment, "你好新世界")),
            [("你", 0.0, 0.5), ("好", 0.5, 1.0), ("新", 1.0, 1.0), ("世", 1.0, 1.5), ("界", 1.5, 2.0)]
        );
        let (left, right) = cut(&segment, 1).unwrap();
        assert_eq!((left.text.as_str(), left.end, right.text.as_str()), ("你", 0.5, "好世界"));
        assert_eq!(join("你好", "世界"), "你好世界");
    }

    #[test]
    fn a_cut_parts_text_words_and_time() {
        let segment = said("call me tomorrow morning");
        let (left, right) = cut(&segment, 8).unwrap();
        assert_eq!((left.text.as_str(), left.end, left.words.len()), ("call me", 1.8, 2));
        assert_eq!((right.text.as_str(), right.start, right.end), ("tomorrow morning", 2.0, 4.0));
        let (left, right) = cut(&segment, 10).unwrap();
        assert_eq!((left.text.as_str(), right.text.as_str()), ("call me to", "morrow morning"));
        assert!(
            (left.end - 2.2).abs() < 1e-9 && left.words[2].text == "to" && right.words[0].text == "morrow"
        );
        for nothing in [0, 24, 99] {
            assert!(cut(&segment, nothing).is_none(), "{nothing}");
        }
        let plain = Segment { words: Vec::new(), ..segment };
        assert_eq!(cut(&plain, 12).unwrap().1.start, 2.0);
    }
}
