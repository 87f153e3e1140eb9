//! Every service that answers in JSON, against its stand-in.
#![allow(clippy::unwrap_used, reason = "tests")]

use domain::ErrorCode as Code;
use providers::{ApiKey, Call, Capability, CompleteRequest, Completed, Http, ProviderError, Registry};
use serde_json::{Value, json};
use std::time::Duration;
use tests::stand_ins::hearing::gemini;
use tests::stand_ins::speech::{KEY, openai};
use tests::stand_ins::{Manner, Reply, Rules, StandIn};

/// Service, model, rules, prefix of its paths, part of the paid path.
const CASES: &[(&str, &str, Rules, &str, &str)] = &[
    ("openai", "gpt-6-luna", openai, "/v1", "completions"),
    ("gemini", "gemini-3.8-flash", gemini, "", "generateContent"),
];

async fn ask(
    provider: &str,
    model: &str,
    prefix: &str,
    stand_in: &StandIn,
) -> Result<Completed, ProviderError> {
    let own =
        json!({ "providers": [{ "name": provider, "base_url": format!("{}{prefix}", stand_in.address) }] });
    let registry = Registry::load(Some(&own.to_string())).unwrap();
    let provider = registry.provider(provider).unwrap();
    let model = provider.model(model, Capability::Complete).unwrap();
    let service = provider.service(Some(ApiKey::new(KEY)), &Http::new().unwrap());
    let schema = json!({ "type": "object", "additionalProperties": false, "required": ["topic"],
        "properties": { "topic": { "type": "string" } } });
    let request = CompleteRequest {
        instruction: "Name the topic.".into(),
        prompt: "Water, leaves, five minutes.".into(),
        schema: ("topic".into(), schema),
        max_tokens: None,
    };
    let call = Call::new(&model.name, Duration::from_secs(60));
    provider.completer(&model, service)?.complete(&call, &request).await
}

#[tokio::test]
async fn an_answer_is_json_of_the_shape_asked_for() {
    for (provider, model, rules, prefix, _) in CASES {
        let stand_in = StandIn::start(*rules).await;
        let answer =
            ask(provider, model, prefix, &stand_in).await.unwrap_or_else(|e| panic!("{provider}: {e:?}"));
        assert_eq!(answer.value, json!({ "topic": "tea" }));
        assert!(answer.usage.input_tokens.is_some_and(|n| n > 0) && answer.usage.output_tokens.is_some());
        assert_eq!((stand_in.complaints(), stand_in.purchases()), (vec![], 1));
    }
}

#[tokio::test]
async fn refusals_and_broken_answers_have_their_codes() {
    let candidate = |reason: &str, text: &str| json!({ "candidates": [{ "content": { "parts": [{ "text": text }] }, "finishReason": reason }] });
    let openai_ends: &[(Value, Code)] = &[
        (
            json!({ "role": "assistant", "content": null, "refusal": "I can't help with that." }),
            Code::ContentRefused,
        ),
        (json!({ "content": "", "ended": "content_filter" }), Code::ContentRefused),
        (json!({ "content": "{\"top", "ended": "length" }), Code::InvalidInput),
        (json!({ "content": "not json" }), Code::OutcomeUnknown),
    ];
    let gemini_ends: &[(Value, Code)] = &[
        (json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" } }), Code::ContentRefused),
        (candidate("SAFETY", ""), Code::ContentRefused),
        (candidate("MAX_TOKENS", "{"), Code::InvalidInput),
        (candidate("STOP", "not json"), Code::OutcomeUnknown),
        (json!({ "candidates": [] }), Code::OutcomeUnknown),
    ];
    for ((provider, model, rules, prefix, _), ends) in CASES.iter().zip([openai_ends, gemini_ends]) {
        for (end, code) in ends {
            let stand_in = StandIn::start(*rules).await;
            stand_in.remember(|memory| memory.ends = Some(end.clone()));
            let error = ask(provider, model, prefix, &stand_in).await.unwrap_err();
            assert_eq!(error.code, *code, "{provider} {end}: {error:?}");
        }
    }
}

#[tokio::test]
async fn limits_and_lost_answers_are_told_apart() {
    for (provider, model, rules, prefix, paid) in CASES {
        let stand_in = StandIn::start(*rules).await;
        stand_in.fault(
            paid,
            Reply::json(429, json!({ "error": { "message": "slow down" } })).with("retry-after", "9"),
        );
        let error = ask(provider, model, prefix, &stand_in).await.unwrap_err();
        assert_eq!((error.code, error.retry_after), (Code::RateLimited, Some(Duration::from_secs(9))));
        assert_eq!(stand_in.purchases(), 0);
        stand_in.manner(paid, Manner::Cut);
        let error = ask(provider, model, prefix, &stand_in).await.unwrap_err();
        assert_eq!((error.code, stand_in.purchases()), (Code::OutcomeUnknown, 1));
    }
}
