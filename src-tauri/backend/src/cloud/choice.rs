//! The engine `cloud`: which of the services with a key hears a task.
//!
//! Owns the candidates and their record; leaves choosing to `providers::router`.
//! Invariant: only a service that has its key, or needs none, and a model that has not ended is a candidate.

use super::{Chosen, Cloud, day_of};
use crate::store::calls::CostSum;
use domain::{ApiError, ErrorCode, UtcTime};
use providers::Capability;
use providers::router::{Candidate, NoRoute, Route, Router, Strategy};

/// Seconds of sound by which services are compared.
const MEASURE: f64 = 60.0;

/// The strategy a name such as `cloud` or `cloud:cost` asks for; `None` for any other engine, `ENGINE_UNKNOWN` for a
/// strategy that does not exist.
pub fn strategy_of(engine: &str) -> Result<Option<Strategy>, ApiError> {
    if engine != "cloud" && !engine.starts_with("cloud:") {
        return Ok(None);
    }
    match engine.strip_prefix("cloud:").unwrap_or("quality") {
        "quality" => Ok(Some(Strategy::Quality)),
        "speed" => Ok(Some(Strategy::Speed)),
        "cost" => Ok(Some(Strategy::Cost)),
        "reliability" => Ok(Some(Strategy::Reliability)),
        "balance" => Ok(Some(Strategy::LoadBalance)),
        other => Err(ApiError::new(
            ErrorCode::EngineUnknown,
            format!(
                "There is no strategy \"{other}\". There are: quality, speed, cost, reliability, balance."
            ),
        )),
    }
}

impl Cloud {
    /// Chooses among all services, by what `sums` say of them; answers with the reason.
    pub async fn route(
        &self,
        strategy: Strategy,
        capability: Capability,
        sums: &[CostSum],
        now: UtcTime,
        random: f64,
    ) -> Result<(Chosen, String), ApiError> {
        let mut router = Router::new(self.settings.get().local_only);
        let (mut candidates, mut choices) = (Vec::new(), Vec::new());
        for provider in self.registry()?.providers {
            if !provider.environment.is_empty() && self.keys.of(&provider).await?.is_none() {
                continue;
            }
            let today = day_of(now);
            let able = |model: &&providers::Model| model.capability == capability && !model.has_ended(today);
            for model in provider.models.iter().filter(able) {
                let route =
                    Route { provider: provider.name.clone(), model: model.name.clone(), key: "own".into() };
                if let Some(sum) = sums.iter().find(|s| s.provider == provider.name && s.model == model.name)
                {
                    let counted = sum.settled + sum.refused + sum.lost;
                    let success = sum.settled as f64 / counted.max(1) as f64;
                    router.seed(&route, counted, success, sum.latency, now);
                }
                candidates.push(Candidate {
                    route,
                    cost: model.price.and_then(|price| price.estimate_sound(MEASURE)),
                    quality: model.quality,
                    latency_ms: MEASURE * 1000.0 / model.speed.max(0.01),
                    remote: !provider.is_on_this_machine(),
                });
                choices.push(Chosen { provider: provider.clone(), model: model.clone() });
            }
        }
        let decision = router.next(&candidates, strategy, &[], now, random).map_err(|error| {
            let code = if let NoRoute::Nobody(code) = error { code } else { ErrorCode::NoProvider };
            let message = "No cloud service that is allowed has a key; `bobina providers` lists them.";
            ApiError::new(code, message)
        })?;
        Ok((choices.swap_remove(decision.chosen), decision.reason))
    }
}
