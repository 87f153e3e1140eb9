//! Editing what was said: versions, edits, undo and redo.
//!
//! Owns who may edit what, and that nobody's work is lost; leaves each edit's meaning to `operations`, the times of
//! words to `words`, and rows to `store::versions`.
//! Invariants: what an engine heard is never changed, a copy is; an edit made on an older revision is refused; the
//! edits of a request, the index, the history and the revision change in one transaction.

mod operations;
mod words;

use crate::Backend;
use crate::api::editing_types::{Change, EditRequest, Edited, UndoRequest};
use crate::store::StoreError;
use crate::store::transcripts::{self, TranscriptRow};
use crate::store::versions::{self, Place, Splice};
use domain::{ApiError, ErrorCode, Event, Segment, UtcTime};
use operations::Draft;
use rusqlite::Connection;

/// Edits of one request.
const MOST_EDITS: usize = 1_000;

/// Edits a version; one that an engine made is copied first.
/// `TRANSCRIPT_NOT_FOUND`, `TRANSCRIPT_UNFINISHED`, `TRANSCRIPT_CHANGED`, `INVALID_INPUT`.
pub async fn edit(backend: &Backend, request: EditRequest) -> Result<Edited, ApiError> {
    if request.edits.is_empty() || request.edits.len() > MOST_EDITS {
        return Err(ApiError::invalid(format!(
            "edits holds {}, which is not 1 to {MOST_EDITS}.",
            request.edits.len()
        )));
    }
    let now = backend.clock.now();
    let done = backend.store.write(move |tx| edit_in(tx, &request, now)).await?;
    Ok(tell(backend, done))
}

/// Takes the last edit back, or brings the last one that was taken back again. Nothing to do is no error.
pub async fn undo(backend: &Backend, request: UndoRequest, redo: bool) -> Result<Edited, ApiError> {
    let now = backend.clock.now();
    let done = backend.store.write(move |tx| undo_in(tx, &request, redo, now)).await?;
    Ok(tell(backend, done))
}

/// Makes a version the one that is shown and searched, and gives the media it belongs to.
pub async fn show(backend: &Backend, id: String) -> Result<String, ApiError> {
    let row = backend
        .store
        .write(move |tx| {
            let row = find(tx, &id)?;
            versions::show(tx, &row.transcript_id)?;
            Ok(row)
        })
        .await?;
    tell_version(backend, &row);
    Ok(row.media_id)
}

/// Removes a version; the only one of a media stays, and so does one that is still being heard.
pub async fn remove(backend: &Backend, id: String) -> Result<String, ApiError> {
    let row = backend
        .store
        .write(move |tx| {
            let row = find(tx, &id)?;
            if !row.complete {
                return Err(unfinished());
            }
            if transcripts::of_media(tx, &row.media_id)?.len() < 2 {
                let message = "It is the only version; remove the media instead.";
                return Err(StoreError::answer(ErrorCode::InvalidInput, message));
            }
            versions::remove(tx, &row.transcript_id)?;
            Ok(row)
        })
        .await?;
    tell_version(backend, &row);
    Ok(row.media_id)
}

/// What an edit did, and the media it belongs to.
struct Done {
    edited: Edited,
    media_id: String,
}

fn tell(backend: &Backend, done: Done) -> Edited {
    let Done { edited, media_id } = done;
    if !edited.changes.is_empty() {
        let (transcript_id, revision) = (edited.transcript_id.clone(), edited.revision);
        // Nobody listening is fine: what was stored can always be read.
        let _ = backend.events.send(Event::TranscriptChanged {
            transcript_id,
            media_id,
            complete: true,
            revision,
        });
    }
    edited
}

fn tell_version(backend: &Backend, row: &TranscriptRow) {
    let _ = backend.events.send(Event::TranscriptChanged {
        transcript_id: row.transcript_id.clone(),
        media_id: row.media_id.clone(),
        complete: row.complete,
        revision: row.revision,
    });
}

fn unfinished() -> StoreError {
    StoreError::answer(ErrorCode::TranscriptUnfinished, "The transcript is still being heard.")
}

fn find(conn: &Connection, id: &str) -> Result<TranscriptRow, StoreError> {
    transcripts::resolve(conn, id)?
        .ok_or_else(|| StoreError::answer(ErrorCode::TranscriptNotFound, "There is no such transcript."))
}

/// The version to work on, if the caller has seen its last state.
fn editable(conn: &Connection, id: &str, revision: Option<u32>) -> Result<TranscriptRow, StoreError> {
    let row = find(conn, id)?;
    if !row.complete {
        return Err(unfinished());
    }
    if revision.is_some_and(|revision| revision != row.revision) {
        let message = format!("The transcript was edited since: it is at revision {}.", row.revision);
        return Err(StoreError::answer(ErrorCode::TranscriptChanged, message));
    }
    Ok(row)
}

fn edit_in(tx: &Connection, request: &EditRequest, now: UtcTime) -> Result<Done, StoreError> {
    let named = editable(tx, &request.id, request.revision)?;
    let (row, copied) = if named.parent.is_some() { (named, false) } else { (copy(tx, &named, now)?, true) };
    let mut place = placed(tx, &row)?;
    let mut count = row.segments as usize;
    let mut changes: Vec<Change> = Vec::new();
    for edit in &request.edits {
        let draft = Stored { tx, place, count };
        for change in operations::plan(edit, &draft)? {
            carry_out(tx, place, &change)?;
            count = count + change.inserted.len() - change.removed.len();
            changes.push(change);
        }
    }
    if changes.is_empty() && copied {
        // Nothing to do is no reason for a version.
        versions::remove(tx, &row.transcript_id)?;
        let row = find(tx, &request.id)?;
        place = placed(tx, &row)?;
        return answer(tx, place, row, false, changes);
    }
    let row = if changes.is_empty() {
        row
    } else {
        versions::put_edit(tx, place, &serde_json::to_string(&changes)?, now)?;
        TranscriptRow { revision: versions::advance(tx, place, now)?, ..row }
    };
    answer(tx, place, row, copied, changes)
}

/// A copy to be edited. There is one of each heard version: who does not know it yet is sent to it.
fn copy(tx: &Connection, heard: &TranscriptRow, now: UtcTime) -> Result<TranscriptRow, StoreError> {
    if let Some(edited) = versions::edited_from(tx, &heard.transcript_id)? {
        let message = format!("This version was edited already: its edited version is {edited}.");
        return Err(StoreError::answer(ErrorCode::TranscriptChanged, message));
    }
    let id = versions::copy(tx, heard, now)?;
    find(tx, &id)
}

fn placed(tx: &Connection, row: &TranscriptRow) -> Result<Place, StoreError> {
    versions::place(tx, &row.transcript_id)?
        .ok_or_else(|| StoreError::answer(ErrorCode::TranscriptNotFound, "There is no such transcript."))
}

fn carry_out(tx: &Connection, place: Place, change: &Change) -> Result<(), StoreError> {
    let at = change.at as usize;
    versions::splice(tx, place, &Splice { at, removed: &change.removed, inserted: &change.inserted })
}

fn undo_in(tx: &Connection, request: &UndoRequest, redo: bool, now: UtcTime) -> Result<Done, StoreError> {
    let row = editable(tx, &request.id, request.revision)?;
    let place = placed(tx, &row)?;
    let Some(edit) = versions::next_edit(tx, place, redo)? else {
        return answer(tx, place, row, false, Vec::new());
    };
    let mut changes: Vec<Change> = serde_json::from_str(&edit.changes)?;
    if !redo {
        changes.reverse();
        for change in &mut changes {
            std::mem::swap(&mut change.removed, &mut change.inserted);
        }
    }
    for change in &changes {
        carry_out(tx, place, change)?;
    }
    versions::set_undone(tx, edit.edit_id, !redo)?;
    let row = TranscriptRow { revision: versions::advance(tx, place, now)?, ..row };
    answer(tx, place, row, false, changes)
}

fn answer(
    tx: &Connection,
    place: Place,
    row: TranscriptRow,
    copied: bool,
    changes: Vec<Change>,
) -> Result<Done, StoreError> {
    let edited = Edited {
        transcript_id: row.transcript_id,
        copied,
        revision: row.revision,
        changes,
        can_undo: versions::next_edit(tx, place, false)?.is_some(),
        can_redo: versions::next_edit(tx, place, true)?.is_some(),
    };
    Ok(Done { edited, media_id: row.media_id })
}

/// A version inside the transaction that edits it.
struct Stored<'a> {
    tx: &'a Connection,
    place: Place,
    count: usize,
}

impl Draft for Stored<'_> {
    fn count(&self) -> usize {
        self.count
    }
    fn segments(&self, first: usize, count: usize) -> Result<Vec<Segment>, ApiError> {
        Ok(versions::segments(self.tx, self.place, first, count)?)
    }
    fn lines(&self) -> Result<Vec<(String, Option<String>)>, ApiError> {
        Ok(versions::lines(self.tx, self.place)?)
    }
}
