package collector

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

const (
	// answerTime is how long a probe may take before the collector is not ready.
	answerTime = 2 * time.Second
	// recent is how long an attempt to store counts for what is true now.
	recent = 5 * time.Second
	// probeEvery is how long the result of a probe counts.
	probeEvery = time.Second
)

// readiness knows why nothing can be stored now. Its zero value knows of nothing. It is
// safe for concurrent use.
type readiness struct {
	mu      sync.Mutex
	reasons map[string]string // by what they are about; guarded by mu
	failed  time.Time         // when storing lines failed last; guarded by mu
	stored  time.Time         // when lines were stored last; guarded by mu
	probe   *probe            // the one under way, or the last one; guarded by mu
	closed  bool              // no probe begins any more; guarded by mu
}

// probe is one attempt to write to the data folder and to the log. Its results are written
// before done is closed, and immutable from then on.
type probe struct {
	began, ended time.Time
	folder, log  error // what each of them failed with
	done         chan struct{}
}

// set says why the collector is not ready on account of something, until it is set to "".
// Everybody can read the reason: it names no path and no content.
func (r *readiness) set(about, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reason == "" {
		delete(r.reasons, about)
		return
	}
	if r.reasons == nil {
		r.reasons = map[string]string{}
	}
	r.reasons[about] = reason
}

// appended notes what came of an attempt to store lines.
func (r *readiness) appended(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed = time.Now()
	} else {
		r.stored = time.Now()
	}
}

// why returns the reasons, in the order of what they are about, none if all is well. try
// returns what writing to the folder and to the log fails with. One try runs at a time, and
// its result counts for probeEvery, so it does not matter how many ask. why returns when a
// try has run for answerTime, or when ctx ends, though the try may hang.
func (r *readiness) why(ctx context.Context, try func() (folder, log error)) []string {
	all, p := r.begin(try)
	if p == nil {
		return append(all, "the collector is closed")
	}
	late := time.NewTimer(time.Until(p.began.Add(answerTime)))
	defer late.Stop()
	select {
	case <-p.done:
		return append(all, r.found(p)...)
	case <-late.C:
	case <-ctx.Done():
	}
	return append(all, notInTime)
}

const notInTime = "the log does not answer in time"

// begin returns the reasons that are known, and the probe that says the others: the last
// one, or a new one where that is too old. It is nil where the collector is closed.
func (r *readiness) begin(try func() (folder, log error)) ([]string, *probe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, about := range slices.Sorted(maps.Keys(r.reasons)) {
		all = append(all, r.reasons[about])
	}
	if r.failed.After(r.stored) && time.Since(r.failed) < recent {
		all = append(all, "storing lines failed a moment ago; the collector's own log says why")
	}
	if r.closed {
		return all, nil
	}
	if r.probe == nil || r.probe.old() {
		p := &probe{began: time.Now(), done: make(chan struct{})}
		r.probe = p
		go func() {
			defer close(p.done)
			p.folder, p.log = try()
			p.ended = time.Now()
		}()
	}
	return all, r.probe
}

// old reports whether a probe has ended and says nothing about now.
func (p *probe) old() bool {
	select {
	case <-p.done:
		return time.Since(p.ended) >= probeEvery
	default:
		return false
	}
}

// found returns the reasons that a probe which is done has found.
func (r *readiness) found(p *probe) (all []string) {
	r.mu.Lock()
	stored := r.stored
	r.mu.Unlock()
	if p.folder != nil && time.Since(stored) >= recent { // else the folder was written to
		all = append(all, "the data folder cannot be written: "+withoutPath(p.folder))
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

// close keeps probes from beginning, and waits for the one under way until ctx ends.
func (r *readiness) close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	p := r.probe
	r.mu.Unlock()
	if p == nil {
		return
	}
	select {
	case <-p.done:
	case <-ctx.Done():
	}
}

// tryToWrite writes a page to a new file in a folder and removes the file.
func tryToWrite(dir string) error {
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return err
	}
	removed := os.Remove(f.Name()) // a process that is killed now leaves nothing
	_, err = f.Write(make([]byte, 4<<10))
	err = errors.Join(err, f.Close())
	if removed != nil {
		err = errors.Join(err, os.Remove(f.Name())) // Windows removes no open file
	}
	return err
}

// withoutPath returns what the system says of a file, without its name.
func withoutPath(err error) string {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	return "the collector's own log says why"
}

// ready returns why nothing can be stored now, none if it can.
func (c *Collector) ready(ctx context.Context) []string {
	return c.readiness.why(ctx, c.tryToStore)
}

// tryToStore returns what writing to the folder and to the log fails with.
func (c *Collector) tryToStore() (folder, log error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	return tryToWrite(c.dir), c.log.Probe(ctx)
}

// healthz answers that the process is there. What it depends on is asked by readyz: to
// start this process anew would not mend that.
func (c *Collector) healthz(w http.ResponseWriter, _ *http.Request) error {
	c.writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// readyz answers whether lines can be stored, and if not, why.
func (c *Collector) readyz(w http.ResponseWriter, r *http.Request) error {
	if why := c.ready(r.Context()); len(why) > 0 {
		c.writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reasons": why})
		return nil
	}
	c.writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}
