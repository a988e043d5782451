package logger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// oddIDs are ids as applications have them, and cannot stand in a line.
var oddIDs = []string{
	"user/42@acme:thread", "C0123ABC-1699887766.554433", "whatsapp:+33612345678", "Zoë 🦊", "a%2Fb", "..", "a\nb", "bad\xff\xfeutf8",
	"id},action=end,data={}}", strings.Repeat("s", 1025), strings.Repeat("é", 3000),
}

// Whatever has an odd id, what is logged for it and below it arrives under the safe id.
func TestNoHandleIsInertBecauseOfItsID(t *testing.T) {
	for _, id := range oddIDs {
		t.Run(fmt.Sprintf("%.20q", id), func(t *testing.T) {
			r := newRig(t, Config{}, nil)
			session := r.Session(SessionConfig{ID: id})
			trace := session.AddTrace(TraceConfig{ID: id})
			span := trace.AddSpan(SpanConfig{ID: id})
			gen := span.AddGeneration(GenerationConfig{ID: id, Model: "m"})
			ret := span.AddRetrieval(RetrievalConfig{ID: id})
			call := span.AddToolCall(ToolCallConfig{ID: id})
			failed := span.AddError(ErrorConfig{ID: id, Message: "m"})
			at := DataAttachment([]byte("text"))
			at.ID = id
			span.AddAttachment(at)
			for _, h := range []interface{ ID() string }{session, trace, span, gen, ret, call, failed} {
				if h.ID() != id {
					t.Errorf("the id of a %T is %.20q, want the given one", h, h.ID())
				}
			}
			gen.Result(chatCompletion("hi"))
			ret.Output("doc")
			call.Result("found")
			span.End()
			trace.End()
			session.End()
			lines := r.flushed()
			safe := protocol.SafeID(id)
			for _, want := range []string{
				"session " + safe + " create", "trace " + safe + " create", "trace " + safe + " add-span", "span " + safe + " add-generation",
				"span " + safe + " add-retrieval", "span " + safe + " add-tool-call", "span " + safe + " add-error", "span " + safe + " add-attachment",
			} {
				tag := `"troupe.id":` + string(quoted(t, original(id)))
				if !has(lines, want, tag) {
					t.Errorf("no %s with %.80s", want, tag)
				}
			}
			for _, want := range []string{"generation " + safe + " result", "tool_call " + safe + " result", "retrieval " + safe + " end", "session " + safe + " end"} {
				if !has(lines, want) {
					t.Errorf("no %s in %.2000q", want, lines)
				}
			}
			if !has(lines, "trace "+safe+" create", `"sessionId":"`+safe+`"`) || !has(lines, "span "+safe+" add-attachment", "/span/"+safe+"/files/original/"+safe+`"`) {
				t.Errorf("the trace has lost its session, or the attachment its key: %.2000q", lines)
			}
			if s := r.Stats(); s.Derived != 8 || s.Rejected != 0 {
				t.Errorf("%d derived, %d rejected, want 8 and 0", s.Derived, s.Rejected)
			}
			if got := reasons(t, r.close()); got[ErrInvalidID] != 1 || len(got) != 1 {
				t.Errorf("errors %v, want one about the id", got)
			}
		})
	}
}

func quoted(t *testing.T, s string) []byte {
	t.Helper()
	r := newRig(t, Config{}, nil)
	defer r.close()
	r.TraceAddTag("t", "k", s)
	line := r.flushed()[0]
	return []byte(strings.TrimSuffix(strings.TrimPrefix(line, `trace t update {"tags":{"k":`), "}}"))
}

func TestTheTagHoldsTheGivenID(t *testing.T) {
	for id, want := range map[string]string{
		"user/42":                       "user/42",
		"bad\xff\xfeutf8":               "bad\ufffd\ufffdutf8",
		strings.Repeat("é", 3000):       strings.Repeat("é", 512),
		"x" + strings.Repeat("é", 3000): "x" + strings.Repeat("é", 511),
		strings.Repeat("\xff", 3000):    strings.Repeat("\ufffd", 341),
	} {
		if got := original(id); got != want {
			t.Errorf("the tag of %.20q is %.20q… of %d bytes, want %d bytes", id, got, len(got), len(want))
		}
	}
	r := newRig(t, Config{Mask: func(string) string { return "***" }}, nil)
	tags := map[string]string{"env": "test"}
	r.Trace(TraceConfig{ID: "anna@example.com", Tags: tags})
	if len(tags) != 1 {
		t.Errorf("the caller's tags are now %v", tags)
	}
	if lines := r.flushed(); !has(lines, "trace ", `"tags":{"env":"***","troupe.id":"***"}`) {
		t.Errorf("the tag is not masked in %q", lines)
	}
	r.close()
}

// References to sessions and spans follow the same rule as the entities themselves.
func TestReferencesToOddIDsMeetTheirEntities(t *testing.T) {
	r := newRig(t, Config{}, nil)
	const odd, safe = "user/42@acme:thread", "user-42-acme-thread-xli3gwqgldgarhlc"
	r.Session(SessionConfig{ID: odd})
	viaConfig := r.Trace(TraceConfig{ID: "t1", SessionID: odd})
	r.SessionAddTrace(odd, TraceConfig{ID: "t2"})
	r.Trace(TraceConfig{ID: "t3"}).AddToSession(odd)
	viaConfig.AddSpan(SpanConfig{ID: odd})
	viaConfig.AddGeneration(GenerationConfig{ID: "g", SpanID: odd})
	viaConfig.AddToolCall(ToolCallConfig{ID: "c", SpanID: odd})
	r.SpanEvent(odd, EventConfig{Name: "by id"})
	r.SpanEvent(safe, EventConfig{Name: "by safe id"})
	lines := r.flushed()
	for _, want := range []struct{ prefix, part string }{
		{"trace t1 create", `"sessionId":"` + safe + `"`}, {"trace t2 create", `"sessionId":"` + safe + `"`}, {"trace t3 update", `"sessionId":"` + safe + `"`},
		{"trace t1 add-generation", `"spanId":"` + safe + `"`}, {"trace t1 add-tool-call", `"spanId":"` + safe + `"`},
		{"span " + safe + " add-event", `"by id"`}, {"span " + safe + " add-event", `"by safe id"`},
	} {
		if !has(lines, want.prefix, want.part) {
			t.Errorf("no %s with %s in\n%s", want.prefix, want.part, strings.Join(lines, "\n"))
		}
	}
	if s, err := r.SessionByID(odd).Snapshot(t.Context()); err != nil || s.ID != odd || s.Begun.Traces != 2 {
		t.Errorf("snapshot %+v, %v", s, err)
	}
	if got := reasons(t, r.close()); got[ErrUnknownParent] != 0 || got[ErrInvalidID] != 1 {
		t.Errorf("errors %v", got)
	}
}

// A context gives back the ids that the handles in it were given.
func TestContextsKeepTheGivenIDs(t *testing.T) {
	r := newRig(t, Config{}, nil)
	ctx := NewContext(context.Background(), r.Session(SessionConfig{ID: "user/42"}))
	ctx, _ = StartTrace(ctx, TraceConfig{ID: "turn/1"})
	ctx, span := StartSpan(ctx, SpanConfig{ID: "step/1"})
	for name, s := range map[string]Scope{
		"of the work":       FromContext(ctx),
		"of the span alone": FromContext(NewContext(context.Background(), span)),
	} {
		if s.Session().ID() != "user/42" || s.Trace().ID() != "turn/1" || s.Span().ID() != "step/1" {
			t.Errorf("the scope %s has %q, %q, %q", name, s.Session().ID(), s.Trace().ID(), s.Span().ID())
		}
	}
	if n := r.Stats().Derived; n != 3 {
		t.Errorf("%d derived, want one for each id that was given", n)
	}
	r.close()
}

func TestOddIDsOfHeadersAreDerived(t *testing.T) {
	here, there := newRig(t, Config{}, nil), newRig(t, Config{PanicOnMisuse: true}, nil)
	ctx := NewContext(context.Background(), here.Session(SessionConfig{ID: "user/42"}))
	ctx, _ = StartTrace(ctx, TraceConfig{ID: "turn/1"})
	ctx, _ = StartSpan(ctx, SpanConfig{ID: "step/1"})
	for name, h := range map[string]http.Header{
		"of Inject":    sent(ctx),
		"of a program": {"X-Maxim-Session-Id": {"user/42"}, "X-Maxim-Trace-Id": {"turn/1"}, "Baggage": {"troupe-trace=turn%2F1,troupe-span=step%2F1"}},
	} {
		s := FromContext(Extract(NewContext(context.Background(), there.Logger), h))
		if s.session.wire != protocol.SafeID("user/42") || s.trace.ref.ID != protocol.SafeID("turn/1") || s.span.ref.ID != protocol.SafeID("step/1") {
			t.Errorf("the headers %s name %q, %q, %q", name, s.session.wire, s.trace.ref.ID, s.span.ref.ID)
		}
		s.AddEvent(EventConfig{Name: name})
	}
	if lines := there.flushed(); !has(lines, "span "+protocol.SafeID("step/1")+" add-event") {
		t.Errorf("lines %q", lines)
	}
	here.close()
	there.close()
}

func TestAnEmptyIDOfACallByIDLosesNothing(t *testing.T) {
	r := newRig(t, Config{}, nil)
	r.SessionAddTrace("", TraceConfig{Name: "kept"}).AddSpan(SpanConfig{Name: "below"}).End()
	r.Trace(TraceConfig{ID: "t"}).AddToSession("")
	lines := r.flushed()
	if !has(lines, "trace ", `"name":"kept"`) || !has(lines, "trace ", `"name":"below"`) || has(lines, "", protocol.SafeID("")) {
		t.Errorf("lines %q", lines)
	}
	if s := r.Stats(); s.Derived != 1 || s.Rejected != 1 {
		t.Errorf("%d derived, %d rejected", s.Derived, s.Rejected)
	}
	r.close()
}

func TestDerivedIDsAreReportedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		for range 3 {
			for range 100 {
				r.TraceAddTag("user/42", "k", "v")
			}
			time.Sleep(warnEvery)
		}
		if s := r.Stats(); s.Derived != 300 || len(s.RejectedBy)+len(s.Suspicious) != 0 {
			t.Errorf("%d derived, %v rejected, %v doubtful", s.Derived, s.RejectedBy, s.Suspicious)
		}
		errs := r.close()
		if len(errs) != 3 || !errors.Is(errs[0], ErrInvalidID) || !strings.Contains(errs[0].Error(), `"user/42"`) {
			t.Errorf("%d errors, want 3 that quote the id: %v", len(errs), errs)
		}
	})
}

func TestRaiseExceptionsPanicsForEveryOddID(t *testing.T) {
	r := newRig(t, Config{PanicOnMisuse: true}, nil)
	trace := r.Trace(TraceConfig{})
	file := DataAttachment(nil)
	file.ID = "not valid"
	for name, call := range map[string]func(){
		"session":            func() { r.Session(SessionConfig{ID: "not valid"}) },
		"session of a trace": func() { r.Trace(TraceConfig{SessionID: "not valid"}) },
		"joined session":     func() { trace.AddToSession("not valid") },
		"no session":         func() { trace.AddToSession("") },
		"child":              func() { trace.AddSpan(SpanConfig{ID: strings.Repeat("x", 1025)}) },
		"parent":             func() { trace.AddGeneration(GenerationConfig{SpanID: "not valid"}) },
		"attachment":         func() { trace.AddAttachment(file) },
		"call by id":         func() { r.TraceEnd("not valid") },
		"call by no id":      func() { r.TraceEnd("") },
	} {
		func() {
			defer func() {
				if err, ok := recover().(*Error); !ok || !errors.Is(err, ErrInvalidID) || err.Kept {
					t.Errorf("%s: panicked with %v, want an *Error with ErrInvalidID", name, err)
				}
			}()
			call()
			t.Errorf("%s: did not panic", name)
		}()
	}
	if s := r.Stats(); s.Derived != 0 || s.RejectedBy[ErrInvalidID.Error()] != 9 {
		t.Errorf("%d derived, %v rejected", s.Derived, s.RejectedBy)
	}
	r.close()
}

func TestAValidIDCostsNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := newRig(t, Config{}, nil)
	defer r.close()
	id := strings.Repeat("x", 36)
	if n := testing.AllocsPerRun(1000, func() {
		if r.known("trace", id).given != nil || r.identify("trace", id).wire != id {
			t.Error("a valid id was replaced")
		}
	}); n != 0 {
		t.Errorf("%v allocations for a valid id", n)
	}
}
