package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// took matches the only part of the output that differs from run to run.
var took = regexp.MustCompile(`\d[\d.m]* ?(µs|ms|s)\b`)

const want = `trace turn 1 · TIME · 38 + 12 tokens · $0.0002
in   Where is my order 7?
out  Order 7 is on its way and arrives on Friday.
span order agent · TIME · 38 + 12 tokens · $0.0002
retrieval help pages · TIME
in   delivery times
out  ["Parcels take two working days."]
✗ span look up · TIME
tool_call find_order · TIME
in   {"id":7}
out  {"carrier":"ACME","sent":"Wednesday"}
✗ error carrier
generation gpt-4o (openai) · TIME · 38 + 12 tokens · $0.0002
in   2 messages, user: Where is my order 7?
out  Order 7 is on its way and arrives on Friday.
accepted=21 delivered=21 pending=0 dead=0 dropped=0
`

func TestTheRunIsShownAsATree(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(took.ReplaceAllString(out.String(), "TIME")) {
		// The branches of the tree and the form of the message are the renderer's own tests' subject.
		line = strings.TrimLeft(line, "│├└─ ")
		if strings.HasPrefix(line, "✗    ") {
			if !strings.Contains(line, "the carrier's site did not answer") {
				t.Errorf("the error says %q", line)
			}
			continue
		}
		got.WriteString(line)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s\nthe output was:\n%s", diff, out.String())
	}
}
