//! Which hit comes first, and the part of its text that is shown.

/// Before each match.
pub const MARK_START: char = '\u{2}';
/// After each match.
pub const MARK_END: char = '\u{3}';

/// Words shown of a long segment.
const SHOWN_WORDS: usize = 28;

/// How well a marked text fits: the term-frequency part of BM25 (k1 = 1.2, b = 0.75, mean length 16 words), more when
/// the matches stand close together. How rare a word is does not count, since every word of a query must match.
pub fn score(marked: &str) -> f64 {
    let (mut words, mut matches, mut first, mut last) = (0u32, 0u32, 0u32, 0u32);
    let mut inside = false;
    for word in marked.split_whitespace() {
        words += 1;
        if word.contains(MARK_START) || inside {
            matches += 1;
            if first == 0 {
                first = words;
            }
            last = words;
        }
        if let Some(c) = word.chars().rev().find(|c| matches!(*c, MARK_START | MARK_END)) {
            inside = c == MARK_START;
        }
    }
    if matches == 0 {
        return 0.0;
    }
    let (words, matches) = (f64::from(words), f64::from(matches));
    let frequency = matches * 2.2 / (matches + 1.2 * (0.25 + 0.75 * words / 16.0));
    let density = matches / f64::from(last - first + 1);
    frequency * (1.0 + 0.5 * density)
}

/// The text around the first match, with `…` where it was cut.
pub fn snippet(marked: &str) -> String {
    let words: Vec<&str> = marked.split_whitespace().collect();
    if words.len() <= SHOWN_WORDS {
        return words.join(" ");
    }
    let first = words.iter().position(|word| word.contains(MARK_START)).unwrap_or(0);
    let from = first.saturating_sub(SHOWN_WORDS / 3).min(words.len() - SHOWN_WORDS);
    let to = from + SHOWN_WORDS;
    let mut shown = words[from..to].join(" ");
    // A phrase cut at the end keeps its closing mark.
    if shown.rfind(MARK_START) > shown.rfind(MARK_END) {
        shown.push(MARK_END);
    }
    let before = if from > 0 { "… " } else { "" };
    let after = if to < words.len() { " …" } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_and_closer_matches_win() {
        let one = score("a \u{2}b\u{3} c d");
        let two = score("a \u{2}b\u{3} c \u{2}b\u{3}");
        let close = score("a \u{2}b\u{3} \u{2}b\u{3} c");
        let phrase = score("a \u{2}b b\u{3} c");
        assert!(close > two && two > one, "{close} {two} {one}");
        assert!((close - phrase).abs() < 1e-9);
        let long = score(&format!("{} \u{2}b\u{3}", "w ".repeat(60)));
        assert!(one > long && long > 0.0);
    }

    #[test]
    fn snippets_show_the_match() {
        let text = format!("{}\u{2}here it is\u{3} {}", "before ".repeat(50), "after ".repeat(50));
        let shown = snippet(&text);
        assert!(
            shown.starts_with("… before")
                && shown.ends_with("after …")
                && shown.contains("\u{2}here it is\u{3}")
        );
        assert_eq!(shown.split_whitespace().count(), SHOWN_WORDS + 2);
        assert_eq!(snippet(" a  \u{2}b\u{3} "), "a \u{2}b\u{3}");
        let cut = snippet(&format!("{}\u{2}{}end\u{3}", "x ".repeat(20), "y ".repeat(50)));
        assert_eq!(cut.matches(MARK_START).count(), cut.matches(MARK_END).count());
    }
}
