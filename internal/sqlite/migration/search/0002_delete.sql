-- +goose Up
-- Rows can be deleted: with contentless_delete, a deleted row is marked, and merging
-- leaves its words out. A table cannot be altered so; what a file held is searched anew.
DROP TABLE words;
CREATE VIRTUAL TABLE words USING fts5 (t, content = '', contentless_delete = 1, tokenize = 'ascii');
INSERT INTO words (words, rank) VALUES ('hashsize', 16777216), ('automerge', 16), ('crisismerge', 64);
DELETE FROM blocks;
DELETE FROM repos;
UPDATE cur SET at = 0;
