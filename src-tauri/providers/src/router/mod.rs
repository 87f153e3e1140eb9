//! Which service does it: a choice by strategy, breakers, failover within a deadline, and the reason in words.
//!
//! Owns the record of outcomes, the order of candidates and what an error means for the next try. Leaves calling to the
//! caller, who asks [`Router::next`], calls, and tells [`Router::record`].
//! Invariants: pure, with time and chance passed in; a request whose answer was lost, or that is at fault itself, never
//! goes to another service; while one candidate is left that is not refused for its key, somebody is asked.

mod breaker;

pub use breaker::{Breaker, Gate, Verdict};

use crate::error::ProviderError;
use crate::registry::Usd;
use domain::{ErrorCode, UtcTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many remembered calls the shipped priors weigh.
const PRIOR: f64 = 10.0;
/// After this time without a call a record weighs half, in milliseconds: who was down once is asked again.
const HALF_LIFE: f64 = 600_000.0;
/// Share by which one outcome moves the record.
const STEP: f64 = 0.1;

/// What matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Quality,
    Speed,
    Cost,
    Reliability,
    /// Spread by chance, in proportion to what each can take.
    LoadBalance,
    /// The first candidate only.
    Fixed,
}

/// Service, model and key, by name; the key by a name of ours, never itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    pub provider: String,
    pub model: String,
    pub key: String,
}

/// Somebody who could do it.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub route: Route,
    /// What it would cost; unknown counts as dearer than anything known.
    pub cost: Option<Usd>,
    /// Shipped or judged, 0 to 1.
    pub quality: f64,
    /// Milliseconds such a call usually takes, before there is a record.
    pub latency_ms: f64,
    /// Not on this machine.
    pub remote: bool,
}

/// What was seen of a route.
#[derive(Clone, Debug)]
struct Standing {
    breaker: Breaker,
    calls: f64,
    success: f64,
    latency_ms: Option<f64>,
    /// When it was last told of.
    last: UtcTime,
    won: u64,
    /// Requests on their way.
    busy: u32,
    /// Learned: more at once were refused.
    most: Option<u32>,
}

impl Default for Standing {
    fn default() -> Self {
        let breaker = Breaker::default();
        Self {
            breaker,
            calls: 0.0,
            success: 1.0,
            latency_ms: None,
            last: UtcTime(0),
            won: 0,
            busy: 0,
            most: None,
        }
    }
}

impl Standing {
    /// How many calls its record weighs now.
    fn weight(&self, now: UtcTime) -> f64 {
        let idle = now.since(self.last).max(0) as f64;
        self.calls.min(1000.0) * 0.5_f64.powf(idle / HALF_LIFE)
    }
}

/// A choice and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Index into the candidates.
    pub chosen: usize,
    /// One sentence for people.
    pub reason: String,
}

/// Why nobody was chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum NoRoute {
    /// Local-only, and all candidates are elsewhere; or there is none.
    Nobody(ErrorCode),
    /// All that are left have refused their keys.
    Keys,
    /// Every one was tried.
    Tried,
    /// All are limited; the first is free again then.
    Until(UtcTime),
}

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Another may do it.
    NextRoute,
    /// Nobody else would do better, or it may have been bought: hand the error on.
    GiveUp,
}

/// The record of all routes.
#[derive(Clone, Debug, Default)]
pub struct Router {
    standings: BTreeMap<Route, Standing>,
    /// The time last passed in.
    now: UtcTime,
    pub local_only: bool,
}

impl Router {
    /// Without a record. `local_only`: services elsewhere are never chosen.
    pub fn new(local_only: bool) -> Self {
        Self { local_only, ..Self::default() }
    }

    /// Chooses among the candidates that were not tried yet and marks the route as asked. `random` lies in 0..1.
    pub fn next(
        &mut self,
        candidates: &[Candidate],
        strategy: Strategy,
        tried: &[usize],
        now: UtcTime,
        random: f64,
    ) -> Result<Decision, NoRoute> {
        self.now = now;
        let allowed: Vec<usize> =
            (0..candidates.len()).filter(|at| !(self.local_only && candidates[*at].remote)).collect();
        if allowed.is_empty() {
            let code = if candidates.is_empty() { ErrorCode::NoProvider } else { ErrorCode::LocalOnly };
            return Err(NoRoute::Nobody(code));
        }
        let fixed = strategy == Strategy::Fixed;
        let left: Vec<usize> = allowed
            .into_iter()
            .filter(|at| !tried.contains(at))
            .take(if fixed { 1 } else { usize::MAX })
            .collect();
        if left.is_empty() || (fixed && !tried.is_empty()) {
            return Err(NoRoute::Tried);
        }
        let gate = |at: &usize| self.gate(&candidates[*at].route, now);
        let (open, free): (Vec<usize>, Vec<usize>) =
            left.iter().copied().partition(|at| matches!(gate(at), Gate::Open(_)));
        let full = |at: &usize| self.is_full(&candidates[*at].route);
        let idle: Vec<usize> = free.iter().copied().filter(|at| !full(at)).collect();
        let usable = if idle.is_empty() { &free } else { &idle };
        let mut passed: Vec<String> =
            open.iter().map(|at| self.why_open(&candidates[*at].route, now)).collect();
        let chosen = match self.best(candidates, usable, strategy, random) {
            Some(at) => at,
            None => {
                // Everybody's breaker is open: the best of them is tried rather than failing at once, but not a key
                // that was refused, and not a second probe.
                let waiting: Vec<usize> =
                    open.into_iter().filter(|at| gate(at) != Gate::Open(None)).collect();
                let soonest = waiting.iter().filter_map(|at| match gate(at) {
                    Gate::Open(Some(until)) => Some(until),
                    _ => None,
                });
                let soonest = soonest.min().ok_or(NoRoute::Keys)?;
                let trying = |at: &usize| self.standing(&candidates[*at].route).is_some_and(|s| s.busy > 0);
                let quiet: Vec<usize> = waiting.iter().copied().filter(|at| !trying(at)).collect();
                passed.clear();
                passed.push("every breaker is open, so the best is tried all the same".into());
                self.best(candidates, &quiet, strategy, random).ok_or(NoRoute::Until(soonest))?
            }
        };
        let mut reason = self.reason(candidates, chosen, strategy, usable.len().max(1));
        for each in passed {
            reason.push_str("; ");
            reason.push_str(&each);
        }
        reason.push('.');
        let standing = self.standings.entry(candidates[chosen].route.clone()).or_default();
        standing.breaker.begin(now);
        standing.busy += 1;
        Ok(Decision { chosen, reason })
    }

    /// Tells how the call of a decision ended and what it took; answers whether another may be asked.
    pub fn record(
        &mut self,
        route: &Route,
        result: Result<(), &ProviderError>,
        took_ms: f64,
        now: UtcTime,
    ) -> After {
        let verdict = result.map_or_else(Verdict::of, |()| Verdict::Success);
        let standing = self.standings.entry(route.clone()).or_default();
        standing.breaker.end(verdict, now);
        if matches!(verdict, Verdict::Limited(None)) {
            // As many as were on their way were too many.
            standing.most = Some(standing.busy.saturating_sub(1).max(1));
        }
        standing.busy = standing.busy.saturating_sub(1);
        if verdict != Verdict::Nothing {
            let won = f64::from(u8::from(verdict == Verdict::Success));
            standing.calls = standing.weight(now) + 1.0;
            standing.last = now;
            standing.success += (won - standing.success) * STEP;
        }
        if verdict == Verdict::Success {
            let known = standing.latency_ms.get_or_insert(took_ms);
            *known += (took_ms - *known) * STEP;
            // One more may be tried again, now and then.
            standing.won += 1;
            if standing.won.is_multiple_of(50) {
                standing.most = standing.most.map(|most| most + 1);
            }
        }
        match result {
            Ok(()) => After::GiveUp,
            Err(error) => after(error.code),
        }
    }

    /// What an earlier run saw of a route: calls that count, the share that succeeded, their mean time.
    pub fn seed(&mut self, route: &Route, calls: u64, success: f64, latency_ms: Option<f64>, now: UtcTime) {
        let standing = self.standings.entry(route.clone()).or_default();
        (standing.calls, standing.last, standing.latency_ms) = (calls as f64, now, latency_ms);
        standing.success = success.clamp(0.0, 1.0);
    }

    /// What the service itself told of how many may be on their way.
    pub fn learn_limit(&mut self, route: &Route, most: u32) {
        self.standings.entry(route.clone()).or_default().most = Some(most.max(1));
    }

    /// The key of a service was changed: what it was refused for is over.
    pub fn key_changed(&mut self, provider: &str) {
        for (route, standing) in &mut self.standings {
            if route.provider == provider {
                standing.breaker.reset();
            }
        }
    }

    /// What a call of the route would meet now.
    pub fn gate(&self, route: &Route, now: UtcTime) -> Gate {
        self.standing(route).map_or(Gate::Closed, |standing| standing.breaker.gate(now))
    }

    fn standing(&self, route: &Route) -> Option<&Standing> {
        self.standings.get(route)
    }

    fn is_full(&self, route: &Route) -> bool {
        self.standing(route).is_some_and(|s| s.most.is_some_and(|most| s.busy >= most))
    }

    /// The best by the strategy; ties go to the earlier candidate.
    fn best(
        &self,
        candidates: &[Candidate],
        among: &[usize],
        strategy: Strategy,
        random: f64,
    ) -> Option<usize> {
        if strategy == Strategy::LoadBalance {
            return self.drawn(candidates, among, random);
        }
        let score = |at: usize| self.score(&candidates[at], strategy);
        among.iter().copied().reduce(|best, at| if score(at) > score(best) { at } else { best })
    }

    /// Drawn by chance, in proportion to success over latency and load.
    fn drawn(&self, candidates: &[Candidate], among: &[usize], random: f64) -> Option<usize> {
        let weight = |at: usize| {
            let busy = self.standing(&candidates[at].route).map_or(0, |s| s.busy);
            (self.success(&candidates[at]) / self.latency(&candidates[at]).max(1.0) / f64::from(busy + 1))
                .max(1e-12)
        };
        let mut left = random.clamp(0.0, 1.0) * among.iter().map(|at| weight(*at)).sum::<f64>();
        for at in among {
            left -= weight(*at);
            if left <= 0.0 {
                return Some(*at);
            }
        }
        among.last().copied()
    }

    /// Higher is better. Success stands in every score: what fails is neither cheap nor fast.
    fn score(&self, candidate: &Candidate, strategy: Strategy) -> f64 {
        let success = self.success(candidate);
        match strategy {
            Strategy::Quality => candidate.quality * success,
            Strategy::Speed => success / self.latency(candidate).max(1.0),
            Strategy::Cost => match candidate.cost {
                Some(cost) => success / (cost.0 as f64 + 1.0),
                None => success * 1e-15,
            },
            Strategy::Reliability => success + 1e-6 / self.latency(candidate).max(1.0),
            Strategy::LoadBalance | Strategy::Fixed => 0.0,
        }
    }

    fn success(&self, candidate: &Candidate) -> f64 {
        let Some(standing) = self.standing(&candidate.route) else { return 1.0 };
        let weight = standing.weight(self.now);
        (PRIOR + weight * standing.success) / (PRIOR + weight)
    }

    fn latency(&self, candidate: &Candidate) -> f64 {
        let Some(standing) = self.standing(&candidate.route) else { return candidate.latency_ms };
        let weight = standing.weight(self.now);
        let seen = standing.latency_ms.unwrap_or(candidate.latency_ms);
        (PRIOR * candidate.latency_ms + weight * seen) / (PRIOR + weight)
    }

    fn reason(&self, candidates: &[Candidate], chosen: usize, strategy: Strategy, among: usize) -> String {
        let candidate = &candidates[chosen];
        let why = match strategy {
            Strategy::Fixed => "it was asked for".to_string(),
            _ if among == 1 => "no other is free".to_string(),
            Strategy::Quality => format!("best quality ({:.2})", candidate.quality),
            Strategy::Speed => format!("fastest (about {:.1} s)", self.latency(candidate) / 1000.0),
            Strategy::Cost => match candidate.cost {
                Some(cost) => format!("cheapest (${:.4})", cost.dollars()),
                None => "no price is known".to_string(),
            },
            Strategy::Reliability => {
                format!("most reliable ({:.0} % succeed)", self.success(candidate) * 100.0)
            }
            Strategy::LoadBalance => format!("its turn among {among}"),
        };
        format!("chose {}:{}: {why}", candidate.route.provider, candidate.route.model)
    }

    fn why_open(&self, route: &Route, now: UtcTime) -> String {
        match self.gate(route, now) {
            Gate::Open(Some(until)) => format!("{} is open until {until}", route.provider),
            _ => format!("the key of {} was refused", route.provider),
        }
    }
}

/// Whether another service may be asked after that error.
fn after(code: ErrorCode) -> After {
    match code {
        // It may have been bought; and a request that is wrong, or refused for what it says, stays so.
        ErrorCode::OutcomeUnknown
        | ErrorCode::InvalidInput
        | ErrorCode::Cancelled
        | ErrorCode::ContentRefused
        | ErrorCode::CapReached
        | ErrorCode::LocalOnly
        | ErrorCode::ProcessingTimeout => After::GiveUp,
        _ => After::NextRoute,
    }
}

#[cfg(test)]
mod tests;
