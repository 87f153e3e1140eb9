//! Finding list entries in what was said.

use super::lists::Label;
use crate::search::{fold, words};
use domain::Segment;
use std::collections::{BTreeMap, HashMap};

/// One word of an entry, without case and accents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Word(String),
    /// Every word that begins so.
    Start(String),
}

impl Pattern {
    fn matches(&self, word: &str) -> bool {
        match self {
            Self::Word(wanted) => word == wanted,
            Self::Start(start) => word.starts_with(start.as_str()),
        }
    }
}

/// An entry as words; `*` after a word stands for any ending.
pub(super) fn pattern(entry: &str) -> Vec<Pattern> {
    let mut all = Vec::new();
    for part in entry.split_whitespace() {
        let inner: Vec<String> = words(part).map(fold).collect();
        let open = part.ends_with('*');
        let last = inner.len().saturating_sub(1);
        for (index, word) in inner.into_iter().enumerate() {
            all.push(if open && index == last { Pattern::Start(word) } else { Pattern::Word(word) });
        }
    }
    all
}

/// How often an entry was said in a segment.
pub(super) struct Found {
    pub(super) count: u32,
    /// Second of the first time.
    pub(super) first_at: f64,
    /// The words as they were said, in lower case.
    pub(super) text: String,
}

struct Token<'a> {
    said: &'a str,
    folded: String,
    segment: usize,
    /// Second.
    at: f64,
}

/// Everything said, word by word; phrases may run from one segment into the next.
pub(super) struct Said<'a> {
    tokens: Vec<Token<'a>>,
    /// Words of each segment.
    lengths: Vec<f64>,
    /// Where each word stands.
    places: HashMap<String, Vec<usize>>,
}

impl<'a> Said<'a> {
    pub(super) fn of(segments: &'a [Segment]) -> Self {
        let mut tokens: Vec<Token<'a>> = Vec::new();
        let mut lengths = Vec::with_capacity(segments.len());
        for (index, segment) in segments.iter().enumerate() {
            let before = tokens.len();
            let mut add = |text: &'a str, at: f64| {
                tokens.extend(words(text).map(|said| Token { said, folded: fold(said), segment: index, at }));
            };
            if segment.words.is_empty() {
                add(&segment.text, segment.start);
            } else {
                segment.words.iter().for_each(|word| add(&word.text, word.start));
            }
            lengths.push((tokens.len() - before) as f64);
        }
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, token) in tokens.iter().enumerate() {
            places.entry(token.folded.clone()).or_default().push(place);
        }
        Self { tokens, lengths, places }
    }

    /// Words of a segment.
    pub(super) fn length(&self, segment: usize) -> f64 {
        self.lengths[segment]
    }

    /// Words of a segment in the mean.
    pub(super) fn mean_length(&self) -> f64 {
        self.lengths.iter().sum::<f64>() / (self.lengths.len().max(1) as f64)
    }

    /// A label's entries by the segment they begin in. Where entries overlap, the longest counts.
    pub(super) fn find(&self, label: &Label) -> BTreeMap<usize, BTreeMap<usize, Found>> {
        // Place, length, entry; the longest of a place first.
        let mut matches: Vec<(usize, usize, usize)> = Vec::new();
        for (entry, wanted) in label.entries.iter().enumerate() {
            let length = wanted.pattern.len();
            matches.extend(self.places_of(&wanted.pattern).into_iter().map(|place| (place, length, entry)));
        }
        matches.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
        let mut found: BTreeMap<usize, BTreeMap<usize, Found>> = BTreeMap::new();
        let mut free = 0;
        for (place, length, entry) in matches {
            if place < free {
                continue;
            }
            free = place + length;
            let first = &self.tokens[place];
            let times = found.entry(first.segment).or_default().entry(entry).or_insert_with(|| Found {
                count: 0,
                first_at: first.at,
                text: self.text(place, length),
            });
            times.count += 1;
        }
        found
    }

    /// Where a pattern's words stand in a row.
    fn places_of(&self, pattern: &[Pattern]) -> Vec<usize> {
        let starts: Vec<usize> = match pattern.first() {
            None => return Vec::new(),
            Some(Pattern::Word(word)) => self.places.get(word).cloned().unwrap_or_default(),
            Some(start) => self
                .places
                .iter()
                .filter(|(word, _)| start.matches(word))
                .flat_map(|(_, places)| places)
                .copied()
                .collect(),
        };
        let fits = |place: &usize| {
            self.tokens.get(*place..place + pattern.len()).is_some_and(|run| {
                run.iter().zip(pattern).all(|(token, wanted)| wanted.matches(&token.folded))
            })
        };
        starts.into_iter().filter(fits).collect()
    }

    fn text(&self, place: usize, length: usize) -> String {
        let said: Vec<String> =
            self.tokens[place..place + length].iter().map(|token| token.said.to_lowercase()).collect();
        said.join(" ")
    }
}
