//! What a person typed, as an expression the index takes.

use super::words;

/// Words of a query beyond these are left out.
const MAX_TERMS: usize = 24;
/// Bytes of a query beyond these are not read.
const MAX_BYTES: usize = 2_000;

/// A query with at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    expression: String,
}

impl Query {
    /// Reads typed text: all words must be said; `"in quotes"` they must follow each other; the last word, unless
    /// it is finished by a space or quoted, matches as a prefix from its second letter. `None` when there is no word.
    pub fn parse(text: &str) -> Option<Self> {
        let text = cut(text);
        let mut terms: Vec<String> = Vec::new();
        let mut open = false;
        // A quote without its partner quotes nothing.
        let pairs = text.matches('"').count() / 2 * 2;
        let parts = text.splitn(pairs + 1, '"');
        let mut prefix = false;
        for part in parts {
            if open {
                let phrase: Vec<&str> = words(part).collect();
                if !phrase.is_empty() {
                    terms.push(format!("\"{}\"", phrase.join(" ")));
                    prefix = false;
                }
            } else {
                for word in words(part) {
                    terms.push(format!("\"{word}\""));
                    prefix = word.chars().nth(1).is_some();
                }
            }
            open = !open;
        }
        if terms.len() > MAX_TERMS {
            terms.truncate(MAX_TERMS);
            prefix = false;
        }
        if prefix
            && !text.ends_with(char::is_whitespace)
            && let Some(last) = terms.last_mut()
        {
            last.push('*');
        }
        (!terms.is_empty()).then(|| Self { expression: terms.join(" AND ") })
    }

    /// The expression for `MATCH`: quoted words and phrases joined by AND.
    pub fn expression(&self) -> &str {
        &self.expression
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        Query::parse(text).map_or_else(String::new, |query| query.expression)
    }

    #[test]
    fn words_phrases_and_the_prefix() {
        assert_eq!(expression("peso rápido"), "\"peso\" AND \"rápido\"*");
        assert_eq!(expression("peso "), "\"peso\"");
        assert_eq!(expression("\"perder peso\" ja"), "\"perder peso\" AND \"ja\"*");
        assert_eq!(expression("a"), "\"a\"");
        assert_eq!(expression("e-mail"), "\"e\" AND \"mail\"*");
        assert_eq!(expression("\"well-known\""), "\"well known\"");
    }

    #[test]
    fn syntax_is_only_text() {
        assert_eq!(expression("\" OR *"), "\"OR\"*");
        assert_eq!(expression("NEAR(a b, 3)"), "\"NEAR\" AND \"a\" AND \"b\" AND \"3\"");
        assert_eq!(expression("text:x ^y -z"), "\"text\" AND \"x\" AND \"y\" AND \"z\"");
        assert_eq!(expression("a\"\"b\"c"), "\"a\" AND \"b\" AND \"c\"");
        for nothing in ["", "   ", "\"", "\"\"", "***", "😀", "\0", "(((", "%_'"] {
            assert_eq!(Query::parse(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn long_text_is_cut() {
        let long = "palavra ".repeat(1_300_000);
        assert_eq!(expression(&long).matches("AND").count(), MAX_TERMS - 1);
        let one = "é".repeat(5_000_000);
        assert!(expression(&one).len() <= MAX_BYTES + 3);
    }
}
