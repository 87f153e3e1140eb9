-- A pause may end by itself, at this time (milliseconds since 1970, UTC).
ALTER TABLE pauses ADD COLUMN until INTEGER;
