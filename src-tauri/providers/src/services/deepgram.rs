//! Deepgram: `POST /v1/listen` with the sound as the body and everything else in the query.

use super::language;
use super::words::{self, Said};
use crate::call::Call;
use crate::capability::{Heard, Transcribe, TranscribeRequest, Usage};
use crate::error::ProviderError;
use crate::http::{Ask, Effect};
use crate::service::Service;
use domain::Word;
use serde_json::Value;

pub(crate) struct Deepgram {
    pub service: Service,
}

#[async_trait::async_trait]
impl Transcribe for Deepgram {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError> {
        let mut url = self.service.url("v1/listen")?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model", &call.model).append_pair("smart_format", "true");
            match &request.language {
                Some(language) => query.append_pair("language", language),
                None => query.append_pair("detect_language", "true"),
            };
            if request.speakers {
                query.append_pair("diarize_model", "latest");
            }
        }
        let ask = Ask::bytes(url, Effect::Paid, "audio/wav", request.wav.clone());
        let answer = self.service.json(call, ask).await?;
        heard(&answer, request).ok_or_else(|| self.service.unreadable(Effect::Paid, "it holds no channel"))
    }
}

fn heard(answer: &Value, request: &TranscribeRequest) -> Option<Heard> {
    let channel = answer["results"]["channels"].as_array()?.first()?;
    let best = channel["alternatives"].as_array()?.first()?;
    let word = |value: &Value| {
        Some(Said {
            word: Word {
                start: words::number(&value["start"])?,
                end: words::number(&value["end"])?,
                text: value["punctuated_word"].as_str().or_else(|| value["word"].as_str())?.to_string(),
                confidence: words::number(&value["confidence"]),
            },
            speaker: value["speaker"].as_i64().map(|number| number.to_string()),
        })
    };
    let all: Vec<Said> = best["words"].as_array().into_iter().flatten().filter_map(word).collect();
    let told = channel["detected_language"].as_str().and_then(language::code);
    Some(Heard {
        language: told.or_else(|| request.language.clone()),
        segments: words::tidied(words::segments(all), request.seconds),
        usage: Usage { seconds: words::number(&answer["metadata"]["duration"]), ..Usage::default() },
    })
}
