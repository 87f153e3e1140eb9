//! What goes into and comes out of the commands that edit transcripts.

use domain::Segment;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One edit. Segments are counted from 0, in the numbering that the edits before it in the same request left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Another text; words that were not changed keep their times. An empty text removes the segment.
    Text { segment: u32, text: String },
    /// Cut before the character `at` of the text (Unicode characters, from 0).
    Split { segment: u32, at: u32 },
    /// Join with the segment that follows.
    Merge { segment: u32 },
    /// Another time, in seconds, within what the neighbours leave free.
    Retime { segment: u32, start: f64, end: f64 },
    /// A new segment where nothing was heard.
    Insert {
        start: f64,
        end: f64,
        text: String,
        #[serde(default)]
        speaker: Option<String>,
    },
    /// Remove segments, the last one included.
    Delete { first: u32, last: u32 },
    /// Say who speaks from the first to the last of these segments; null: nobody is named.
    Speaker {
        first: u32,
        last: u32,
        #[serde(default)]
        speaker: Option<String>,
    },
    /// Give a speaker another name everywhere; `from` null: all segments without a name.
    RenameSpeaker {
        #[serde(default)]
        from: Option<String>,
        #[serde(default)]
        to: Option<String>,
    },
    /// Replace a text everywhere, or in one segment.
    Replace {
        find: String,
        with: String,
        /// Otherwise case and accents do not matter.
        #[serde(default)]
        match_case: bool,
        #[serde(default)]
        whole_words: bool,
        #[serde(default)]
        segment: Option<u32>,
    },
}

/// Edit a version of a transcript. A version that an engine made is copied first; the copy is edited and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct EditRequest {
    /// A transcript by its own id, or the one that is shown of a media or of a task.
    pub id: String,
    /// The revision the edits were made on: any other is refused with `TRANSCRIPT_CHANGED`. Null: whatever it is now.
    #[serde(default)]
    pub revision: Option<u32>,
    /// Carried out in this order, all or none.
    pub edits: Vec<Edit>,
}

/// Take the last edit back, or do the last one that was taken back again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct UndoRequest {
    pub id: String,
    #[serde(default)]
    pub revision: Option<u32>,
}

/// Segments that stand in for others from the place `at` on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Change {
    pub at: u32,
    pub removed: Vec<Segment>,
    pub inserted: Vec<Segment>,
}

/// What came of an edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Edited {
    /// The version that was edited.
    pub transcript_id: String,
    /// It was made by this edit, as a copy of the one that was named.
    pub copied: bool,
    pub revision: u32,
    /// In order; each in the numbering that the one before it left. Empty when there was nothing to do.
    pub changes: Vec<Change>,
    pub can_undo: bool,
    pub can_redo: bool,
}
