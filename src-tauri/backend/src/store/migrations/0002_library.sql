-- Media, where it came from, what steps made of it, what was said in it, and the index that finds it.
-- Times are milliseconds since 1970 UTC; seconds of media are REAL; lists and details are JSON.

CREATE TABLE media (
  media_id   TEXT PRIMARY KEY,
  hash       TEXT NOT NULL UNIQUE,          -- BLAKE3 of the content, hex
  title      TEXT NOT NULL,
  folded     TEXT NOT NULL,                 -- title and source without case and accents: sorting and filtering
  source     TEXT NOT NULL,                 -- path or URL it first came from
  stored     TEXT,                          -- name in the media folder; null when the file stays where the user has it
  kind       TEXT NOT NULL,
  duration   REAL NOT NULL DEFAULT 0,
  size       INTEGER NOT NULL,
  width      INTEGER,
  height     INTEGER,
  info       TEXT,                          -- the probe's answer; null before it
  added_at   INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX media_added ON media (added_at, media_id);
CREATE INDEX media_folded ON media (folded);

-- Every path and URL known to hold a media's content.
CREATE TABLE sources (
  source   TEXT PRIMARY KEY,                -- absolute path or normalised URL
  type     TEXT NOT NULL CHECK (type IN ('file', 'url')),
  media_id TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  size     INTEGER,                         -- of a path, when it was hashed
  mtime    INTEGER,                         -- of a path, when it was hashed; nanoseconds since 1970
  seen_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sources_media ON sources (media_id, seen_at);

-- One row for each normalised URL, however often it is added.
CREATE TABLE urls (
  url_id     TEXT PRIMARY KEY,
  url        TEXT NOT NULL UNIQUE,
  status     TEXT NOT NULL,
  media_id   TEXT REFERENCES media (media_id) ON DELETE SET NULL,
  task_id    TEXT,
  error      TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX urls_status ON urls (status, updated_at);
CREATE INDEX urls_updated ON urls (updated_at);

-- What a step made of a media; name is null where there was nothing to make (a sound has no poster).
CREATE TABLE artifacts (
  artifact_id INTEGER PRIMARY KEY,
  media_id    TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  key         TEXT NOT NULL,                -- parameters and engine version: the same key makes the same bytes
  name        TEXT,                         -- ab/<hash>.<extension> in the artifacts folder
  size        INTEGER NOT NULL,
  engine      TEXT NOT NULL,
  details     TEXT,
  created_at  INTEGER NOT NULL,
  UNIQUE (media_id, kind, key)
) STRICT;
CREATE INDEX artifacts_name ON artifacts (name) WHERE name IS NOT NULL;

CREATE TABLE transcripts (
  id            INTEGER PRIMARY KEY,
  transcript_id TEXT NOT NULL UNIQUE,
  media_id      TEXT NOT NULL REFERENCES media (media_id) ON DELETE CASCADE,
  key           TEXT NOT NULL,              -- engine and parameters
  engine        TEXT NOT NULL,
  language      TEXT NOT NULL,
  windows       INTEGER NOT NULL,           -- 0 while not known
  complete      INTEGER NOT NULL DEFAULT 0,
  searched      INTEGER NOT NULL DEFAULT 0, -- at most one of a media: its segments are in the index
  segments      INTEGER NOT NULL DEFAULT 0,
  words         INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX transcripts_media ON transcripts (media_id, created_at);
CREATE UNIQUE INDEX transcripts_searched ON transcripts (media_id) WHERE searched;
CREATE UNIQUE INDEX transcripts_heard ON transcripts (media_id, key) WHERE NOT complete;

-- Stretches an engine has heard: what a resumed transcription skips.
CREATE TABLE transcript_windows (
  transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  language   TEXT NOT NULL,
  gap        TEXT,                          -- where it gave up, and why
  PRIMARY KEY (transcript, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
  id         INTEGER PRIMARY KEY,
  transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
  start      REAL NOT NULL,
  "end"      REAL NOT NULL,
  text       TEXT NOT NULL,
  speaker    TEXT,
  words      TEXT NOT NULL                  -- [[start, end, text, confidence?], …]
) STRICT;
CREATE INDEX segments_transcript ON segments (transcript, start);

-- What the index stands for; a rebuild reads it.
CREATE VIEW searched_segments (id, text) AS
  SELECT segments.id, segments.text FROM segments
  JOIN transcripts ON transcripts.id = segments.transcript
  WHERE transcripts.searched;

-- No second copy of the text (external content) and no row sizes (own ranking).
CREATE VIRTUAL TABLE segment_index USING fts5 (
  text, content = 'searched_segments', content_rowid = 'id', columnsize = 0,
  tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TABLE categories (
  transcript INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
  axis       TEXT NOT NULL,
  place      INTEGER NOT NULL,              -- 0 is the strongest of its axis
  label      TEXT NOT NULL,
  score      REAL NOT NULL,
  evidence   TEXT NOT NULL,
  engine     TEXT NOT NULL,
  PRIMARY KEY (transcript, axis, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE watches (
  watch_id   TEXT PRIMARY KEY,
  path       TEXT NOT NULL UNIQUE,
  recipe     TEXT NOT NULL,
  subfolders INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Files taken from watched folders, so that each state of a file is taken once.
CREATE TABLE watched_files (
  watch_id TEXT NOT NULL REFERENCES watches (watch_id) ON DELETE CASCADE,
  path     TEXT NOT NULL,
  size     INTEGER NOT NULL,
  mtime    INTEGER NOT NULL,                -- nanoseconds since 1970
  taken_at INTEGER NOT NULL,
  PRIMARY KEY (watch_id, path)
) STRICT, WITHOUT ROWID;
