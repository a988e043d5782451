// Package loggertest records the lines that a logger sends, for the tests of programs that use
// package logger. Nothing leaves the process.
//
//	log, rec := loggertest.New(t, logger.Config{})
//	answer(log, "Why?") // the code under test
//	gen := rec.One(t, "generation", "result")
//	rec.AllEnded(t)
//
// # Looking at lines
//
// Lines returns everything that was logged, Find and One pick lines by entity and action, and
// Logged checks the data of a line. Each of them flushes the logger first, so a test need not
// wait. The names of entities, actions and data are those of docs/internals/wire.md.
//
// # Looking at mistakes
//
// AllEnded fails the test for entities that the program forgot to end, and NoErrors for calls
// that the logger rejected or found suspicious. Answer makes the recorder refuse lines, to test
// a program while its server is down.
package loggertest
