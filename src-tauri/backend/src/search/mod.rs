//! Finding what was said.
//!
//! Owns what a typed query means and how hits are ranked; leaves the index to `store::search`.
//! Invariant: no typed text reaches the index as syntax, and no query, however common its words, is slow:
//! only so many hits are ranked and counted.

mod fold;
mod query;
mod rank;

pub use fold::{fold, words};
pub use query::Query;
pub use rank::{MARK_END, MARK_START, score, snippet};

/// Hits that are ranked: the newest of a query. Later ones follow in the order they were heard, newest first.
pub const RANKED: usize = 200;

/// Hits are counted up to this many; a total that reaches it means "at least".
pub const COUNTED: usize = 1_000;
