package actors_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/actors"
	"github.com/troupelog/troupe/internal/ledger"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sender that keeps the lines; answer, if set, decides on a batch.
type recorder struct {
	mu      sync.Mutex
	lines   []string // guarded by mu
	batches []int    // guarded by mu
	answer  func(entries []messages.Entry, attempt int) actors.Verdict
}

func (r *recorder) Send(_ context.Context, entries []messages.Entry, attempt int) actors.Verdict {
	v := actors.Verdict{}
	if r.answer != nil {
		v = r.answer(entries, attempt)
	}
	if v.Outcome == actors.Delivered {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range entries {
			r.lines = append(r.lines, string(e.Line))
		}
		r.batches = append(r.batches, len(entries))
	}
	return v
}

func (r *recorder) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

// rig is a running system with a recorder at its end.
type rig struct {
	t      *testing.T
	sys    *actors.System
	ledger *ledger.Ledger
	out    *recorder

	mu     sync.Mutex
	events []actors.Event // guarded by mu
}

func newRig(t *testing.T, change func(*actors.Config)) *rig {
	r := &rig{t: t, ledger: ledger.New(1 << 30), out: &recorder{}}
	cfg := actors.Config{
		Ledger: r.ledger, Queue: spool.NewMemory(), Sender: r.out,
		BatchEntries: 2000, BatchBytes: 4 << 20, BatchAge: -1,
		Workers: 4, Shards: 4, IdleAfter: time.Hour, Linger: time.Hour, OrphanAfter: time.Hour,
		Report: func(e actors.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	if change != nil {
		change(&cfg)
	}
	r.sys = actors.Start(cfg)
	return r
}

// close closes the system and checks the account.
func (r *rig) close() {
	r.t.Helper()
	if err := r.sys.Close(context.Background(), ""); err != nil {
		r.t.Errorf("Close = %v", err)
	}
	a := r.ledger.Read()
	if a.Pending() != 0 || a.Bytes != 0 || a.Accepted != a.Delivered+a.Dead+a.Dropped {
		r.t.Errorf("the account does not balance: %+v", a)
	}
}

func (r *rig) flush() {
	r.t.Helper()
	if err := r.sys.Flush(context.Background()); err != nil {
		r.t.Errorf("Flush = %v", err)
	}
}

func (r *rig) kinds() []actors.EventKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kinds []actors.EventKind
	for _, e := range r.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// tell sends a command with a line that says what it is.
func (r *rig) tell(c messages.Command, note string) {
	r.t.Helper()
	line := fmt.Sprintf("%s %s %s %s", c.Target.Entity, c.Target.ID, c.Action, note)
	epoch, err := r.ledger.Admit(len(line), 0)
	if err != nil {
		r.t.Errorf("Admit = %v", err)
		return
	}
	c.Entry, c.At = messages.Entry{Line: []byte(line), Epoch: epoch}, time.Now()
	r.sys.Tell(&c)
}

// The commands of the tests, by the name of what they are about.

func sessionRef(id string) messages.Ref { return messages.Ref{Entity: messages.Session, ID: id} }
func traceRef(id string) messages.Ref   { return messages.Ref{Entity: messages.Trace, ID: id} }
func spanRef(id string) messages.Ref    { return messages.Ref{Entity: messages.Span, ID: id} }

func sessionRoute(id string) *messages.Route { return &messages.Route{Root: sessionRef(id)} }

func traceRoute(session, trace string) *messages.Route {
	if session == "" {
		return &messages.Route{Root: traceRef(trace)}
	}
	return &messages.Route{Root: sessionRef(session), Trace: traceRef(trace)}
}

func (r *rig) create(ref messages.Ref, route *messages.Route) {
	r.t.Helper()
	if ref.Entity != messages.Session {
		r.sys.Register(ref, route)
	}
	r.tell(messages.Command{Route: route, Target: ref, Action: messages.Create, Child: ref}, "")
}

func (r *rig) span(parent, span messages.Ref, route *messages.Route) {
	r.t.Helper()
	r.sys.Register(span, route)
	c := messages.Command{Route: route, Target: parent, Action: messages.AddSpan, Child: span}
	if parent != route.Owner() {
		c.Parent = parent
	}
	r.tell(c, span.ID)
}

func (r *rig) end(ref messages.Ref, route *messages.Route) {
	r.t.Helper()
	r.tell(messages.Command{Route: route, Target: ref, Action: messages.End}, "")
}

func (r *rig) update(ref messages.Ref, route *messages.Route, note string) {
	r.t.Helper()
	r.tell(messages.Command{Route: route, Target: ref, Action: messages.Update}, note)
}

// ends returns the ids that were ended by the system for a reason, in order.
func ends(lines []string, reason string) []string {
	var ids []string
	for _, l := range lines {
		if strings.Contains(l, `"ended_by":"`+reason+`"`) {
			id := l[strings.Index(l, "{id=")+4:]
			ids = append(ids, id[:strings.IndexByte(id, ',')])
		}
	}
	return ids
}
