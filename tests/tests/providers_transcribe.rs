//! Every service that hears, against its stand-in: one suite over all.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use domain::ErrorCode as Code;
use providers::{ApiKey, Call, Capability, Heard, Http, ProviderError, Registry, TranscribeRequest};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::stand_ins::hearing::{assemblyai, deepgram, elevenlabs, gemini};
use tests::stand_ins::speech::{KEY, groq, openai, whisper_cpp};
use tests::stand_ins::{Manner, Reply, Rules, StandIn};

/// Status, body and headers of a refusal; the code and the wait in seconds they stand for.
type Expected = (u16, Value, &'static [(&'static str, &'static str)], Code, Option<u64>);

/// One service under test.
#[derive(Clone, Copy)]
struct Case {
    provider: &'static str,
    model: &'static str,
    rules: Rules,
    /// Where its paths begin, below the stand-in's address.
    prefix: &'static str,
    /// Part of the path of the paid request.
    paid: &'static str,
    errors: fn() -> Vec<Expected>,
}

const CASES: &[Case] = &[
    Case {
        provider: "openai",
        model: "whisper-1",
        rules: openai,
        prefix: "/v1",
        paid: "transcriptions",
        errors: openai_errors,
    },
    Case {
        provider: "openai",
        model: "gpt-transcribe",
        rules: openai,
        prefix: "/v1",
        paid: "transcriptions",
        errors: openai_errors,
    },
    Case {
        provider: "openai",
        model: "gpt-4o-transcribe-diarize",
        rules: openai,
        prefix: "/v1",
        paid: "transcriptions",
        errors: openai_errors,
    },
    Case {
        provider: "groq",
        model: "whisper-large-v3-turbo",
        rules: groq,
        prefix: "/openai/v1",
        paid: "transcriptions",
        errors: groq_errors,
    },
    Case {
        provider: "assemblyai",
        model: "universal-3-5-pro",
        rules: assemblyai,
        prefix: "",
        paid: "v2/transcript",
        errors: assemblyai_errors,
    },
    Case {
        provider: "deepgram",
        model: "nova-3",
        rules: deepgram,
        prefix: "",
        paid: "listen",
        errors: deepgram_errors,
    },
    Case {
        provider: "elevenlabs",
        model: "scribe_v2",
        rules: elevenlabs,
        prefix: "",
        paid: "speech-to-text",
        errors: elevenlabs_errors,
    },
    Case {
        provider: "gemini",
        model: "gemini-3.8-flash",
        rules: gemini,
        prefix: "",
        paid: "generateContent",
        errors: gemini_errors,
    },
];

fn openai_error(kind: &str, code: &str) -> Value {
    json!({ "error": { "message": "m", "type": kind, "param": null, "code": code } })
}

fn openai_errors() -> Vec<Expected> {
    vec![
        (400, openai_error("invalid_request_error", "invalid_value"), &[], Code::InvalidInput, None),
        (401, openai_error("invalid_request_error", "invalid_api_key"), &[], Code::KeyRefused, None),
        (
            403,
            openai_error("permission_error", "unsupported_country_region_territory"),
            &[],
            Code::KeyRefused,
            None,
        ),
        (404, openai_error("invalid_request_error", "model_not_found"), &[], Code::ModelUnknown, None),
        (413, openai_error("server_error", ""), &[], Code::BodyTooLarge, None),
        (
            429,
            openai_error("requests", "rate_limit_exceeded"),
            &[("retry-after", "7")],
            Code::RateLimited,
            Some(7),
        ),
        (
            429,
            openai_error("requests", "rate_limit_exceeded"),
            &[("retry-after-ms", "2000")],
            Code::RateLimited,
            Some(2),
        ),
        (429, openai_error("requests", "rate_limit_exceeded"), &[], Code::RateLimited, None),
        (
            429,
            openai_error("insufficient_quota", "insufficient_quota"),
            &[("retry-after", "7")],
            Code::QuotaExhausted,
            None,
        ),
        (500, openai_error("server_error", ""), &[], Code::ServerFault, None),
        (503, openai_error("server_error", ""), &[("retry-after", "3")], Code::ServerFault, Some(3)),
    ]
}

fn groq_errors() -> Vec<Expected> {
    vec![
        (
            498,
            json!({ "error": { "message": "over capacity", "type": "capacity_exceeded" } }),
            &[],
            Code::RateLimited,
            None,
        ),
        (
            429,
            openai_error("tokens", "rate_limit_exceeded"),
            &[("retry-after", "2")],
            Code::RateLimited,
            Some(2),
        ),
        (502, json!("<html>Bad Gateway</html>"), &[], Code::ServerFault, None),
    ]
}

fn assemblyai_errors() -> Vec<Expected> {
    let said = |text: &str| json!({ "error": text });
    vec![
        (400, said("Invalid endpoint schema"), &[], Code::InvalidInput, None),
        (
            400,
            said("Your current account balance is negative balance. Please top up"),
            &[],
            Code::QuotaExhausted,
            None,
        ),
        (401, said("Authentication error"), &[], Code::KeyRefused, None),
        (429, said("Too many requests"), &[("retry-after", "30")], Code::RateLimited, Some(30)),
        (429, said("Too many requests"), &[], Code::RateLimited, None),
        (500, said("Server error"), &[], Code::ServerFault, None),
        (504, said("Gateway timeout"), &[], Code::ServerFault, None),
    ]
}

fn deepgram_errors() -> Vec<Expected> {
    let modern =
        |category: &str| json!({ "category": category, "message": "m", "details": "d", "request_id": "r" });
    vec![
        (
            400,
            json!({ "err_code": "Bad Request", "err_msg": "m", "request_id": "r" }),
            &[],
            Code::InvalidInput,
            None,
        ),
        (
            401,
            json!({ "err_code": "INVALID_AUTH", "err_msg": "m", "request_id": "r" }),
            &[],
            Code::KeyRefused,
            None,
        ),
        (
            402,
            json!({ "err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "m", "request_id": "r" }),
            &[],
            Code::QuotaExhausted,
            None,
        ),
        (403, modern("INSUFFICIENT_PERMISSIONS"), &[], Code::KeyRefused, None),
        (413, modern("PAYLOAD_TOO_LARGE"), &[], Code::BodyTooLarge, None),
        (429, modern("TOO_MANY_REQUESTS"), &[], Code::RateLimited, None),
        (504, json!("upstream request timeout"), &[], Code::ServerFault, None),
    ]
}

fn elevenlabs_errors() -> Vec<Expected> {
    let said = |status: &str| json!({ "detail": { "status": status, "message": "m" } });
    vec![
        (400, said("invalid_audio"), &[], Code::InvalidInput, None),
        (401, said("invalid_api_key"), &[], Code::KeyRefused, None),
        (401, said("quota_exceeded"), &[], Code::QuotaExhausted, None),
        (401, json!({ "detail": "Unauthorized" }), &[], Code::KeyRefused, None),
        (
            422,
            json!({ "detail": [{ "loc": ["body", "model_id"], "msg": "Field required", "type": "missing" }] }),
            &[],
            Code::InvalidInput,
            None,
        ),
        (425, said("too_early"), &[], Code::NetworkTimeout, None),
        (429, said("too_many_concurrent_requests"), &[], Code::RateLimited, None),
        (429, said("system_busy"), &[], Code::RateLimited, None),
        (500, json!({ "detail": "Internal Server Error" }), &[], Code::ServerFault, None),
    ]
}

fn gemini_errors() -> Vec<Expected> {
    let said = |code: u16, status: &str, details: Value| json!({ "error": { "code": code, "message": "m", "status": status, "details": details } });
    let quota = json!({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{ "quotaId": "GenerateRequestsPerDay" }] });
    let wait = json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "53s" });
    vec![
        (400, said(400, "INVALID_ARGUMENT", json!([])), &[], Code::InvalidInput, None),
        (401, said(401, "UNAUTHENTICATED", json!([])), &[], Code::KeyRefused, None),
        (403, said(403, "PERMISSION_DENIED", json!([])), &[], Code::KeyRefused, None),
        (429, said(429, "RESOURCE_EXHAUSTED", json!([quota, wait])), &[], Code::RateLimited, Some(53)),
        (429, said(429, "RESOURCE_EXHAUSTED", json!([quota])), &[], Code::QuotaExhausted, None),
        (500, said(500, "INTERNAL", json!([])), &[], Code::ServerFault, None),
        (503, said(503, "UNAVAILABLE", json!([])), &[], Code::ServerFault, None),
        (504, said(504, "DEADLINE_EXCEEDED", json!([])), &[], Code::ServerFault, None),
    ]
}

fn wav(seconds: f64) -> Bytes {
    let data = (seconds * 32_000.0) as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((data + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    wav.extend(data.to_le_bytes());
    wav.resize(44 + data as usize, 0);
    wav.into()
}

fn request() -> TranscribeRequest {
    TranscribeRequest { wav: wav(8.0), seconds: 8.0, language: None, speakers: false }
}

async fn hear_with(
    case: &Case,
    address: &str,
    key: Option<&str>,
    call: &Call,
) -> Result<Heard, ProviderError> {
    let own = json!({ "providers": [{ "name": case.provider, "base_url": format!("{address}{}", case.prefix), "pace_ms": 5 }] });
    let registry = Registry::load(Some(&own.to_string())).unwrap();
    let provider = registry.provider(case.provider).unwrap();
    let model = provider.model(case.model, Capability::Transcribe).unwrap();
    let service = provider.service(key.map(ApiKey::new), &Http::new().unwrap());
    provider.transcriber(&model, service)?.transcribe(call, &request()).await
}

async fn hear(case: &Case, stand_in: &StandIn, call: &Call) -> Result<Heard, ProviderError> {
    hear_with(case, &stand_in.address, Some(KEY), call).await
}

fn call(case: &Case) -> Call {
    Call::new(case.model, Duration::from_secs(120))
}

#[tokio::test]
async fn what_was_said_comes_back_with_its_times() {
    for case in CASES {
        let stand_in = StandIn::start(case.rules).await;
        let call = call(case);
        let heard = hear(case, &stand_in, &call).await.unwrap_or_else(|e| panic!("{}: {e:?}", case.model));
        let text: Vec<_> = heard.segments.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(text.join(" "), "Hello there. Good morning.", "{}", case.model);
        for segment in &heard.segments {
            assert!(
                0.0 <= segment.start && segment.start <= segment.end && segment.end <= 8.0,
                "{segment:?}"
            );
            assert!(
                segment
                    .words
                    .iter()
                    .all(|w| segment.start <= w.start && w.start <= w.end && w.end <= segment.end),
                "{segment:?}"
            );
        }
        let tells = !matches!(case.model, "gpt-transcribe" | "gpt-4o-transcribe-diarize");
        assert_eq!(heard.language.as_deref(), tells.then_some("en"), "{}", case.model);
        assert!(heard.usage.seconds.is_some() || heard.usage.input_tokens.is_some(), "{}", case.model);
        assert_eq!(stand_in.complaints(), Vec::<String>::new(), "{}", case.model);
        assert_eq!(stand_in.purchases(), 1);
        assert_eq!(call.hosts(), ["127.0.0.1"]);
        for seen in stand_in.seen() {
            let shown = seen.headers.values().filter(|v| v.to_str().is_ok_and(|v| v.contains(KEY))).count();
            assert_eq!(shown, 1, "{} shows its key in one header", case.provider);
            let elsewhere = seen.path.contains(KEY) || String::from_utf8_lossy(&seen.body).contains(KEY);
            assert!(!elsewhere && !seen.query.iter().any(|(_, v)| v.contains(KEY)));
        }
    }
}

#[tokio::test]
async fn every_documented_error_has_its_code_and_wait() {
    for case in CASES {
        let stand_in = StandIn::start(case.rules).await;
        for (status, body, headers, code, wait) in (case.errors)() {
            let reply =
                headers.iter().fold(Reply::json(status, body.clone()), |reply, (n, v)| reply.with(n, v));
            stand_in.fault(case.paid, reply);
            let error = hear(case, &stand_in, &call(case)).await.unwrap_err();
            assert_eq!(
                (error.code, error.retry_after.map(|w| w.as_secs())),
                (code, wait),
                "{} {status} {body}: {error:?}",
                case.model
            );
            assert_eq!(error.status, Some(status));
        }
        assert_eq!(stand_in.purchases(), 0);
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_a_cut_or_odd_one_is_never_bought_again() {
    for case in CASES {
        let stand_in = StandIn::start(case.rules).await;
        stand_in.manner(case.paid, Manner::Slow);
        hear(case, &stand_in, &call(case)).await.unwrap_or_else(|e| panic!("{}: {e:?}", case.model));
        let stand_in = StandIn::start(case.rules).await;
        stand_in.manner(case.paid, Manner::Cut);
        let error = hear(case, &stand_in, &call(case)).await.unwrap_err();
        assert_eq!(
            (error.code, stand_in.purchases()),
            (Code::OutcomeUnknown, 1),
            "{}: {error:?}",
            case.model
        );
        for odd in [
            Reply::bytes(200, "application/json", "{\"text\": "),
            Reply::json(200, json!([1])),
            Reply::bytes(200, "text/html", "<html>"),
        ] {
            let stand_in = StandIn::start(case.rules).await;
            stand_in.fault(case.paid, odd);
            let error = hear(case, &stand_in, &call(case)).await.unwrap_err();
            assert_eq!(error.code, Code::OutcomeUnknown, "{}: {error:?}", case.model);
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_no_purchase() {
    for case in CASES {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let error = hear_with(case, &address, Some(KEY), &call(case)).await.unwrap_err();
        assert_eq!(error.code, Code::NetworkLost, "{}", case.model);
    }
}

#[tokio::test]
async fn a_call_can_be_stopped_and_has_an_end() {
    for case in CASES {
        let stand_in = StandIn::start(case.rules).await;
        stand_in.manner(case.paid, Manner::Hang);
        let call = call(case);
        let cancel = call.cancel.clone();
        let watch = stand_in.clone();
        let paid = case.paid;
        tokio::spawn(async move {
            while !watch.seen().iter().any(|seen| seen.path.contains(paid)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            cancel.cancel();
        });
        let error = hear(case, &stand_in, &call).await.unwrap_err();
        assert_eq!(error.code, Code::OutcomeUnknown, "the request was on its way: {}", case.model);
        let short = Call::new(case.model, Duration::from_millis(300));
        let error = hear(case, &stand_in, &short).await.unwrap_err();
        assert!(
            matches!(error.code, Code::OutcomeUnknown | Code::ProcessingTimeout),
            "{}: {error:?}",
            case.model
        );
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_repeated_in_the_error() {
    const WRONG: &str = "sk-wrong-1b9d44e0c7a25f38";
    for case in CASES {
        let stand_in = StandIn::start(case.rules).await;
        let error = hear_with(case, &stand_in.address, Some(WRONG), &call(case)).await.unwrap_err();
        assert_eq!(error.code, Code::KeyRefused, "{}: {error:?}", case.model);
        let shown = format!(
            "{error:?} {error} {}",
            serde_json::to_string(&domain::ApiError::from(error.clone())).unwrap()
        );
        assert!(!shown.contains(WRONG) && !shown.contains(&WRONG[..12]), "{shown}");
        let error = hear_with(case, &stand_in.address, None, &call(case)).await.unwrap_err();
        assert_eq!(error.code, Code::KeyMissing, "{}", case.model);
        let odd = hear_with(case, &stand_in.address, Some("a\nb"), &call(case)).await.unwrap_err();
        assert_eq!(odd.code, Code::KeyRefused);
    }
}

#[tokio::test]
async fn local_only_contacts_nobody_else() {
    let own = json!({ "providers": [{ "name": "openai", "base_url": "http://192.0.2.7/v1" }] });
    let registry = Registry::load(Some(&own.to_string())).unwrap();
    let provider = registry.provider("openai").unwrap();
    let model = provider.model("whisper-1", Capability::Transcribe).unwrap();
    let service = provider.service(Some(ApiKey::new(KEY)), &Http::new().unwrap().local_only(true));
    let call = Call::new("whisper-1", Duration::from_secs(60));
    let error =
        provider.transcriber(&model, service).unwrap().transcribe(&call, &request()).await.unwrap_err();
    assert_eq!((error.code, call.hosts()), (Code::LocalOnly, vec![]));
}

#[tokio::test]
async fn a_server_of_the_users_own_needs_no_key() {
    let stand_in = StandIn::start(whisper_cpp).await;
    let own = json!({ "providers": [{ "name": "attic", "adapter": "openai", "base_url": format!("{}/v1", stand_in.address) }] });
    let registry = Registry::load(Some(&own.to_string())).unwrap();
    let provider = registry.provider("attic").unwrap();
    let model = provider.model("ggml-base", Capability::Transcribe).unwrap();
    let service = provider.service(None, &Http::new().unwrap().local_only(true));
    let call = Call::new("ggml-base", Duration::from_secs(60));
    let heard = provider.transcriber(&model, service).unwrap().transcribe(&call, &request()).await.unwrap();
    let words: Vec<_> = heard.segments[0].words.iter().map(|w| w.text.as_str()).collect();
    assert_eq!(words, tests::stand_ins::speech::SAID, "tokens are words again");
    assert_eq!(stand_in.complaints(), Vec::<String>::new());
}

fn job_case() -> &'static Case {
    CASES.iter().find(|case| case.provider == "assemblyai").unwrap()
}

#[tokio::test]
async fn a_job_is_written_down_before_it_is_looked_at_and_collected_later() {
    let stand_in = StandIn::start(assemblyai).await;
    let noted: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
    let mut call = call(job_case());
    let (notes, watch) = (noted.clone(), stand_in.clone());
    call.accepted = Arc::new(move |id| {
        let looks = watch.seen().iter().filter(|seen| seen.path.starts_with("/v2/transcript/")).count();
        notes.lock().unwrap().push((id, looks));
        Box::pin(async { Ok(()) })
    });
    // Status words nobody knows, and a service that stumbles, are borne.
    stand_in.remember(|memory| memory.words = vec!["queued".into(), "pondering".into(), "processing".into()]);
    stand_in.fault("/v2/transcript/", Reply::json(503, json!({ "error": "busy" })));
    stand_in.fault("/v2/transcript/", Reply::bytes(200, "text/html", "<html>"));
    hear(job_case(), &stand_in, &call).await.unwrap();
    let (id, looks) = noted.lock().unwrap()[0].clone();
    assert_eq!(looks, 0);
    // The same wish after a crash: no upload, no submit, the same answer.
    let mut again = Call::new("universal-3-5-pro", Duration::from_secs(60));
    again.resume = Some(id);
    let heard = hear(job_case(), &stand_in, &again).await.unwrap();
    assert_eq!((heard.segments.len(), stand_in.purchases()), (2, 1));
}

#[tokio::test]
async fn a_job_that_cannot_be_written_down_is_said_to_be_lost() {
    let stand_in = StandIn::start(assemblyai).await;
    let mut call = call(job_case());
    call.accepted = Arc::new(|_| Box::pin(async { Err(domain::ApiError::new(Code::DiskFull, "full")) }));
    let error = hear(job_case(), &stand_in, &call).await.unwrap_err();
    assert_eq!(error.code, Code::OutcomeUnknown);
    assert!(error.detail.unwrap().contains("job-1"));
    assert!(!stand_in.seen().iter().any(|seen| seen.path.starts_with("/v2/transcript/")));
}

#[tokio::test]
async fn a_job_that_fails_or_never_ends_is_an_error() {
    let stand_in = StandIn::start(assemblyai).await;
    stand_in.remember(|memory| memory.ends = Some(json!("Audio file could not be decoded")));
    let error = hear(job_case(), &stand_in, &call(job_case())).await.unwrap_err();
    assert!(error.detail.as_deref().unwrap().contains("decoded"), "{error:?}");
    let stand_in = StandIn::start(assemblyai).await;
    stand_in.remember(|memory| memory.words = vec!["processing".into(); 100_000]);
    let short = Call::new("universal-3-5-pro", Duration::from_millis(500));
    let error = hear(job_case(), &stand_in, &short).await.unwrap_err();
    assert!(matches!(error.code, Code::ProcessingTimeout | Code::NetworkTimeout), "{error:?}");
    let call = call(job_case());
    let cancel = call.cancel.clone();
    call_after_first_look(&stand_in, move || cancel.cancel());
    assert_eq!(hear(job_case(), &stand_in, &call).await.unwrap_err().code, Code::Cancelled);
}

fn call_after_first_look(stand_in: &StandIn, act: impl FnOnce() + Send + 'static) {
    let (watch, before) = (stand_in.clone(), stand_in.seen().len());
    tokio::spawn(async move {
        while !watch.seen().iter().skip(before).any(|seen| seen.path.starts_with("/v2/transcript/")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        act();
    });
}
