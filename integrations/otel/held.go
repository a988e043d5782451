package troupeotel

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

type lateCounter struct{ n atomic.Int64 }

// heldTraces are the traces that were not sent yet. They belong to whom Exporter.mu is
// held by.
type heldTraces struct {
	of    map[fold.Ref]*heldTrace // by each of their entities
	order *list.List              // of *heldTrace, the oldest first
	bytes int
	most  int // bytes
}

// heldTrace is a trace that was not sent yet.
type heldTrace struct {
	ref     fold.Ref
	session string
	lines   []fold.Line
	bytes   int
	ended   bool
	refs    []fold.Ref // its entities
	place   *list.Element
}

func newHeldTraces() heldTraces {
	return heldTraces{of: map[fold.Ref]*heldTrace{}, order: list.New(), most: MaxHeld}
}

// add adds a line. It reports false if that is about an entity that is not known.
func (h *heldTraces) add(line []byte, at time.Time) bool {
	parsed, err := wire.Parse(line)
	if err != nil {
		return false // never: the logger made it
	}
	if strings.HasSuffix(parsed.Action, "-attachment") {
		return true // they come when their contents are stored, and spans have none
	}
	ref := fold.Ref{Kind: protocol.ParseKind(parsed.Entity), ID: parsed.ID}
	child, isChild := childOf(parsed.Action, parsed.Data)
	t := h.of[ref]
	switch {
	case ref.Kind == fold.Session:
		if !isChild || child.Kind != fold.Trace {
			return true // a session is no span
		}
		if t = h.of[child]; t == nil {
			t = h.begin(child)
		}
		t.session = parsed.ID
	case ref.Kind == fold.Trace && t == nil && parsed.Action == "create":
		t = h.begin(ref)
	case t == nil:
		return false
	}
	if isChild && child.Kind != fold.Trace {
		t.refs = append(t.refs, child)
		h.of[child] = t
	}
	t.lines = append(t.lines, fold.Line{Recv: at, Seq: uint64(len(t.lines)), Text: bytes.Clone(line)})
	t.bytes += len(line)
	h.bytes += len(line)
	t.ended = t.ended || ref == t.ref && parsed.Action == "end"
	return true
}

// childOf returns the entity that a line begins below another one.
func childOf(action string, data []byte) (fold.Ref, bool) {
	name, ok := strings.CutPrefix(action, "add-")
	kind := protocol.ParseKind(strings.ReplaceAll(name, "-", "_"))
	if !ok || kind == fold.Unknown {
		return fold.Ref{}, false
	}
	var of struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(data, &of) != nil || of.ID == "" {
		return fold.Ref{}, false
	}
	return fold.Ref{Kind: kind, ID: of.ID}, true
}

func (h *heldTraces) begin(ref fold.Ref) *heldTrace {
	t := &heldTrace{ref: ref, refs: []fold.Ref{ref}}
	t.place = h.order.PushBack(t)
	h.of[ref] = t
	return t
}

// ready returns the traces to send: those that have ended, and the oldest of those for
// which there is no room.
func (h *heldTraces) ready() []*heldTrace {
	var ready []*heldTrace
	over := h.bytes - h.most
	for place := h.order.Front(); place != nil; place = place.Next() {
		if t := place.Value.(*heldTrace); t.ended || over > 0 {
			ready = append(ready, t)
			over -= t.bytes
		}
	}
	return ready
}

// all returns all traces.
func (h *heldTraces) all() []*heldTrace {
	var all []*heldTrace
	for place := h.order.Front(); place != nil; place = place.Next() {
		all = append(all, place.Value.(*heldTrace))
	}
	return all
}

// drop forgets a trace.
func (h *heldTraces) drop(t *heldTrace) {
	for _, ref := range t.refs {
		if h.of[ref] == t {
			delete(h.of, ref)
		}
	}
	h.order.Remove(t.place)
	h.bytes -= t.bytes
}

// repo is the repository in which the lines of a trace are folded; it shows nowhere.
const repo = "otel"

// spans returns the trace as spans.
func (t *heldTrace) spans(ctx context.Context, of *resource.Resource) ([]sdktrace.ReadOnlySpan, error) {
	entities := slices.Collect(maps.Values(fold.Fold(repo, slices.Clone(t.lines))))
	root, _, err := fold.Build(ctx, repo, fold.KeyOf(repo, t.ref), entities, slices.Clone(t.lines))
	if err != nil || root == nil {
		return nil, err
	}
	if root.SessionID == "" {
		root.SessionID = t.session
	}
	var text bytes.Buffer
	if err := export.OTLP(ctx, &text, root); err != nil {
		return nil, err
	}
	stubs, err := stubsOf(text.Bytes(), of)
	if err != nil {
		return nil, err
	}
	return tracetest.SpanStubs(stubs).Snapshots(), nil
}
