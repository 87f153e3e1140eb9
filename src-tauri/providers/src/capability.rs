//! What a cloud service can do: one trait for each capability, with typed requests and results.
//!
//! Invariant: a result says what it used where the service tells it, so that money is counted from facts first.

use crate::call::Call;
use crate::error::ProviderError;
use bytes::Bytes;
use domain::Segment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    Transcribe,
    Complete,
    Understand,
    GenerateImage,
    GenerateVideo,
    TransformVoice,
    SwapFace,
    LipSync,
}

impl Capability {
    /// The word in JSON, SQL and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Complete => "complete",
            Self::Understand => "understand",
            Self::GenerateImage => "generate_image",
            Self::GenerateVideo => "generate_video",
            Self::TransformVoice => "transform_voice",
            Self::SwapFace => "swap_face",
            Self::LipSync => "lip_sync",
        }
    }
}

/// What a call used up, as far as the service says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds of sound or video.
    pub seconds: Option<f64>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// Pictures made.
    pub images: Option<u32>,
}

/// Speech to be heard.
#[derive(Clone, Debug)]
pub struct TranscribeRequest {
    /// A WAV file, 16 kHz, mono, 16 bit.
    pub wav: Bytes,
    /// Its length in seconds.
    pub seconds: f64,
    /// ISO 639-1; `None` lets the service tell.
    pub language: Option<String>,
    /// Ask who speaks, where the model can say.
    pub speakers: bool,
}

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// ISO 639-1, when the service says or was told.
    pub language: Option<String>,
    /// In order; seconds from the start of the WAV.
    pub segments: Vec<Segment>,
    pub usage: Usage,
}

/// Speech to text.
#[async_trait::async_trait]
pub trait Transcribe: Send + Sync {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError>;
}

/// A question for a language model.
#[derive(Clone, Debug, PartialEq)]
pub struct CompleteRequest {
    /// How to answer.
    pub instruction: String,
    pub prompt: String,
    /// JSON Schema of the answer, with a name of letters, digits, `_` and `-`. Every property is required and no
    /// other is allowed, which all services accept.
    pub schema: (String, Value),
    pub max_tokens: Option<u32>,
}

/// A language model's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// Parsed; checked against nothing but being JSON.
    pub value: Value,
    pub usage: Usage,
}

/// Text to JSON of a fixed shape.
#[async_trait::async_trait]
pub trait Complete: Send + Sync {
    async fn complete(&self, call: &Call, request: &CompleteRequest) -> Result<Completed, ProviderError>;
}
