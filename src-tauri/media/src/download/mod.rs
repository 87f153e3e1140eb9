//! From an address on the web to a media file.
//!
//! Owns the network: direct files, HLS, web pages, and yt-dlp where it is there. Leaves what the file then is to
//! `probe`, and waiting between whole tries to the queue.
//! Invariants: nothing is reached that [`guard`] did not pass; nothing is written outside the request's folder;
//! ffmpeg sees only files we wrote.

mod client;
mod guard;
mod policy;

pub use client::{Answer, Ask, Client, SourceHeaders, client};
pub use guard::check_url;
pub use policy::{FetchRequest, Fetched, Method, NetPolicy};
