//! What goes into and comes out of the commands that sort, tag and remove media.

use domain::UtcTime;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which media to list, beside kind, language and words; what is null does not matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct LibraryFilter {
    /// Engine of the transcript that is shown.
    pub engine: Option<String>,
    pub tag: Option<String>,
    /// Axis and label, such as `niche:health`.
    pub category: Option<String>,
    pub added_from: Option<UtcTime>,
    /// Not included.
    pub added_to: Option<UtcTime>,
    /// Seconds.
    pub min_seconds: Option<f64>,
    pub max_seconds: Option<f64>,
    /// `transcribed`, `untranscribed`, `working` (a task is at it) or `failed` (its last task did).
    pub status: Option<String>,
}

/// Put tags on media and take others off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TagRequest {
    pub media_ids: Vec<String>,
    #[serde(default)]
    pub add: Vec<String>,
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A value to filter by, and how many media have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Facet {
    pub value: String,
    pub count: u32,
}

/// Everything the library can be filtered by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Facets {
    pub tags: Vec<Facet>,
    pub languages: Vec<Facet>,
    pub engines: Vec<Facet>,
    /// As `axis:label`.
    pub categories: Vec<Facet>,
}

/// The user's word on what a media is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryRequest {
    pub media_id: String,
    /// `topic`, `niche`, `hook`, `offer`, `proof` or `call_to_action`.
    pub axis: String,
    /// Null: what the word lists found; empty: nothing on this axis.
    #[serde(default)]
    pub label: Option<String>,
}

/// Media to remove, or to bring back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaIds {
    pub media_ids: Vec<String>,
}

/// What was removed. Files that Bobina fetched are in the system's trash; files of the user's stay where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Removed {
    pub media_ids: Vec<String>,
    /// How many files went into the trash.
    pub trashed: u32,
}

/// Where a missing file may be now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct FindFileRequest {
    pub media_id: String,
    /// Absolute path of the file, or of a folder that holds it somewhere.
    pub path: String,
}

/// What was swept away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Swept {
    /// Media that had been removed for long enough.
    pub media: u32,
    /// Files that nothing refers to.
    pub files: u32,
    pub bytes: u64,
}

/// A search with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SavedSearch {
    pub search_id: String,
    pub name: String,
    pub query: SavedQuery,
    pub created_at: UtcTime,
}

/// What a saved search asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct SavedQuery {
    /// What was said.
    pub words: String,
    pub kind: Option<String>,
    pub language: Option<String>,
    pub sort: Option<String>,
    pub filter: LibraryFilter,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SaveSearchRequest {
    pub name: String,
    pub query: SavedQuery,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SearchId {
    pub search_id: String,
}
