package logger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// spoolRig is a rig with a spool on disk, and a server that is down.
func spoolRig(t *testing.T, c Config) *rig {
	t.Helper()
	c.SpoolDir = filepath.Join(t.TempDir(), "spool")
	r := newRig(t, c, nil)
	r.sink.setDown(true)
	return r
}

// giveUp closes a logger whose server is down and returns how many entries are left.
func (r *rig) giveUp() int64 {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); !errors.Is(err, ErrNotDelivered) {
		r.t.Errorf("Close = %v, want ErrNotDelivered", err)
	}
	s := r.Stats()
	if s.Accepted+s.Recovered != s.Delivered+s.Pending+s.Dead+s.Dropped {
		r.t.Errorf("the account does not balance: %+v", s)
	}
	return s.Pending
}

func TestSyncEachReturnsWhenTheEntryIsOnDisk(t *testing.T) {
	r := spoolRig(t, Config{Durability: SyncEach, MaxWait: time.Minute})
	trace := r.Trace(TraceConfig{})
	for i := range uint64(20) {
		trace.AddTag("a", "b")
		if s := r.destinations.primary().spool.Lines.State(); s.Durable < i+2 {
			t.Fatalf("%d records durable after %d calls", s.Durable, i+2)
		}
	}
	r.giveUp()
}

func TestSyncCoversEveryEarlierCall(t *testing.T) {
	for name, durability := range map[string]Durability{"group": SyncGroup, "interval": SyncInterval, "none": SyncNone} {
		t.Run(name, func(t *testing.T) {
			r := spoolRig(t, Config{Durability: durability, SyncEvery: time.Hour})
			trace := r.Trace(TraceConfig{})
			for range 1000 {
				trace.AddTag("a", "b")
			}
			if err := r.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.destinations.primary().spool.Lines.State(); s.Durable != 1001 {
				t.Errorf("%d records durable, want 1001", s.Durable)
			}
			r.giveUp()
		})
	}
}

// In memory, what is safe is what the server has.
func TestSyncWithoutADiskMeansDelivered(t *testing.T) {
	r := newRig(t, Config{}, nil)
	r.Trace(TraceConfig{}).End()
	r.sink.setDown(true)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Sync(ctx); !errors.Is(err, ErrNotDurable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Sync with a dead server = %v, want ErrNotDurable", err)
	}
	r.sink.setDown(false)
	if err := r.Flush(t.Context()); err != nil {
		t.Errorf("Flush = %v", err)
	}
	if err := r.Sync(t.Context()); err != nil {
		t.Errorf("Sync = %v", err)
	}
	r.close()
}

func TestAFullSpool(t *testing.T) {
	large := strings.Repeat("x", 10_000)
	for name, test := range map[string]struct {
		onFull  FullPolicy
		dropped bool
	}{
		"block":       {FullBlock, false},
		"drop newest": {FullDropNewest, false},
		"drop oldest": {FullDropOldest, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := spoolRig(t, Config{OnFull: test.onFull, MaxSpoolBytes: 1 << 20, MaxBytes: 1 << 20, MaxWait: 10 * time.Millisecond})
			trace := r.Trace(TraceConfig{})
			calls := int64(1)
			s := r.Stats()
			for s.Dropped == 0 && s.RejectedBy[ErrSpoolFull.Error()] == 0 && t.Context().Err() == nil {
				trace.AddTag("a", large)
				calls++
				s = r.Stats()
			}
			if got := s.Dropped > 0; got != test.dropped {
				t.Errorf("%v, dropped by %v, rejected by %v", s, s.DroppedBy, s.RejectedBy)
			}
			if s.Accepted+s.Rejected != calls {
				t.Errorf("%d accepted and %d rejected of %d", s.Accepted, s.Rejected, calls)
			}
			if left := r.giveUp(); left == 0 || left+r.Stats().Dropped != r.Stats().Accepted {
				t.Errorf("%d left of %v", left, r.Stats())
			}
		})
	}
}

func TestAFolderThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{ID: "r", BaseURL: "http://127.0.0.1:9", SpoolDir: file, RequireDurable: true}); !errors.Is(err, ErrSpool) {
		t.Errorf("New = %v, want ErrSpool", err)
	}
	r := newRig(t, Config{SpoolDir: file}, nil)
	r.Trace(TraceConfig{}).End()
	if err := r.Flush(t.Context()); err != nil {
		t.Errorf("Flush = %v", err)
	}
	if h := r.Health(); h.OK || h.Spool == nil {
		t.Errorf("health %+v, want it to tell of the spool", h)
	}
	if got := reasons(t, r.close()); got[ErrSpool] != 1 {
		t.Errorf("told %v, want ErrSpool once", got)
	}
}

func TestAddDestinationRefuses(t *testing.T) {
	r := newRig(t, Config{}, nil)
	var bad *ConfigError
	for name, c := range map[string]Destination{
		"no id":          {BaseURL: "http://127.0.0.1:9"},
		"no key":         {ID: "x", BaseURL: "https://example.com"},
		"a negative cap": {ID: "x", BaseURL: "http://127.0.0.1:9", MaxSpoolBytes: -1},
		"itself":         {ID: "repo", BaseURL: DefaultBaseURL, APIKey: "k"},
	} {
		if err := r.AddDestination(c); !errors.As(err, &bad) {
			t.Errorf("%s: AddDestination = %v, want a *ConfigError", name, err)
		}
	}
	r.close()
	if err := r.AddDestination(Destination{ID: "x", BaseURL: "http://127.0.0.1:9", Durability: MemoryOnly}); !errors.Is(err, ErrClosed) {
		t.Errorf("AddDestination after Close = %v, want ErrClosed", err)
	}
}

func TestMask(t *testing.T) {
	r := newRig(t, Config{Mask: func(s string) string {
		if s == "panic" {
			panic("in the mask")
		}
		return strings.ReplaceAll(s, "secret", "***")
	}}, nil)
	trace := r.Trace(TraceConfig{ID: "secret", Name: "a secret \" name", Input: map[string]any{"k": []any{"secret", 1, true, nil, "\u2028secret"}}})
	trace.AddMetadata(map[string]any{"secret": map[string]any{"x": "secret"}})
	trace.AddTag("k", "panic")
	a := URLAttachment("https://example.com/secret")
	a.ID, a.Name = "id", "a very secret name"
	trace.AddAttachment(a)
	lines := r.flushed()
	for _, want := range [][]string{
		{"trace secret create", `"name":"a *** \" name"`, `["***",1,true,null,"\u2028***"]`},
		{"trace secret update", `"secret":"{\"x\":\"***\"}"`},
		{"trace secret add-attachment", `"name":"a very *** name"`, `"key":"repo/trace/secret/files/original/id"`, `"url":"https://example.com/***"`},
	} {
		if !has(lines, want[0], want[1:]...) {
			t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if got := reasons(t, r.close()); got[ErrMask] != 1 {
		t.Errorf("told %v, want ErrMask once", got)
	}
}
