// Package fold computes entities and traces from log lines. It is pure: no clock, no
// storage, no goroutines. Every store uses it, so that all of them agree.
//
// A line describes an event of one entity, or the beginning of a child below it.
// [Decode] turns a line into changes, one for each entity it affects.
// [Entity.Apply] folds changes into the thin state that lists and indexes need;
// [Build] folds a trace's lines into the whole tree with inputs, outputs and
// results.
//
// # Definition of the fold
//
// The state of an entity is the fold of all its lines in the order of [Sort].
// Nothing else matters: not the order in which lines arrived, nor the batches in
// which they were sent. Within this order
//
//   - any line makes the entity exist; a line that begins it (create, or an add-…
//     line of its parent) only fills fields, so children, updates and ends may
//     come before it;
//   - a scalar has the value of the last line that sets it; null and absent set
//     nothing; an end does not close the entity;
//   - the start is taken from the first line that begins the entity, unless an
//     update sets it;
//   - the first parent wins;
//   - tags, metadata, metrics and model parameters merge by key, and null deletes; the
//     lists in the metadata troupe.cut append;
//   - messages of a begin replace the messages of an earlier begin, all others append;
//     events, feedback, attachments and evaluations append;
//   - the last result wins, earlier ones are kept as attempts.
package fold
