package main

import (
	"time"

	"github.com/troupelog/troupe/logger"
)

// repository is the log repository of all experiments.
const repository = "harness"

// workerCommand makes this program a worker; the argument after it is a job as JSON.
const workerCommand = "worker"

// job specifies the work of a worker.
type job struct {
	URL   string // of the server
	Spool string // folder; empty: no disk
	Name  string // unique; names of sessions and streams begin with it

	MaxSpoolBytes int64         // as in logger.Config
	InFlight      int           // as in logger.Config
	MaxWait       time.Duration // as in logger.Config
	FlushInterval time.Duration // as in logger.Config

	Sessions int
	Streams  []streamJob
	Syncs    time.Duration // how often to call Sync and measure it; 0 is never
	Journal  string        // folder in which each stream notes when entries were accepted; empty: none
	Seed     uint64
	Open     int // entities that are begun and never ended, before all streams
}

// streamJob specifies the entries that a goroutine logs.
type streamJob struct {
	Session    int
	Size       int     // bytes of an entry
	Rate       float64 // entries per second; 0: as fast as they are accepted
	Count      int     // entries; 0: until it is stopped
	SyncEvery  int     // call Sync after up to so many entries, and report the covered ones; 0: never
	Attachment bool    // entries are attachments with a content of Size
}

// streams returns n equal streams, dealt to sessions.
func streams(n, sessions int, s streamJob) []streamJob {
	all := make([]streamJob, n)
	for i := range all {
		all[i] = s
		all[i].Session = i % sessions
	}
	return all
}

// The commands that a worker takes, one a line, with a time limit where there is a
// second word. It answers each with the same word and a report as JSON.
const (
	cmdReport = "report" // nothing but the report
	cmdStop   = "stop"   // end the streams, and wait for that
	cmdFinish = "finish" // wait until the streams have ended by themselves
	cmdSync   = "sync"
	cmdFlush  = "flush"
	cmdDrain  = "drain" // wait until nothing is pending, adopted orphans too
	cmdClose  = "close"
)

// The events that a worker tells, one a line.
const (
	evReady = "ready" // the logger is open
	evAcked = "acked" // and a stream, and how many of its entries are acknowledged
	evEnded = "ended" // a word at the end of the worker's life: nothing comes after it
)

// report holds the figures of a worker.
type report struct {
	Err     string // of the command, empty for none
	Pending int    // of the error of close: how many entries it says are not delivered
	Took    time.Duration

	PeakPending int64 // bytes of entries that were not on disk, at most while the logger closed

	Stats    logger.Stats
	Streams  map[string]int   // accepted entries
	Errors   map[string]int64 // calls of OnError, by reason
	Baseline int64            // RSS before the logger was made
	Usage    usage

	Call, Sync      quantiles // times of calls that log, and of Sync
	Rejection       quantiles // times of calls that were rejected
	FirstRejected   time.Time
	LastRejected    time.Time
	RejectedBecause map[string]int64
	Offered         time.Duration // how long the streams have run
}
