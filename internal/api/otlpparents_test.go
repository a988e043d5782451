package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// names returns a tree as the names in it, what is below one in parentheses, siblings in
// order of their names.
func names(n *fold.Node) string {
	var below []string
	for _, child := range n.Children {
		below = append(below, names(child))
	}
	if len(below) == 0 {
		return n.Name
	}
	slices.Sort(below)
	return n.Name + "(" + strings.Join(below, " ") + ")"
}

// Spans find their parents across restarts, in whatever order they come.
func TestParentsOfSpansAreFoundAcrossRestarts(t *testing.T) {
	spans := []string{
		otlpSpan("0000000000000001", "", "root", 0, ""),
		otlpSpan("0000000000000002", "0000000000000001", "agent", 10, ""),
		otlpSpan("0000000000000003", "0000000000000002", "chat", 20, "", textAttribute("gen_ai.operation.name", "chat")),
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
		dir := t.TempDir()
		for _, i := range order {
			restarted(t, dir, func(s *server) {
				s.postOTLP(otlpRequest("shop", spans[i]))
				var stats collector.Stats
				s.get("/api/v1/repositories/shop/stats", &stats) // it is folded
			})
		}
		restarted(t, dir, func(s *server) {
			if got := names(s.otlpTree("shop", otlpTrace)); got != "root(root(agent(chat)))" {
				t.Errorf("order %v: %s", order, got)
			}
		})
	}
}

// A span whose parent a client of Troupe logged, which told the span so in a traceparent
// header, hangs below it, whichever comes first, and does not change the trace.
func TestSpansHangBelowWhatTroupeLogged(t *testing.T) {
	const trace = "0af76519-16cd-43dd-8448-eb211c80319c" // announced as otlpTrace
	lines := []string{
		`trace{id=` + trace + `,action=create,data={"name":"checkout","sessionId":"s","startTimestamp":"2023-11-14T22:13:19Z","input":"pay"}}`,
		`trace{id=` + trace + `,action=add-span,data={"id":"call-shipping","name":"call"}}`,
	}
	span := otlpSpan("0000000000000007", protocol.SpanIDOf("call-shipping").String(), "POST /ship", 5, `,"flags":768`,
		textAttribute("session.id", "other"), textAttribute("input.value", "in"), textAttribute("output.value", "out"))
	direct := otlpSpan("0000000000000008", protocol.SpanIDOf(trace).String(), "GET /", 6, `,"flags":768`)
	for _, first := range []string{"lines", "spans"} {
		dir := t.TempDir()
		parts := []func(*server){
			func(s *server) { s.post("shop", strings.Join(lines, "\n")) },
			func(s *server) { s.postOTLP(otlpRequest("shop", span, direct)) },
		}
		if first == "spans" {
			slices.Reverse(parts)
		}
		for _, part := range parts {
			restarted(t, dir, func(s *server) {
				part(s)
				var stats collector.Stats
				s.get("/api/v1/repositories/shop/stats", &stats)
			})
		}
		restarted(t, dir, func(s *server) {
			for _, id := range []string{trace, otlpTrace} {
				n := s.otlpTree("shop", id)
				got := fmt.Sprint(names(n), " ", n.ID, " ", n.SessionID, " ", n.Status, " ", string(n.Input), string(n.Output))
				if want := `checkout(GET / call(POST /ship)) ` + trace + ` s open "pay"`; got != want {
					t.Errorf("%s first, asked for %s: %s, want %s", first, id, got, want)
				}
			}
		})
	}
}
