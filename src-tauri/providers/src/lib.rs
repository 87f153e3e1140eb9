//! Cloud services: one trait for each capability, a registry, a router, one file for each service.
//!
//! Owns what is said to a service and what its answers mean. Leaves keys, caps, the ledger and retries to `backend`,
//! and media files to `media`.
//! Invariants: the crate knows `domain` only; nothing paid is sent twice by itself; a key leaves it in one header.

mod call;
mod capability;
mod driver;
mod error;
mod http;
mod key;
mod registry;
pub mod router;
mod service;
mod services;

pub use call::{Call, JobHook, LimitsSeen, ProgressHook};
pub use capability::{
    Capability, Complete, CompleteRequest, Completed, Heard, Transcribe, TranscribeRequest, Usage,
};
pub use error::ProviderError;
pub use http::Http;
pub use key::ApiKey;
pub use registry::{Adapter, Limits, Model, Price, Provider, Registry, RegistryError, Times, Usd};
pub use service::{Auth, Service};
