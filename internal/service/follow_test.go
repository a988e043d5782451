package service

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/troupelog/troupe/internal/fold"
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
	log, err := sqlite.OpenLog(ctx, filepath.Join(dir, "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	index, err := sqlite.OpenIndex(ctx, filepath.Join(dir, "index.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	lines := [][]byte{
		[]byte(`trace{id=t,action=create,data={}}`),
		[]byte(`storage{id=u,action=process-large-log,data={"key":"mine"}}`),
		[]byte(`trace{id=t,action=end,data={}}`),
	}
	if _, err := log.Append(ctx, []store.Batch{{Repo: "r", Lines: lines}}); err != nil {
		t.Fatal(err)
	}
	notes := &notebook{}
	f := startProjector(&store.Shard{Log: log, Index: index}, minefield{}, nil, slog.New(slog.NewTextHandler(notes, nil)))
	err = f.wait(ctx, 1)
	if err := errors.Join(err, f.stop(ctx)); err != nil {
		t.Fatal(err)
	}
	got, err := index.Get(ctx, []fold.Key{fold.KeyOf("r", fold.Ref{Kind: fold.Trace, ID: "t"})})
	if err != nil || len(got) != 1 || got[0].Status() != "ended" {
		t.Errorf("%+v, %v", got, err)
	}
	text := notes.String()
	if strings.Count(text, "stack=") != 1 || strings.Contains(text, "secret") ||
		strings.Count(text, "line 1 of block 1: panic: string") != 5 || strings.Count(text, "it is left out") != 1 {
		t.Errorf("the log is %s", text)
	}
}
