//! What the commands over cloud services, keys and costs take and answer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! wire {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident $body:tt)*) => {
        $( #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)] $(#[$meta])* $vis struct $name $body )*
    };
}

wire! {
    /// One model of a cloud service.
    pub struct ProviderModel {
        pub name: String,
        /// `transcribe`, `complete` …
        pub capability: String,
        /// US dollars for each unit: `minute`, `million_input_tokens` …; null when the price is not known.
        #[ts(type = "Record<string, number> | null")]
        pub price: Option<serde_json::Value>,
        /// The day it stops answering, as `YYYY-MM-DD`.
        pub end_of_life: Option<String>,
        /// It has ended already.
        pub ended: bool,
        /// It has ended or ends within about three months.
        pub ends_soon: bool,
        /// It tells when each word is said.
        pub word_times: bool,
        /// It tells speakers apart.
        pub speakers: bool,
    }

    /// One cloud service.
    pub struct ProviderItem {
        pub name: String,
        pub title: String,
        pub base_url: String,
        /// What becomes of what is sent there.
        pub privacy: String,
        /// It asks for a key.
        pub needs_key: bool,
        /// A key is there.
        pub key_set: bool,
        /// Where the key is: the name of an environment variable, or `key store`; null when there is none.
        pub key_source: Option<String>,
        /// Environment variables that may hold the key.
        pub environment: Vec<String>,
        pub models: Vec<ProviderModel>,
        /// Known charges of this month, in US dollars.
        pub spent_this_month: f64,
        /// Monthly caps in US dollars.
        pub soft_cap: Option<f64>,
        pub hard_cap: Option<f64>,
    }

    pub struct ProviderName {
        pub provider: String,
    }

    /// A key for a service. It is kept in the operating system's key store and never shown again.
    pub struct KeyRequest {
        pub provider: String,
        pub key: String,
    }

    /// What became of a key.
    pub struct KeyState {
        pub provider: String,
        pub set: bool,
        /// `store`: outlasts the program. `session`: there is no key store, so only until the program ends.
        /// `environment`: the variable counts, not what was given. Null: none.
        pub kept: Option<String>,
        /// Whether the service took it; null when it was not asked.
        pub good: Option<bool>,
    }

    pub struct CostQuery {
        /// `YYYY-MM`; null for this month (UTC).
        #[serde(default)]
        pub month: Option<String>,
    }

    /// What one model was used for and cost in a month.
    pub struct CostRow {
        pub provider: String,
        pub model: String,
        pub capability: String,
        pub calls: u64,
        pub settled: u64,
        pub refused: u64,
        /// Answers that were lost; they may have been charged.
        pub lost: u64,
        /// Known charges in US dollars.
        pub charged: f64,
        /// Calls of which the charge is not known.
        pub unknown: u64,
        /// Seconds of sound or video.
        pub seconds: f64,
        /// Mean seconds of a call that succeeded.
        pub latency: Option<f64>,
    }

    pub struct CostReport {
        /// `YYYY-MM`.
        pub month: String,
        /// Known charges in US dollars.
        pub charged: f64,
        /// Calls of which the charge is not known.
        pub unknown: u64,
        pub rows: Vec<CostRow>,
        /// Services, or `*` for all together, whose soft cap is passed.
        pub over_soft_cap: Vec<String>,
    }

    /// A monthly cap in US dollars; both null takes it away.
    pub struct CapRequest {
        /// A service, or `*` for all together.
        pub provider: String,
        /// Passing it is shown.
        #[serde(default)]
        pub soft: Option<f64>,
        /// Tasks that may pass it wait.
        #[serde(default)]
        pub hard: Option<f64>,
    }
}
