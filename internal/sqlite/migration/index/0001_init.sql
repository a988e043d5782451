-- +goose Up
CREATE TABLE entities (
  eno           INTEGER PRIMARY KEY,
  k             BLOB    NOT NULL UNIQUE,
  repo          TEXT    NOT NULL,
  kind          INTEGER NOT NULL,
  id            TEXT    NOT NULL,
  parent        BLOB, -- k of the parent
  session       BLOB, -- k of the session
  session_id    TEXT    NOT NULL,
  name          TEXT    NOT NULL,
  model         TEXT    NOT NULL,
  provider      TEXT    NOT NULL,
  start         INTEGER NOT NULL, -- microseconds since 1970; the year 1 if unknown
  "end"         INTEGER NOT NULL,
  seen          INTEGER NOT NULL,
  at            INTEGER NOT NULL, -- start, or seen if that is unknown
  started       INTEGER NOT NULL,
  ended         INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  open          INTEGER NOT NULL,
  tin           INTEGER NOT NULL,
  tout          INTEGER NOT NULL,
  ttotal        INTEGER NOT NULL,
  tcached       INTEGER NOT NULL,
  treasoning    INTEGER NOT NULL,
  cin           REAL    NOT NULL,
  cout          REAL    NOT NULL,
  ctotal        REAL    NOT NULL,
  tags          TEXT    NOT NULL,
  lines         INTEGER NOT NULL
);
CREATE INDEX entities_list    ON entities (repo, kind, at, k, open);
CREATE INDEX entities_parent  ON entities (parent) WHERE parent IS NOT NULL;
CREATE INDEX entities_session ON entities (session, at, k) WHERE session IS NOT NULL;

CREATE TABLE loc (
  eno INTEGER NOT NULL,
  bno INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  PRIMARY KEY (eno, bno, idx)
) WITHOUT ROWID;

CREATE TABLE cur (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL
);
INSERT INTO cur VALUES (1, 0);
