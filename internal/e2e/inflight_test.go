package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/logger"
)

// With several batches on their way at once, a collector has every line once and folds
// those of each session in their order, though a part of the answers is lost.
func TestSeveralBatchesInFlightReachTheCollectorInOrder(t *testing.T) {
	s := newServer(t)
	drops := &lossy{every: 5}
	l := s.logger(logger.Config{InFlight: 8, Transport: drops, FlushInterval: time.Millisecond})
	const sessions, updates = 20, 500
	traces := make([]logger.Trace, sessions)
	for i := range traces {
		session := l.Session(logger.SessionConfig{ID: fmt.Sprint("s", i)})
		traces[i] = l.Trace(logger.TraceConfig{ID: fmt.Sprint("t", i), SessionID: session.ID()})
	}
	for n := range updates {
		for _, trace := range traces {
			trace.AddTag("n", fmt.Sprint(n))
		}
	}
	for _, trace := range traces {
		trace.End()
	}
	stats := finish(t, l)
	if drops.lost() == 0 {
		t.Error("no answer was lost")
	}
	want := fmt.Sprintf(`"lines":%d,`, stats.Accepted)
	if body := s.body("/api/v1/repositories"); !strings.Contains(body, want) {
		t.Errorf("stored is %s, want %s", body, want)
	}
	for i := range traces {
		if body := s.body(fmt.Sprintf("/api/v1/repositories/repo/traces/t%d", i)); !strings.Contains(body, fmt.Sprintf(`"n":"%d"`, updates-1)) {
			t.Errorf("trace t%d does not have its last tag: %.200s", i, body)
		}
	}
}
