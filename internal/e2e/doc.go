// Package e2e holds the tests of the whole: a logger, real HTTP, and the embedded
// collector with its files.
package e2e
