package troupeotel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
)

// Exporter is a destination of a logger that sends traces as spans, through an exporter of
// OpenTelemetry, to any backend that one reaches:
//
//	spans, err := otlptracehttp.New(ctx) // or any other exporter
//	backend := troupeotel.NewExporter(spans, nil)
//	err = log.AddDestination(backend.Destination("otel"))
//	…
//	err = errors.Join(log.Close(ctx), backend.Shutdown(ctx))
//
// # What becomes what
//
// A trace and all that is in it become spans with the attributes of OpenTelemetry's
// conventions for generative AI: "chat MODEL" for generations, "execute_tool NAME" for tool
// calls; errors become events, and what no convention has is below troupe. Sessions are
// no spans: those of their traces have the id as gen_ai.conversation.id. Ids are made of
// the ids of the log, so that an entity has the same in every export: a trace's is the
// beginning of the SHA-256 of "trace", a NUL and its id, and a span's that of its kind, a NUL
// and its id. Attachments are not sent.
//
// # When
//
// A trace is sent when it has ended, as spans cannot change: until then its entries are in
// memory, at most MaxHeld bytes of all traces together; where there is no room the
// oldest is sent as it is, with the attribute troupe.open on what has not ended. Entries
// that come for a trace that was sent, such as late feedback, are left out and counted, see
// Late.
//
// The entry that ends a trace stays in the spool until the exporter has returned without an
// error, and the trace is exported again then, so a backend that is down delays and loses
// nothing. If the process is killed, traces that had not ended are lost to this
// destination: those that only spans are sent to, no others.
type Exporter struct {
	spans    sdktrace.SpanExporter
	resource *resource.Resource
	late     lateCounter

	mu      sync.Mutex      // held while spans are exported: their order is that of the log
	shut    bool            // guarded by mu
	held    heldTraces      // guarded by mu
	applied map[string]bool // guarded by mu; the lines of batches that failed, by their numbers
}

// MaxHeld is how many bytes of entries of traces that have not ended an Exporter keeps.
const MaxHeld = 64 << 20

// ErrShutdown is what deliveries fail with after Shutdown.
var ErrShutdown = errors.New("troupeotel: the exporter is shut down: close the logger before")

// NewExporter returns a destination that sends spans through an exporter, as of a
// resource, which nil makes resource.Default.
func NewExporter(spans sdktrace.SpanExporter, of *resource.Resource) *Exporter {
	if of == nil {
		of = resource.Default()
	}
	return &Exporter{spans: spans, resource: of, held: newHeldTraces(), applied: map[string]bool{}}
}

// Destination returns the exporter as a destination for Logger.AddDestination. The id names
// the destination, and with it the folder of its spool. Batches must be sent one after the
// other: do not set InFlight.
func (e *Exporter) Destination(id string) logger.Destination {
	return logger.Destination{ID: id, BaseURL: exporterURL, Transport: e}
}

// exporterURL is an address that nothing is sent to.
const exporterURL = "http://127.0.0.1/opentelemetry"

// Late returns how many entries were left out since their trace had been sent, or had
// begun in a process before this one.
func (e *Exporter) Late() int64 { return e.late.n.Load() }

// Shutdown sends what is left, and shuts the exporter down. Call it after Logger.Close:
// what the logger delivers then fails, and stays in its spool.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil
	}
	err := e.send(ctx, e.held.all())
	e.shut = true
	return errors.Join(err, e.spans.Shutdown(ctx))
}

// RoundTrip implements http.RoundTripper: it takes what the logger sends.
func (e *Exporter) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	switch {
	case r.Method == http.MethodPost:
		if err := e.take(r.Context(), body, r.Header); err != nil {
			return answer(r, http.StatusServiceUnavailable, map[string]any{"error": map[string]any{"message": err.Error()}}), nil
		}
		return answer(r, http.StatusOK, map[string]any{"data": map[string]any{}}), nil
	case strings.HasSuffix(r.URL.Path, "/upload-url"):
		// The contents of attachments go nowhere, but to the logger they are stored.
		to := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: "/nowhere"}
		return answer(r, http.StatusOK, map[string]any{"data": map[string]any{"url": to.String()}}), nil
	default:
		return answer(r, http.StatusOK, map[string]any{"data": map[string]any{}}), nil
	}
}

func answer(r *http.Request, status int, body any) *http.Response {
	raw, err := json.Marshal(body)
	if err != nil {
		raw = nil // never: the values are texts
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(raw)),
		ContentLength: int64(len(raw)), Request: r,
	}
}

// take holds the lines of a batch, and sends the traces that have ended.
func (e *Exporter) take(ctx context.Context, body []byte, h http.Header) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return ErrShutdown
	}
	now, numbers := time.Now(), numbersOf(h)
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		// Lines of a batch that failed come again, and count once.
		number := numbers.next(line)
		if e.applied[number] {
			continue
		}
		e.applied[number] = true
		if !e.held.add(line, now) {
			e.late.n.Add(1)
		}
	}
	if err := e.send(ctx, e.held.ready()); err != nil {
		return err
	}
	clear(e.applied) // the batch leaves the spool
	return nil
}

// send exports traces; mu is held.
func (e *Exporter) send(ctx context.Context, traces []*heldTrace) error {
	for _, t := range traces {
		spans, err := t.spans(ctx, e.resource)
		if err != nil {
			return err
		}
		if err := e.spans.ExportSpans(ctx, spans); err != nil {
			return fmt.Errorf("troupeotel: %d spans cannot be exported, it will be tried again: %w", len(spans), err)
		}
		e.held.drop(t)
	}
	return nil
}

// numbers tells the lines of a batch apart.
type numbers struct {
	spool string
	seq   uint64
	seen  map[string]int // lines of a batch without a spool
}

func numbersOf(h http.Header) *numbers {
	n := &numbers{spool: h.Get(protocol.HeaderProducer), seen: map[string]int{}}
	if _, err := fmt.Sscan(h.Get(protocol.HeaderSeq), &n.seq); err != nil {
		n.spool = ""
	}
	return n
}

// next returns the number of a line: its place in the spool, or, where it has none, the
// line itself and how often it has come in the batch.
func (n *numbers) next(line []byte) string {
	if n.spool == "" {
		n.seen[string(line)]++
		return fmt.Sprint(n.seen[string(line)], "/", string(line))
	}
	number := fmt.Sprint(n.spool, "/", n.seq)
	n.seq++
	return number
}
