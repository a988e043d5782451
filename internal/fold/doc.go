// Package fold turns log lines into what they describe. It is pure: no clock, no
// storage, no goroutines. Every store uses it, so that all of them agree.
//
// A line says what happened to one entity, or that a child began below it.
// [Decode] turns a line into changes, one for each entity it touches.
// [Entity.Apply] folds changes into the thin state that lists and indexes need;
// [Build] folds a trace's lines into the whole tree with inputs, outputs and
// results.
//
// # What a fold is defined as
//
// The state of an entity is the fold of all its lines in the order of [Sort].
// Nothing else matters: not the order in which lines arrived, nor how they were
// cut into batches. Within this order
//
//   - any line makes the entity exist; a line that begins it (create, or an add-…
//     line of its parent) only fills fields, so children, updates and ends may
//     come before it;
//   - a scalar is what the last line that has it says; null and absent say
//     nothing; an end does not close the entity;
//   - the start is that of the first line that begins the entity, unless an update
//     sets it;
//   - the first parent wins;
//   - tags, metadata, metrics and model parameters merge by key, and null deletes; the
//     lists of the metadata troupe.cut append;
//   - messages of a begin replace those of an earlier begin, all others append;
//     events, feedback, attachments and evaluations append;
//   - the last result wins, earlier ones are kept as attempts.
package fold
