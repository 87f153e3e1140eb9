//! The lines of JSON between the app and its speech worker.
//!
//! Invariant: one document a line; every request is answered by any number of `progress` and exactly one other reply
//! with its id, or by the worker's end.

use crate::MediaError;
use domain::{ErrorCode, Segment};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub order: Order,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Order {
    /// Load this model unless it is loaded; an earlier one goes.
    Load { model: PathBuf },
    /// Which language is spoken between two seconds.
    Detect { wav: PathBuf, start: f64, end: f64, threads: usize },
    /// What is said between two seconds.
    Hear(Hear),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hear {
    pub wav: PathBuf,
    pub start: f64,
    pub end: f64,
    pub language: String,
    pub threads: usize,
    /// Encoder positions of 20 ms to use, for models trained on less than 30 s.
    pub audio_ctx: Option<u32>,
    /// The model was trained on single sentences.
    pub single: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    pub id: u64,
    #[serde(flatten)]
    pub answer: Answer,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Answer {
    Progress {
        fraction: f64,
    },
    Loaded {
        multilingual: bool,
    },
    Detected {
        /// Most likely first, with its probability; at most ten.
        languages: Vec<(String, f32)>,
    },
    Heard {
        /// In seconds from the window's start.
        segments: Vec<Segment>,
        /// Why part of it was thrown away, and where.
        gap: Option<(f64, f64, String)>,
    },
    Failed {
        code: ErrorCode,
        message: String,
        detail: Option<String>,
    },
}

impl From<MediaError> for Answer {
    fn from(error: MediaError) -> Self {
        Self::Failed { code: error.code, message: error.message, detail: error.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        let line = r#"{"id":7,"do":"detect","wav":"/a b.wav","start":0.5,"end":3.25,"threads":2}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
        let line = r#"{"id":8,"is":"failed","code":"MODEL_INVALID","message":"No.","detail":null}"#;
        let reply: Reply = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&reply).unwrap(), line);
    }
}
