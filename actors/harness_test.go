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
	"github.com/troupelog/troupe/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps the lines that were handed over; take, if set, is called before.
type recorder struct {
	ledger *ledger.Ledger
	take   func(entries []messages.Entry)

	mu    sync.Mutex
	lines []string // guarded by mu
}

func (r *recorder) out(entries []messages.Entry) {
	if r.take != nil {
		r.take(entries)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range entries {
		r.lines = append(r.lines, string(entries[i].Line))
		r.ledger.Release(entries[i].Cost())
	}
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
	r := &rig{t: t, ledger: ledger.New(1 << 30)}
	r.out = &recorder{ledger: r.ledger}
	cfg := actors.Config{
		Ledger: r.ledger, Out: r.out.out,
		Workers: 4, Shards: 4, IdleAfter: time.Hour, Grace: time.Hour, AutoEndAfter: time.Hour,
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
	if err := r.sys.Close(context.Background(), context.Background(), ""); err != nil {
		r.t.Errorf("Close = %v", err)
	}
	a := r.ledger.Read()
	if a.Bytes != 0 || a.Accepted != a.Handed {
		r.t.Errorf("the account does not balance: %+v", a)
	}
}

func (r *rig) flush() {
	r.t.Helper()
	if err := r.sys.Dispatched(context.Background()); err != nil {
		r.t.Errorf("Handed = %v", err)
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

// tell sends a command whose line describes it.
func (r *rig) tell(c messages.Command, note string) {
	r.t.Helper()
	c.Entry = messages.Entry{Line: fmt.Appendf(nil, "%s %s %s %s", c.Target.Entity, c.Target.ID, c.Action, note)}
	var err error
	if c.Entry.Epoch, err = r.ledger.Admit(c.Entry.Cost(), 0); err != nil {
		r.t.Errorf("Admit = %v", err)
		return
	}
	c.At = time.Now().UnixNano()
	r.sys.Tell(&c)
}

// Refs and routes of the tests, by id.

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
	r.tell(messages.Command{Route: route, Target: ref, Action: messages.Create, NewEntity: &messages.NewEntity{Child: ref}}, "")
}

func (r *rig) span(parent, span messages.Ref, route *messages.Route) {
	r.t.Helper()
	r.sys.Register(span, route)
	c := messages.Command{Route: route, Target: parent, Action: messages.AddSpan, NewEntity: &messages.NewEntity{Child: span}}
	if parent != route.Owner() {
		c.NewEntity.Parent = parent
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
