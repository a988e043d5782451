package otlp

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
)

// exported is what an export has of a span that must survive an import.
type exported struct {
	SpanID, Parent, Name string
	Attributes           map[string]any
	Events               []string
}

// exportOf returns the spans of an export by what was exported.
func exportOf(t *testing.T, n *fold.Node) (body []byte, spans map[string]exported) {
	t.Helper()
	var out bytes.Buffer
	if err := export.OTLP(t.Context(), &out, n); err != nil {
		t.Fatal(err)
	}
	var request struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					SpanID, ParentSpanID, Name string
					Attributes                 []struct {
						Key   string
						Value any
					}
					Events []struct{ Name string }
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &request); err != nil {
		t.Fatal(err)
	}
	spans = map[string]exported{}
	for _, s := range request.ResourceSpans[0].ScopeSpans[0].Spans {
		e := exported{s.SpanID, s.ParentSpanID, s.Name, map[string]any{}, nil}
		for _, a := range s.Attributes {
			if !strings.HasPrefix(a.Key, "troupe.metadata.") {
				e.Attributes[a.Key] = meaning(a.Value)
			}
		}
		for _, event := range s.Events {
			e.Events = append(e.Events, event.Name)
		}
		slices.Sort(e.Events)
		spans[s.SpanID] = e
	}
	return out.Bytes(), spans
}

// meaning returns a value with the JSON within its texts parsed, in which the order of
// members does not matter.
func meaning(v any) any {
	switch v := v.(type) {
	case string:
		var inside any
		if json.Unmarshal([]byte(v), &inside) == nil {
			return inside
		}
	case map[string]any:
		for name, value := range v {
			v[name] = meaning(value)
		}
	case []any:
		for i, value := range v {
			v[i] = meaning(value)
		}
	}
	return v
}

// What Troupe exports and takes back is what it was: kinds, ids, parents, names, messages,
// parameters, usage, costs, tags.
func TestExportsComeBack(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../export/testdata/session.json")
	if err != nil {
		t.Fatal(err)
	}
	var session fold.Node
	if err := json.Unmarshal(text, &session); err != nil {
		t.Fatal(err)
	}
	for _, trace := range session.Children {
		body, want := exportOf(t, trace)
		var l log
		l.convert(t, body, JSON)
		back := l.tree("troupe", trace.ID)
		if back == nil {
			t.Fatalf("%s did not come back", trace.ID)
		}
		_, got := exportOf(t, back)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-exported +exported again): %s", trace.ID, diff)
		}
	}
}
