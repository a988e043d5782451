package troupeotel

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

// openTraces holds the lines of traces that have not been sent. Guarded by Exporter.mu.
type openTraces struct {
	of    map[protocol.Ref]*openTrace // by each of their entities
	order *list.List                  // of *openTrace, the oldest first
	bytes int                         // of all lines
	max   int                         // bytes of lines above which the oldest traces are sent as they are
}

// openTrace is a trace that has not been sent.
type openTrace struct {
	ref     protocol.Ref
	session string // "" outside sessions
	lines   []fold.Line
	bytes   int
	ended   bool
	refs    []protocol.Ref // of the trace and the entities in it
	element *list.Element  // its place in openTraces.order
}

func newOpenTraces() openTraces {
	return openTraces{of: map[protocol.Ref]*openTrace{}, order: list.New(), max: MaxHeld}
}

// add adds a line. It returns false if the line belongs to no open trace.
func (o *openTraces) add(line []byte, at time.Time) bool {
	parsed, err := wire.Parse(line)
	if err != nil {
		return false // never: the logger made it
	}
	if strings.HasSuffix(parsed.Action, "-attachment") {
		return true // spans have no attachments, and their lines may come long after the trace
	}
	ref := protocol.Ref{Kind: protocol.ParseKind(parsed.Entity), ID: parsed.ID}
	child, isChild := childOf(parsed.Action, parsed.Data)
	t := o.of[ref]
	switch {
	case ref.Kind == protocol.Session:
		if !isChild || child.Kind != protocol.Trace {
			return true // a session has no span
		}
		if t = o.of[child]; t == nil {
			t = o.begin(child)
		}
		t.session = parsed.ID
	case ref.Kind == protocol.Trace && t == nil && parsed.Action == "create":
		t = o.begin(ref)
	case t == nil:
		return false
	}
	if isChild && child.Kind != protocol.Trace {
		t.refs = append(t.refs, child)
		o.of[child] = t
	}
	t.lines = append(t.lines, fold.Line{Recv: at, Seq: uint64(len(t.lines)), Text: bytes.Clone(line)})
	t.bytes += len(line)
	o.bytes += len(line)
	t.ended = t.ended || ref == t.ref && parsed.Action == "end"
	return true
}

// childOf returns the entity that a line creates within another one.
func childOf(action string, data []byte) (protocol.Ref, bool) {
	name, ok := strings.CutPrefix(action, "add-")
	kind := protocol.ParseKind(strings.ReplaceAll(name, "-", "_"))
	if !ok || kind == protocol.Unknown {
		return protocol.Ref{}, false
	}
	var of struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(data, &of) != nil || of.ID == "" {
		return protocol.Ref{}, false
	}
	return protocol.Ref{Kind: kind, ID: of.ID}, true
}

func (o *openTraces) begin(ref protocol.Ref) *openTrace {
	t := &openTrace{ref: ref, refs: []protocol.Ref{ref}}
	t.element = o.order.PushBack(t)
	o.of[ref] = t
	return t
}

// ready returns the traces to send: all that have ended, and the oldest, as long as the rest
// takes more than max bytes.
func (o *openTraces) ready() []*openTrace {
	var ready []*openTrace
	over := o.bytes - o.max
	for e := o.order.Front(); e != nil; e = e.Next() {
		if t := e.Value.(*openTrace); t.ended || over > 0 {
			ready = append(ready, t)
			over -= t.bytes
		}
	}
	return ready
}

// all returns all traces.
func (o *openTraces) all() []*openTrace {
	var all []*openTrace
	for e := o.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*openTrace))
	}
	return all
}

// drop forgets a trace.
func (o *openTraces) drop(t *openTrace) {
	for _, ref := range t.refs {
		if o.of[ref] == t {
			delete(o.of, ref)
		}
	}
	o.order.Remove(t.element)
	o.bytes -= t.bytes
}

// repo is the repository in which the lines of a trace are folded. It appears in no span.
const repo = "otel"

// spans returns the trace as spans.
func (t *openTrace) spans(ctx context.Context, of *resource.Resource) ([]sdktrace.ReadOnlySpan, error) {
	entities := slices.Collect(maps.Values(fold.Fold(repo, slices.Clone(t.lines))))
	root, _, err := fold.Build(ctx, repo, fold.KeyOf(repo, t.ref), entities, slices.Clone(t.lines))
	if err != nil || root == nil {
		return nil, err
	}
	if root.SessionID == "" {
		root.SessionID = t.session
	}
	return spansOf(ctx, root, of)
}
