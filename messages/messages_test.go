package messages_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/messages"
)

// Entries in spools keep the key under which they were appended, so these values must not change.
func TestOrderKeyGolden(t *testing.T) {
	for id, want := range map[string]uint16{
		"":                                     0x1cd9,
		"a":                                    0xcd20,
		"session-1":                            0x22a7,
		"session-2":                            0x3d7e,
		"6e1a4e0c-6f0b-4c50-8f0c-2f3b6f0f6d11": 0xbcf9,
		"Zoë 🦊":                                0x71a1,
		strings.Repeat("x", 1024):              0x5c99,
	} {
		for _, kind := range []messages.Entity{messages.Session, messages.Trace, messages.Span} {
			if got := messages.OrderKeyOf(messages.Ref{Entity: kind, ID: id}); got != want {
				t.Errorf("OrderKeyOf(%s %.20q) = %#04x, want %#04x", kind, id, got, want)
			}
		}
	}
}

// Destinations divide lines by their keys, so roots must spread over all of them.
func TestOrderKeysSpread(t *testing.T) {
	const roots, parts = 10_000, 8
	var counts [parts]int
	for i := range roots {
		counts[messages.OrderKeyOf(messages.Ref{ID: fmt.Sprint("session-", i)})%parts]++
	}
	for part, n := range counts {
		if n < roots/parts*8/10 || n > roots/parts*12/10 {
			t.Errorf("part %d of %d has %d of %d roots", part, parts, n, roots)
		}
	}
}

func TestNewRouteHasKeyOfRoot(t *testing.T) {
	root, trace := messages.Ref{Entity: messages.Session, ID: "s"}, messages.Ref{Entity: messages.Trace, ID: "t"}
	below := messages.NewRoute(root, trace)
	if below.OrderKey != messages.OrderKeyOf(root) || below.Owner() != trace {
		t.Errorf("route %+v, owner %v; want the key of the root, and the trace", below, below.Owner())
	}
	if itself := messages.NewRoute(root, messages.Ref{}); itself.Owner() != root || itself.Leads(below) || below.Leads(itself) {
		t.Errorf("owner %v; want the root, and that it does not lead to the trace", itself.Owner())
	}
	if !below.Leads(messages.NewRoute(root, trace)) || below.Leads(messages.NewRoute(trace, messages.Ref{})) {
		t.Error("a route leads to the owner of another root, or not to its own")
	}
}

func TestEntryCost(t *testing.T) {
	line := []byte("trace{id=t}")
	for name, test := range map[string]struct {
		entry messages.Entry
		want  int64
	}{
		"no line":           {messages.Entry{}, messages.EntryOverhead},
		"a line":            {messages.Entry{Line: line}, int64(len(line)) + messages.EntryOverhead},
		"content on disk":   {messages.Entry{Line: line, Upload: &messages.Upload{Size: 1 << 20}}, int64(len(line)) + messages.EntryOverhead},
		"content in memory": {messages.Entry{Line: line, Upload: &messages.Upload{Size: 1 << 20, Held: 1 << 20}}, int64(len(line)) + messages.EntryOverhead + 1<<20},
	} {
		if got := test.entry.Cost(); got != test.want {
			t.Errorf("the cost of %s is %d, want %d", name, got, test.want)
		}
	}
}

// Commands are cut from slabs of which others are in use: none may overlap, and each is zero.
func TestNewCommandIsZero(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var mine []*messages.Command
			for i := range 1000 {
				c := messages.NewCommand()
				if !reflect.ValueOf(*c).IsZero() {
					t.Errorf("a new command is %+v", c)
					return
				}
				c.At, c.Entry.Line = int64(i+1), []byte("used")
				mine = append(mine, c)
			}
			for i, c := range mine {
				if c.At != int64(i+1) {
					t.Errorf("command %d was changed by another goroutine", i)
					return
				}
			}
		})
	}
	wg.Wait()
}

// filled returns a batch in which everything is set.
func filled(n int) *messages.Commands {
	b := messages.NewCommands()
	for range n {
		c := messages.NewCommand()
		c.Action = messages.Update
		b.Add(c)
	}
	for c := b.Next(); c != nil; c = b.Next() {
		b.Emit(c)
	}
	b.Start.Route, b.Sent = &messages.Route{}, true
	return b
}

func TestPooledCommandsAreEmpty(t *testing.T) {
	for _, n := range []int{1, 100, 5000} {
		b := filled(n)
		list, out := b.List[:n], b.Out[:n]
		b.Free()
		if n <= 1024 {
			for i := range n {
				if list[i] != nil || out[i] != nil {
					t.Fatalf("of %d commands, number %d stays reachable from the pool", n, i)
				}
			}
		}
		for range 100 {
			again := messages.NewCommands()
			if len(again.List) != 0 || len(again.Out) != 0 || again.Sent || again.Begun() != nil || again.Start != (messages.Begin{}) {
				t.Fatalf("a new batch is %+v", again)
			}
			if cap(again.List) > 1024 || cap(again.Out) > 1024 {
				t.Fatalf("the pool keeps a batch of %d commands", cap(again.List))
			}
		}
	}
}

func TestFreeLeavesCommandsAlone(t *testing.T) {
	b := filled(3)
	commands := append([]*messages.Command(nil), b.List...)
	b.Free()
	for _, c := range commands {
		if c.Action != messages.Update || !c.Emitted {
			t.Errorf("a command of a batch that was freed is %+v", c)
		}
	}
}

func TestNextNeverReturnsACommandTwice(t *testing.T) {
	b := messages.NewCommands()
	for i := range 3 {
		b.Add(&messages.Command{At: int64(i)})
	}
	if b.Begun() != nil {
		t.Error("a batch has begun a command before Next")
	}
	for i := range 3 {
		if c := b.Next(); c.At != int64(i) || b.Begun() != c {
			t.Errorf("Next returned command %d, begun is %v; want %d", c.At, b.Begun(), i)
		}
	}
	if b.Next() != nil || b.Begun().At != 2 {
		t.Error("Next goes on after the last command, or forgets it")
	}
	if !b.Unfinished() {
		t.Error("a batch that was not sent is finished")
	}
	if b.Sent = true; b.Unfinished() {
		t.Error("a batch that was sent is unfinished")
	}
}

func TestEmit(t *testing.T) {
	b := messages.NewCommands()
	route := messages.NewRoute(messages.Ref{Entity: messages.Session, ID: "s"}, messages.Ref{})
	c := &messages.Command{Route: route, Action: messages.Update}
	b.Emit(c)
	b.Emit(c)
	b.Emit(&messages.Command{Route: route}) // a hand-over has no entry
	foreign := &messages.Command{Action: messages.End}
	b.Emit(foreign)
	if len(b.Out) != 2 || b.Out[0] != &c.Entry || b.Out[1] != &foreign.Entry {
		t.Fatalf("%d entries, want one for each command with an action", len(b.Out))
	}
	if c.Entry.OrderKey != route.OrderKey || !c.Emitted {
		t.Errorf("the entry has key %d of route %d, emitted: %t", c.Entry.OrderKey, route.OrderKey, c.Emitted)
	}
}

// The names are the protocol's.
func TestNamesOnTheWire(t *testing.T) {
	kinds := []string{}
	for e := range messages.Entities {
		kinds = append(kinds, messages.Entity(e).String())
	}
	if diff := cmp.Diff([]string{"unknown", "session", "trace", "span", "generation", "retrieval", "tool_call", "error"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	for action, want := range map[messages.Action]string{
		messages.None: "none", messages.Create: "create", messages.Update: "update", messages.End: "end", messages.Result: "result",
		messages.Fail: "error", messages.AddSpan: "add-span", messages.AddGeneration: "add-generation", messages.AddRetrieval: "add-retrieval",
		messages.AddToolCall: "add-tool-call", messages.AddError: "add-error", messages.AddEvent: "add-event", messages.AddFeedback: "add-feedback",
		messages.AddAttachment: "add-attachment", messages.AddCost: "add-cost", messages.Evaluate: "evaluate",
	} {
		if got := action.String(); got != want {
			t.Errorf("action %d is %q, want %q", action, got, want)
		}
	}
	if messages.Entity(200).String() != "unknown" || messages.Action(200).String() != "none" {
		t.Error("a value without a name has one")
	}
}

func TestChild(t *testing.T) {
	ref := messages.Ref{Entity: messages.Span, ID: "a"}
	if got := (&messages.Command{NewEntity: &messages.NewEntity{Child: ref}}).Child(); got != ref {
		t.Errorf("the child is %v, want %v", got, ref)
	}
	if got := (&messages.Command{Target: ref}).Child(); got != (messages.Ref{}) {
		t.Errorf("a command that creates nothing has the child %v", got)
	}
}
