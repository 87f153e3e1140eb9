//! What changed, told to every listener after it was stored.

use crate::{Job, Task};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A change, sent after its transaction was committed. Listeners that missed some read the lists again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A task was made or changed; at most 10 a second for one job's progress.
    TaskChanged {
        task: Box<Task>,
    },
    /// A step of a task changed.
    JobChanged {
        job: Box<Job>,
    },
    /// Media was added, changed or removed.
    LibraryChanged {
        media_id: String,
    },
    /// Segments were added to a transcript that is being heard, it was completed, or somebody edited it.
    TranscriptChanged {
        transcript_id: String,
        media_id: String,
        complete: bool,
        /// As [`crate::Transcript::revision`]: who has that one already need not read it again.
        revision: u32,
    },
    UrlsChanged,
    WatchChanged,
    /// A model download moved on or ended; fraction is 0 to 1.
    ModelChanged {
        name: String,
        installed: bool,
        fraction: Option<f64>,
    },
    /// Pause flags, lanes or counts changed.
    QueueChanged,
    SettingsChanged,
    /// A webhook was made, changed, removed or switched off by itself.
    WebhooksChanged,
    /// The listener was too slow and missed events: read everything again.
    Lagged,
}
