//! ElevenLabs: speech to text (Scribe). Voice work joins it here.

use super::language;
use super::words::{self, Said};
use crate::call::Call;
use crate::capability::{Heard, Transcribe, TranscribeRequest, Usage};
use crate::error::ProviderError;
use crate::http::{Ask, Effect, multipart::Form};
use crate::service::Service;
use domain::Word;
use serde_json::Value;

pub(crate) struct ElevenLabs {
    pub service: Service,
}

#[async_trait::async_trait]
impl Transcribe for ElevenLabs {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError> {
        let (body, kind) = Form::new(&call.model)
            .text("model_id", &call.model)
            .file("file", "speech.wav", "audio/wav", &request.wav)
            .maybe("language_code", request.language.as_deref())
            .text("timestamps_granularity", "word")
            .text("tag_audio_events", "false")
            .text("diarize", if request.speakers { "true" } else { "false" })
            .finish();
        let ask = Ask::bytes(self.service.url("v1/speech-to-text")?, Effect::Paid, &kind, body);
        let answer = self.service.json(call, ask).await?;
        heard(&answer, request).ok_or_else(|| self.service.unreadable(Effect::Paid, "it holds no words"))
    }
}

fn heard(answer: &Value, request: &TranscribeRequest) -> Option<Heard> {
    let mut all: Vec<Said> = Vec::new();
    for value in answer["words"].as_array()? {
        if value["type"].as_str().is_some_and(|kind| kind != "word") {
            continue;
        }
        let (Some(start), Some(end), Some(text)) =
            (words::number(&value["start"]), words::number(&value["end"]), value["text"].as_str())
        else {
            continue;
        };
        // A natural logarithm.
        let confidence = words::number(&value["logprob"]).map(|log| log.min(0.0).exp());
        let word = Word { start, end, text: text.to_string(), confidence };
        all.push(Said { word, speaker: value["speaker_id"].as_str().map(str::to_string) });
    }
    if !request.speakers {
        // It names a speaker even when it was not asked to tell them apart.
        all.iter_mut().for_each(|said| said.speaker = None);
    }
    Some(Heard {
        language: answer["language_code"]
            .as_str()
            .and_then(language::code)
            .or_else(|| request.language.clone()),
        segments: words::tidied(words::segments(all), request.seconds),
        usage: Usage { seconds: words::number(&answer["audio_duration_secs"]), ..Usage::default() },
    })
}
