-- The queue: what users asked for (tasks), its steps (jobs), every run of them (attempts). Times are milliseconds of
-- Unix time.
CREATE TABLE tasks (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id       TEXT NOT NULL UNIQUE,
  kind          TEXT NOT NULL,
  status        TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  paused        INTEGER NOT NULL DEFAULT 0,
  priority      INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  -- Order within a turn of the queue, so that a task can be put before another one.
  seat          INTEGER NOT NULL DEFAULT 0,
  progress      REAL NOT NULL DEFAULT 0,
  current_step  TEXT,
  title         TEXT NOT NULL,
  source        TEXT NOT NULL,
  input         TEXT NOT NULL,
  media_id      TEXT,
  transcript_id TEXT,
  note          TEXT,
  cached        INTEGER NOT NULL DEFAULT 0,
  error         TEXT,
  batch_id      TEXT,
  not_before    INTEGER,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  started_at    INTEGER,
  finished_at   INTEGER,
  duration      REAL,
  size          INTEGER
) STRICT;
CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_ended ON tasks (finished_at) WHERE finished_at IS NOT NULL;

-- One step of one task.
CREATE TABLE jobs (
  job_id       INTEGER PRIMARY KEY AUTOINCREMENT,
  task         INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  step         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  -- The recipe's step as JSON, as it was when the task was made.
  definition   TEXT NOT NULL,
  lane         TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN
                 ('blocked', 'scheduled', 'ready', 'running', 'waiting', 'succeeded', 'dead', 'cancelled')),
  -- The place in the lane: priority, then turn (round robin over batches), then seat.
  rank         INTEGER NOT NULL,
  turn         INTEGER NOT NULL DEFAULT 0,
  seat         INTEGER NOT NULL DEFAULT 0,
  -- Whose turns it takes: its batch, or empty for single tasks.
  flow         TEXT NOT NULL DEFAULT '',
  -- Its task is paused.
  held         INTEGER NOT NULL DEFAULT 0,
  weight       REAL NOT NULL,
  progress     REAL NOT NULL DEFAULT 0,
  detail       TEXT,
  -- Tries that count, the running one included.
  attempts     INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  crashes      INTEGER NOT NULL DEFAULT 0,
  snoozed_ms   INTEGER NOT NULL DEFAULT 0,
  -- Since when it may be claimed; what ageing counts from.
  ready_at     INTEGER,
  run_at       INTEGER,
  -- The code of the fault that it waits out.
  wait_code    TEXT,
  -- Two jobs with the same one do the same thing: they never run at once.
  mutex        TEXT,
  -- The claim it runs under: the id of its attempt, which only grows.
  lease        INTEGER,
  again        INTEGER NOT NULL DEFAULT 0,
  engine       TEXT,
  cached       INTEGER NOT NULL DEFAULT 0,
  error        TEXT,
  started_at   INTEGER,
  finished_at  INTEGER,
  UNIQUE (task, position)
) STRICT;
CREATE INDEX jobs_ready ON jobs (lane, rank, turn, seat, job_id) WHERE state = 'ready' AND held = 0;
CREATE INDEX jobs_due ON jobs (run_at) WHERE run_at IS NOT NULL;
CREATE INDEX jobs_running ON jobs (lane) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_mutex ON jobs (mutex) WHERE state = 'running' AND mutex IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (wait_code) WHERE wait_code IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (finished_at) WHERE state = 'dead';

-- `job` may run once `needs` has succeeded.
CREATE TABLE dependencies (
  job   INTEGER NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  needs INTEGER NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependents ON dependencies (needs, job);

-- Every run of a job. The id is the lease, the fencing token: AUTOINCREMENT never gives one out twice.
CREATE TABLE attempts (
  lease       INTEGER PRIMARY KEY AUTOINCREMENT,
  job         INTEGER NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  outcome     TEXT NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed', 'snoozed', 'cancelled', 'lost')),
  engine      TEXT,
  error       TEXT,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX attempts_of_job ON attempts (job);

-- What the user paused: 'all' or 'lane:<lane>'. A paused task is marked in its row.
CREATE TABLE pauses (scope TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- One row for each change of a task's status, written with the change itself.
CREATE TABLE outbox (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL,
  status  TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;

-- Tasks that are gone, so that "expired" can be told from "unknown".
CREATE TABLE expired_tasks (
  task_id    TEXT PRIMARY KEY,
  expired_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers that outlive a process.
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
