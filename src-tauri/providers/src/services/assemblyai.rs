//! AssemblyAI: upload, `POST /v2/transcript`, look until `completed`. Times are milliseconds.

use super::language;
use super::words::{self, Said};
use crate::call::Call;
use crate::capability::{Heard, Transcribe, TranscribeRequest, Usage};
use crate::driver::{self, Job, Look};
use crate::error::ProviderError;
use crate::http::{Ask, Effect, classify};
use crate::service::Service;
use domain::{Segment, Word};
use http::Method;
use serde_json::{Value, json};

pub(crate) struct AssemblyAi {
    pub service: Service,
}

struct Transcript<'a> {
    service: &'a Service,
    request: &'a TranscribeRequest,
}

#[async_trait::async_trait]
impl Transcribe for AssemblyAi {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError> {
        let answer = driver::run(&Transcript { service: &self.service, request }, call).await?;
        Ok(heard(&answer, request))
    }
}

#[async_trait::async_trait]
impl Job for Transcript<'_> {
    fn service(&self) -> &Service {
        self.service
    }

    async fn submit(&self, call: &Call) -> Result<String, ProviderError> {
        let upload = Ask::bytes(
            self.service.url("v2/upload")?,
            Effect::Free,
            "application/octet-stream",
            self.request.wav.clone(),
        );
        let uploaded = self.service.json(call, upload).await?;
        let address = uploaded["upload_url"]
            .as_str()
            .ok_or_else(|| self.service.unreadable(Effect::Free, "it names no upload_url"))?;
        // A list in order of preference: the second stands in where the first does not speak the language.
        let models: Vec<&str> = if call.model == "universal-2" {
            vec!["universal-2"]
        } else {
            vec![call.model.as_str(), "universal-2"]
        };
        let mut body =
            json!({ "audio_url": address, "speech_models": models, "speaker_labels": self.request.speakers });
        match &self.request.language {
            Some(language) => body["language_code"] = language.as_str().into(),
            None => body["language_detection"] = true.into(),
        }
        let ask = Ask::json(Method::POST, self.service.url("v2/transcript")?, Effect::Paid, &body);
        let answer = self.service.json(call, ask).await?;
        let id = answer["id"].as_str().map(str::to_string);
        id.ok_or_else(|| self.service.unreadable(Effect::Paid, "it names no id"))
    }

    async fn look(&self, call: &Call, id: &str) -> Result<Look, ProviderError> {
        let id = driver::segment(self.service, id)?;
        let answer =
            self.service.json(call, Ask::get(self.service.url(&format!("v2/transcript/{id}"))?)).await?;
        match answer["status"].as_str().unwrap_or_default() {
            "completed" => Ok(Look::Done(answer)),
            "error" => Err(classify::failed_job(
                self.service,
                "",
                answer["error"].as_str().unwrap_or("no reason given"),
            )),
            word => Ok(driver::running(self.service, word, &["queued", "processing"], None)),
        }
    }
}

fn heard(answer: &Value, request: &TranscribeRequest) -> Heard {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| {
        Some(Said {
            word: Word {
                start: words::number(&value["start"])? / 1000.0,
                end: words::number(&value["end"])? / 1000.0,
                text: value["text"].as_str()?.to_string(),
                confidence: words::number(&value["confidence"]),
            },
            speaker: value["speaker"].as_str().map(str::to_string),
        })
    };
    let all: Vec<Said> = list(&answer["words"]).iter().filter_map(word).collect();
    let mut segments = words::segments(all);
    if let (true, Some(text)) = (segments.is_empty(), answer["text"].as_str()) {
        let (start, end) = (0.0, request.seconds);
        segments.push(Segment { start, end, text: text.to_string(), speaker: None, words: Vec::new() });
    }
    Heard {
        language: answer["language_code"]
            .as_str()
            .and_then(language::code)
            .or_else(|| request.language.clone()),
        segments: words::tidied(segments, request.seconds),
        usage: Usage { seconds: words::number(&answer["audio_duration"]), ..Usage::default() },
    }
}
