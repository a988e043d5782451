// Package protocol is the vocabulary of the log protocol, which client and collector share:
// kinds, actions, ids, headers, producers and size limits. Each has its name and its value
// here and nowhere else. The package imports the standard library only.
package protocol
