package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
)

// Under every id that applications have, a session with what is below it is stored and
// found: under the id itself if it can stand in a line, else under its safe form.
func TestConversationsWithOddIDsAreStoredWhole(t *testing.T) {
	ids := []string{
		"user/42@acme:thread", "C0123ABC-1699887766.554433", "whatsapp:+33612345678", "Zoë 🦊", "a%2Fb", "..", "-",
		strings.Repeat("s", 300), strings.Repeat("l", 1100), "bad\xffutf8", "a,action=end,data={}}\nb",
	}
	s := newServer(t)
	l := s.logger(logger.Config{Durability: logger.MemoryOnly})
	for i, id := range ids {
		session := l.Session(logger.SessionConfig{ID: id, Name: fmt.Sprintf("session %d", i)})
		turn := session.AddTrace(logger.TraceConfig{ID: "turn/" + id, Input: "hello"})
		gen := turn.AddGeneration(logger.GenerationConfig{ID: "gen/" + id, Model: "m"})
		gen.Result(completion("hi"))
		turn.SetOutput("hi")
		turn.End()
		l.Trace(logger.TraceConfig{ID: fmt.Sprintf("other-%d", i), SessionID: id}).End()
		l.SessionAddTag(id, "channel", "test")
		session.End()
		if session.ID() != id || turn.ID() != "turn/"+id {
			t.Errorf("the handles of %.30q have the ids %.30q and %.30q", id, session.ID(), turn.ID())
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// 9 odd ids of sessions, each given 3 times, and those of all 11 traces and generations.
	if got := l.Stats(); got.Rejected != 0 || got.Dead != 0 || got.Dropped != 0 || got.Derived != 9*3+2*11 {
		t.Errorf("%v, %d rejected, %d derived", got, got.Rejected, got.Derived)
	}
	for i, id := range ids {
		var session collector.Session
		s.get("/api/v1/repositories/repo/sessions/"+protocol.SafeID(id), &session)
		var traces []string
		for _, trace := range session.Traces {
			traces = append(traces, trace.ID)
		}
		slices.Sort(traces)
		want := []string{fmt.Sprintf("other-%d", i), shownID("turn/" + id)}
		slices.Sort(want)
		if session.Name != fmt.Sprintf("session %d", i) || !slices.Equal(traces, want) || string(session.Tags["channel"]) != `"test"` {
			t.Errorf("the session of %.30q is %q with the traces %q and the tags %s", id, session.Name, traces, session.Tags)
		}
		checkGiven(t, session.Tags, id)
		var trace collector.Trace
		s.get("/api/v1/repositories/repo/traces/"+protocol.SafeID("turn/"+id), &trace)
		if len(trace.Children) != 1 || trace.Children[0].ID != shownID("gen/"+id) || trace.Status != "ended" || string(trace.Output) != `"hi"` {
			t.Errorf("the trace below %.30q is %+v", id, trace)
			continue
		}
		checkGiven(t, trace.Tags, "turn/"+id)
		checkGiven(t, trace.Children[0].Tags, "gen/"+id)
	}
}

// shownID returns how the collector shows an id: as it was given, unless the tag cannot hold
// that whole.
func shownID(id string) string {
	if text := taggedID(id); protocol.SafeID(text) == protocol.SafeID(id) {
		return text
	}
	return protocol.SafeID(id)
}

// taggedID returns what the tag holds of an id that is not valid.
func taggedID(id string) string {
	text := strings.ToValidUTF8(id, "\ufffd")
	return text[:min(len(text), 1024)]
}

// checkGiven checks the tag with the id as it was given.
func checkGiven(t *testing.T, tags map[string]json.RawMessage, id string) {
	t.Helper()
	var got string
	if raw := tags["troupe.id"]; raw != nil {
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Error(err)
		}
	}
	want := taggedID(id)
	if protocol.ValidID(id) {
		want = ""
	}
	if got != want {
		t.Errorf("the tag troupe.id is %.30q, want %.30q", got, want)
	}
}
