//! The library as the surfaces show it: media with their pictures, transcripts, what was said, URLs.
//!
//! Owns putting rows together into items and the order of lists; leaves rows to `store` and files to their folders.
//! Invariant: lists and details read only; what changes is in `editing`, `labels` and `upkeep`; a media whose file has gone stays listed, marked as missing.

pub mod editing;
mod items;
pub mod labels;
mod texts;
pub mod upkeep;

pub use items::{get, list, locate};
pub use texts::{export, search, transcript, urls};

use domain::ApiError;

/// Most items of one page.
const MOST_ITEMS: u32 = 500;
/// Items of a page when the caller does not say.
const ITEMS: u32 = 20;

/// Limit and offset of a page. `INVALID_INPUT` for a limit that is not 1 to 500.
pub(crate) fn page(limit: Option<u32>, offset: Option<u32>) -> Result<(u32, u32), ApiError> {
    let limit = limit.unwrap_or(ITEMS);
    if !(1..=MOST_ITEMS).contains(&limit) {
        return Err(ApiError::invalid(format!("limit is {limit}, which is not between 1 and {MOST_ITEMS}.")));
    }
    Ok((limit, offset.unwrap_or(0)))
}
