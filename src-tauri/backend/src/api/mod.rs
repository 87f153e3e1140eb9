//! The boundary: every command of Bobina, once.
//!
//! Owns the command table; from it come the window's `rpc` command, `POST /rpc/{name}` and the TypeScript types.
//! Leaves the work to the modules behind it and the transport to `server` and the window.
//! Invariant: a surface (window, server, command line) does nothing to the data folder but call these commands.

pub mod editing_types;
pub mod library_types;
pub mod provider_types;
pub mod types;

pub mod bulk;
pub mod library;
pub mod providers;
pub mod settings;
pub mod system;
pub mod tasks;
pub mod upkeep;

mod table;
pub use table::{COMMANDS, call, export_types};
