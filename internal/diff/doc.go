// Package diff compares two model calls, and two traces.
//
// [Generations] aligns messages by role and content, then shows the changes within a
// message by lines and words. [Traces] aligns trees by kind, name and number among equal
// siblings. Only content is compared: ids that a client or a provider generates per call
// are ignored.
//
// Beyond reading the input once, a comparison takes a bounded number of steps: a text that
// is too long ([MaxText]) or too different is only reported as different. Steps are counted, not timed, so that the same input always gives the
// same result. Comparing b with a gives the
// result of comparing a with b with the sides exchanged.
//
// All functions are pure and safe for concurrent use. Results share the JSON of the
// nodes they were made of.
package diff
