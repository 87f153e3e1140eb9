//! OpenAI, and whoever speaks as it does: Groq, speaches, LocalAI, whisper.cpp's server, Ollama, LM Studio, vLLM.
//!
//! Wire facts: `POST audio/transcriptions` (multipart, unknown parts refused, the file part with a name and ending),
//! `POST chat/completions` with `response_format.json_schema`.

use super::language;
use super::words::{self, Said};
use crate::call::Call;
use crate::capability::{Complete, CompleteRequest, Completed, Heard, Transcribe, TranscribeRequest, Usage};
use crate::error::ProviderError;
use crate::http::{Ask, Effect, classify, multipart::Form};
use crate::registry::Times;
use crate::service::Service;
use domain::{ErrorCode, Segment, Word};
use http::Method;
use serde_json::{Value, json};

/// An address that speaks OpenAI's ways.
pub(crate) struct OpenAi {
    pub service: Service,
    /// What the model can say about time: it decides the format that is asked for.
    pub times: Times,
    /// Whether it tells speakers apart (`diarized_json`).
    pub speakers: bool,
}

#[async_trait::async_trait]
impl Transcribe for OpenAi {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError> {
        let form = Form::new(&call.model)
            .file("file", "speech.wav", "audio/wav", &request.wav)
            .text("model", &call.model)
            .maybe("language", request.language.as_deref());
        let form = match self.times {
            _ if self.speakers => {
                form.text("response_format", "diarized_json").text("chunking_strategy", "auto")
            }
            Times::Words => form
                .text("response_format", "verbose_json")
                .text("timestamp_granularities[]", "segment")
                .text("timestamp_granularities[]", "word"),
            Times::Segments => form.text("response_format", "verbose_json"),
            Times::None => form.text("response_format", "json"),
        };
        let (body, kind) = form.finish();
        let ask = Ask::bytes(self.service.url("audio/transcriptions")?, Effect::Paid, &kind, body);
        let answer = self.service.json(call, ask).await?;
        heard(&answer, request).ok_or_else(|| self.service.unreadable(Effect::Paid, "it holds no text"))
    }
}

/// Reads `json`, `verbose_json` (OpenAI's and whisper.cpp's) and `diarized_json`.
fn heard(answer: &Value, request: &TranscribeRequest) -> Option<Heard> {
    let text = answer["text"].as_str()?;
    let mut words: Vec<Said> = answer["words"].as_array().into_iter().flatten().filter_map(word).collect();
    words.reverse();
    let mut segments = Vec::new();
    let listed = answer["segments"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, each) in listed.iter().enumerate() {
        let (Some(start), Some(end)) = (words::number(&each["start"]), words::number(&each["end"])) else {
            continue;
        };
        let mut own = pieces(&each["words"]);
        let is_last = index + 1 == listed.len();
        while words.last().is_some_and(|said| is_last || (said.word.start + said.word.end) / 2.0 < end) {
            own.extend(words.pop().map(|said| said.word));
        }
        segments.push(Segment {
            start,
            end,
            text: each["text"].as_str().unwrap_or_default().to_string(),
            speaker: each["speaker"].as_str().map(str::to_string),
            words: own,
        });
    }
    if segments.is_empty() && !words.is_empty() {
        words.reverse();
        segments = words::segments(words);
    } else if segments.is_empty() {
        // No times at all: the text belongs to the whole sound.
        let (start, end) = (0.0, request.seconds);
        segments.push(Segment { start, end, text: text.to_string(), speaker: None, words: Vec::new() });
    }
    let told = answer["language"].as_str().or_else(|| answer["languages"][0]["code"].as_str());
    let usage = &answer["usage"];
    Some(Heard {
        language: told.and_then(language::code).or_else(|| request.language.clone()),
        segments: words::tidied(segments, request.seconds),
        usage: Usage {
            seconds: words::number(&usage["seconds"]).or_else(|| words::number(&answer["duration"])),
            input_tokens: usage["input_tokens"].as_u64(),
            output_tokens: usage["output_tokens"].as_u64(),
            images: None,
        },
    })
}

fn word(value: &Value) -> Option<Said> {
    let word = Word {
        start: words::number(&value["start"])?,
        end: words::number(&value["end"])?,
        text: value["word"].as_str()?.to_string(),
        confidence: words::number(&value["probability"]),
    };
    Some(Said { word, speaker: None })
}

/// Words inside a segment. whisper.cpp's server gives tokens there, of which a leading space begins a word.
fn pieces(value: &Value) -> Vec<Word> {
    let pieces: Vec<Word> =
        value.as_array().into_iter().flatten().filter_map(word).map(|said| said.word).collect();
    if !pieces.iter().skip(1).any(|piece| piece.text.starts_with(' ')) {
        return pieces;
    }
    let mut words: Vec<Word> = Vec::new();
    for piece in pieces {
        match words.last_mut() {
            Some(last) if !piece.text.starts_with(' ') => {
                last.end = piece.end;
                last.text.push_str(&piece.text);
                last.confidence = last.confidence.zip(piece.confidence).map(|(a, b)| a.min(b));
            }
            _ => words.push(piece),
        }
    }
    words
}

#[async_trait::async_trait]
impl Complete for OpenAi {
    async fn complete(&self, call: &Call, request: &CompleteRequest) -> Result<Completed, ProviderError> {
        let (name, schema) = &request.schema;
        let mut body = json!({
            "model": call.model,
            "messages": [
                { "role": "system", "content": request.instruction },
                { "role": "user", "content": request.prompt },
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": name, "schema": schema, "strict": true },
            },
        });
        if let Some(most) = request.max_tokens {
            body["max_completion_tokens"] = most.into();
        }
        let ask = Ask::json(Method::POST, self.service.url("chat/completions")?, Effect::Paid, &body);
        let answer = self.service.json(call, ask).await?;
        let usage = Usage {
            input_tokens: answer["usage"]["prompt_tokens"].as_u64(),
            output_tokens: answer["usage"]["completion_tokens"].as_u64(),
            ..Usage::default()
        };
        let choice = &answer["choices"][0];
        let (message, ended) = (&choice["message"], choice["finish_reason"].as_str().unwrap_or_default());
        if ended == "content_filter" || message["refusal"].as_str().is_some_and(|text| !text.is_empty()) {
            let said = message["refusal"].as_str().unwrap_or_default();
            return Err(classify::failed_job(&self.service, "content_filter", said));
        }
        if ended == "length" {
            let message =
                format!("{} stopped before its answer was whole: it is too long.", self.service.title);
            return Err(ProviderError::new(ErrorCode::InvalidInput, &self.service.name, message));
        }
        let value = message["content"].as_str().and_then(|text| serde_json::from_str(text).ok());
        let value = value.ok_or_else(|| self.service.unreadable(Effect::Paid, "its content is not JSON"))?;
        Ok(Completed { value, usage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> TranscribeRequest {
        TranscribeRequest { wav: bytes::Bytes::new(), seconds: 10.0, language: None, speakers: false }
    }

    #[test]
    fn words_are_put_into_their_segments() {
        let answer = json!({ "task": "transcribe", "language": "english", "duration": "4.2", "text": "a b c",
            "segments": [{ "start": 0.0, "end": 2.0, "text": " a b" }, { "start": 2.0, "end": 4.0, "text": " c" }],
            "words": [{ "word": "a", "start": 0.1, "end": 0.4 }, { "word": "b", "start": 0.5, "end": 1.9 },
                      { "word": "c", "start": 2.1, "end": 4.3 }] });
        let heard = heard(&answer, &request()).unwrap();
        assert_eq!(heard.language.as_deref(), Some("en"));
        assert_eq!(heard.usage.seconds, Some(4.2));
        let texts: Vec<_> = heard.segments.iter().map(|s| (s.text.as_str(), s.words.len())).collect();
        assert_eq!(texts, [("a b", 2), ("c", 1)]);
        assert_eq!(heard.segments[1].words[0].end, 4.0);
    }

    #[test]
    fn tokens_of_whisper_cpp_are_merged() {
        let answer = json!({ "text": "hello world", "segments": [{ "start": 0.0, "end": 1.0, "text": " hello world",
            "words": [{ "word": " hel", "start": 0.0, "end": 0.2, "probability": 0.9 }, { "word": "lo", "start": 0.2, "end": 0.4, "probability": 0.5 },
                      { "word": " world", "start": 0.5, "end": 0.9, "probability": 0.8 }] }] });
        let heard = heard(&answer, &request()).unwrap();
        let words: Vec<_> = heard.segments[0].words.iter().map(|w| (w.text.as_str(), w.confidence)).collect();
        assert_eq!(words, [("hello", Some(0.5)), ("world", Some(0.8))]);
    }

    #[test]
    fn text_without_times_covers_the_sound() {
        let heard = heard(
            &json!({ "text": "all", "usage": { "type": "tokens", "input_tokens": 5, "output_tokens": 2 } }),
            &request(),
        )
        .unwrap();
        assert_eq!((heard.segments[0].start, heard.segments[0].end), (0.0, 10.0));
        assert_eq!(heard.usage.input_tokens, Some(5));
    }
}
