package logger

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// 200,000 calls with a panic in 1 % of the commands: everything is delivered, in
// order, the panics are counted, and no other entity is touched.
func TestPanicsInActorsLoseNothing(t *testing.T) {
	const sessions, calls = 100, 200_000
	var injected, seen atomic.Int64
	r := newRig(t, Config{MaxBytes: 1 << 30}, func(m *messages.Command) {
		if m.Action == messages.Update && !m.Emitted && seen.Add(1)%100 == 0 {
			injected.Add(1)
			panic("injected")
		}
	})
	var calling sync.WaitGroup
	for s := range sessions {
		calling.Go(func() {
			session := r.Session(SessionConfig{ID: fmt.Sprint("s", s)})
			trace := session.AddTrace(TraceConfig{ID: fmt.Sprint("t", s)})
			for i := range calls/sessions - 4 {
				trace.AddTag("n", fmt.Sprint(i))
			}
			trace.End()
			session.End()
		})
	}
	calling.Wait()
	next := map[string]int{}
	for _, line := range r.flushed() {
		f := strings.SplitN(line, " ", 4)
		if f[2] != "update" {
			continue
		}
		if want := fmt.Sprintf(`{"tags":{"n":"%d"}}`, next[f[1]]); f[3] != want {
			t.Fatalf("%s: got %s, want %s", f[1], f[3], want)
		}
		next[f[1]]++
	}
	stats := r.Stats()
	if stats.Delivered != calls || stats.Accepted != calls {
		t.Errorf("%v, want %d accepted and delivered", stats, calls)
	}
	if stats.Panics != injected.Load() || injected.Load() < calls/100-10 || stats.Salvaged != injected.Load() {
		t.Errorf("%d panics and %d quarantined counted, %d injected", stats.Panics, stats.Salvaged, injected.Load())
	}
	if got := reasons(t, r.close()); got[ErrEnded] != 0 || got[ErrDuplicateID] != 0 || got[ErrUnknownParent] != 0 {
		t.Errorf("a failure of one command made others doubtful: %v", got)
	}
}

// A failing command costs its own session at most a count.
func TestAPanicLeavesOtherSessionsStateAlone(t *testing.T) {
	r := newRig(t, Config{}, func(m *messages.Command) {
		if m.Target.ID == "bad" && m.Action == messages.Update {
			panic("injected")
		}
	})
	bad, good := r.Trace(TraceConfig{ID: "bad"}), r.Trace(TraceConfig{ID: "good"})
	for range 10 {
		bad.AddTag("a", "b")
		good.AddTag("a", "b")
	}
	s, err := good.Snapshot(t.Context())
	if err != nil || s.Entries != 11 {
		t.Errorf("the good trace has %d entries, %v; want 11", s.Entries, err)
	}
	b, err := bad.Snapshot(t.Context())
	if err != nil || b.Entries != 1 {
		t.Errorf("the bad trace counts %d entries, %v; want its create alone", b.Entries, err)
	}
	r.close()
	if n := len(slices.DeleteFunc(r.sink.lines, func(l wire.Line) bool { return l.ID != "bad" })); n != 12 {
		t.Errorf("%d entries of the bad trace were delivered, want all 12", n)
	}
}

func TestAPanickingOnErrorIsContained(t *testing.T) {
	r := newRig(t, Config{OnError: func(error) { panic("in the user's hook") }}, nil)
	r.Trace(TraceConfig{ID: "t"}).AddAttachment(Attachment{})
	r.Session(SessionConfig{ID: "valid"}).AddTag("a", "b")
	r.close()
	if s := r.Stats(); s.Panics != 1 || s.Delivered != 5 {
		t.Errorf("%d panics counted, %v; want 1, and five entries delivered", s.Panics, s)
	}
}

const sessionsAtOnce = 100_000

func TestManySessionsFitIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 sessions take seconds: not in -short")
	}
	if raceEnabled {
		t.Skip("the race detector multiplies memory: what is asserted here would be its own")
	}
	before := heapInUse()
	r := newRig(t, Config{MaxWait: time.Minute}, nil)
	r.sink.null = true
	handles := make([]Trace, sessionsAtOnce)
	for i := range handles {
		session := r.Session(SessionConfig{})
		handles[i] = session.AddTrace(TraceConfig{})
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := heapInUse() - before
	if s := r.Stats(); s.Live != 2*sessionsAtOnce || s.Accepted != 2*sessionsAtOnce {
		t.Errorf("%d actors live, %d entries accepted, want %d of each", s.Live, s.Accepted, 2*sessionsAtOnce)
	}
	t.Logf("%d sessions with a trace each: %d MB in use, %d bytes each; %s", sessionsAtOnce, used>>20, used/sessionsAtOnce, resident())
	if used > 300<<20 {
		t.Errorf("%d MB in use, want at most 300", used>>20)
	}
	runtime.KeepAlive(handles)
	r.close()
}

// resident returns what the system says the process holds, where it says so.
func resident() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "resident memory unknown"
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	line, _, _ := strings.Cut(after, "\n")
	return "VmRSS " + strings.TrimSpace(line)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
