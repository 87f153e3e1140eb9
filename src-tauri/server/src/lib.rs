//! The loopback server: commands, events and media for the window, the browser and a second `bobina`.
//!
//! Owns who is let in ([`guard`]), the wire ([`rpc`], [`events`], [`media`], [`ui`]), the public API ([`rest`],
//! [`openai`], [`uploads`]) and which process owns a data
//! folder as its users see it ([`Host`]). Leaves every act on the data folder to `backend::api`.
//! Invariant: listens on 127.0.0.1 only, and nothing is routed before the guard has let it pass.

mod answer;
pub mod client;
mod engine;
mod events;
mod guard;
mod host;
mod listen;
mod media;
mod openai;
mod range;
mod rest;
mod rpc;
mod start;
mod switch;
mod token;
mod ui;
mod uploads;

pub use engine::{Engine, EventStream, Place};
pub use host::{Host, HostOptions, Role};
pub use start::{Running, ServeOptions, has_ui, serve, start};
pub use switch::follow_api_switch;
