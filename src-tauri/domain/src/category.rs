//! What a transcript is about, and the words that decided it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One label on one axis, such as axis `niche`, label `health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Category {
    /// `topic`, `niche`, `hook`, `offer`, `proof`, `call_to_action` or `language`.
    pub axis: String,
    pub label: String,
    /// BM25 score; comparable within one axis of one transcript only.
    pub score: f64,
    /// The words and phrases that decided, strongest first.
    pub evidence: Vec<Evidence>,
    /// What decided: `rules` or a model's name.
    pub engine: String,
}

/// A word or phrase of a list, found in the transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Evidence {
    pub phrase: String,
    pub count: u32,
    /// Second of its first appearance.
    pub first_at: f64,
}
