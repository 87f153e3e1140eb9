//! What a call costs, from the table of prices and from what it used.
//!
//! Invariant: whole millionths of a dollar, rounded up; unknown is `None`, never 0.

use crate::capability::Usage;
use serde::{Deserialize, Serialize};

/// Millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Usd(pub i64);

impl Usd {
    /// Rounded up to the next millionth.
    pub fn from_dollars(dollars: f64) -> Self {
        // A product such as 0.006 × 100 lies a hair beside the whole number it means.
        Self((dollars * 1e6 - 1e-6).ceil().max(0.0) as i64)
    }

    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// A model's price in US dollars for each of these; what is absent costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// A minute of sound or video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub million_input_tokens: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub million_output_tokens: Option<f64>,
    /// A picture made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<f64>,
    /// Each call, however much it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<f64>,
    /// The least time that is charged for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_seconds: Option<f64>,
    /// Input tokens that a second of sound becomes; for estimates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_a_second: Option<f64>,
}

/// Output tokens of a second of speech, at the most: about three words a second with their times.
const OUTPUT_TOKENS_A_SECOND: f64 = 10.0;

impl Price {
    /// The charge for what was used; `None` when the price goes by something the service did not tell.
    pub fn of(&self, usage: &Usage) -> Option<Usd> {
        let mut dollars = self.call.unwrap_or(0.0);
        if let Some(minute) = self.minute {
            dollars += minute * usage.seconds?.max(self.minimum_seconds.unwrap_or(0.0)) / 60.0;
        }
        if let Some(million) = self.million_input_tokens {
            dollars += million * usage.input_tokens? as f64 / 1e6;
        }
        if let Some(million) = self.million_output_tokens {
            dollars += million * usage.output_tokens? as f64 / 1e6;
        }
        if let Some(image) = self.image {
            dollars += image * f64::from(usage.images?);
        }
        Some(Usd::from_dollars(dollars))
    }

    /// What hearing that many seconds will cost, at the most.
    pub fn estimate_sound(&self, seconds: f64) -> Option<Usd> {
        let tokens = |rate: f64| Some((seconds * rate).ceil() as u64);
        let usage = Usage {
            seconds: Some(seconds),
            input_tokens: self.tokens_a_second.and_then(tokens),
            output_tokens: tokens(OUTPUT_TOKENS_A_SECOND),
            images: None,
        };
        self.of(&usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_exact_and_unknown_stays_unknown() {
        let whisper = Price { minute: Some(0.006), ..Price::default() };
        let seconds = |s: f64| Usage { seconds: Some(s), ..Usage::default() };
        assert_eq!(whisper.of(&seconds(60.0)), Some(Usd(6000)));
        assert_eq!(whisper.of(&seconds(6000.0)), Some(Usd(600_000)));
        assert_eq!(whisper.of(&seconds(0.1)), Some(Usd(10)));
        assert_eq!(whisper.of(&Usage::default()), None);
        let groq = Price { minute: Some(0.000667), minimum_seconds: Some(10.0), ..Price::default() };
        assert_eq!(groq.of(&seconds(1.0)), groq.of(&seconds(10.0)));
        let tokens =
            Price { million_input_tokens: Some(0.75), million_output_tokens: Some(3.75), ..Price::default() };
        let used = Usage { input_tokens: Some(1000), output_tokens: Some(200), ..Usage::default() };
        assert_eq!(tokens.of(&used), Some(Usd(1500)));
        assert_eq!(tokens.of(&Usage { input_tokens: Some(1), ..Usage::default() }), None);
    }
}
