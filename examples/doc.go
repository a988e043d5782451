// Package examples holds programs to run, read and copy from. Each needs nothing but
// Go, starts its own collector on this machine, and prints the account of its logger
// in the last line.
//
//	go run ./examples/quickstart   one run of an agent, shown as a tree: begin here
//	go run ./examples/agents       60 agents at once, with real searches and tools
//	go run ./examples/longlived    sessions that fall asleep and come back
//	go run ./examples/processes    three processes that work on one trace
//	go run ./examples/faults       failing hooks and servers, as a user sees them
package examples
