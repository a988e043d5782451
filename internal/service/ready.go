package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// probeTime is the time within which a probe must answer.
	probeTime = 2 * time.Second
	// recent is the time for which the result of an attempt to store lines counts.
	recent = 5 * time.Second
	// probeEvery is the time for which the result of a probe counts.
	probeEvery = time.Second
)

// Ready returns the reasons why nothing can be stored now, none if all is well. It takes at
// most probeTime. The reasons are public: they name no path and no content.
func (s *Service) Ready(ctx context.Context) []string { return s.ready.reasons(ctx, s.probe) }

// SetUnready adds a reason to Ready until it is called with the same subject and "".
func (s *Service) SetUnready(subject, reason string) { s.ready.set(subject, reason) }

// probe returns the errors of writing to the storage and to each log.
func (s *Service) probe() (storage, log error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	return s.store.Ready(ctx)
}

// readiness collects reasons why nothing can be stored. Its zero value has none. It is safe
// for concurrent use.
type readiness struct {
	mu     sync.Mutex
	known  map[string]string // reason by subject; guarded by mu
	failed time.Time         // last failure to store lines; guarded by mu
	stored time.Time         // last success; guarded by mu
	last   *probe            // under way or done; guarded by mu
	closed bool              // no more probes; guarded by mu
}

// probe is one attempt to write. Its results are written before done is closed and immutable
// from then on.
type probe struct {
	began, ended time.Time
	storage, log error
	done         chan struct{}
}

// set adds a reason for a subject, or removes it if reason is "".
func (r *readiness) set(subject, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reason == "" {
		delete(r.known, subject)
		return
	}
	if r.known == nil {
		r.known = map[string]string{}
	}
	r.known[subject] = reason
}

// appended records the result of an attempt to store lines.
func (r *readiness) appended(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed = time.Now()
	} else {
		r.stored = time.Now()
	}
}

const (
	notInTime = "the log does not answer in time"
	isClosed  = "the collector is closed"
)

// reasons returns the reasons, ordered by subject. try writes something and returns the
// errors. One try runs at a time and its result counts for probeEvery, so the number of
// callers does not matter. reasons returns once a try has run for probeTime, or when ctx
// ends, even if the try never returns.
func (r *readiness) reasons(ctx context.Context, try func() (storage, log error)) []string {
	all, p := r.begin(try)
	if p == nil {
		return append(all, isClosed)
	}
	// Counted from the beginning of the probe: later callers do not wait for its full time again.
	late := time.NewTimer(time.Until(p.began.Add(probeTime)))
	defer late.Stop()
	select {
	case <-p.done:
		return append(all, r.found(p)...)
	case <-late.C:
	case <-ctx.Done():
	}
	return append(all, notInTime)
}

// begin returns the known reasons and the probe with the others: the last one, or a new one
// if that is too old. The probe is nil once closed is set.
func (r *readiness) begin(try func() (storage, log error)) ([]string, *probe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, subject := range slices.Sorted(maps.Keys(r.known)) {
		all = append(all, r.known[subject])
	}
	// A failure counts until lines are stored again. Without senders, it expires.
	if r.failed.After(r.stored) && time.Since(r.failed) < recent {
		all = append(all, "storing lines failed a moment ago; the collector's own log says why")
	}
	if r.closed {
		return all, nil
	}
	if r.last == nil || r.last.old() {
		p := &probe{began: time.Now(), done: make(chan struct{})}
		r.last = p
		go func() {
			defer close(p.done)
			p.storage, p.log = try()
			p.ended = time.Now()
		}()
	}
	return all, r.last
}

// old reports whether a probe ended too long ago to count.
func (p *probe) old() bool {
	select {
	case <-p.done:
		return time.Since(p.ended) >= probeEvery
	default:
		return false
	}
}

// found returns the reasons that a finished probe has found. A storage that lines were
// written to lately counts as writable.
func (r *readiness) found(p *probe) (all []string) {
	// Lines may have been stored since the probe began.
	r.mu.Lock()
	stored := r.stored
	r.mu.Unlock()
	if p.storage != nil && time.Since(stored) >= recent {
		all = append(all, "the data folder cannot be written: "+withoutPath(p.storage))
	}
	_, damaged := errors.AsType[*store.DamagedError](p.log)
	switch {
	case errors.Is(p.log, context.DeadlineExceeded):
		all = append(all, notInTime)
	case damaged:
		all = append(all, "the log is damaged; the collector's own log says what to do")
	case p.log != nil:
		all = append(all, "the log cannot store: "+withoutPath(p.log))
	}
	return all
}

// close prevents further probes and waits for the one under way until ctx ends.
func (r *readiness) close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	p := r.last
	r.mu.Unlock()
	if p == nil {
		return
	}
	select {
	case <-p.done:
	case <-ctx.Done():
	}
}

// withoutPath returns the message of the operating system without the name of a file.
func withoutPath(err error) string {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	return "the collector's own log says why"
}
