-- +goose Up
CREATE TABLE repos (
  rno  INTEGER PRIMARY KEY, -- at most 2^20 - 1
  name TEXT    NOT NULL UNIQUE
);

CREATE TABLE blocks (
  bno  INTEGER PRIMARY KEY, -- at most 2^36 - 1
  recv INTEGER NOT NULL     -- microseconds since 1970, growing with bno
);
CREATE INDEX blocks_recv ON blocks (recv);

-- The words of a line are indexed and not kept. The rowid is rno << 43 | bno << 7 | idx,
-- so that a range of rowids is what a repository received in a range of time. Texts come
-- as words already, so that the simplest tokenizer will do.
CREATE VIRTUAL TABLE words USING fts5 (t, content = '', columnsize = 0, tokenize = 'ascii');
-- A commit writes one segment, and segments are merged 16 at a time: with 4, twice the
-- time went into merging.
INSERT INTO words (words, rank) VALUES ('hashsize', 16777216), ('automerge', 16), ('crisismerge', 64);

CREATE TABLE cur (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  at   INTEGER NOT NULL, -- blocks up to here are searched
  gone INTEGER NOT NULL  -- blocks up to here were dropped
);
INSERT INTO cur VALUES (1, 0, 0);
