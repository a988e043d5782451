// Package cli is the command line of Troupe.
//
//	troupe serve     run a collector
//	troupe show      list traces, or print one as a tree
//	troupe tail      follow traces as they are logged
//	troupe search    find texts in the log
//	troupe diff      compare two traces
//	troupe export    write a trace, a session or a repository to a file
//	troupe import    store exported log lines
//	troupe replay    log recorded conversations
//	troupe demo      log sample data
//	troupe doctor    check the requirements of logging
//	troupe spool     inspect and deliver entries waiting on disk
//
// Each command has a file of its name, with its flags, its help and its work. The commands
// share a client of the JSON API (client.go) and the flags of a server (target.go).
//
// Results go to standard output, everything else to standard error. Colours and progress
// appear only on terminals; NO_COLOR turns colours off.
//
// The exit code is 0 on success, 1 if the command failed, and 2 for wrong arguments. The
// first SIGINT or SIGTERM shuts a command down in order, the second kills it.
package cli
