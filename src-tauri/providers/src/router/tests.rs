//! The router simulated: outages, brown-outs, storms of limits, refused keys; every hour takes milliseconds.

use super::*;
use std::time::Duration;

/// How a simulated service behaves at a time, by the call's number there.
type Behaviour = fn(UtcTime, u64) -> Result<(), ProviderError>;

fn error(code: ErrorCode) -> ProviderError {
    ProviderError::new(code, "x", "simulated")
}

fn healthy(_: UtcTime, _: u64) -> Result<(), ProviderError> {
    Ok(())
}

fn dead(_: UtcTime, _: u64) -> Result<(), ProviderError> {
    Err(error(ErrorCode::ServerFault))
}

/// Six of ten calls fail.
fn brown_out(_: UtcTime, number: u64) -> Result<(), ProviderError> {
    if number % 10 < 6 { Err(error(ErrorCode::ServerFault)) } else { Ok(()) }
}

/// Takes none in nine of ten minutes and says when to come back.
fn storm(now: UtcTime, _: u64) -> Result<(), ProviderError> {
    let within = now.0 / 1000 % 600;
    if within >= 540 {
        return Ok(());
    }
    Err(error(ErrorCode::RateLimited).with_retry_after(Some(Duration::from_secs(60))))
}

/// The same without a word on when.
fn mute_storm(now: UtcTime, _: u64) -> Result<(), ProviderError> {
    if now.0 / 1000 % 600 >= 540 { Ok(()) } else { Err(error(ErrorCode::RateLimited)) }
}

fn bad_key(_: UtcTime, _: u64) -> Result<(), ProviderError> {
    Err(error(ErrorCode::KeyRefused))
}

/// Down for the hour's first ten minutes.
fn outage(now: UtcTime, _: u64) -> Result<(), ProviderError> {
    if now.0 < 600_000 { Err(error(ErrorCode::NetworkTimeout)) } else { Ok(()) }
}

fn candidate(name: &str, cost: i64, quality: f64) -> Candidate {
    Candidate {
        route: Route { provider: name.into(), model: "m".into(), key: "k".into() },
        cost: Some(Usd(cost)),
        quality,
        latency_ms: 1000.0,
        remote: true,
    }
}

/// What came of a simulation.
#[derive(Debug, Default)]
struct Seen {
    wishes: u64,
    done: u64,
    /// Calls of each candidate.
    calls: Vec<u64>,
}

/// A wish each second for `seconds`, each with failover until it is done or nobody is left.
fn simulate(behaviours: &[Behaviour], strategy: Strategy, seconds: i64) -> Seen {
    let candidates: Vec<Candidate> = (0..behaviours.len())
        .map(|at| candidate(&format!("s{at}"), 10 + at as i64, 0.9 - at as f64 / 10.0))
        .collect();
    let (mut router, mut seen) =
        (Router::default(), Seen { calls: vec![0; behaviours.len()], ..Seen::default() });
    for second in 0..seconds {
        let now = UtcTime(second * 1000);
        let random = (second as f64 * 0.618_033_988).fract();
        let mut tried = Vec::new();
        seen.wishes += 1;
        while let Ok(decision) = router.next(&candidates, strategy, &tried, now, random) {
            let at = decision.chosen;
            seen.calls[at] += 1;
            let outcome = behaviours[at](now, seen.calls[at]);
            let then = router.record(&candidates[at].route, outcome.as_ref().copied(), 900.0, now);
            if outcome.is_ok() {
                seen.done += 1;
                break;
            }
            if then == After::GiveUp {
                break;
            }
            tried.push(at);
        }
    }
    seen
}

const ALL: [Strategy; 5] =
    [Strategy::Quality, Strategy::Speed, Strategy::Cost, Strategy::Reliability, Strategy::LoadBalance];

#[test]
fn while_one_is_healthy_nearly_every_wish_is_done() {
    let scenarios: [&[Behaviour]; 8] = [
        &[dead, healthy],
        &[outage, healthy],
        &[brown_out, healthy],
        &[storm, healthy],
        &[mute_storm, healthy],
        &[bad_key, healthy],
        &[dead, bad_key, storm, healthy],
        &[brown_out, brown_out, mute_storm, dead, healthy],
    ];
    for (number, behaviours) in scenarios.iter().enumerate() {
        for strategy in ALL {
            let seen = simulate(behaviours, strategy, 3600);
            let share = seen.done as f64 / seen.wishes as f64;
            assert!(share >= 0.999, "scenario {number}, {strategy:?}: {share} {seen:?}");
        }
    }
}

#[test]
fn a_dead_service_is_asked_no_more_than_its_breaker_allows() {
    // 5 to open, then a probe after 30, 60, 120, 240, 480 and each further 600 s: at most 14 in an hour.
    // LiteLLM left a deployment in rotation after 25 failures in a row, and one with a single fallback never cooled.
    for strategy in ALL {
        let seen = simulate(&[dead, healthy], strategy, 3600);
        assert!(seen.calls[0] <= 14, "{strategy:?}: {seen:?}");
        let seen = simulate(&[bad_key, healthy], strategy, 3600);
        assert!(seen.calls[0] <= 1, "{strategy:?}: {seen:?}");
        let seen = simulate(&[storm, healthy], strategy, 3600);
        assert!(seen.calls[0] <= 54 + 6 * 60, "a limit's own word is obeyed, {strategy:?}: {seen:?}");
    }
}

#[test]
fn what_was_down_is_used_again_afterwards() {
    let seen = simulate(&[outage, healthy], Strategy::Cost, 3600);
    assert!(seen.calls[0] > 1000, "{seen:?}");
}

#[test]
fn when_all_are_open_the_best_is_tried_all_the_same() {
    let seen = simulate(&[dead, outage], Strategy::Cost, 3600);
    let after = seen.done as f64 / 3000.0;
    assert!(after >= 0.98, "{seen:?}");
    let candidates = [candidate("a", 1, 0.5)];
    let mut router = Router::default();
    for _ in 0..5 {
        router.next(&candidates, Strategy::Cost, &[], UtcTime(0), 0.5).unwrap();
        router.record(&candidates[0].route, Err(&error(ErrorCode::ServerFault)), 1.0, UtcTime(0));
    }
    let decision = router.next(&candidates, Strategy::Cost, &[], UtcTime(1000), 0.5).unwrap();
    assert!(decision.reason.contains("every breaker is open"), "{}", decision.reason);
    // One such try at a time; the others learn when to come back.
    let second = router.next(&candidates, Strategy::Cost, &[], UtcTime(1000), 0.5);
    assert_eq!(second, Err(NoRoute::Until(UtcTime(30_000))));
}

#[test]
fn each_strategy_chooses_what_its_name_says_and_says_why() {
    let mut dear = candidate("dear", 900, 0.99);
    dear.latency_ms = 3000.0;
    let mut quick = candidate("quick", 500, 0.5);
    quick.latency_ms = 100.0;
    let mut unpriced = candidate("unpriced", 0, 0.6);
    unpriced.cost = None;
    let candidates = [candidate("cheap", 5, 0.7), dear, quick, unpriced];
    let chosen = |strategy| {
        let decision = Router::default().next(&candidates, strategy, &[], UtcTime(0), 0.5).unwrap();
        (candidates[decision.chosen].route.provider.clone(), decision.reason)
    };
    for (strategy, name, why) in [
        (Strategy::Quality, "dear", "best quality"),
        (Strategy::Speed, "quick", "fastest"),
        (Strategy::Cost, "cheap", "cheapest ($0.0000)"),
        (Strategy::Fixed, "cheap", "it was asked for"),
    ] {
        let (provider, reason) = chosen(strategy);
        assert_eq!(provider, name);
        assert!(reason.starts_with(&format!("chose {name}:m: {why}")), "{reason}");
    }
}

#[test]
fn a_decision_names_who_was_passed_over_and_until_when() {
    let candidates = [candidate("assemblyai", 1, 0.9), candidate("groq", 5, 0.8)];
    let mut router = Router::default();
    let limited = error(ErrorCode::RateLimited).with_retry_after(Some(Duration::from_secs(120)));
    router.record(&candidates[0].route, Err(&limited), 1.0, UtcTime(0));
    let decision = router.next(&candidates, Strategy::Cost, &[], UtcTime(1000), 0.5).unwrap();
    assert_eq!(
        decision.reason,
        "chose groq:m: no other is free; assemblyai is open until 1970-01-01T00:02:00.000Z."
    );
}

#[test]
fn nothing_goes_on_to_another_that_may_have_been_bought_or_is_wrong_in_itself() {
    let mut router = Router::default();
    let route = candidate("a", 1, 0.5).route;
    for (code, then) in [
        (ErrorCode::OutcomeUnknown, After::GiveUp),
        (ErrorCode::InvalidInput, After::GiveUp),
        (ErrorCode::ContentRefused, After::GiveUp),
        (ErrorCode::Cancelled, After::GiveUp),
        (ErrorCode::ServerFault, After::NextRoute),
        (ErrorCode::RateLimited, After::NextRoute),
        (ErrorCode::KeyRefused, After::NextRoute),
        (ErrorCode::QuotaExhausted, After::NextRoute),
        (ErrorCode::ModelUnknown, After::NextRoute),
    ] {
        assert_eq!(router.record(&route, Err(&error(code)), 1.0, UtcTime(0)), then, "{code}");
    }
}

#[test]
fn local_only_never_chooses_a_service_elsewhere() {
    let mut here = candidate("attic", 900, 0.1);
    here.remote = false;
    let mut router = Router { local_only: true, ..Router::default() };
    let decision =
        router.next(&[candidate("a", 1, 0.9), here], Strategy::Cost, &[], UtcTime(0), 0.5).unwrap();
    assert_eq!(decision.chosen, 1);
    let nobody = router.next(&[candidate("a", 1, 0.9)], Strategy::Cost, &[], UtcTime(0), 0.5);
    assert_eq!(nobody, Err(NoRoute::Nobody(ErrorCode::LocalOnly)));
}

#[test]
fn limits_are_learned_and_keys_are_forgiven_when_they_change() {
    let candidates = [candidate("a", 1, 0.9), candidate("b", 5, 0.8)];
    let mut router = Router::default();
    router.learn_limit(&candidates[0].route, 2);
    let chosen =
        |router: &mut Router| router.next(&candidates, Strategy::Cost, &[], UtcTime(0), 0.5).unwrap().chosen;
    assert_eq!((chosen(&mut router), chosen(&mut router), chosen(&mut router)), (0, 0, 1));
    router.record(&candidates[0].route, Err(&error(ErrorCode::KeyRefused)), 1.0, UtcTime(0));
    assert_eq!(router.gate(&candidates[0].route, UtcTime(9_000_000)), Gate::Open(None));
    router.key_changed("a");
    assert_eq!(router.gate(&candidates[0].route, UtcTime(0)), Gate::Closed);
    let alone = &candidates[..1];
    router.record(&candidates[0].route, Err(&error(ErrorCode::KeyRefused)), 1.0, UtcTime(0));
    assert_eq!(router.next(alone, Strategy::Cost, &[], UtcTime(0), 0.5), Err(NoRoute::Keys));
}

#[test]
fn load_is_spread_by_what_each_can_take() {
    let seen = simulate(&[healthy, healthy, healthy], Strategy::LoadBalance, 3000);
    assert!(seen.calls.iter().all(|calls| (800..1200).contains(calls)), "{seen:?}");
}
