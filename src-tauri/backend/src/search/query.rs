//! What a person typed, as an expression the index takes.

use super::rank::{MARK_END, MARK_START};
use super::{fold, words};

/// Words of a query beyond these are left out.
const MAX_TERMS: usize = 24;
/// Bytes of a query beyond these are not read.
const MAX_BYTES: usize = 2_000;

/// A query with at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// A word, or words that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// As typed.
    words: Vec<String>,
    folded: Vec<String>,
    /// The last word may go on.
    prefix: bool,
}

impl Term {
    fn new(words: Vec<&str>) -> Self {
        let folded = words.iter().map(|word| fold(word)).collect();
        Self { words: words.into_iter().map(str::to_string).collect(), folded, prefix: false }
    }

    /// Words of a text that match from the first one on: as many as the term has, or none.
    fn matches(&self, said: &[(usize, &str, String)]) -> bool {
        let last = self.folded.len() - 1;
        said.len() > last
            && self.folded.iter().zip(said).enumerate().all(|(place, (wanted, (_, _, heard)))| {
                heard == wanted || (self.prefix && place == last && heard.starts_with(wanted.as_str()))
            })
    }
}

impl Query {
    /// Reads typed text: all words must be said; `"in quotes"` they must follow each other; the last word, unless
    /// it is finished by a space or quoted, matches as a prefix from its second letter. `None` when there is no word.
    pub fn parse(text: &str) -> Option<Self> {
        let text = cut(text);
        let mut terms: Vec<Term> = Vec::new();
        // A quote without its partner quotes nothing.
        let pairs = text.matches('"').count() / 2 * 2;
        let mut prefix = false;
        for (place, part) in text.splitn(pairs + 1, '"').enumerate() {
            if place % 2 == 1 {
                let phrase: Vec<&str> = words(part).collect();
                if !phrase.is_empty() {
                    terms.push(Term::new(phrase));
                    prefix = false;
                }
            } else {
                for word in words(part) {
                    terms.push(Term::new(vec![word]));
                    prefix = word.chars().nth(1).is_some();
                }
            }
        }
        if terms.len() > MAX_TERMS {
            terms.truncate(MAX_TERMS);
            prefix = false;
        }
        if !text.ends_with(char::is_whitespace)
            && let Some(last) = terms.last_mut()
        {
            last.prefix = prefix;
        }
        (!terms.is_empty()).then_some(Self { terms })
    }

    /// The expression for `MATCH`: quoted words and phrases joined by AND.
    pub fn expression(&self) -> String {
        let quoted =
            |term: &Term| format!("\"{}\"{}", term.words.join(" "), if term.prefix { "*" } else { "" });
        self.terms.iter().map(quoted).collect::<Vec<_>>().join(" AND ")
    }

    /// A text that matches, with marks around each match.
    pub fn mark(&self, text: &str) -> String {
        let base = text.as_ptr() as usize;
        let said: Vec<(usize, &str, String)> =
            words(text).map(|word| (word.as_ptr() as usize - base, word, fold(word))).collect();
        let mut marked = String::with_capacity(text.len() + 16);
        let (mut copied, mut place) = (0, 0);
        while place < said.len() {
            let longest =
                self.terms.iter().filter(|term| term.matches(&said[place..])).map(|t| t.folded.len()).max();
            let Some(length) = longest else {
                place += 1;
                continue;
            };
            let (from, last) = (said[place].0, &said[place + length - 1]);
            let to = last.0 + last.1.len();
            marked.push_str(&text[copied..from]);
            marked.push(MARK_START);
            marked.push_str(&text[from..to]);
            marked.push(MARK_END);
            copied = to;
            place += length;
        }
        marked.push_str(&text[copied..]);
        marked
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
        Query::parse(text).map_or_else(String::new, |query| query.expression())
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
    fn matches_are_marked_as_the_index_finds_them() {
        let mark = |query: &str, text: &str| {
            Query::parse(query).unwrap().mark(text).replace(MARK_START, "[").replace(MARK_END, "]")
        };
        assert_eq!(mark("promoc", "A Promoção, promo e PROMOÇÕES!"), "A [Promoção], promo e [PROMOÇÕES]!");
        assert_eq!(mark("voce ", "você, VOCÊ e voce\u{302}; vocês"), "[você], [VOCÊ] e [voce\u{302}]; vocês");
        assert_eq!(
            mark("\"perder peso\" ja", "perder peso já, peso perder"),
            "[perder peso] [já], peso perder"
        );
        assert_eq!(mark("e-mail", "an e-mail by email"), "an [e]-[mail] by email");
        assert_eq!(mark("\"a a\"", "a a a a a"), "[a a] [a a] a");
        assert_eq!(mark("x", ""), "");
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
