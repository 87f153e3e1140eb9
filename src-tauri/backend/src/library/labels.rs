//! Tags, categories of the user's own, saved searches, and what the library can be filtered by.
//!
//! Leaves rows to `store::tags`, the word lists to `crate::categorize`.
//! Invariant: the user's word on an axis stands before what the word lists found, which is kept beneath it.

use crate::Backend;
use crate::api::library_types::*;
use crate::store::tags::{self, Counted, SavedRow};
use crate::store::{StoreError, categories, media};
use domain::category::Category;
use domain::{ApiError, ErrorCode, Event};
use rusqlite::Connection;

/// Characters of a tag, a label or a search's name.
const LONGEST: usize = 60;
/// Media of one request.
const MOST_MEDIA: usize = 1_000;
/// What a category says; `language` is what was heard and no opinion.
const AXES: [&str; 6] = ["topic", "niche", "hook", "offer", "proof", "call_to_action"];

/// One line without control characters, its spaces in order.
fn clean(what: &str, text: &str) -> Result<String, ApiError> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(ApiError::invalid(format!("{what} has to have 1 to {LONGEST} characters.")));
    }
    Ok(text)
}

pub(super) fn several(media_ids: &[String]) -> Result<(), ApiError> {
    if media_ids.is_empty() || media_ids.len() > MOST_MEDIA {
        let count = media_ids.len();
        return Err(ApiError::invalid(format!("media_ids holds {count}, which is not 1 to {MOST_MEDIA}.")));
    }
    Ok(())
}

pub(super) fn known(conn: &Connection, media_id: &str) -> Result<media::MediaRow, StoreError> {
    media::find(conn, media_id)?.ok_or_else(|| {
        StoreError::answer(ErrorCode::MediaNotFound, format!("There is no media {media_id} in the library."))
    })
}

pub(super) fn tell(backend: &Backend, media_ids: &[String]) {
    for media_id in media_ids {
        // Nobody listening is fine: lists can always be read.
        let _ = backend.events.send(Event::LibraryChanged { media_id: media_id.clone() });
    }
}

/// Puts tags on media and takes others off. `MEDIA_NOT_FOUND`, `INVALID_INPUT`.
pub async fn tag(backend: &Backend, request: TagRequest) -> Result<(), ApiError> {
    several(&request.media_ids)?;
    let tidy = |tags: &[String]| tags.iter().map(|tag| clean("a tag", tag)).collect::<Result<Vec<_>, _>>();
    let (add, remove, ids) = (tidy(&request.add)?, tidy(&request.remove)?, request.media_ids.clone());
    let work = move |tx: &Connection| {
        for media_id in &ids {
            known(tx, media_id)?;
            remove.iter().try_for_each(|gone| tags::remove(tx, media_id, gone))?;
            add.iter().try_for_each(|tag| tags::add(tx, media_id, tag))?;
        }
        Ok(())
    };
    backend.store.write(work).await?;
    tell(backend, &request.media_ids);
    Ok(())
}

/// Says what a media is about on one axis. `MEDIA_NOT_FOUND`, `INVALID_INPUT`.
pub async fn categorize(backend: &Backend, request: CategoryRequest) -> Result<(), ApiError> {
    let CategoryRequest { media_id, axis, label } = request;
    if !AXES.contains(&axis.as_str()) {
        return Err(ApiError::invalid(format!(
            "axis is \"{axis}\", which is not one of: {}.",
            AXES.join(", ")
        )));
    }
    let label = match label {
        Some(label) if label.trim().is_empty() => Some(String::new()),
        Some(label) => Some(clean("label", &label)?),
        None => None,
    };
    let id = media_id.clone();
    let work = move |tx: &Connection| {
        known(tx, &id)?;
        tags::set_category(tx, &id, &axis, label.as_deref())
    };
    backend.store.write(work).await?;
    tell(backend, &[media_id]);
    Ok(())
}

/// What a media is about: on each axis the user's word, else what the word lists found in the transcript.
pub(super) fn decided(
    conn: &Connection,
    media_id: &str,
    transcript_id: Option<&str>,
) -> Result<Vec<Category>, StoreError> {
    let own = tags::categories(conn, media_id)?;
    let mut found = match transcript_id {
        Some(id) => categories::of_transcript(conn, id)?,
        None => Vec::new(),
    };
    found.retain(|category| !own.iter().any(|(axis, _)| *axis == category.axis));
    let by_user = own.into_iter().filter(|(_, label)| !label.is_empty()).map(|(axis, label)| Category {
        axis,
        label,
        score: 0.0,
        evidence: Vec::new(),
        engine: "user".into(),
    });
    found.extend(by_user);
    let place = |axis: &str| AXES.iter().position(|known| *known == axis).unwrap_or(AXES.len());
    found.sort_by_key(|category| place(&category.axis));
    Ok(found)
}

/// The strongest label of each axis but `language`, for lists.
pub(super) fn strongest(found: &[Category]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    let mut last = "";
    for category in found.iter().filter(|category| category.axis != "language") {
        if category.axis != last && !labels.contains(&category.label) {
            labels.push(category.label.clone());
        }
        last = &category.axis;
    }
    labels
}

/// Everything the library can be filtered by, with counts.
pub async fn facets(backend: &Backend) -> Result<Facets, ApiError> {
    let list = |rows: Vec<Counted>| rows.into_iter().map(|(value, count)| Facet { value, count }).collect();
    let read = move |conn: &Connection| {
        Ok(Facets {
            tags: list(tags::all(conn)?),
            languages: list(tags::languages(conn)?),
            engines: list(tags::engines(conn)?),
            categories: list(tags::labels(conn)?),
        })
    };
    Ok(backend.store.read(read).await?)
}

/// Saved searches in the order of their names.
pub async fn searches(backend: &Backend) -> Result<Vec<SavedSearch>, ApiError> {
    let rows = backend.store.read(tags::saved).await?;
    rows.into_iter()
        .map(|row| {
            let query = serde_json::from_value(row.query)
                .map_err(|error| ApiError::internal(format!("a saved search is unreadable: {error}")))?;
            Ok(SavedSearch { search_id: row.search_id, name: row.name, query, created_at: row.created_at })
        })
        .collect()
}

/// Saves a search under a name.
pub async fn save_search(backend: &Backend, request: SaveSearchRequest) -> Result<SavedSearch, ApiError> {
    let saved = SavedSearch {
        search_id: backend.new_id("s_"),
        name: clean("name", &request.name)?,
        query: request.query,
        created_at: backend.clock.now(),
    };
    let query = serde_json::to_value(&saved.query)
        .map_err(|error| ApiError::internal(format!("a search cannot be stored: {error}")))?;
    let row = SavedRow {
        search_id: saved.search_id.clone(),
        name: saved.name.clone(),
        query,
        created_at: saved.created_at,
    };
    backend.store.write(move |tx| tags::save(tx, &row)).await?;
    Ok(saved)
}

/// Forgets a saved search; one that is gone already is no error.
pub async fn forget_search(backend: &Backend, search_id: String) -> Result<(), ApiError> {
    backend.store.write(move |tx| tags::forget(tx, &search_id)).await?;
    Ok(())
}
