//! Stand-ins that hear: OpenAI, Groq, whisper.cpp's server, AssemblyAI, Deepgram, ElevenLabs, Gemini.
//!
//! They do not listen: every one has heard [`SAID`], spread over the length of the WAV it was given.

use super::{Memory, Part, Reply, Seen, demand};
use http::Method;
use serde_json::{Value, json};

/// The key every stand-in takes.
pub const KEY: &str = "sk-canary-7f3a9c51d2e84b06";
/// What every stand-in hears.
pub const SAID: &[&str] = &["Hello", "there.", "Good", "morning."];

/// Seconds of a WAV as ours are; a complaint for any other.
pub(super) fn wav_seconds(bytes: &[u8]) -> Result<f64, Reply> {
    let right = bytes.len() >= 44
        && &bytes[..4] == b"RIFF"
        && &bytes[8..16] == b"WAVEfmt "
        && bytes[22..24] == [1, 0]
        && bytes[24..28] == 16_000_u32.to_le_bytes();
    let length =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
    if !right || length(40) != bytes.len() - 44 || length(4) != bytes.len() - 8 {
        return Err(Reply::complaint("the file is not a whole WAV of 16 kHz, mono"));
    }
    Ok((bytes.len() - 44) as f64 / 32_000.0)
}

/// Start and end of each word.
pub(super) fn times(seconds: f64) -> Vec<(f64, f64, &'static str)> {
    let each = seconds / SAID.len() as f64;
    SAID.iter().enumerate().map(|(i, word)| (i as f64 * each, (i as f64 + 0.8) * each, *word)).collect()
}

fn one<'a>(parts: &'a [Part], name: &str) -> Option<&'a Part> {
    parts.iter().find(|part| part.name == name)
}

/// Echoes what was sent, as OpenAI does in part.
fn wrong_key(seen: &Seen) -> Value {
    let sent = seen.header("authorization").unwrap_or_default().trim_start_matches("Bearer ");
    json!({ "error": { "message": format!("Incorrect API key provided: {sent}. You can find your API key at"), "type": "invalid_request_error", "param": null, "code": "invalid_api_key" } })
}

/// `POST /v1/audio/transcriptions`, `POST /v1/chat/completions`, `GET /v1/models`.
pub fn openai(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    demand(seen, "authorization", &format!("Bearer {KEY}"), wrong_key(seen))?;
    match (&seen.method, seen.path.as_str()) {
        (&Method::GET, "/v1/models") => Ok(Reply::json(
            200,
            json!({ "object": "list", "data": [{ "id": "whisper-1", "object": "model" }] }),
        )),
        (&Method::POST, "/v1/audio/transcriptions") => hear_openai(
            seen,
            memory,
            &[
                "whisper-1",
                "gpt-transcribe",
                "gpt-4o-transcribe",
                "gpt-4o-mini-transcribe",
                "gpt-4o-transcribe-diarize",
            ],
        ),
        (&Method::POST, "/v1/chat/completions") => complete(seen, memory),
        _ => Ok(Reply::json(
            404,
            json!({ "error": { "message": "Unknown request URL", "type": "invalid_request_error", "param": null, "code": "unknown_url" } }),
        )),
    }
}

/// As OpenAI, below `/openai/v1`.
pub fn groq(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    demand(seen, "authorization", &format!("Bearer {KEY}"), wrong_key(seen))?;
    match (&seen.method, seen.path.as_str()) {
        (&Method::GET, "/openai/v1/models") => Ok(Reply::json(200, json!({ "object": "list", "data": [] }))),
        (&Method::POST, "/openai/v1/audio/transcriptions") => {
            let reply = hear_openai(seen, memory, &["whisper-large-v3", "whisper-large-v3-turbo"])?;
            Ok(reply.with("x-ratelimit-remaining-requests", "41").with("x-ratelimit-reset-requests", "6m0s"))
        }
        _ => Ok(Reply::json(
            404,
            json!({ "error": { "message": "Unknown request URL", "type": "invalid_request_error" } }),
        )),
    }
}

/// whisper.cpp's own server with its path set to OpenAI's: no key, tokens inside segments, unknown parts ignored.
pub fn whisper_cpp(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    if seen.path != "/v1/audio/transcriptions" {
        return Ok(Reply::bytes(404, "text/plain", format!("File Not Found ({})", seen.path)));
    }
    if seen.header("authorization").is_some() {
        return Err(Reply::complaint("a key was sent to a server that has none"));
    }
    let parts = seen.form()?;
    let Some(file) = one(&parts, "file") else {
        return Ok(Reply::json(400, json!({ "error": "no 'file' field in the request" })));
    };
    let seconds = wav_seconds(&file.content)?;
    memory.purchases += 1;
    let words: Vec<Value> = times(seconds)
        .iter()
        .flat_map(|(start, end, word)| {
            let (head, tail) = word.split_at(2);
            let middle = (start + end) / 2.0;
            [
                json!({ "word": format!(" {head}"), "start": start, "end": middle, "t_dtw": -1, "probability": 0.9 }),
                json!({ "word": tail, "start": middle, "end": end, "t_dtw": -1, "probability": 0.8 }),
            ]
        })
        .collect();
    let text = format!(" {}", SAID.join(" "));
    Ok(Reply::json(
        200,
        json!({ "task": "transcribe", "language": "english", "duration": seconds, "text": text,
        "segments": [{ "id": 0, "text": text, "start": 0.0, "end": seconds, "tokens": [1], "words": words, "temperature": 0.0, "avg_logprob": -0.1, "no_speech_prob": 0.0 }] }),
    ))
}

fn hear_openai(seen: &Seen, memory: &mut Memory, models: &[&str]) -> Result<Reply, Reply> {
    const KNOWN: &[&str] = &[
        "file",
        "model",
        "language",
        "languages[]",
        "keywords[]",
        "prompt",
        "response_format",
        "temperature",
        "include[]",
        "timestamp_granularities[]",
        "stream",
        "chunking_strategy",
        "known_speaker_names[]",
        "known_speaker_references[]",
    ];
    let parts = seen.form()?;
    if let Some(odd) = parts.iter().find(|part| !KNOWN.contains(&part.name.as_str())) {
        return Err(Reply::complaint(format!("the part \"{}\" is not allowed", odd.name)));
    }
    let file = one(&parts, "file").ok_or_else(|| Reply::complaint("there is no file"))?;
    if !file.file_name.as_deref().is_some_and(|name| name.ends_with(".wav")) {
        return Err(Reply::complaint("the file part has no name with an ending"));
    }
    if file.content.len() > 25 * 1024 * 1024 {
        return Ok(Reply::json(
            413,
            json!({ "error": { "message": "Maximum content size limit (26214400) exceeded", "type": "server_error", "param": null, "code": null } }),
        ));
    }
    let model = one(&parts, "model").ok_or_else(|| Reply::complaint("there is no model"))?.text();
    if !models.contains(&model) {
        return Ok(Reply::json(
            404,
            json!({ "error": { "message": format!("The model `{model}` does not exist"), "type": "invalid_request_error", "param": null, "code": "model_not_found" } }),
        ));
    }
    let format = one(&parts, "response_format").map_or("json", Part::text);
    let allowed: &[&str] = match model {
        "whisper-1" | "whisper-large-v3" | "whisper-large-v3-turbo" => {
            &["json", "text", "srt", "vtt", "verbose_json"]
        }
        "gpt-4o-transcribe-diarize" => &["json", "text", "diarized_json"],
        _ => &["json", "text"],
    };
    let finer: Vec<&str> =
        parts.iter().filter(|p| p.name == "timestamp_granularities[]").map(Part::text).collect();
    if !allowed.contains(&format) || (!finer.is_empty() && format != "verbose_json") {
        return Err(Reply::complaint(format!("{model} does not answer {format} with {finer:?}")));
    }
    if one(&parts, "language").is_some_and(|language| language.text().len() != 2) {
        return Err(Reply::complaint("the language is not ISO 639-1"));
    }
    let seconds = wav_seconds(&file.content)?;
    if model.ends_with("diarize") && seconds > 30.0 && one(&parts, "chunking_strategy").is_none() {
        return Err(Reply::complaint("chunking_strategy is required above 30 s"));
    }
    memory.purchases += 1;
    let (said, text) = (times(seconds), SAID.join(" "));
    let usage = json!({ "type": "duration", "seconds": seconds.ceil() });
    let body = match format {
        "diarized_json" => {
            json!({ "task": "transcribe", "duration": seconds, "text": text, "usage": usage, "segments": [
            { "type": "transcript.text.segment", "id": "seg_001", "start": 0.0, "end": said[1].1, "text": " Hello there.", "speaker": "A" },
            { "type": "transcript.text.segment", "id": "seg_002", "start": said[2].0, "end": said[3].1, "text": " Good morning.", "speaker": "B" } ] })
        }
        "verbose_json" => {
            let words: Vec<Value> = said.iter().map(|(start, end, word)| json!({ "word": word.trim_matches('.'), "start": start, "end": end })).collect();
            let mut body = json!({ "task": "transcribe", "language": "english", "duration": seconds, "text": text, "usage": usage });
            if finer.is_empty() || finer.contains(&"segment") {
                body["segments"] = json!([
                    { "id": 0, "seek": 0, "start": 0.0, "end": said[2].0, "text": " Hello there.", "tokens": [1], "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.0, "no_speech_prob": 0.0 },
                    { "id": 1, "seek": 0, "start": said[2].0, "end": seconds, "text": " Good morning.", "tokens": [1], "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.0, "no_speech_prob": 0.0 } ]);
            }
            if finer.contains(&"word") {
                body["words"] = words.into();
            }
            body
        }
        _ => {
            json!({ "text": text, "usage": { "type": "tokens", "input_tokens": 40, "input_token_details": { "text_tokens": 0, "audio_tokens": 40 }, "output_tokens": 6, "total_tokens": 46 } })
        }
    };
    Ok(Reply::json(200, body))
}

fn complete(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    let body = seen.json()?;
    let format = &body["response_format"];
    let name = format["json_schema"]["name"].as_str().unwrap_or_default();
    let named = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if format["type"] != "json_schema" || !named || format["json_schema"]["strict"] != true {
        return Err(Reply::complaint("response_format is not a strict, named json_schema"));
    }
    let schema = &format["json_schema"]["schema"];
    let properties: Vec<&String> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let required = schema["required"].as_array().map_or(0, Vec::len);
    if schema["additionalProperties"] != false || required != properties.len() {
        return Err(Reply::complaint("a strict schema requires every property and allows no other"));
    }
    let roles: Vec<_> =
        body["messages"].as_array().into_iter().flatten().map(|m| m["role"].clone()).collect();
    if roles != ["system", "user"] || body.get("temperature").is_some() {
        return Err(Reply::complaint("messages or temperature are not as they should be"));
    }
    memory.purchases += 1;
    let content = memory
        .ends
        .take()
        .unwrap_or_else(|| json!({ "role": "assistant", "content": "{\"topic\":\"tea\"}", "refusal": null }));
    let ended = content["ended"].as_str().unwrap_or("stop").to_string();
    Ok(Reply::json(
        200,
        json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{ "index": 0, "message": content, "finish_reason": ended }],
        "usage": { "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25 } }),
    ))
}
