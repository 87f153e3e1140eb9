-- What programs need around the tasks: tokens, what they submitted, batches, webhooks, figures, the audit.
-- Times are milliseconds since 1970 UTC.

-- A token is 256 random bits, so a plain hash of it is enough; the token itself is shown once and never stored.
CREATE TABLE api_tokens (
  token_id     TEXT PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  scope        TEXT NOT NULL CHECK (scope IN ('read', 'submit', 'admin')),
  hash         TEXT NOT NULL UNIQUE,          -- BLAKE3, hex
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT;

-- Who asked for what. Rows are only ever added.
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- Null: it was done. Otherwise the code it was refused with.
  error   TEXT
) STRICT;
CREATE INDEX audit_actor ON audit (actor, at);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is only added to'); END;

-- What a task carries for whoever submitted it over the API.
CREATE TABLE submissions (
  task     INTEGER PRIMARY KEY REFERENCES tasks (seq) ON DELETE CASCADE,
  actor    TEXT NOT NULL,
  metadata TEXT NOT NULL,                     -- the user's own JSON object
  options  TEXT NOT NULL                      -- of the kind: {"response_format": "text"}
) STRICT;

CREATE TABLE batches (
  batch_id    TEXT PRIMARY KEY,
  actor       TEXT NOT NULL,
  total       INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER                         -- set once, when its last task ended for the first time
) STRICT;
CREATE INDEX tasks_batch ON tasks (batch_id) WHERE batch_id IS NOT NULL;

-- The answer to an Idempotency-Key, so that a repeated request gets it again.
CREATE TABLE idempotency_keys (
  actor      TEXT NOT NULL,
  key        TEXT NOT NULL,
  request    TEXT NOT NULL,                   -- BLAKE3 of route and body, hex
  answer     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

CREATE TABLE webhooks (
  webhook_id    TEXT PRIMARY KEY,
  url           TEXT NOT NULL,
  description   TEXT NOT NULL DEFAULT '',
  events        TEXT NOT NULL,                -- JSON list; empty: every event but task.progress
  progress      INTEGER NOT NULL,             -- whether task.progress is among them
  -- Of one task or batch only; both null: a standing one.
  task_id       TEXT,
  batch_id      TEXT,
  allow_local   INTEGER NOT NULL DEFAULT 0,   -- may lie in a private network
  secret        TEXT NOT NULL,                -- 'none', 'one' or 'two' (the older one is still used beside the newer)
  actor         TEXT NOT NULL,
  active        INTEGER NOT NULL DEFAULT 1,
  disabled      TEXT,                         -- why it was switched off: 'user', 'gone' or 'failing'
  failing_since INTEGER,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_standing ON webhooks (webhook_id) WHERE task_id IS NULL AND batch_id IS NULL;
CREATE INDEX webhooks_task ON webhooks (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX webhooks_batch ON webhooks (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX webhooks_progress ON webhooks (webhook_id) WHERE progress = 1 AND active = 1;

-- One message to one webhook, written in the transaction of what it tells.
CREATE TABLE webhook_deliveries (
  delivery   INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
  event_type TEXT NOT NULL,
  task_id    TEXT NOT NULL,                   -- of a batch's message: the batch's id
  payload    TEXT NOT NULL,                   -- the very bytes that are signed and sent
  state      TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  tries      INTEGER NOT NULL DEFAULT 0,      -- since it was made or replayed
  due_at     INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE INDEX deliveries_due ON webhook_deliveries (due_at, delivery) WHERE state = 'pending';
CREATE INDEX deliveries_webhook ON webhook_deliveries (webhook_id, delivery);
CREATE INDEX deliveries_progress ON webhook_deliveries (webhook_id, task_id, delivery) WHERE event_type = 'task.progress';
CREATE INDEX deliveries_ended ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE webhook_attempts (
  delivery INTEGER NOT NULL REFERENCES webhook_deliveries (delivery) ON DELETE CASCADE,
  number   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  millis   INTEGER NOT NULL,
  status   INTEGER,                           -- of the answer; null when none came
  error    TEXT,                              -- why it counts as a failure
  answer   TEXT NOT NULL,                     -- the first KB of the answer's body
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- How tasks ended, by day (UTC) and kind. A bucket holds the tasks that took 2^(bucket/4) milliseconds and longer,
-- up to the next one: a percentile read from them is at most 19 % too high.
CREATE TABLE figures (
  day    INTEGER NOT NULL,                    -- days since 1970-01-01
  kind   TEXT NOT NULL,
  status TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  millis INTEGER NOT NULL,
  PRIMARY KEY (day, kind, status, bucket)
) STRICT, WITHOUT ROWID;
