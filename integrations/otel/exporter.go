package troupeotel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/transport"
)

// Exporter is the backend of a destination that sends traces as spans, through an exporter of
// OpenTelemetry, to any service that such an exporter reaches:
//
//	spans, err := otlptracehttp.New(ctx) // or any other exporter
//	backend := troupeotel.NewExporter(spans, nil)
//	err = log.AddDestination(backend.Destination("otel"))
//	…
//	err = errors.Join(log.Close(ctx), backend.Shutdown(ctx))
//
// # Mapping
//
// A trace and everything in it become spans with the attributes of OpenTelemetry's conventions
// for generative AI: generations are named "chat MODEL", tool calls "execute_tool NAME". Errors
// become events. Attributes that no convention names begin with "troupe.". A session has no
// span: the spans of its traces have its id as gen_ai.conversation.id. Attachments are not sent.
//
// Ids are derived from the ids of the log, so an entity has the same ids in every export: a
// trace id is the beginning of the SHA-256 of "trace", a NUL and the id of the trace; a span id is
// the beginning of the SHA-256 of the kind, a NUL and the id of the entity.
//
// # When a trace is sent
//
// A span cannot change, so a trace is sent once it has ended. Until then its entries are in
// memory, at most MaxHeld bytes for all traces together. Above that the oldest traces are sent
// as they are; spans that have not ended have the attribute troupe.open. Entries that arrive for
// a trace that was sent, such as late feedback, are dropped and counted: see Late.
//
// # Failures
//
// The entry that ends a trace stays in the spool until the export has succeeded; until then the
// export is repeated. A service that is down therefore delays traces and loses none. Entries
// before the end have left the spool by then, so if the process is killed, the traces that were
// open are lost to this destination, and to no other.
//
// An Exporter may be used concurrently.
type Exporter struct {
	spans    sdktrace.SpanExporter
	resource *resource.Resource
	late     atomic.Int64

	mu   sync.Mutex      // held during an export, so that traces are exported in the order of their ends
	shut bool            // guarded by mu
	open openTraces      // guarded by mu
	kept map[lineID]bool // guarded by mu; the lines of batches that failed and come again
}

var _ transport.Backend = (*Exporter)(nil)

// MaxHeld limits the bytes of entries that an Exporter keeps of traces that have not ended.
const MaxHeld = 64 << 20

// ErrShutdown is returned by Send after Shutdown.
var ErrShutdown = errors.New("troupeotel: the exporter is shut down; entries stay in the spool; close the logger first")

// NewExporter returns an Exporter that sends to spans. The resource is attached to every span;
// nil means resource.Default.
func NewExporter(spans sdktrace.SpanExporter, of *resource.Resource) *Exporter {
	if of == nil {
		of = resource.Default()
	}
	return &Exporter{spans: spans, resource: of, open: newOpenTraces(), kept: map[lineID]bool{}}
}

// Destination returns the exporter as a destination for Logger.AddDestination. The id names
// the destination, and with it the folder of its spool. Batches must be sent one after the
// other: do not set InFlight.
func (e *Exporter) Destination(id string) logger.Destination {
	return logger.Destination{ID: id, Backend: e}
}

// Late returns the number of entries that were dropped because their trace had been sent, or
// had begun in an earlier process.
func (e *Exporter) Late() int64 { return e.late.Load() }

// Shutdown sends the open traces as they are and shuts the OpenTelemetry exporter down. Call it
// after Logger.Close: entries that the logger delivers later stay in its spool. A second call
// does nothing. A nil ctx means context.Background.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil
	}
	err := e.export(ctx, e.open.all())
	e.shut = true
	return errors.Join(err, e.spans.Shutdown(ctx))
}

// Send implements transport.Backend: it keeps the lines of a batch, and exports the traces that
// have ended. After an error the whole batch must come again; the lines that were kept count
// once.
func (e *Exporter) Send(ctx context.Context, b transport.Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return ErrShutdown
	}
	now, ids := time.Now(), identifier{spool: b.Spool, next: b.First}
	for line := range bytes.SplitSeq(b.Body, []byte("\n")) {
		id := ids.of(line)
		if e.kept[id] {
			continue
		}
		e.kept[id] = true
		if !e.open.add(line, now) {
			e.late.Add(1)
		}
	}
	if err := e.export(ctx, e.open.ready()); err != nil {
		return err
	}
	// The batch leaves the spool, and no line before it comes again.
	maps.DeleteFunc(e.kept, func(id lineID, _ bool) bool {
		return id.spool == b.Spool && (id.spool == "" || id.number < ids.next)
	})
	return nil
}

// Upload implements transport.Backend. Spans have no files: the content is discarded.
func (e *Exporter) Upload(context.Context, transport.File) error { return nil }

// Order implements transport.Backend. A trace is exported with its end, so batches must not
// overtake each other.
func (e *Exporter) Order() transport.Order { return transport.Unknown }

// export exports traces and forgets them. Callers must hold mu.
func (e *Exporter) export(ctx context.Context, traces []*openTrace) error {
	for _, t := range traces {
		spans, err := t.spans(ctx, e.resource)
		if err != nil {
			return err
		}
		if err := e.spans.ExportSpans(ctx, spans); err != nil {
			return fmt.Errorf("troupeotel: export %d spans: %w; will retry", len(spans), err)
		}
		e.open.drop(t)
	}
	return nil
}

// lineID identifies a line in a spool or, without one, in a batch.
type lineID struct {
	spool  string
	text   string // of a line without a spool
	number uint64 // the line's number in the spool, or the count of equal lines before it
}

// identifier numbers the lines of a batch.
type identifier struct {
	spool string
	next  uint64
	equal map[string]uint64 // lines of a batch without a spool
}

func (i *identifier) of(line []byte) lineID {
	if i.spool != "" {
		i.next++
		return lineID{spool: i.spool, number: i.next - 1}
	}
	if i.equal == nil {
		i.equal = map[string]uint64{}
	}
	text := string(line)
	i.equal[text]++
	return lineID{text: text, number: i.equal[text]}
}
