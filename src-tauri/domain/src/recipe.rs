//! Named pipelines of steps, as data.

use crate::{Lane, task::words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ts_rs::TS;

words! {
    /// What a step does.
    StepKind {
        /// Brings the source into the library: downloads a URL or takes in a file, and hashes it.
        Fetch = "fetch",
        /// Reads streams, sizes, loudness.
        Probe = "probe",
        Poster = "poster",
        Filmstrip = "filmstrip",
        Waveform = "waveform",
        /// Turns speech into segments with words; saved as they are heard.
        Transcribe = "transcribe",
        /// Labels the transcript by local word lists.
        Categorize = "categorize",
        /// Does nothing; benches and tests of the queue use it.
        Noop = "noop",
    }
}

impl StepKind {
    /// The lane a step runs in unless its recipe says otherwise.
    pub fn default_lane(self) -> Lane {
        match self {
            Self::Fetch => Lane::Net,
            Self::Transcribe => Lane::Model,
            _ => Lane::Cpu,
        }
    }

    /// Share of a task's progress, before the media is known.
    pub fn default_weight(self) -> f64 {
        match self {
            Self::Fetch => 30.0,
            Self::Transcribe => 60.0,
            Self::Probe | Self::Categorize | Self::Noop => 1.0,
            Self::Poster => 2.0,
            Self::Filmstrip | Self::Waveform => 5.0,
        }
    }
}

/// One step of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique within the recipe; lower-case letters, digits and `_`.
    pub name: String,
    pub kind: StepKind,
    /// Names of steps that must succeed first.
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lane: Option<Lane>,
    /// Options of the kind; unknown ones are refused when the recipe is loaded.
    #[serde(default)]
    #[ts(type = "Record<string, unknown>")]
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// A named graph of steps. Built-in ones are embedded, the user's own lie in the data folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Lower-case letters, digits, `_` and `-`.
    pub name: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub steps: Vec<Step>,
}

/// Why a recipe is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    #[error("the name \"{0}\" may hold only lower-case letters, digits, _ and -")]
    Name(String),
    #[error("the recipe has no steps")]
    Empty,
    #[error("the recipe has more than {0} steps")]
    TooLong(usize),
    #[error("the step \"{0}\" stands twice")]
    Twice(String),
    #[error("the step \"{0}\" comes after \"{1}\", which is not in the recipe")]
    Unknown(String, String),
    #[error("the steps {0} wait for each other")]
    Cycle(String),
    #[error("the first step must be the only one of kind fetch; \"{0}\" is not")]
    Fetch(String),
    #[error("the step \"{0}\" needs a step of kind {1} before it")]
    Needs(String, StepKind),
}

const MAX_STEPS: usize = 64;

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

impl Recipe {
    /// Checks names, order, and that every step has what it works on.
    pub fn validate(&self) -> Result<(), RecipeError> {
        if !is_name(&self.name) {
            return Err(RecipeError::Name(self.name.clone()));
        }
        if self.steps.is_empty() {
            return Err(RecipeError::Empty);
        }
        if self.steps.len() > MAX_STEPS {
            return Err(RecipeError::TooLong(MAX_STEPS));
        }
        let mut names = BTreeSet::new();
        for step in &self.steps {
            if !is_name(&step.name) {
                return Err(RecipeError::Name(step.name.clone()));
            }
            if !names.insert(step.name.as_str()) {
                return Err(RecipeError::Twice(step.name.clone()));
            }
        }
        for step in &self.steps {
            if let Some(missing) = step.after.iter().find(|name| !names.contains(name.as_str())) {
                return Err(RecipeError::Unknown(step.name.clone(), missing.clone()));
            }
        }
        self.check_order()?;
        self.check_needs()
    }

    fn check_order(&self) -> Result<(), RecipeError> {
        let mut done = BTreeSet::new();
        loop {
            let before = done.len();
            for step in &self.steps {
                if step.after.iter().all(|name| done.contains(name.as_str())) {
                    done.insert(step.name.as_str());
                }
            }
            if done.len() == self.steps.len() {
                return Ok(());
            }
            if done.len() == before {
                let left: Vec<_> =
                    self.steps.iter().map(|s| s.name.as_str()).filter(|name| !done.contains(name)).collect();
                return Err(RecipeError::Cycle(left.join(", ")));
            }
        }
    }

    fn check_needs(&self) -> Result<(), RecipeError> {
        for step in &self.steps {
            let needed = match step.kind {
                StepKind::Fetch | StepKind::Noop => continue,
                StepKind::Probe => StepKind::Fetch,
                StepKind::Categorize => StepKind::Transcribe,
                _ => StepKind::Probe,
            };
            if !self.ancestors(step).iter().any(|before| before.kind == needed) {
                return Err(RecipeError::Needs(step.name.clone(), needed));
            }
        }
        let mut fetches = self.steps.iter().filter(|s| s.kind == StepKind::Fetch);
        if let (Some(_), Some(second)) = (fetches.next(), fetches.next()) {
            return Err(RecipeError::Fetch(second.name.clone()));
        }
        Ok(())
    }

    fn ancestors(&self, step: &Step) -> Vec<&Step> {
        let mut found: Vec<&Step> = Vec::new();
        let mut open: Vec<&str> = step.after.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if let Some(before) = self.steps.iter().find(|s| s.name == name)
                && !found.iter().any(|s| s.name == name)
            {
                found.push(before);
                open.extend(before.after.iter().map(String::as_str));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(steps: &[(&str, StepKind, &[&str])]) -> Recipe {
        Recipe {
            name: "test".into(),
            title: "Test".into(),
            description: String::new(),
            steps: steps
                .iter()
                .map(|(name, kind, after)| Step {
                    name: (*name).into(),
                    kind: *kind,
                    after: after.iter().map(|s| (*s).to_string()).collect(),
                    lane: None,
                    options: serde_json::Map::new(),
                })
                .collect(),
        }
    }

    #[test]
    fn refuses_what_cannot_run() {
        use StepKind::*;
        assert_eq!(recipe(&[]).validate(), Err(RecipeError::Empty));
        assert_eq!(
            recipe(&[("a", Fetch, &[]), ("a", Probe, &["a"])]).validate(),
            Err(RecipeError::Twice("a".into()))
        );
        assert_eq!(
            recipe(&[("a", Fetch, &["b"]), ("b", Probe, &["a"])]).validate(),
            Err(RecipeError::Cycle("a, b".into()))
        );
        assert_eq!(
            recipe(&[("a", Fetch, &[]), ("b", Poster, &["a"])]).validate(),
            Err(RecipeError::Needs("b".into(), Probe))
        );
        assert_eq!(
            recipe(&[("a", Fetch, &["x"])]).validate(),
            Err(RecipeError::Unknown("a".into(), "x".into()))
        );
        assert_eq!(
            recipe(&[("a", Fetch, &[]), ("b", Fetch, &["a"])]).validate(),
            Err(RecipeError::Fetch("b".into()))
        );
        assert_eq!(recipe(&[("a", Fetch, &[]), ("b", Probe, &["a"])]).validate(), Ok(()));
    }
}
