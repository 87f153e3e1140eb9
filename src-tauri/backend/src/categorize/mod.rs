//! What a transcript is about, decided by word lists on this machine.
//!
//! Owns the lists, the matching and the scores; leaves storing labels to `store::categories`.
//! Invariant: the same transcript and the same lists give the same labels, and every label shows the words that
//! decided it.

mod lists;
mod matching;

pub use lists::{Lists, Problem};

use domain::category::{Category, Evidence};
use domain::{Segment, Transcript};
use lists::Axis;
use matching::Said;
use std::collections::BTreeMap;

/// The axes that have lists, in the order they are answered.
pub const AXES: [&str; 6] = ["topic", "niche", "hook", "offer", "proof", "call_to_action"];

/// A hook is what is said within this many seconds.
const HOOK_SECONDS: f64 = 60.0;
/// Labels of one axis at most.
const MOST_LABELS: usize = 3;
/// A label weaker than this share of its axis's strongest is not given.
const LEAST_SHARE: f64 = 0.35;
/// Phrases shown for a label at most.
const MOST_EVIDENCE: usize = 8;

/// BM25's saturation and length terms (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// The labels of a transcript, axis by axis, strongest first.
///
/// A label's score is the sum over the segments of BM25, a segment being a document and the label's list the query.
/// How rare a phrase is counts over the labels of its axis: what stands in many lists says little.
/// A phrase of several words says more than its first word. Hooks are heard in the first minute only; calls to action
/// count double in the last third.
pub fn categorize(transcript: &Transcript, lists: &Lists) -> Vec<Category> {
    let language = language_of(transcript);
    let mut categories = Vec::new();
    if let Some(axes) = lists.of(&language) {
        let said = Said::of(&transcript.segments);
        for axis in AXES {
            if let Some(axis_lists) = axes.get(axis) {
                categories.extend(of_axis(axis, axis_lists, &said, transcript, &lists.engine()));
            }
        }
    }
    if language != "und" {
        categories.push(Category {
            axis: "language".into(),
            label: language,
            score: 1.0,
            evidence: Vec::new(),
            engine: lists.engine(),
        });
    }
    categories
}

/// The transcript's language, or what its text looks like when nobody could tell.
fn language_of(transcript: &Transcript) -> String {
    let told = transcript.language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(told.as_str(), "" | "und" | "auto") {
        return told;
    }
    let seen = whatlang::detect(&transcript.text).filter(whatlang::Info::is_reliable);
    seen.map_or("und", |info| two_letters(info.lang())).to_string()
}

/// ISO 639-1 of the languages that are common here; `und` for others.
fn two_letters(language: whatlang::Lang) -> &'static str {
    use whatlang::Lang;
    match language {
        Lang::Eng => "en",
        Lang::Por => "pt",
        Lang::Spa => "es",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Rus => "ru",
        Lang::Tur => "tr",
        _ => "und",
    }
}

/// What one entry of a list was worth.
struct Shown {
    /// As it was first said.
    text: String,
    count: u32,
    first_at: f64,
    worth: f64,
}

/// What one label gathered.
#[derive(Default)]
struct Gathered {
    score: f64,
    count: u32,
    /// A phrase of more than one word was said.
    phrase: bool,
    /// By list entry.
    shown: BTreeMap<usize, Shown>,
}

fn of_axis(
    axis: &str,
    lists: &Axis,
    said: &Said<'_>,
    transcript: &Transcript,
    engine: &str,
) -> Vec<Category> {
    let first = transcript.segments.first().map_or(0.0, |segment| segment.start);
    let last = transcript.segments.last().map_or(0.0, |segment| segment.end);
    let weight = |segment: &Segment| match axis {
        "hook" if segment.start - first >= HOOK_SECONDS => 0.0,
        "call_to_action" if segment.start >= first + (last - first) * 2.0 / 3.0 => 2.0,
        _ => 1.0,
    };
    let weights: Vec<f64> = transcript.segments.iter().map(weight).collect();
    let mean = said.mean_length().max(1.0);
    let mut gathered: BTreeMap<&str, Gathered> = BTreeMap::new();
    for label in lists.labels() {
        for (segment, entries) in said.find(label) {
            if weights[segment] == 0.0 {
                continue;
            }
            let length = K1 * (1.0 - B + B * said.length(segment) / mean);
            let sum = gathered.entry(label.name.as_str()).or_default();
            for (entry, found) in entries {
                let times = f64::from(found.count);
                let rarity = label.entries[entry].weight;
                let worth = weights[segment] * rarity * times * (K1 + 1.0) / (times + length);
                sum.score += worth;
                sum.count += found.count;
                sum.phrase |= label.entries[entry].pattern.len() > 1;
                let shown = sum.shown.entry(entry).or_insert_with(|| Shown {
                    text: found.text,
                    count: 0,
                    first_at: found.first_at,
                    worth: 0.0,
                });
                shown.count += found.count;
                shown.worth += worth;
            }
        }
    }
    strongest(axis, gathered, engine)
}

/// The labels that are said clearly enough: at least twice or with a whole phrase, and not far behind the best.
fn strongest(axis: &str, gathered: BTreeMap<&str, Gathered>, engine: &str) -> Vec<Category> {
    let mut clear: Vec<(&str, Gathered)> =
        gathered.into_iter().filter(|(_, sum)| sum.count >= 2 || sum.phrase).collect();
    clear.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(b.0)));
    let best = clear.first().map_or(0.0, |(_, sum)| sum.score);
    clear
        .into_iter()
        .filter(|(_, sum)| sum.score >= best * LEAST_SHARE)
        .take(MOST_LABELS)
        .map(|(label, sum)| Category {
            axis: axis.to_string(),
            label: label.to_string(),
            score: (sum.score * 1000.0).round() / 1000.0,
            evidence: evidence(sum.shown.into_values()),
            engine: engine.to_string(),
        })
        .collect()
}

/// The same words heard through two entries of a list are one piece of evidence.
fn evidence(entries: impl Iterator<Item = Shown>) -> Vec<Evidence> {
    let mut by_text: BTreeMap<String, Shown> = BTreeMap::new();
    for shown in entries {
        match by_text.get_mut(&shown.text) {
            Some(sum) => {
                sum.count += shown.count;
                sum.worth += shown.worth;
                sum.first_at = sum.first_at.min(shown.first_at);
            }
            None => {
                by_text.insert(shown.text.clone(), shown);
            }
        }
    }
    let mut all: Vec<Shown> = by_text.into_values().collect();
    all.sort_by(|a, b| b.worth.total_cmp(&a.worth).then(a.text.cmp(&b.text)));
    all.into_iter()
        .take(MOST_EVIDENCE)
        .map(|shown| Evidence { phrase: shown.text, count: shown.count, first_at: shown.first_at })
        .collect()
}

#[cfg(test)]
mod tests;
