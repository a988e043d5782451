package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
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

func TestRenderMatchesItsGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]struct {
		input string
		Options
	}{
		"trace":         {"trace.json", Options{}},
		"trace_narrow":  {"trace.json", Options{Width: 50}},
		"trace_colours": {"trace.json", Options{Width: 80, Colour: true}},
		"session":       {"session.json", Options{Width: 60}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := Render(&got, load(t, o.input), o.Options); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden")
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

func TestRenderReturnsTheErrorOfItsWriter(t *testing.T) {
	t.Parallel()
	want := errors.New("pipe closed")
	if err := Render(broken{want}, load(t, "trace.json"), Options{}); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// anyNode draws a node whose texts hold anything, with a few children.
func anyNode(depth int) *rapid.Generator[*fold.Node] {
	return rapid.Custom(func(t *rapid.T) *fold.Node {
		text := func(label string) json.RawMessage {
			raw, err := json.Marshal(rapid.String().Draw(t, label))
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		n := &fold.Node{
			Kind: rapid.SampledFrom([]string{"session", "trace", "span", "generation", "retrieval", "tool_call", "error"}).Draw(t, "kind"),
			ID:   "id", Name: rapid.String().Draw(t, "name"), Model: rapid.String().Draw(t, "model"),
			Status: rapid.SampledFrom([]string{"error", "ended", "open", "partial"}).Draw(t, "status"),
			Input:  text("input"), Output: text("output"), Result: text("result"), Args: text("args"), Error: text("error"),
			Message: text("message"), Messages: []json.RawMessage{text("message of a chat")},
			Usage: pricing.Usage{Input: rapid.Int64().Draw(t, "tokens")}, Cost: pricing.Cost{Total: pricing.USD(rapid.Int64().Draw(t, "cost"))},
		}
		if depth > 0 {
			n.Children = rapid.SliceOfN(anyNode(depth-1), 0, 3).Draw(t, "children")
		}
		return n
	})
}

func TestRenderKeepsToItsWidthAndLetsNothingThroughThatATerminalActsUpon(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		if err := Render(&out, anyNode(3).Draw(t, "node"), Options{Width: 60}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if width := uniseg.StringWidth(line); width > 60 {
				t.Fatalf("%q is %d columns long", line, width)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("%q holds a control character", line)
			}
		}
	})
}

func TestClipCutsBetweenCharactersOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 5, ""},
		{"12345", 5, "12345"},
		{"123456", 5, "1234…"},
		{"12   3456", 5, "12 3…"},
		{"123 456", 5, "123…"},
		{"家族旅行", 5, "家族…"},
		{strings.Repeat("e\u0301", 9), 5, strings.Repeat("e\u0301", 4) + "…"},
		{"👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 5, "👨‍👩‍👧👨‍👩‍👧…"},
		{strings.Repeat("x", 1<<20), 5, "xxxx…"},
		{"x" + strings.Repeat(" ", 1<<20), 5, "x…"},
	} {
		if got := Clip(tt.text, tt.width); got != tt.want {
			t.Errorf("%.20q… in %d columns: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 µs", 95 * time.Microsecond: "95 µs", 1449 * time.Microsecond: "1.4 ms", 12 * time.Millisecond: "12 ms",
		999 * time.Millisecond: "999 ms", 1200 * time.Millisecond: "1.20 s", 59999 * time.Millisecond: "59.99 s",
		125 * time.Second: "2m05s", 190 * time.Minute: "3h10m", -time.Second: "-1.00 s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestTokensAndDollars(t *testing.T) {
	t.Parallel()
	for u, want := range map[pricing.Usage]string{
		{}: "", {Input: 1234567, Output: 1}: "1,234,567 + 1 tokens", {Total: 999}: "999 tokens", {Total: -1000}: "-1,000 tokens",
	} {
		if got := Tokens(u); got != want {
			t.Errorf("%+v: %q, want %q", u, got, want)
		}
	}
	for amount, want := range map[pricing.USD]string{12_345_000_001: "$12.35", 2_100_000: "$0.0021", 10_000: "<$0.0001", pricing.Dollar / 2: "$0.5000"} {
		if got := Dollars(amount); got != want {
			t.Errorf("%v: %q, want %q", amount, got, want)
		}
	}
}
