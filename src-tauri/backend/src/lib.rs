//! What makes Bobina a product: queue, recipes, steps, library, search, settings, secrets, watched folders, store.
//!
//! Leaves files to `media`, transport to `server` and the window.
//! Invariant: knows neither Tauri nor axum; everything a surface may do is in [`api`].

pub mod api;
pub mod artifacts;
pub mod categorize;
pub mod folder;
pub mod library;
pub mod owner;
pub mod queue;
pub mod recipes;
pub mod search;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod watch;

/// The running engine over one data folder.
#[derive(Clone)]
pub struct Backend {}
