package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/logger"
)

var update = flag.Bool("update", false, "write testdata/goldens.json from the lines that the logger sends")

const goldens = "testdata/goldens.json"

// TestGoldens plays the project's own corpus. Every case must pass, without rules.
func TestGoldens(t *testing.T) {
	corpus, err := Load(goldens)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer()
	defer server.Close()
	begin := time.Now()
	for _, c := range corpus.Cases {
		got, err := play(t.Context(), server, c)
		if err != nil || got.skip != "" || len(got.lost) > 0 {
			t.Errorf("%s cannot be played: %q, %v", c.ID, got.skip, err)
			continue
		}
		if *update {
			c.Lines = generalise(got.lines, begin)
		}
		if want, got := aligned(c.Lines, got.lines); !cmp.Equal(want, got) {
			t.Errorf("%s: %s (-want +got):\n%s", c.ID, c.Call, cmp.Diff(want, got))
		}
	}
	if *update {
		save(t, corpus)
	}
}

// TestGoldensPlayEveryCall checks that no call of the table is forgotten.
func TestGoldensPlayEveryCall(t *testing.T) {
	corpus, err := Load(goldens)
	if err != nil {
		t.Fatal(err)
	}
	played, verbs := map[string]bool{}, map[string]bool{}
	for _, c := range corpus.Cases {
		for _, s := range c.steps {
			owner, verb, _ := strings.Cut(s.call, ".")
			if owner == "logger" {
				played[verb] = true
			} else {
				verbs[verb] = true
			}
		}
	}
	for _, calls := range []map[string]action{facade, deprecated} {
		for name := range calls {
			if !played[name] {
				t.Errorf("no golden plays logger.%s", name)
			}
		}
	}
	for verb := range methods {
		if !verbs[verb] {
			t.Errorf("no golden plays %s on a handle", verb)
		}
	}
}

// TestFacadeIsWhole checks that the table has every call by id of the public API.
func TestFacadeIsWhole(t *testing.T) {
	var names []string
	for m := range reflect.TypeFor[*logger.Logger]().Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1).Kind() == reflect.String && !strings.HasSuffix(m.Name, "ByID") {
			names = append(names, snake(m.Name))
		}
	}
	if len(names) == 0 {
		t.Fatal("the logger has no calls by id")
	}
	for _, name := range names {
		if _, ok := callByID(name); !ok {
			t.Errorf("the table has no %s", name)
		}
	}
}

var upper = regexp.MustCompile(`(.)([A-Z])`)

func snake(name string) string { return strings.ToLower(upper.ReplaceAllString(name, "${1}_${2}")) }

// generalise puts wildcards in the place of generated ids and of the times of now.
func generalise(lines []Line, begin time.Time) []Line {
	ids := regexp.MustCompile(uuidPattern)
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil && at.After(begin) {
				return anyTime
			}
			return ids.ReplaceAllString(v, anyUUID)
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for key := range v {
				v[key] = walk(v[key])
			}
		}
		return v
	}
	out := clone(lines)
	for i := range out {
		out[i].ID = ids.ReplaceAllString(out[i].ID, anyUUID)
		out[i].Data = walk(out[i].Data)
	}
	return out
}

func save(t *testing.T, corpus *Corpus) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(corpus); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldens, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
