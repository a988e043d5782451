package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/logger"
)

// A collector may refuse more than a logger of another version expects. Lines that the
// logger did not check wait in its spool here: accepted = delivered + dead, and all that
// is dead was reported, though the collector answers 200 and a part of its answers is lost.
func TestLinesThatTheCollectorRefusesAreDeadLetters(t *testing.T) {
	const lines, bad = 900, 300
	s := newServer(t)
	left, err := spool.Open(spool.Config{Dir: s.spools, Target: spool.Target("http://"+s.addr, "repo")})
	if err != nil {
		t.Fatal(err)
	}
	items := make([]seglog.Item, lines)
	for i := range items {
		items[i] = seglog.Item{Kind: seglog.Line, Data: fmt.Appendf(nil, `trace{id=t%d,action=create,data={}}`, i)}
		switch i % 9 {
		case 0: // an id that is too long
			items[i].Data = fmt.Appendf(nil, `trace{id=%s%d,action=create,data={}}`, strings.Repeat("x", 1100), i)
		case 3: // a value that is nested too deep
			items[i].Data = fmt.Appendf(nil, `trace{id=t%d,action=update,data=%s}`, i, strings.Repeat("[", 2000)+strings.Repeat("]", 2000))
		case 6:
			items[i].Data = fmt.Appendf(nil, "no line %d", i)
		}
	}
	if err := left.Lines.Sync(t.Context(), left.Lines.Append(items)); err != nil {
		t.Fatal(err)
	}
	if err := left.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	reported := 0
	drops := &lossy{every: 3}
	l := s.logger(logger.Config{Transport: drops, InFlight: 3, OnError: func(err error) {
		if errors.Is(err, logger.ErrRefused) {
			mu.Lock()
			defer mu.Unlock()
			reported++
		}
	}})
	if err := l.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	trace := l.Trace(logger.TraceConfig{ID: "own"})
	trace.End()
	stats := finish(t, l)
	if stats.Dead != bad || stats.Delivered != lines-bad+2 || reported != bad || stats.Recovered != lines {
		t.Errorf("%d recovered, %d delivered, %d dead, %d reported; want %d, %d, %d, %d",
			stats.Recovered, stats.Delivered, stats.Dead, reported, lines, lines-bad+2, bad, bad)
	}
	want := fmt.Sprintf(`"lines":%d,`, stats.Delivered)
	if body := s.body("/api/v1/repositories"); !strings.Contains(body, want) {
		t.Errorf("stored is %s, want %s", body, want)
	}
}
