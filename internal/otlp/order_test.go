package otlp

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// forest draws the spans of a trace: any kinds, any parents among those before, some open,
// some whose parent never comes.
func forest(t *rapid.T) []testSpan {
	n := rapid.IntRange(1, 12).Draw(t, "spans")
	var spans []testSpan
	for i := range n {
		s := testSpan{Name: fmt.Sprint("span ", i), ID: i + 1, Start: 1 + i, Parent: rapid.IntRange(0, i).Draw(t, "parent")}
		if i == 0 {
			s.Parent = 0
		} else if s.Parent == 0 {
			s.Parent = 1000 // one root, and parents that never come
		}
		switch rapid.SampledFrom([]string{"span", "LLM", "TOOL", "RETRIEVER"}).Draw(t, "kind") {
		case "LLM":
			s.Attributes = map[string]any{"openinference.span.kind": "LLM", "llm.model_name": "m", "output.value": "said"}
		case "TOOL":
			s.Attributes = map[string]any{"openinference.span.kind": "TOOL", "output.value": "done", "session.id": "s"}
		case "RETRIEVER":
			s.Attributes = map[string]any{"openinference.span.kind": "RETRIEVER", "input.value": "q"}
		}
		spans = append(spans, s)
	}
	return spans
}

// Whatever the order of spans, however they are cut into requests, and however often they
// are sent, the tree is that of one request with all of them.
func TestTreeDoesNotDependOnRequests(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spans := forest(t)
		var whole, parts log
		whole.convert(t, requestOf("shop", spans), JSON)
		want := whole.tree("shop", testTrace)

		shuffled := rapid.Permutation(spans).Draw(t, "order")
		for len(shuffled) > 0 {
			n := rapid.IntRange(1, len(shuffled)).Draw(t, "cut")
			body := requestOf("shop", shuffled[:n])
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				parts.convert(t, body, JSON)
			}
			shuffled = shuffled[n:]
		}
		got := parts.tree("shop", testTrace)
		if diff := cmp.Diff(outline(want, 0), outline(got, 0)); diff != "" {
			t.Errorf("tree (-whole +parts): %s", diff)
		}
		if got.Name != want.Name || !got.Start.Equal(want.Start) || !got.End.Equal(want.End) || got.SessionID != want.SessionID {
			t.Errorf("trace %q %v %v %q, want %q %v %v %q", got.Name, got.Start, got.End, got.SessionID, want.Name, want.Start, want.End, want.SessionID)
		}
		for _, s := range spans {
			id := testTrace + "-" + spanHex(s.ID)
			a, b := nodeWith(want, id), nodeWith(got, id)
			if string(a.Result) != string(b.Result) || len(b.Attempts) != 0 || string(a.Docs) != string(b.Docs) || a.Status != b.Status {
				t.Errorf("span %d differs", s.ID)
			}
		}
	})
}

// What comes while a span is open is not there twice when it has ended.
func TestEndedSpansCompleteOpenOnes(t *testing.T) {
	t.Parallel()
	spans := loadSpans(t, "testdata/events.json")[:1]
	var l log
	spans[0].Open = true
	l.convert(t, requestOf("shop", spans), JSON)
	id := testTrace + "-" + spanHex(1)
	if n := nodeWith(l.tree("shop", testTrace), id); n.Status != "open" || len(n.Events) != 1 {
		t.Errorf("open: %s with %d events", n.Status, len(n.Events))
	}
	spans[0].Open = false
	for range 2 {
		l.convert(t, requestOf("shop", spans), JSON)
	}
	n := nodeWith(l.tree("shop", testTrace), id)
	if n.Status != "ended" || len(n.Events) != 1 || len(n.Messages) != 4 {
		t.Errorf("ended: %s with %d events and %d messages", n.Status, len(n.Events), len(n.Messages))
	}
}

// A root that comes later than one whose parent is in another process is the trace's, and
// so is one that comes before it.
func TestRootsCountMore(t *testing.T) {
	t.Parallel()
	remote := testSpan{Name: "remote", ID: 2, Parent: 9, Remote: true, Start: 1}
	root := testSpan{Name: "root", ID: 1, Start: 5}
	other := testSpan{Name: "other", ID: 3, Parent: 2, Start: 2}
	for _, order := range [][]testSpan{{remote, root, other}, {other, root, remote}, {root, other, remote}} {
		var l log
		for _, s := range order {
			l.convert(t, requestOf("shop", []testSpan{s}), JSON)
		}
		if n := l.tree("shop", testTrace); n.Name != "root" {
			t.Errorf("%s first: the trace is called %q", order[0].Name, n.Name)
		}
	}
}
