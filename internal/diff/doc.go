// Package diff compares two model calls, and two traces.
//
// [Generations] aligns messages by role and content, then shows what is new within a
// message by lines and words. [Traces] aligns trees by kind, name and number among equal
// siblings. What is compared is content: ids that a client or a provider makes up for
// each call do not count.
//
// Comparing takes a bounded number of steps beyond reading what is given once, whatever
// that holds: a text that is too long ([MaxText]) or too different for it is only told
// to be different. Steps are counted, not timed, so that the same input always gives the
// same result. A comparison of b with a is that of a with b with the sides exchanged.
//
// All functions are pure and safe for concurrent use. Results share the JSON of the
// nodes they were made of.
package diff
