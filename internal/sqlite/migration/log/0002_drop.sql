-- +goose Up
-- When a sender's last lines came, to a day: microseconds since 1970.
ALTER TABLE spools ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
UPDATE spools SET seen = coalesce((SELECT recv FROM blocks ORDER BY bno DESC LIMIT 1), 0);

-- The last block that was dropped, and the time before which all were.
CREATE TABLE dropped (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  bno    INTEGER NOT NULL,
  recv   INTEGER NOT NULL, -- of that block
  before INTEGER NOT NULL
);
