//! Google Gemini: `generateContent` with a response schema, for text and for sound that is sent along.
//!
//! A request is at most 20 MB with everything in it, so sound windows are kept well below that by the registry.
//! Sampling fields are left out: they are deprecated since July 2026.

use super::language;
use super::words;
use crate::call::Call;
use crate::capability::{Complete, CompleteRequest, Completed, Heard, Transcribe, TranscribeRequest, Usage};
use crate::driver;
use crate::error::ProviderError;
use crate::http::{Ask, Effect, classify};
use crate::service::Service;
use base64::Engine as _;
use domain::{ErrorCode, Segment};
use http::Method;
use serde_json::{Value, json};

pub(crate) struct Gemini {
    pub service: Service,
}

/// How it is told to write down what is said.
const HEAR: &str = "Write down every word that is spoken in this recording, in the language it is spoken in, with \
    punctuation. Cut it into sentences. Give each sentence the second it begins and the second it ends, counted from \
    the beginning of the recording. Add nothing that is not said; an empty list when nobody speaks.";

impl Gemini {
    async fn generate(&self, call: &Call, body: &Value) -> Result<(Value, Usage), ProviderError> {
        let model = driver::segment(&self.service, &call.model)?;
        let url = self.service.url(&format!("v1beta/models/{model}:generateContent"))?;
        let answer = self.service.json(call, Ask::json(Method::POST, url, Effect::Paid, body)).await?;
        if let Some(reason) = answer["promptFeedback"]["blockReason"].as_str() {
            return Err(classify::failed_job(&self.service, &format!("safety {reason}"), ""));
        }
        let candidate = &answer["candidates"][0];
        match candidate["finishReason"].as_str().unwrap_or_default() {
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY" => {
                let reason = candidate["finishReason"].as_str().unwrap_or_default();
                return Err(classify::failed_job(&self.service, &format!("safety {reason}"), ""));
            }
            "MAX_TOKENS" => {
                let message = "Gemini stopped before its answer was whole: it is too long.";
                return Err(ProviderError::new(ErrorCode::InvalidInput, &self.service.name, message));
            }
            _ => {}
        }
        let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text: String = parts
            .iter()
            .filter(|part| part["thought"].as_bool() != Some(true))
            .filter_map(|part| part["text"].as_str())
            .collect();
        let value = serde_json::from_str(&text)
            .map_err(|_| self.service.unreadable(Effect::Paid, "its text is not JSON"))?;
        let count = &answer["usageMetadata"];
        let output = count["candidatesTokenCount"]
            .as_u64()
            .map(|n| n + count["thoughtsTokenCount"].as_u64().unwrap_or(0));
        let usage = Usage {
            input_tokens: count["promptTokenCount"].as_u64(),
            output_tokens: output,
            ..Usage::default()
        };
        Ok((value, usage))
    }
}

#[async_trait::async_trait]
impl Complete for Gemini {
    async fn complete(&self, call: &Call, request: &CompleteRequest) -> Result<Completed, ProviderError> {
        let mut body = json!({
            "systemInstruction": { "parts": [{ "text": request.instruction }] },
            "contents": [{ "role": "user", "parts": [{ "text": request.prompt }] }],
            "generationConfig": { "responseMimeType": "application/json", "responseJsonSchema": request.schema.1 },
        });
        if let Some(most) = request.max_tokens {
            body["generationConfig"]["maxOutputTokens"] = most.into();
        }
        let (value, usage) = self.generate(call, &body).await?;
        Ok(Completed { value, usage })
    }
}

#[async_trait::async_trait]
impl Transcribe for Gemini {
    async fn transcribe(&self, call: &Call, request: &TranscribeRequest) -> Result<Heard, ProviderError> {
        let sound = base64::engine::general_purpose::STANDARD.encode(&request.wav);
        let asked = match &request.language {
            Some(language) => format!("{HEAR} The language is \"{language}\" (ISO 639-1)."),
            None => HEAR.to_string(),
        };
        let body = json!({
            "contents": [{ "role": "user", "parts": [
                { "inlineData": { "mimeType": "audio/wav", "data": sound } },
                { "text": asked },
            ] }],
            "generationConfig": { "responseMimeType": "application/json", "responseJsonSchema": {
                "type": "object",
                "additionalProperties": false,
                "required": ["language", "sentences"],
                "properties": {
                    "language": { "type": "string", "description": "ISO 639-1 code" },
                    "sentences": { "type": "array", "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["start", "end", "text"],
                        "properties": {
                            "start": { "type": "number" },
                            "end": { "type": "number" },
                            "text": { "type": "string" },
                        },
                    } },
                },
            } },
        });
        let (value, mut usage) = self.generate(call, &body).await?;
        usage.seconds = Some(request.seconds);
        let sentences = value["sentences"]
            .as_array()
            .ok_or_else(|| self.service.unreadable(Effect::Paid, "it holds no sentences"))?;
        let segments = sentences.iter().filter_map(|each| {
            Some(Segment {
                start: words::number(&each["start"])?,
                end: words::number(&each["end"])?,
                text: each["text"].as_str()?.to_string(),
                speaker: None,
                words: Vec::new(),
            })
        });
        Ok(Heard {
            language: value["language"]
                .as_str()
                .and_then(language::code)
                .or_else(|| request.language.clone()),
            segments: words::tidied(segments.collect(), request.seconds),
            usage,
        })
    }
}
