-- +goose Up
-- All of this is derived: it is made anew, in a form that fewer writes keep up to date,
-- and folded again.
DROP TABLE totals;
DROP TABLE loc;
DROP TABLE entities;
DROP TABLE cur;

CREATE TABLE cur (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  at      INTEGER NOT NULL, -- the cursor
  version INTEGER NOT NULL, -- counts transactions, so that what is in memory is known to be old
  next    INTEGER NOT NULL, -- the eno of the next new entity
  prices  TEXT    NOT NULL  -- version of the prices that costs are computed with
);
INSERT INTO cur VALUES (1, 0, 0, 1, '');

CREATE TABLE repos (
  repo INTEGER PRIMARY KEY,
  name TEXT    NOT NULL UNIQUE
);

CREATE TABLE entities (
  eno    INTEGER PRIMARY KEY, -- grows with the time of the first line
  k      BLOB    NOT NULL UNIQUE,
  repo   INTEGER NOT NULL,
  kind   INTEGER NOT NULL,
  id     TEXT    NOT NULL,
  parent INTEGER NOT NULL, -- eno of the parent, 0 for none
  trace  INTEGER NOT NULL, -- eno of the trace that it is or hangs in, 0 for none
  born   INTEGER NOT NULL, -- all its lines are in later blocks
  last   INTEGER NOT NULL, -- block of its last line
  data   BLOB    NOT NULL, -- all else, packed
  places BLOB    NOT NULL  -- where its latest lines are, packed
);
CREATE INDEX entities_id     ON entities (repo, id);
CREATE INDEX entities_trace  ON entities (trace) WHERE trace > 0;
CREATE INDEX entities_orphan ON entities (parent) WHERE trace = 0 AND parent > 0;

-- Where earlier lines are, of entities with many.
CREATE TABLE places (
  eno  INTEGER NOT NULL,
  last INTEGER NOT NULL, -- the last place in data
  data BLOB    NOT NULL,
  PRIMARY KEY (eno, last)
) WITHOUT ROWID;

-- Sessions and traces, as lists ask for them.
CREATE TABLE tops (
  eno     INTEGER PRIMARY KEY,
  repo    INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  at      INTEGER NOT NULL, -- microseconds since 1970: the start, or when it was first seen
  session INTEGER NOT NULL, -- eno of the session, 0 for none
  status  INTEGER NOT NULL, -- 0 error, 1 ended, 2 open, 3 partial
  dur     INTEGER NOT NULL, -- microseconds, 0 if unknown
  cost    INTEGER NOT NULL, -- billionths of a dollar, of the tree
  tokens  INTEGER NOT NULL, -- of the tree
  bits    INTEGER NOT NULL, -- 1 << kind of what is below
  data    BLOB    NOT NULL  -- totals, previews and labels, packed
);
CREATE INDEX tops_at      ON tops (repo, kind, at);
CREATE INDEX tops_dur     ON tops (repo, dur) WHERE kind = 2;
CREATE INDEX tops_cost    ON tops (repo, cost) WHERE kind = 2;
CREATE INDEX tops_status  ON tops (repo, status, at) WHERE kind = 2 AND status <> 1;
CREATE INDEX tops_session ON tops (session, at) WHERE session > 0;

-- What traces are found by: models, tools, tags and so on. Each is stored once.
CREATE TABLE labels (
  label INTEGER PRIMARY KEY,
  repo  INTEGER NOT NULL,
  field INTEGER NOT NULL,
  key   TEXT    NOT NULL,
  value TEXT    NOT NULL,
  UNIQUE (repo, field, key, value)
);
CREATE TABLE marks (
  label INTEGER NOT NULL,
  at    INTEGER NOT NULL, -- of the trace
  eno   INTEGER NOT NULL, -- of the trace
  PRIMARY KEY (label, at, eno)
) WITHOUT ROWID;

CREATE TABLE counts (
  repo     INTEGER NOT NULL,
  kind     INTEGER NOT NULL,
  entities INTEGER NOT NULL,
  open     INTEGER NOT NULL,
  PRIMARY KEY (repo, kind)
) WITHOUT ROWID;

CREATE TABLE rollups (
  repo  INTEGER NOT NULL,
  daily INTEGER NOT NULL, -- 1 for a day, 0 for an hour
  start INTEGER NOT NULL, -- microseconds since 1970
  kind  INTEGER NOT NULL,
  name  TEXT    NOT NULL, -- model or tool
  data  BLOB    NOT NULL, -- counters, packed
  PRIMARY KEY (repo, daily, start, kind, name)
) WITHOUT ROWID;
