//! The nouns of Bobina and their rules: tasks, jobs, recipes, media, transcripts, errors.
//!
//! Owns the words every other part speaks, with their wire form.
//! Leaves storage, files, processes and the network to others.
//! Invariant: no I/O, no clock, no randomness; everything here is a value or a pure function.

pub mod category;
pub mod error;
pub mod event;
pub mod job;
pub mod media_info;
pub mod progress;
pub mod recipe;
pub mod retry;
pub mod source;
pub mod task;
pub mod time;
pub mod transcript;

pub use error::{ApiError, Cure, ErrorCode, RetryClass, UnknownWord};
pub use event::Event;
pub use job::{Attempt, AttemptOutcome, Job, JobState, Lane};
pub use media_info::{MediaInfo, MediaKind, Stream, StreamKind};
pub use recipe::{Recipe, RecipeError, Step, StepKind};
pub use source::{Header, Source, UrlStatus};
pub use task::{Priority, Task, TaskInput, TaskKind, TaskStatus};
pub use time::UtcTime;
pub use transcript::{Segment, Transcript, Word};
