package troupeotel

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupelog/troupe/internal/modelcall"
	"github.com/troupelog/troupe/internal/otlp"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
)

// Processor is a span processor that logs spans of generative AI, which have attributes of
// OpenTelemetry's conventions (gen_ai.*), of OpenInference or of OpenLLMetry. Model calls become
// generations, tools become tool calls, retrievers become retrievals; agents, chains and workflows
// become spans. Other spans, such as of HTTP and databases, are not logged; their children are
// logged in the span around them.
//
// # Place
//
// A span becomes part of the span or trace in the context of OnStart (logger.StartTrace,
// logger.StartSpan) or, without one, of the span around it. Without either it begins a trace whose
// id is OpenTelemetry's in hexadecimal, in the session that gen_ai.conversation.id names. That trace
// ends with its last span in this process. A span whose parent is in another process continues the
// trace, which is taken to have begun there.
//
// A model call that package llm logs as well is logged only once, by llm, which knows more, in the
// place of the span.
//
// # Time
//
// Agents, chains and workflows are logged when they begin, if their attributes identify them then,
// as the conventions require. All other spans are logged when they have ended.
//
// Make one with NewProcessor. It may be used concurrently. Its calls cost as much as calls of the
// logger, and never wait for a network.
type Processor struct {
	log  *logger.Logger
	stop func()

	mu     sync.Mutex
	live   map[spanKey]*liveSpan           // guarded by mu
	traces map[trace.TraceID]*processTrace // guarded by mu
}

var (
	_ sdktrace.SpanProcessor = (*Processor)(nil)
	_ modelcall.Observer     = (*Processor)(nil)
)

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

// liveSpan is a span that has not ended. Its fields are guarded by Processor.mu.
type liveSpan struct {
	parent *liveSpan // nil for the topmost span in this process
	said   place     // the scope in the context of OnStart
	around logger.Scope
	inside logger.Scope
	span   logger.Span // as which it was logged when it began, zero if it was not
	called bool        // package llm logs a model call in it
}

// processTrace is a trace with live spans. Guarded by Processor.mu.
type processTrace struct {
	name  string // of the first span
	start time.Time
	live  int          // spans
	begun logger.Trace // zero unless the processor began one
	scope logger.Scope // around the topmost spans; inert until it is needed
	asked bool         // an input is logged
}

// place identifies the trace and the span of a scope.
type place struct{ trace, span string }

func placeOf(s logger.Scope) place { return place{s.Trace().ID(), s.Span().ID()} }

// NewProcessor returns a processor that logs to log, as an option of a tracer provider:
//
//	sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(troupeotel.NewProcessor(log)))
func NewProcessor(log *logger.Logger) *Processor {
	p := &Processor{log: log, live: map[spanKey]*liveSpan{}, traces: map[trace.TraceID]*processTrace{}}
	p.stop = modelcall.Observe(p)
	return p
}

// OnStart implements sdktrace.SpanProcessor.
func (p *Processor) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	defer contain()
	sc := s.SpanContext()
	if !sc.IsSampled() {
		return
	}
	said := logger.FromContext(ctx)
	attributes := attributesOf(s.Attributes())
	kind, known := otlp.KindOf(attributes)

	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.traces[sc.TraceID()]
	if t == nil {
		t = &processTrace{name: s.Name(), start: s.StartTime()}
		p.traces[sc.TraceID()] = t
	}
	t.live++
	l := &liveSpan{said: placeOf(said), parent: p.live[spanKey{sc.TraceID(), s.Parent().SpanID()}]}
	switch {
	case l.parent != nil && l.said == l.parent.said:
		l.around = l.parent.inside
	case said.Active():
		l.around = said
	}
	if l.around.Active() && !t.scope.Active() {
		t.scope = l.around
	}
	l.inside = l.around
	p.live[spanKey{sc.TraceID(), sc.SpanID()}] = l
	if !known || kind != protocol.Span {
		return
	}
	p.place(l, t, s, attributes)
	l.span = l.around.AddSpan(logger.SpanConfig{
		ID: sc.TraceID().String() + "-" + sc.SpanID().String(), Name: s.Name(), StartTime: s.StartTime(),
	})
	l.inside = logger.FromContext(logger.NewContext(context.Background(), l.span))
}

// place chooses the scope around a span whose context names none. Callers must hold p.mu.
func (p *Processor) place(l *liveSpan, t *processTrace, s sdktrace.ReadOnlySpan, attributes []otlp.Attribute) {
	if l.around.Active() {
		return
	}
	if !t.scope.Active() {
		t.scope = p.begin(t, s, attributes)
	}
	l.around, l.inside = t.scope, t.scope
}

// begin begins the trace of a span, or continues the trace of another process. Callers must hold
// p.mu.
func (p *Processor) begin(t *processTrace, s sdktrace.ReadOnlySpan, attributes []otlp.Attribute) logger.Scope {
	id := s.SpanContext().TraceID().String()
	if s.Parent().IsRemote() {
		h := map[string][]string{protocol.HeaderTrace: {id}}
		return logger.FromContext(logger.Extract(logger.NewContext(context.Background(), p.log), h))
	}
	session := ""
	for _, a := range attributes {
		if text, ok := a.Value.(string); ok && (a.Key == "gen_ai.conversation.id" || a.Key == "session.id") {
			session = text
		}
	}
	t.begun = p.log.Trace(logger.TraceConfig{ID: id, Name: t.name, SessionID: session, StartTime: t.start})
	return logger.FromContext(logger.NewContext(context.Background(), t.begun))
}

// OnEnd implements sdktrace.SpanProcessor.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	defer contain()
	sc := s.SpanContext()
	key := spanKey{sc.TraceID(), sc.SpanID()}
	attributes := attributesOf(s.Attributes())
	kind, known := otlp.KindOf(attributes)

	p.mu.Lock()
	l, t := p.live[key], p.traces[sc.TraceID()]
	if l == nil || t == nil {
		p.mu.Unlock()
		return // it began before the processor did
	}
	delete(p.live, key)
	log := known && !(kind == protocol.Generation && l.called)
	if log {
		p.place(l, t, s, attributes)
	}
	top := l.parent == nil || l.parent.span == (logger.Span{})
	var over logger.Trace
	if t.live--; t.live == 0 {
		over = t.begun
		delete(p.traces, sc.TraceID())
	}
	begun, first := t.begun, !t.asked
	t.asked = t.asked || log && top
	p.mu.Unlock()

	if log {
		d := describe(s, attributes)
		record(l, s, &d)
		if begun != (logger.Trace{}) && top {
			if d.Input != "" && first {
				begun.SetInput(d.Input)
			}
			if d.Output != "" {
				begun.SetOutput(d.Output)
			}
		}
	}
	over.EndWith(logger.EndConfig{EndTime: s.EndTime()})
}

// Within implements modelcall.Observer. A call that package llm logs is part of the span in its
// context, unless something was begun with the logger since.
func (p *Processor) Within(ctx context.Context, s logger.Scope) logger.Scope {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return s
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.live[spanKey{sc.TraceID(), sc.SpanID()}]
	if l == nil || !l.inside.Active() || l.said != placeOf(s) {
		return s
	}
	return l.inside
}

// Begun implements modelcall.Observer.
func (p *Processor) Begun(ctx context.Context) {
	sc := trace.SpanContextFromContext(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := p.live[spanKey{sc.TraceID(), sc.SpanID()}]; l != nil; l = l.parent {
		l.called = true
	}
}

// ForceFlush implements sdktrace.SpanProcessor. It waits until all ended spans are delivered, as
// Logger.Flush does.
func (p *Processor) ForceFlush(ctx context.Context) error { return p.log.Flush(ctx) }

// Shutdown implements sdktrace.SpanProcessor. It ends the traces that the processor began,
// and flushes the logger, but does not close it.
func (p *Processor) Shutdown(ctx context.Context) error {
	p.stop()
	p.mu.Lock()
	open := p.traces
	p.traces, p.live = map[trace.TraceID]*processTrace{}, map[spanKey]*liveSpan{}
	p.mu.Unlock()
	for _, t := range open {
		t.begun.End()
	}
	return p.log.Flush(ctx)
}

// contain recovers from a panic of a user's value, which must not reach the code that begins or ends
// a span.
func contain() { _ = recover() }

// attributesOf returns attributes in the form that package otlp reads.
func attributesOf(from []attribute.KeyValue) []otlp.Attribute {
	all := make([]otlp.Attribute, len(from))
	for i, kv := range from {
		all[i] = otlp.Attribute{Key: string(kv.Key), Value: valueOf(kv.Value)}
	}
	return all
}

func valueOf(v attribute.Value) any {
	switch v.Type() {
	case attribute.BOOL:
		return v.AsBool()
	case attribute.INT64:
		return v.AsInt64()
	case attribute.FLOAT64:
		return v.AsFloat64()
	case attribute.STRING:
		return v.AsString()
	case attribute.BOOLSLICE:
		return listOf(v.AsBoolSlice())
	case attribute.INT64SLICE:
		return listOf(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return listOf(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		return listOf(v.AsStringSlice())
	default:
		return v.String()
	}
}

func listOf[T any](from []T) []any {
	all := make([]any, len(from))
	for i, v := range from {
		all[i] = v
	}
	return all
}
