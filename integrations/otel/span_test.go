package troupeotel

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/transport"
)

// A method that the SDK adds to its interface would be one of the nil that span embeds.
func TestSpanHasEveryMethod(t *testing.T) {
	s := newSpan(&export.Span{}, resource.Default())
	methods := reflect.TypeFor[sdktrace.ReadOnlySpan]()
	for m := range methods.Methods() {
		if m.IsExported() {
			reflect.ValueOf(s).MethodByName(m.Name).Call(nil)
		}
	}
}

func TestSpanShowsNode(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n := &fold.Node{Kind: "trace", ID: "t", Name: "turn \xff", Start: start, End: start.Add(time.Second), Children: []*fold.Node{
		{Kind: "generation", ID: "g", Model: "m\xff", Start: start, Status: "error", Message: []byte(`"stuck"`)},
	}}
	of := resource.NewSchemaless(attribute.String("service.name", "x"))
	spans, err := spansOf(t.Context(), n, of)
	if err != nil || len(spans) != 2 {
		t.Fatalf("%d spans, %v", len(spans), err)
	}
	root, call := spans[0], spans[1]
	if root.Parent().IsValid() || call.Parent().SpanID() != root.SpanContext().SpanID() || !root.SpanContext().IsSampled() {
		t.Errorf("parents are %v and %v", root.Parent(), call.Parent())
	}
	if root.SpanKind() != trace.SpanKindInternal || call.SpanKind() != trace.SpanKindClient {
		t.Errorf("kinds are %v and %v", root.SpanKind(), call.SpanKind())
	}
	if !root.StartTime().Equal(start) || root.EndTime().Sub(root.StartTime()) != time.Second || root.Resource() != of {
		t.Errorf("the root runs from %v to %v, of %v", root.StartTime(), root.EndTime(), root.Resource())
	}
	if root.Name() != "turn \uFFFD" || call.Name() != "chat m\uFFFD" {
		t.Errorf("names %q and %q, want valid UTF-8", root.Name(), call.Name())
	}
	if len(call.Events()) != 1 || call.Events()[0].Name != "exception" || root.InstrumentationScope().Name != export.ScopeName {
		t.Errorf("events %v, scope %v", call.Events(), root.InstrumentationScope())
	}
	_, err = spansOf(canceled(t), n, of)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

const (
	begin = `trace{id=t,action=create,data={"name":"turn"}}`
	tag   = `trace{id=t,action=update,data={"tags":{"a":"1"}}}`
	end   = `trace{id=t,action=end,data={}}`
)

func batchOf(spool string, first uint64, lines ...string) transport.Batch {
	return transport.Batch{Body: []byte(strings.Join(lines, "\n")), Lines: len(lines), Spool: spool, First: first}
}

// Lines of a batch that failed are kept; they come again, whole or in another cut, and count once.
func TestSendCountsLinesOnce(t *testing.T) {
	for name, spool := range map[string]string{"numbered": strings.Repeat("a", 32), "without numbers": ""} {
		t.Run(name, func(t *testing.T) {
			b := &backend{fails: 1}
			e := NewExporter(b, nil)
			batch := batchOf(spool, 7, begin, tag, tag, end)
			if err := e.Send(t.Context(), batch); err == nil || !strings.Contains(err.Error(), "will retry") {
				t.Fatalf("Send to a backend that is down = %v", err)
			}
			if got := len(e.open.all()[0].lines); got != 4 {
				t.Fatalf("%d lines kept, want all 4", got)
			}
			if err := e.Send(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if len(b.spans) != 1 || e.Late() != 0 || len(e.kept) != 0 || len(e.open.of) != 0 || e.open.bytes != 0 {
				t.Errorf("%d spans, %d late, %d lines and %d entities kept", len(b.spans), e.Late(), len(e.kept), len(e.open.of))
			}
		})
	}
}

func TestSendCutInAnotherPlace(t *testing.T) {
	spool, b := strings.Repeat("a", 32), &backend{fails: 1}
	e := NewExporter(b, nil)
	if err := e.Send(t.Context(), batchOf(spool, 1, begin, tag, end)); err == nil {
		t.Fatal("the backend is down")
	}
	if err := e.Send(t.Context(), batchOf(spool, 1, begin, tag)); err != nil {
		t.Fatal(err)
	}
	if err := e.Send(t.Context(), batchOf(spool, 3, end)); err != nil {
		t.Fatal(err)
	}
	if len(b.spans) != 1 || e.Late() != 0 || len(e.kept) != 0 {
		t.Errorf("%d spans, %d entries late, %d lines kept, want 1, 0 and 0", len(b.spans), e.Late(), len(e.kept))
	}
}

func TestSendAfterShutdown(t *testing.T) {
	e := NewExporter(&backend{}, nil)
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Send(t.Context(), batchOf("", 0, begin)); !errors.Is(err, ErrShutdown) {
		t.Errorf("Send after Shutdown = %v, want ErrShutdown", err)
	}
}

func TestSendDoesNotKeepTheBody(t *testing.T) {
	b := &backend{}
	e := NewExporter(b, nil)
	first := batchOf("", 0, begin)
	if err := e.Send(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	clear(first.Body)
	if err := e.Send(t.Context(), batchOf("", 0, end)); err != nil {
		t.Fatal(err)
	}
	if b.named(t, "turn") == nil {
		t.Error("the span has lost its name")
	}
}
