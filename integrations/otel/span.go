package troupeotel

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
)

// span is a finished span, immutable. The SDK keeps others from implementing its interface by an
// unexported method, so that it can add methods later; embedding the interface provides that
// one. A method that the SDK adds would panic: TestSpanHasEveryMethod finds it.
type span struct {
	sdktrace.ReadOnlySpan // nil
	from                  *export.Span
	context, parent       trace.SpanContext
	attributes            []attribute.KeyValue
	events                []sdktrace.Event
	resource              *resource.Resource
}

// spansOf returns a node and all below it as spans, parents first.
func spansOf(ctx context.Context, n *fold.Node, of *resource.Resource) ([]sdktrace.ReadOnlySpan, error) {
	var all []sdktrace.ReadOnlySpan
	err := export.Spans(ctx, n, func(s *export.Span) error {
		all = append(all, newSpan(s, of))
		return nil
	})
	return all, err
}

func newSpan(from *export.Span, of *resource.Resource) *span {
	s := &span{from: from, context: contextOf(from.TraceID, from.ID), attributes: keyValues(from.Attributes), resource: of}
	if from.Parent != (trace.SpanID{}) {
		s.parent = contextOf(from.TraceID, from.Parent)
	}
	for _, e := range from.Events {
		s.events = append(s.events, sdktrace.Event{Name: valid(e.Name), Time: e.Time, Attributes: keyValues(e.Attributes)})
	}
	return s
}

func contextOf(t trace.TraceID, s trace.SpanID) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: s, TraceFlags: trace.FlagsSampled})
}

func keyValues(from []export.Attribute) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, a := range from {
		all = append(all, attribute.KeyValue{Key: attribute.Key(valid(a.Key)), Value: valueFrom(a.Value)})
	}
	return all
}

func valueFrom(v any) attribute.Value {
	switch v := v.(type) {
	case string:
		return attribute.StringValue(valid(v))
	case int64:
		return attribute.Int64Value(v)
	case float64:
		return attribute.Float64Value(v)
	case bool:
		return attribute.BoolValue(v)
	case []string:
		texts := make([]string, len(v))
		for i, text := range v {
			texts[i] = valid(text)
		}
		return attribute.StringSliceValue(texts)
	default:
		return attribute.Value{} // never: export.Attribute has no other types
	}
}

// valid returns text with U+FFFD in place of invalid UTF-8, which would make the whole export
// fail: protocol buffers refuse it.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// SpanContext implements sdktrace.ReadOnlySpan. All spans are sampled.
func (s *span) SpanContext() trace.SpanContext { return s.context }

// Parent implements sdktrace.ReadOnlySpan.
func (s *span) Parent() trace.SpanContext { return s.parent }

// Name implements sdktrace.ReadOnlySpan.
func (s *span) Name() string { return valid(s.from.Name) }

// SpanKind implements sdktrace.ReadOnlySpan.
func (s *span) SpanKind() trace.SpanKind {
	if s.from.Client {
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// StartTime implements sdktrace.ReadOnlySpan.
func (s *span) StartTime() time.Time { return s.from.Start }

// EndTime implements sdktrace.ReadOnlySpan. An open span ends when it starts.
func (s *span) EndTime() time.Time { return s.from.End }

// Attributes implements sdktrace.ReadOnlySpan.
func (s *span) Attributes() []attribute.KeyValue { return s.attributes }

// Links implements sdktrace.ReadOnlySpan. There are none.
func (s *span) Links() []sdktrace.Link { return nil }

// Events implements sdktrace.ReadOnlySpan.
func (s *span) Events() []sdktrace.Event { return s.events }

// Status implements sdktrace.ReadOnlySpan.
func (s *span) Status() sdktrace.Status {
	if !s.from.Failed {
		return sdktrace.Status{}
	}
	return sdktrace.Status{Code: codes.Error, Description: valid(s.from.Failure)}
}

// InstrumentationScope implements sdktrace.ReadOnlySpan.
func (s *span) InstrumentationScope() instrumentation.Scope {
	return instrumentation.Scope{Name: export.ScopeName}
}

// InstrumentationLibrary implements sdktrace.ReadOnlySpan.
func (s *span) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // a part of the interface
	return s.InstrumentationScope()
}

// Resource implements sdktrace.ReadOnlySpan.
func (s *span) Resource() *resource.Resource { return s.resource }

// DroppedAttributes implements sdktrace.ReadOnlySpan.
func (s *span) DroppedAttributes() int { return 0 }

// DroppedLinks implements sdktrace.ReadOnlySpan.
func (s *span) DroppedLinks() int { return 0 }

// DroppedEvents implements sdktrace.ReadOnlySpan.
func (s *span) DroppedEvents() int { return 0 }

// ChildSpanCount implements sdktrace.ReadOnlySpan. It is not counted.
func (s *span) ChildSpanCount() int { return 0 }
