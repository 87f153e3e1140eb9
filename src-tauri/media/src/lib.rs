//! Files in, files out: processes, probing, pictures, sound, speech, downloads, subtitles.
//!
//! Leaves the queue, the library and every decision about what to do to `backend`.
//! Invariant: processes start only in [`tools`]; ffmpeg sees local files only; the network is ours.

pub mod audio;
pub mod download;
pub mod error;
pub mod intake;
pub mod models;
pub mod pictures;
pub mod probe;
pub mod run;
pub mod speech;
pub mod subtitles;
pub mod tools;
pub mod waveform;

pub use error::MediaError;
pub use run::Run;
