-- What people do to the library: versions of a transcript they edit, tags, their own categories, saved searches,
-- removal that can be taken back.

ALTER TABLE transcripts ADD COLUMN parent TEXT;                       -- transcript_id it was copied from to be edited; null when an engine made it
ALTER TABLE transcripts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0; -- grows with each edit, undo and redo; 0 as it was heard
ALTER TABLE transcripts ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0; -- the user's choice among the versions of a media
CREATE UNIQUE INDEX transcripts_edited ON transcripts (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX transcripts_chosen ON transcripts (media_id) WHERE chosen;

-- Edits that can be taken back, oldest first.
CREATE TABLE transcript_edits (
  edit_id    INTEGER PRIMARY KEY,
  transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
  undone     INTEGER NOT NULL DEFAULT 0,
  changes    TEXT NOT NULL,                 -- [{at, removed, inserted}, …]
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX transcript_edits_transcript ON transcript_edits (transcript, edit_id);

ALTER TABLE media ADD COLUMN removed_at INTEGER;                      -- hidden since, and gone for good some days later
ALTER TABLE media ADD COLUMN trashed TEXT;                            -- where the file lies in the system's trash
CREATE INDEX media_removed ON media (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE media_tags (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  folded   TEXT NOT NULL,                   -- the tag without case and accents
  tag      TEXT NOT NULL,                   -- as first written
  PRIMARY KEY (media_id, folded)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_tags_folded ON media_tags (folded);

-- The user's word on an axis; it stands before what the word lists found. An empty label means: nothing on this axis.
CREATE TABLE media_categories (
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  axis     TEXT NOT NULL,
  label    TEXT NOT NULL,
  PRIMARY KEY (media_id, axis)
) STRICT, WITHOUT ROWID;
CREATE INDEX categories_label ON categories (axis, label) WHERE place = 0;

CREATE TABLE saved_searches (
  search_id  TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  query      TEXT NOT NULL,                 -- words and filters
  created_at INTEGER NOT NULL
) STRICT;
