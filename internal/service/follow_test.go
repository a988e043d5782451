package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/sqlite"
	"github.com/troupelog/troupe/internal/store"
)

// minefield is a store.LargeLogs that panics for one key.
type minefield struct{}

func (minefield) LargeLog(_ context.Context, _, key string) ([]byte, error) {
	if key == "mine" {
		panic("secret content")
	}
	return nil, nil
}

// notebook collects what is logged.
type notebook struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func TestALineThatPanicsDoesNotStopFolding(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	cluster, err := sqlite.Open(ctx, dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	shard := cluster.Shards()[0]
	lines := [][]byte{
		[]byte(`trace{id=t,action=create,data={}}`),
		[]byte(`storage{id=u,action=process-large-log,data={"key":"mine"}}`),
		[]byte(`trace{id=t,action=end,data={}}`),
	}
	if _, err := shard.Log.Append(ctx, []store.Batch{{Repo: "r", Lines: lines}}); err != nil {
		t.Fatal(err)
	}
	notes := &notebook{}
	f := startProjector(shard, minefield{}, nil, slog.New(slog.NewTextHandler(notes, nil)))
	err = f.wait(ctx, 1)
	if err := errors.Join(err, f.stop(ctx)); err != nil {
		t.Fatal(err)
	}
	got, err := shard.Index.Get(ctx, []fold.Key{fold.KeyOf("r", protocol.Ref{Kind: protocol.Trace, ID: "t"})})
	if err != nil || len(got) != 1 || got[0].Status() != "ended" {
		t.Errorf("%+v, %v", got, err)
	}
	text := notes.String()
	if strings.Count(text, "stack=") != 1 || strings.Contains(text, "secret") ||
		strings.Count(text, "line 1 of block 1: panic: string") != 5 || strings.Count(text, "it is left out") != 1 {
		t.Errorf("the log is %s", text)
	}
}

// exclusive is a lease that one of several handles has until it releases it.
type exclusive struct {
	mu     sync.Mutex
	holder string // guarded by mu
}

// handle is a store.Lease of one of the processes that share an exclusive lease.
type handle struct {
	*exclusive
	name string
}

func (h handle) Hold(context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holder == "" {
		h.holder = h.name
	}
	return h.holder == h.name, nil
}

func (h handle) Release(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holder == h.name {
		h.holder = ""
	}
	return nil
}

// countedIndex counts the steps that are stored through it.
type countedIndex struct {
	store.Index
	applied *atomic.Int64
}

func (x countedIndex) Apply(ctx context.Context, updates []store.Update, from, to store.Cursor) error {
	x.applied.Add(1)
	return x.Index.Apply(ctx, updates, from, to)
}

// Two processes share a shard. Nobody tells them of new lines: both poll.
func TestOneOfSeveralProcessesFoldsAndTheOthersWatch(t *testing.T) {
	ctx, discard := t.Context(), slog.New(slog.DiscardHandler)
	cluster, err := sqlite.Open(ctx, t.TempDir(), nil, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	lease := &exclusive{holder: "a"}
	start := func(name string) (*follower, *atomic.Int64) {
		applied := &atomic.Int64{}
		shard := *cluster.Shards()[0]
		shard.Index, shard.Shared = countedIndex{shard.Index, applied}, true
		shard.Lease = func(string) store.Lease { return handle{lease, name} }
		return startProjector(&shard, nil, nil, discard), applied
	}
	a, appliedA := start("a")
	b, appliedB := start("b")
	add := func(id string) {
		t.Helper()
		lines := [][]byte{[]byte("trace{id=" + id + ",action=create,data={}}")}
		if _, err := cluster.Shards()[0].Log.Append(ctx, []store.Batch{{Repo: "r", First: 1, Lines: lines}}); err != nil {
			t.Fatal(err)
		}
	}
	add("t1")
	if err := b.waitForHead(ctx); err != nil {
		t.Fatal(err)
	}
	if appliedA.Load() != 1 || appliedB.Load() != 0 {
		t.Errorf("the holder took %d steps and the other %d, want 1 and 0", appliedA.Load(), appliedB.Load())
	}
	if err := a.stop(ctx); err != nil {
		t.Fatal(err)
	}
	add("t2")
	if err := b.waitForHead(ctx); err != nil {
		t.Fatal(err)
	}
	if appliedA.Load() != 1 || appliedB.Load() != 1 {
		t.Errorf("the former holder took %d steps and the new one %d, want 1 and 1", appliedA.Load(), appliedB.Load())
	}
	if err := b.stop(ctx); err != nil {
		t.Fatal(err)
	}
}
