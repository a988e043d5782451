package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t *testing.T, name string) *fold.Node {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var n fold.Node
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return &n
}

func tuning(ctx context.Context, w io.Writer, n *fold.Node) error {
	_, err := Tuning(ctx, w, n)
	return err
}

// formats are all functions of the package.
var formats = map[string]func(context.Context, io.Writer, *fold.Node) error{
	"md": Markdown, "html": HTML, "tuning.jsonl": tuning, "otlp.json": OTLP,
}

func TestFormatsMatchTheirGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, write := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := write(t.Context(), &got, load(t, "session.json")); err != nil {
				t.Fatal(err)
			}
			if name == "otlp.json" { // in lines that can be read
				text := got.String()
				got.Reset()
				if err := json.Indent(&got, []byte(text), "", " "); err != nil {
					t.Fatal(err)
				}
			}
			golden := filepath.Join("testdata", "session.golden."+name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("output differs from %s (-want +got); run with -update if that is meant:\n%s", golden, diff)
			}
		})
	}
}

// broken is a writer that fails.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestErrorsOfTheWriterAndTheContextAreReturned(t *testing.T) {
	t.Parallel()
	closed := errors.New("pipe closed")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, write := range formats {
		if err := write(t.Context(), broken{closed}, load(t, "session.json")); !errors.Is(err, closed) {
			t.Errorf("%s: error %v, want that of the writer", name, err)
		}
		if err := write(ended, io.Discard, load(t, "session.json")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want that of the context", name, err)
		}
	}
}

// payloads are texts that break out of markup which does not expect them.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</pre></details></style><script>`, `javascript:alert(1)`,
	`{{.}}`, "</title><svg/onload=alert(1)>", `<!--`, `]]>`, "&lt;b&gt;", "' style='x", "\x00<b>\x00", "\xff<i>",
	"```\n# heading\n````\n[a](javascript:b)", "`` ` ```", "~~~", "\n\n# heading\n", "\r# heading", "\r\n---\r\n", "![x](http://evil.example/a.png)",
	"\u202Etxt.exe", "a\u200Bb\uFEFF", "\U000E0041\U000E0042", "\x1b[31m", "\u2028# x", "    indented", "- item", "| a | b |\n|---|---|",
}

// kinds are the kinds of nodes, and one that no node has.
var kinds = []string{"session", "trace", "span", "generation", "retrieval", "tool_call", "error", "<b>`"}

// hostile makes a node with a text in every field that has any.
func hostile(kind, text string, children ...*fold.Node) *fold.Node {
	quoted, _ := json.Marshal(text) // a string always has JSON
	q := json.RawMessage(quoted)
	object := json.RawMessage(fmt.Sprintf(`{%s:%s,"name":%s,"message":%s,"type":%s,"timestamp":%s}`, q, q, q, q, q, q))
	all := []json.RawMessage{q, object}
	members := map[string]json.RawMessage{text: q, "stop": q, "seed": q, "temperature": q}
	return &fold.Node{
		Kind: kind, ID: text, Name: text, Status: "error", SessionID: text, SpanID: text, Input: q, Output: object,
		Model: text, Provider: text, PromptID: text, PromptVersionID: text, Parameters: members,
		Messages: []json.RawMessage{
			json.RawMessage(fmt.Sprintf(`{"role":%s,"name":%s,"content":%s}`, q, q, q)),
			json.RawMessage(fmt.Sprintf(`{"role":"user","content":[{"type":"text","text":%s},{"type":"image_url","image_url":{"url":%s}},{"type":%s,"x":%s}]}`, q, q, q, q)),
			json.RawMessage(fmt.Sprintf(`{"role":"assistant","tool_calls":[{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}]}`, q, q, q)),
			json.RawMessage(fmt.Sprintf(`{"role":"tool","tool_call_id":%s,"content":%s}`, q, q)),
			q,
		},
		Result:   json.RawMessage(fmt.Sprintf(`{"id":%s,"choices":[{"finish_reason":%s,"message":{"role":"assistant","content":%s}}]}`, q, q, q)),
		Attempts: all, Docs: object, Description: text, Args: q, Error: object, Message: q, Code: q, ErrorType: q,
		Tags: members, Metadata: members, Metrics: members, Events: all, Feedback: all, Attachments: all, Evaluations: all, Other: members,
		Children: children,
	}
}

// hostileTree makes a tree of all kinds.
func hostileTree(text string) *fold.Node {
	var below []*fold.Node
	for _, kind := range kinds[2:] {
		below = append(below, hostile(kind, text))
	}
	return hostile("session", text, hostile("trace", text, below...), hostile(text, text))
}

func output(t interface {
	Helper()
	Fatal(...any)
}, write func(context.Context, io.Writer, *fold.Node) error, n *fold.Node) string {
	t.Helper()
	var b strings.Builder
	if err := write(context.Background(), &b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkAll checks every format of a node.
func checkAll(t fataler, n *fold.Node) {
	t.Helper()
	checkHTML(t, output(t, HTML, n))
	checkMarkdown(t, output(t, Markdown, n))
	checkTuning(t, output(t, tuning, n))
	decodeOTLP(t, output(t, OTLP, n))
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func TestNothingThatWasLoggedActs(t *testing.T) {
	t.Parallel()
	for i, text := range payloads {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			checkAll(t, hostileTree(text))
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(payloads), rapid.String()), 1, 3).Draw(t, "pieces")
		checkAll(t, hostile(rapid.SampledFrom(kinds).Draw(t, "kind"), strings.Join(pieces, "")))
	})
}

func FuzzExports(f *testing.F) {
	for _, text := range payloads {
		for kind := range kinds {
			f.Add(kind, text)
		}
	}
	f.Fuzz(func(t *testing.T, kind int, text string) {
		checkAll(t, hostile(kinds[uint(kind)%uint(len(kinds))], text))
	})
}

// FuzzNode takes nodes with any JSON in any field.
func FuzzNode(f *testing.F) {
	f.Add([]byte(`{"kind":"generation","messages":[{"role":"user","content":"a"}],"result":{"choices":[{"message":{"content":"b"}}]}}`))
	f.Add([]byte(`{"kind":"error","message":{"a":1},"children":[{"kind":"session"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var n fold.Node
		if json.Unmarshal(text, &n) != nil {
			t.Skip()
		}
		var whole func(*fold.Node) bool
		whole = func(n *fold.Node) bool {
			for _, child := range n.Children {
				if child == nil || !whole(child) {
					return false
				}
			}
			return true
		}
		if !whole(&n) {
			t.Skip()
		}
		checkAll(t, &n)
	})
}
