-- Every request to a cloud service that may cost money, written before it is sent.
CREATE TABLE provider_calls (
  call INTEGER PRIMARY KEY,
  -- What is wished for: the same wish has the same text in every try, so that it is never bought twice.
  wish TEXT NOT NULL,
  task_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  capability TEXT NOT NULL,
  -- sending: on its way; accepted: the service told a job id; settled: done and charged; refused: answered with an
  -- error, not charged; unknown: the answer was lost; released: unknown, and the user asked for it again.
  state TEXT NOT NULL CHECK (state IN ('sending', 'accepted', 'settled', 'refused', 'unknown', 'released')),
  -- The service's job id.
  remote_job TEXT,
  -- The task has failed with OUTCOME_UNKNOWN over it: whoever tries again knows.
  told INTEGER NOT NULL DEFAULT 0,
  -- Millionths of a US dollar; null where the price is not known.
  estimate INTEGER,
  charge INTEGER,
  seconds REAL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  -- Hosts contacted, as a JSON list.
  hosts TEXT NOT NULL DEFAULT '[]',
  -- Why this service was chosen.
  decision TEXT,
  error TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX provider_calls_wish ON provider_calls (wish, call);
CREATE INDEX provider_calls_task ON provider_calls (task_id, call);
CREATE INDEX provider_calls_time ON provider_calls (started_at);

-- What the user allows to be spent in a month, in millionths of a US dollar; the provider '*' stands for all together.
CREATE TABLE provider_caps (
  provider TEXT PRIMARY KEY,
  soft INTEGER,
  hard INTEGER
) STRICT;
