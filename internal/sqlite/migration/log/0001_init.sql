-- +goose Up
CREATE TABLE repos (
  rno     INTEGER PRIMARY KEY,
  name    TEXT    NOT NULL UNIQUE,
  lines   INTEGER NOT NULL, -- stored
  refused INTEGER NOT NULL  -- malformed
);

CREATE TABLE spools (
  sno  INTEGER PRIMARY KEY,
  rno  INTEGER NOT NULL,
  uuid BLOB    NOT NULL,
  UNIQUE (rno, uuid)
);

-- The line numbers a sender has used: ranges that neither overlap nor touch.
CREATE TABLE acked (
  sno   INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  PRIMARY KEY (sno, first)
) WITHOUT ROWID;

CREATE TABLE blocks (
  bno   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: cursors rely on it
  rno   INTEGER NOT NULL,
  recv  INTEGER NOT NULL, -- microseconds since 1970
  spool BLOB    NOT NULL,
  first INTEGER NOT NULL, -- the sender's number of the first line
  late  INTEGER NOT NULL,
  base  INTEGER NOT NULL, -- lines of the repository before this block
  n     INTEGER NOT NULL,
  z     BLOB    NOT NULL
);
CREATE UNIQUE INDEX blocks_base ON blocks (rno, base);
