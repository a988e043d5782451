-- +goose Up
-- Keys are made of safe ids, parents of spans are found by span ids, times that are no
-- durations are counted no more: all of it is folded again.
DELETE FROM entities;
DELETE FROM places;
DELETE FROM tops;
DELETE FROM labels;
DELETE FROM marks;
DELETE FROM counts;
DELETE FROM rollups;
UPDATE cur SET at = 0, version = version + 1, next = 1;

-- Numbers made of span ids, 0 for none; see step.hang.
ALTER TABLE entities ADD COLUMN above INTEGER NOT NULL DEFAULT 0; -- of the parent that a span names
ALTER TABLE entities ADD COLUMN span  INTEGER NOT NULL DEFAULT 0; -- of its own, where its key does not begin with it
ALTER TABLE entities ADD COLUMN home  INTEGER NOT NULL DEFAULT 0; -- beginning of the trace id of a span
CREATE INDEX entities_above ON entities (above, home) WHERE above <> 0;
CREATE INDEX entities_span  ON entities (span, home) WHERE span <> 0;
