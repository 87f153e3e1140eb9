//! More stand-ins that hear: AssemblyAI, Deepgram, ElevenLabs and Gemini, each with its own way.

use super::speech::{KEY, times, wav_seconds};
use super::{Memory, Reply, Seen, demand};
use base64::Engine as _;
use http::Method;
use serde_json::{Value, json};

/// `POST /v2/upload`, `POST /v2/transcript`, `GET /v2/transcript/{id}`, `GET /v2/transcript`. The key without `Bearer`.
pub fn assemblyai(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    demand(
        seen,
        "authorization",
        KEY,
        json!({ "error": "Authentication error, API token missing/invalid" }),
    )?;
    match (&seen.method, seen.path.as_str()) {
        (&Method::POST, "/v2/upload") => {
            if seen.header("content-type") != Some("application/octet-stream") {
                return Err(Reply::complaint("an upload is application/octet-stream"));
            }
            let seconds = wav_seconds(&seen.body)?;
            let address = format!("{}/upload/{seconds}", memory.address);
            Ok(Reply::json(200, json!({ "upload_url": address })))
        }
        (&Method::GET, "/v2/transcript") => {
            Ok(Reply::json(200, json!({ "page_details": {}, "transcripts": [] })))
        }
        (&Method::POST, "/v2/transcript") => submit(seen, memory),
        (&Method::GET, path) => match path.strip_prefix("/v2/transcript/") {
            Some(id) if id.starts_with("job-") => Ok(look(id, memory)),
            _ => Ok(Reply::json(400, json!({ "error": "Transcript lookup error, transcript id not found" }))),
        },
        _ => Ok(Reply::json(404, json!({ "error": "Not found" }))),
    }
}

fn submit(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    const KNOWN: &[&str] =
        &["audio_url", "speech_models", "speaker_labels", "language_code", "language_detection"];
    let body = seen.json()?;
    if let Some(odd) = body.as_object().into_iter().flatten().find(|(key, _)| !KNOWN.contains(&key.as_str()))
    {
        return Err(Reply::complaint(format!("the field \"{}\" is not known", odd.0)));
    }
    let models: Vec<&str> =
        body["speech_models"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if models.is_empty() || models.iter().any(|model| !["universal-3-5-pro", "universal-2"].contains(model)) {
        return Err(Reply::complaint(format!("speech_models are {models:?}")));
    }
    let told = body["language_code"].is_string();
    if told == (body["language_detection"] == true) || !body["speaker_labels"].is_boolean() {
        return Err(Reply::complaint("a language is either told or detected"));
    }
    let own = format!("{}/upload/", memory.address);
    let Some(seconds) = body["audio_url"].as_str().and_then(|url| url.strip_prefix(&own)) else {
        return Err(Reply::complaint("audio_url is not what the upload answered"));
    };
    memory.purchases += 1;
    let id = format!("job-{}-{seconds}", memory.purchases);
    Ok(Reply::json(
        200,
        json!({ "id": id, "status": "queued", "audio_url": body["audio_url"], "text": null, "words": null, "error": null }),
    ))
}

fn look(id: &str, memory: &mut Memory) -> Reply {
    let looks = memory.looks.entry(id.to_string()).or_default();
    *looks += 1;
    let script = if memory.words.is_empty() {
        vec!["queued".into(), "processing".into()]
    } else {
        memory.words.clone()
    };
    if let Some(word) = script.get(*looks - 1) {
        return Reply::json(200, json!({ "id": id, "status": word, "text": null, "words": null }));
    }
    if let Some(error) = &memory.ends {
        return Reply::json(200, json!({ "id": id, "status": "error", "error": error }));
    }
    let seconds: f64 = id.rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let words: Vec<Value> = times(seconds)
        .iter()
        .map(|(start, end, word)| json!({ "text": word, "start": (start * 1000.0) as i64, "end": (end * 1000.0) as i64, "confidence": 0.97, "speaker": null, "channel": null }))
        .collect();
    let text: Vec<&str> = times(seconds).iter().map(|(_, _, word)| *word).collect();
    Reply::json(
        200,
        json!({ "id": id, "status": "completed", "text": text.join(" "), "words": words, "utterances": null,
        "audio_duration": seconds.ceil() as i64, "confidence": 0.97, "language_code": "en_us", "speech_model_used": "universal-3-5-pro" }),
    )
}

/// `POST /v1/listen`, `GET /v1/projects`. `Authorization: Token`.
pub fn deepgram(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    let refusal = json!({ "err_code": "INVALID_AUTH", "err_msg": "Invalid credentials.", "request_id": "r" });
    demand(seen, "authorization", &format!("Token {KEY}"), refusal)?;
    match (&seen.method, seen.path.as_str()) {
        (&Method::GET, "/v1/projects") => Ok(Reply::json(200, json!({ "projects": [] }))),
        (&Method::POST, "/v1/listen") => {
            const KNOWN: &[&str] = &["model", "smart_format", "language", "detect_language", "diarize_model"];
            if let Some((odd, _)) = seen.query.iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
                return Err(Reply::complaint(format!("the parameter \"{odd}\" is not known")));
            }
            if seen.parameter("model") != Some("nova-3") {
                return Ok(Reply::json(
                    400,
                    json!({ "err_code": "Bad Request", "err_msg": "Bad Request: No such model/language/tier combination found.", "request_id": "r" }),
                ));
            }
            if seen.parameter("language").is_some() == seen.parameter("detect_language").is_some() {
                return Err(Reply::complaint("a language is either told or detected"));
            }
            if seen.header("content-type").is_none_or(|kind| !kind.starts_with("audio/")) {
                return Err(Reply::complaint("the body is not said to be sound"));
            }
            let seconds = wav_seconds(&seen.body)?;
            memory.purchases += 1;
            let words: Vec<Value> = times(seconds)
                .iter()
                .map(|(start, end, word)| json!({ "word": word.trim_matches('.').to_lowercase(), "punctuated_word": word, "start": start, "end": end, "confidence": 0.98 }))
                .collect();
            Ok(Reply::json(
                200,
                json!({
                "metadata": { "request_id": "r", "sha256": "0", "created": "2026-11-21T00:00:00Z", "duration": seconds, "channels": 1, "models": ["m"], "model_info": {} },
                "results": { "channels": [{ "detected_language": "en", "alternatives": [{ "transcript": "Hello there. Good morning.", "confidence": 0.98, "words": words }] }] } }),
            ))
        }
        _ => Ok(Reply::json(
            404,
            json!({ "category": "not_found", "message": "no", "details": "", "request_id": "r" }),
        )),
    }
}

/// `POST /v1/speech-to-text`, `GET /v1/user/subscription`. `xi-api-key`.
pub fn elevenlabs(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    let refusal = json!({ "detail": { "status": "invalid_api_key", "message": "Invalid API key" } });
    demand(seen, "xi-api-key", KEY, refusal)?;
    match (&seen.method, seen.path.as_str()) {
        (&Method::GET, "/v1/user/subscription") => Ok(Reply::json(200, json!({ "tier": "creator" }))),
        (&Method::POST, "/v1/speech-to-text") => {
            const KNOWN: &[&str] = &[
                "model_id",
                "file",
                "language_code",
                "timestamps_granularity",
                "tag_audio_events",
                "diarize",
                "num_speakers",
            ];
            let parts = seen.form()?;
            if let Some(odd) = parts.iter().find(|part| !KNOWN.contains(&part.name.as_str())) {
                return Err(Reply::complaint(format!("the part \"{}\" is not known", odd.name)));
            }
            let part = |name: &str| parts.iter().find(|part| part.name == name);
            let Some(file) = part("file") else {
                return Ok(Reply::json(
                    422,
                    json!({ "detail": [{ "loc": ["body", "file"], "msg": "Field required", "type": "missing" }] }),
                ));
            };
            if !part("model_id").is_some_and(|model| ["scribe_v1", "scribe_v2"].contains(&model.text())) {
                return Err(Reply::complaint("model_id is not scribe_v1 or scribe_v2"));
            }
            let seconds = wav_seconds(&file.content)?;
            memory.purchases += 1;
            let mut words = Vec::new();
            for (start, end, word) in times(seconds) {
                words.push(json!({ "text": word, "start": start, "end": end, "type": "word", "speaker_id": "speaker_0", "logprob": -0.05 }));
                words.push(json!({ "text": " ", "start": end, "end": end, "type": "spacing", "speaker_id": "speaker_0", "logprob": 0.0 }));
            }
            words.push(json!({ "text": "(laughter)", "start": seconds, "end": seconds, "type": "audio_event", "speaker_id": "speaker_0", "logprob": 0.0 }));
            let reply = Reply::json(
                200,
                json!({ "language_code": "eng", "language_probability": 0.99, "text": "Hello there. Good morning.", "words": words, "transcription_id": "t", "audio_duration_secs": seconds }),
            );
            Ok(reply.with("current-concurrent-requests", "1").with("maximum-concurrent-requests", "5"))
        }
        _ => Ok(Reply::json(404, json!({ "detail": "Not Found" }))),
    }
}

/// `POST /v1beta/models/{model}:generateContent`, `GET /v1beta/models`. `x-goog-api-key`.
pub fn gemini(seen: &Seen, memory: &mut Memory) -> Result<Reply, Reply> {
    let refusal = json!({ "error": { "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT" } });
    if seen.header("x-goog-api-key") != Some(KEY) {
        return Err(Reply::json(400, refusal));
    }
    if (&seen.method, seen.path.as_str()) == (&Method::GET, "/v1beta/models") {
        return Ok(Reply::json(200, json!({ "models": [] })));
    }
    if (&seen.method, seen.path.as_str())
        != (&Method::POST, "/v1beta/models/gemini-3.8-flash:generateContent")
    {
        return Ok(Reply::json(
            404,
            json!({ "error": { "code": 404, "message": "models/x is not found for API version v1beta", "status": "NOT_FOUND" } }),
        ));
    }
    if seen.body.len() > 20_000_000 {
        return Err(Reply::complaint("the request is longer than 20 MB"));
    }
    let body = seen.json()?;
    let config = &body["generationConfig"];
    let sampling = ["temperature", "topP", "topK"].iter().any(|key| config.get(key).is_some());
    if config["responseMimeType"] != "application/json"
        || !config["responseJsonSchema"].is_object()
        || sampling
    {
        return Err(Reply::complaint("generationConfig asks for no JSON, or samples"));
    }
    let parts = body["contents"][0]["parts"].as_array().cloned().unwrap_or_default();
    memory.purchases += 1;
    if let Some(ends) = memory.ends.take() {
        return Ok(Reply::json(200, ends));
    }
    let text = match parts.iter().find(|part| part["inlineData"].is_object()) {
        Some(sound) => {
            let data = sound["inlineData"]["data"].as_str().unwrap_or_default();
            let wav = base64::engine::general_purpose::STANDARD
                .decode(data)
                .map_err(|_| Reply::complaint("the sound is not base64"))?;
            if sound["inlineData"]["mimeType"] != "audio/wav" {
                return Err(Reply::complaint("the sound is not said to be audio/wav"));
            }
            let said = times(wav_seconds(&wav)?);
            json!({ "language": "en", "sentences": [
                { "start": said[0].0, "end": said[1].1, "text": "Hello there." },
                { "start": said[2].0, "end": said[3].1, "text": "Good morning." } ] })
        }
        None => json!({ "topic": "tea" }),
    };
    Ok(Reply::json(
        200,
        json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "thinking", "thought": true }, { "text": text.to_string() }] }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 5, "totalTokenCount": 125 }, "modelVersion": "gemini-3.8-flash", "responseId": "r" }),
    ))
}
