-- Dead letters that the user no longer wants to see: the job stays dead, its task failed.
ALTER TABLE jobs ADD COLUMN cleared_at INTEGER;
DROP INDEX jobs_dead;
CREATE INDEX jobs_dead ON jobs (finished_at) WHERE state = 'dead' AND cleared_at IS NULL;
