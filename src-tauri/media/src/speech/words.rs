//! From an engine's tokens to words with times.
//!
//! Invariant: words are in order, do not overlap, lie within their bounds, are valid UTF-8, and joined they give the
//! segment's text.

use domain::Word;

/// A piece of text as a model writes it: often less than a word, sometimes less than a character.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub bytes: Vec<u8>,
    /// Seconds.
    pub start: f64,
    pub end: f64,
    pub probability: f64,
}

/// Joins tokens to words: a word begins at a space, or at each character of a script that writes none;
/// punctuation stays with the word it touches. Times are clamped to `start..end` and made monotonic.
pub(super) fn join(tokens: &[Token], start: f64, end: f64) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut at = start;
    for token in whole_characters(tokens) {
        let text = String::from_utf8_lossy(&token.bytes).into_owned();
        if text.trim().is_empty() {
            continue;
        }
        let from = token.start.clamp(at, end.max(at));
        let to = token.end.clamp(from, end.max(from));
        at = to;
        match words.last_mut() {
            Some(word) if !begins_word(&text, &word.text) => {
                word.text.push_str(&text);
                word.end = to;
                let count = counts.last_mut().map_or(1, |c| {
                    *c += 1;
                    *c
                }) as f64;
                word.confidence = word.confidence.map(|c| c + (token.probability - c) / count);
            }
            _ => {
                words.push(Word { start: from, end: to, text, confidence: Some(token.probability) });
                counts.push(1);
            }
        }
    }
    for word in &mut words {
        word.text = word.text.trim().to_owned();
        word.confidence = word.confidence.map(|c| (c.clamp(0.0, 1.0) * 1000.0).round() / 1000.0);
    }
    words
}

/// Merges neighbours until each is whole characters; what never becomes valid stays, to be replaced by U+FFFD.
fn whole_characters(tokens: &[Token]) -> Vec<Token> {
    let mut whole: Vec<Token> = Vec::new();
    let mut open = false;
    for token in tokens {
        match whole.last_mut() {
            Some(last) if open => {
                last.bytes.extend(&token.bytes);
                last.end = token.end;
                last.probability = last.probability.min(token.probability);
            }
            _ => whole.push(token.clone()),
        }
        open = whole.last().is_some_and(|last| {
            std::str::from_utf8(&last.bytes).is_err_and(|e| e.error_len().is_none() && last.bytes.len() < 64)
        });
    }
    whole
}

fn begins_word(text: &str, before: &str) -> bool {
    if text.starts_with(' ') {
        // A word that is only an opening mark so far waits for what it opens.
        return !before.trim().chars().all(|c| "\"'([{«¿¡“‘-".contains(c));
    }
    let spoken = |c: char| c.is_alphanumeric();
    let (first, last) = (text.chars().next(), before.chars().next_back());
    // Scripts without spaces: each token of theirs is a word, its punctuation joins it.
    first.is_some_and(|c| unspaced(c) && spoken(c)) && last.is_some_and(|c| !"\"'([{«「『（".contains(c))
}

/// Chinese, Japanese, Thai, Lao, Khmer, Burmese; Korean writes spaces.
fn unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3005..=0x30FF | 0x3400..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Whether a text is one phrase over and over, as engines write over music and noise.
pub(super) fn repetitive(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.len() < 12 {
        return false;
    }
    let triples: std::collections::HashSet<&[String]> = words.windows(3).collect();
    (triples.len() as f64) < 0.35 * (words.len() - 2) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &[u8], start: f64, end: f64) -> Token {
        Token { bytes: text.to_vec(), start, end, probability: 0.9 }
    }

    fn texts(tokens: &[Token]) -> Vec<String> {
        join(tokens, 0.0, 10.0).into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn pieces_and_punctuation_join_their_word() {
        let tokens: Vec<Token> = [" \"", "Un", "believ", "able", ",", "\"", " he", " said", "."]
            .iter()
            .enumerate()
            .map(|(i, t)| token(t.as_bytes(), i as f64, i as f64 + 1.0))
            .collect();
        let words = join(&tokens, 0.0, 10.0);
        assert_eq!(
            words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(),
            ["\"Unbelievable,\"", "he", "said."]
        );
        assert_eq!((words[0].start, words[0].end), (0.0, 6.0));
    }

    #[test]
    fn characters_split_across_tokens_come_together() {
        let bytes = " 你好".as_bytes();
        assert_eq!(
            texts(&[
                token(&bytes[..2], 0.0, 0.1),
                token(&bytes[2..5], 0.1, 0.2),
                token(&bytes[5..], 0.2, 0.3)
            ]),
            ["你好"]
        );
        let ç = "ação".as_bytes();
        assert_eq!(
            texts(&[token(b" ", 0.0, 0.1), token(&ç[..2], 0.0, 0.1), token(&ç[2..], 0.1, 0.2)]),
            ["ação"]
        );
    }

    #[test]
    fn scripts_without_spaces_give_a_word_for_each_token() {
        let tokens = ["今日", "は", "、", "晴れ", "。"].map(|t| token(t.as_bytes(), 0.0, 1.0));
        assert_eq!(texts(&tokens), ["今日", "は、", "晴れ。"]);
    }

    #[test]
    fn times_are_clamped_and_never_go_back() {
        let tokens = [
            token(b" a", 3.0, 5.0),
            token(b" b", 4.0, 4.5),
            token(b" c", 20.0, 30.0),
            token(b" d", -1.0, 0.0),
        ];
        let words = join(&tokens, 1.0, 8.0);
        assert!(words.windows(2).all(|w| w[0].end <= w[1].start), "{words:?}");
        assert!(words.iter().all(|w| w.start >= 1.0 && w.end <= 8.0 && w.start <= w.end), "{words:?}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(
            texts(&[token(b" ok", 0.0, 1.0), token(b" \xff\xfe", 1.0, 2.0)]),
            ["ok", "\u{fffd}\u{fffd}"]
        );
    }

    #[test]
    fn repetition_is_told_from_speech() {
        assert!(repetitive(&"thank you ".repeat(20)));
        assert!(!repetitive("thank you thank you"));
        assert!(!repetitive(
            "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
        ));
    }
}
