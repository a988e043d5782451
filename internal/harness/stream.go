package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/logger"
)

// stream is a goroutine of a worker that logs entries, numbered without a gap: an entry
// that is rejected is offered again.
type stream struct {
	worker   *worker
	job      streamJob
	name     string
	session  string
	rnd      *rand.Rand
	journal  *os.File // nil: none
	accepted atomic.Int64
}

// syncTime limits the time that a stream waits for a Sync; it is effectively unlimited. Only
// one that returns nil acknowledges anything.
const syncTime = time.Minute

func newStream(w *worker, i int) *stream {
	s := &stream{worker: w, job: w.job.Streams[i], name: fmt.Sprintf("%sp%d", w.job.Name, i), rnd: seeded(w.job.Seed + uint64(i))}
	s.session = sessionName(w.job.Name, s.job.Session)
	if w.job.Journal != "" {
		s.journal = openJournal(w.job.Journal, s.name)
	}
	return s
}

func openJournal(dir, name string) *os.File {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
	return f
}

// run logs until the stream is stopped, has its count or the logger is closed.
func (s *stream) run() {
	start, offered := time.Now(), 0
	unsynced := s.batch()
	for s.worker.stopped.Err() == nil && (s.job.Count == 0 || int(s.accepted.Load()) < s.job.Count) {
		s.pace(start, offered)
		offered++
		err := s.offer()
		switch {
		case errors.Is(err, logger.ErrClosed):
			return
		case err != nil:
			continue
		}
		if unsynced--; unsynced == 0 {
			s.sync()
			unsynced = s.batch()
		}
	}
}

// batch returns how many entries come before the next Sync, -1 for no end.
func (s *stream) batch() int {
	if s.job.SyncEvery == 0 {
		return -1
	}
	return 1 + s.rnd.IntN(s.job.SyncEvery)
}

// pace waits until the next entry is due.
func (s *stream) pace(start time.Time, offered int) {
	if s.job.Rate == 0 {
		return
	}
	due := start.Add(time.Duration(float64(offered) / s.job.Rate * float64(time.Second)))
	if wait := time.Until(due); wait > 0 {
		select {
		case <-time.After(wait):
		case <-s.worker.stopped.Done():
		}
	}
}

// offer logs the next entry and returns why it was rejected.
func (s *stream) offer() error {
	index := int(s.accepted.Load())
	text := arrivals.Stamp{Stream: s.name, Index: index}.Text(s.session, s.job.Size)
	start := time.Now()
	err := s.log(index, text)
	took := time.Since(start)
	if err != nil {
		s.worker.rejected(err, took)
		return err
	}
	s.worker.call.add(took)
	s.accepted.Add(1)
	if s.journal != nil {
		var at [8]byte
		binary.LittleEndian.PutUint64(at[:], uint64(time.Now().UnixNano()))
		if _, err := s.journal.Write(at[:]); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(2)
		}
	}
	return nil
}

// log makes the call; one that is rejected panics, see logger.Config.PanicOnMisuse.
func (s *stream) log(index int, text string) (rejected *logger.Error) {
	defer func() { rejected = rejection(recover()) }()
	if !s.job.Attachment {
		s.worker.log.SessionAddTag(s.session, arrivals.TagKey, text)
		return nil
	}
	a := logger.DataAttachment([]byte(text))
	a.ID = s.name + "i" + strconv.Itoa(index)
	a.Name = arrivals.Stamp{Stream: s.name, Index: index}.Text(s.session, 0)
	s.worker.log.SessionAddAttachment(s.session, a)
	return nil
}

// rejection returns the reason of a rejected call, from the result of recover.
func rejection(cause any) *logger.Error {
	switch cause := cause.(type) {
	case nil:
		return nil
	case *logger.Error:
		return cause
	default:
		panic(cause)
	}
}

// sync acknowledges the entries accepted so far, if Sync succeeds.
func (s *stream) sync() {
	n := int(s.accepted.Load())
	ctx, cancel := context.WithTimeout(s.worker.stopped, syncTime)
	defer cancel()
	start := time.Now()
	if s.worker.log.Sync(ctx) == nil {
		s.worker.sync.add(time.Since(start))
		s.acknowledge(n)
	}
}

// acknowledge tells the parent that the first n entries are safe.
func (s *stream) acknowledge(n int) { s.worker.tell(evAcked, s.name, strconv.Itoa(n)) }

// readJournal returns when the entries of a stream were accepted, and removes the file.
func readJournal(dir, name string) ([]time.Time, error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // it was killed before it began
	}
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for ; len(text) >= 8; text = text[8:] {
		times = append(times, time.Unix(0, int64(binary.LittleEndian.Uint64(text))))
	}
	return times, os.Remove(path)
}
