//! The word lists: the embedded ones and the user's own in `<data folder>/categories/*.json`.
//!
//! A file is `{"language": "en", "axes": {"niche": {"weight loss": ["lose weight", "diet*", …]}}}`. `diet*` stands for
//! every word that begins with it; case and accents do not matter. The user's lists add to the embedded ones; an entry
//! with `-` before it takes that entry out.

use super::AXES;
use super::matching::{Pattern, pattern};
use crate::search::fold;
use domain::Transcript;
use domain::category::Category;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

const EMBEDDED: [&str; 3] = [
    include_str!("../../../../assets/categories/en.json"),
    include_str!("../../../../assets/categories/es.json"),
    include_str!("../../../../assets/categories/pt.json"),
];

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// Words of an entry at most.
const MAX_WORDS: usize = 8;
/// Changes when the same lists are scored otherwise; part of the engine's name.
const SCORING: &[u8] = b"1";

/// Entries by label, labels by axis.
type Axes = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    /// ISO 639-1.
    language: String,
    axes: Axes,
}

/// A file of the user's that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    pub message: String,
}

/// One entry of a list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) pattern: Vec<Pattern>,
    /// How much it says: rarer among the labels of its axis and longer says more.
    pub(super) weight: f64,
}

/// A label with its list.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) entries: Vec<Entry>,
}

/// The labels of one axis in one language.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    labels: Vec<Label>,
}

impl Axis {
    pub(super) fn labels(&self) -> &[Label] {
        &self.labels
    }
}

/// All lists, ready for matching.
#[derive(Clone, Debug)]
pub struct Lists {
    languages: BTreeMap<String, BTreeMap<String, Axis>>,
    version: String,
}

impl Lists {
    /// The embedded lists with the user's, and what of the user's is not used. Blocking.
    pub fn load(data_dir: &Path) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut merged: BTreeMap<String, Axes> = BTreeMap::new();
        for text in EMBEDDED {
            match parse(text) {
                Ok(file) => merge(&mut merged, file),
                Err(why) => problems.push(Problem { file: "built in".into(), message: why.to_string() }),
            }
        }
        for path in user_files(data_dir) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match read(&path) {
                Ok(file) => merge(&mut merged, file),
                Err(why) => problems.push(Problem { file: name, message: why.to_string() }),
            }
        }
        for problem in &problems {
            tracing::warn!(file = problem.file, message = problem.message, "a word list is not used");
        }
        (Self::ready(&merged), problems)
    }

    /// What stands in [`domain::category::Category::engine`]: `rules:<hash of the lists>`.
    pub fn engine(&self) -> String {
        format!("rules:{}", self.version)
    }

    /// Languages there are lists for.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// The labels of a transcript: see [`super::categorize`].
    pub fn categorize(&self, transcript: &Transcript) -> Vec<Category> {
        super::categorize(transcript, self)
    }

    pub(super) fn of(&self, language: &str) -> Option<&BTreeMap<String, Axis>> {
        self.languages.get(language)
    }

    fn ready(merged: &BTreeMap<String, Axes>) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(SCORING);
        let mut languages = BTreeMap::new();
        for (language, axes) in merged {
            let mut ready = BTreeMap::new();
            for (axis, labels) in axes {
                for (label, entries) in labels {
                    hash.update(format!("{language}\n{axis}\n{label}\n{}\n", entries.join("\n")).as_bytes());
                }
                ready.insert(axis.clone(), ready_axis(labels));
            }
            languages.insert(language.clone(), ready);
        }
        Self { languages, version: hash.finalize().to_hex()[..12].to_string() }
    }
}

fn ready_axis(labels: &BTreeMap<String, Vec<String>>) -> Axis {
    let mut holders: BTreeMap<String, u32> = BTreeMap::new();
    for entry in labels.values().flatten() {
        *holders.entry(fold(entry)).or_default() += 1;
    }
    let all = labels.len() as f64;
    let weight = |entry: &str, words: usize| {
        let held = f64::from(*holders.get(&fold(entry)).unwrap_or(&1));
        (1.0 + (all - held + 0.5) / (held + 0.5)).ln() * (1.0 + 0.6 * (words as f64 - 1.0))
    };
    let ready = |entry: &String| {
        let pattern = pattern(entry);
        Entry { weight: weight(entry, pattern.len()), pattern }
    };
    let labels = labels
        .iter()
        .map(|(name, entries)| Label { name: name.clone(), entries: entries.iter().map(ready).collect() });
    Axis { labels: labels.collect() }
}

/// Adds a file's entries; one with `-` before it takes the same entry out.
fn merge(merged: &mut BTreeMap<String, Axes>, file: ListFile) {
    let axes = merged.entry(file.language).or_default();
    for (axis, labels) in file.axes {
        for (label, entries) in labels {
            let held = axes.entry(axis.clone()).or_default().entry(label).or_default();
            let mut known: HashSet<String> = held.iter().map(|entry| fold(entry)).collect();
            for entry in entries {
                match entry.strip_prefix('-').map(|out| fold(out.trim())) {
                    Some(out) => {
                        held.retain(|kept| fold(kept) != out);
                        known.remove(&out);
                    }
                    None if known.insert(fold(&entry)) => held.push(entry),
                    None => {}
                }
            }
        }
    }
}

/// Why a word list is left out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unusable(String);

fn parse(text: &str) -> Result<ListFile, Unusable> {
    let file: ListFile = serde_json::from_str(text).map_err(|error| Unusable(error.to_string()))?;
    if file.language.len() != 2 || !file.language.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(Unusable(format!("\"{}\" is not an ISO 639-1 language such as \"en\"", file.language)));
    }
    for (axis, labels) in &file.axes {
        if !AXES.contains(&axis.as_str()) {
            return Err(Unusable(format!("\"{axis}\" is not one of the axes {}", AXES.join(", "))));
        }
        for (label, entries) in labels {
            if label.trim().is_empty() {
                return Err(Unusable(format!("a label of {axis} has no name")));
            }
            for entry in entries {
                let words = pattern(entry.strip_prefix('-').unwrap_or(entry)).len();
                if words == 0 || words > MAX_WORDS {
                    return Err(Unusable(format!("\"{entry}\" of {label} is not one to {MAX_WORDS} words")));
                }
            }
        }
    }
    Ok(file)
}

fn read(path: &Path) -> Result<ListFile, Unusable> {
    let there = std::fs::metadata(path).map_err(|error| Unusable(error.to_string()))?;
    if !there.is_file() || there.len() > MAX_FILE {
        return Err(Unusable("it is not a file of at most 1 MB".into()));
    }
    parse(&std::fs::read_to_string(path).map_err(|error| Unusable(error.to_string()))?)
}

fn user_files(data_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("categories")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}
