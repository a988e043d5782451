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

	"github.com/troupelog/troupe/collector/store"
)

const (
	// answerTime is how long the log may take to answer whether it is there.
	answerTime = 2 * time.Second
	// recent is how long an attempt to store counts for what is true now.
	recent = 5 * time.Second
	// probeEvery is how often the folder is tried at most.
	probeEvery = time.Second
)

// readiness knows why nothing can be stored now. Its zero value knows of nothing. It is
// safe for concurrent use.
type readiness struct {
	mu      sync.Mutex
	reasons map[string]string // by what they are about; guarded by mu
	failed  time.Time         // when storing lines failed last; guarded by mu
	stored  time.Time         // when lines were stored last; guarded by mu
	probed  time.Time         // when the folder was tried last; guarded by mu
	probe   error             // what that failed with; guarded by mu
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

// why returns the reasons, in the order of what they are about, none if all is well. It
// tries to write to the folder where nothing shows that this works.
func (r *readiness) why(dir string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, about := range slices.Sorted(maps.Keys(r.reasons)) {
		all = append(all, r.reasons[about])
	}
	now := time.Now()
	if r.failed.After(r.stored) && now.Sub(r.failed) < recent {
		all = append(all, "storing lines failed a moment ago; the collector's own log says why")
	}
	if now.Sub(r.stored) < recent {
		return all
	}
	if now.Sub(r.probed) >= probeEvery {
		r.probe, r.probed = tryToWrite(dir), now
	}
	if r.probe != nil {
		all = append(all, "the data folder cannot be written: "+withoutPath(r.probe))
	}
	return all
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
	why := c.readiness.why(c.dir)
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := c.log.Probe(ctx)
	_, damaged := errors.AsType[*store.DamagedError](err)
	switch {
	case errors.Is(err, store.ErrClosed):
		why = append(why, "the collector is closed")
	case damaged:
		why = append(why, "the log is damaged; the collector's own log says what to do")
	case err != nil:
		why = append(why, "the log cannot store: "+withoutPath(err))
	}
	return why
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
