package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A talking session is two actors: its own and its trace's.
const want = `everybody is talking     2000 actors awake,    0 sessions asleep; the first: 1 turns, 1 open, 15 tokens
only the first still is     2 actors awake,  999 sessions asleep; the first: 1 turns, 1 open, 15 tokens
nobody is                   0 actors awake, 1000 sessions asleep; the first: 1 turns, 0 open, 15 tokens
the first is back           2 actors awake,  999 sessions asleep; the first: 2 turns, 1 open, 30 tokens
accepted=7005 delivered=7005 pending=0 dead=0 dropped=0
`

func TestSessionsSleepAndComeBack(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
