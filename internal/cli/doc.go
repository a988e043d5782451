// Package cli is the command line of Troupe.
//
//	troupe serve     runs a collector
//	troupe show      shows what a collector holds, as a tree
//	troupe replay    logs recorded conversations
//	troupe spool     shows and delivers what waits on disk
//
// Results go to standard output, everything else to standard error. Colours and
// progress are for terminals only, and colours not where NO_COLOR is set.
//
// The exit code is 0 on success, 1 if the command failed, and 2 if it was called
// wrongly. The first SIGINT or SIGTERM ends a command in order, the second at once.
package cli
