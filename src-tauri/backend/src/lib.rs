//! What makes Bobina a product: queue, recipes, steps, library, search, settings, secrets, watched folders, store.
//!
//! Leaves files to `media`, transport to `server` and the window.
//! Invariant: knows neither Tauri nor axum; everything a surface may do is in [`api`].

pub mod api;
pub mod artifacts;
pub mod audit;
pub mod batches;
pub mod categorize;
pub mod cloud;
pub mod doctor;
pub mod folder;
pub mod ids;
pub mod intake;
pub mod library;
pub mod models;
pub mod owner;
pub mod queue;
pub mod recipes;
pub mod schedule;
pub mod search;
pub mod secrets;
pub mod settings;
pub mod statistics;
pub mod steps;
pub mod store;
pub mod submit;
pub mod tokens;
pub mod watch;
pub mod webhooks;

mod clock;
mod open;

pub use clock::SystemClock;
pub use open::{Backend, Opened, Options};
pub use owner::OwnerAddress;
