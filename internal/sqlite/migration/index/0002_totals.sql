-- +goose Up
-- What hangs below a trace, and the usage and cost of the trace itself.
CREATE TABLE totals (
  k          BLOB    PRIMARY KEY, -- of the trace
  entities   INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  tin        INTEGER NOT NULL,
  tout       INTEGER NOT NULL,
  ttotal     INTEGER NOT NULL,
  tcached    INTEGER NOT NULL,
  treasoning INTEGER NOT NULL,
  cin        REAL    NOT NULL,
  cout       REAL    NOT NULL,
  ctotal     REAL    NOT NULL
) WITHOUT ROWID;

-- All of this is derived: fold it again, with totals.
DELETE FROM loc;
DELETE FROM entities;
UPDATE cur SET at = 0;
