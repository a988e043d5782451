package otlp

import (
	"errors"

	"github.com/troupelog/troupe/internal/protocol"
)

// Bounds of a part, in which the spans of a request are stored. Others are served between
// two parts, which take some tens of milliseconds each.
const (
	partSpans = 256
	partBytes = 1 << 20 // of lines; those of one span may come on top
)

// MaxRepository is the longest name of a repository in bytes. A longer service.name is cut.
const MaxRepository = 256

// DefaultRepository is where spans without a service.name go.
const DefaultRepository = "otlp"

// Batch is numbered lines of one sender.
type Batch struct {
	Repo   string
	Sender [16]byte
	First  uint64 // the number of Lines[0]; the others follow it
	Lines  [][]byte

	// Repeated is set if each part of a request that speaks of the trace has the lines,
	// so that they may have been stored though no span came twice.
	Repeated bool
}

// Result is what became of a request.
type Result struct {
	Spans    int    // that were stored
	Rejected int    // spans that were left out
	Reason   string // why the first of them was; quotes nothing of it
}

// Convert turns the spans in the body of an export request into log lines, and calls store
// with them, part by part: what it is given is to be stored together, in its order. The
// lines go to the repository repo, or where that is empty to that of the service.name.
//
// Spans that cannot be read are left out and counted; of the others none is lost. The error
// is ErrMalformed if the body as a whole cannot be read; then nothing was stored. If store
// fails, Convert returns its error at once. A request that comes again stores nothing twice,
// however far it came before, because each span is a sender whose lines are numbered.
//
// What is in memory beside the body is one part. Convert starts no goroutines.
func Convert(body []byte, format Format, repo string, store func([]Batch) error) (Result, error) {
	read, decode := readProto, protoSpan
	if format == JSON {
		read, decode = readJSON, jsonSpan
	} else if err := read(body, func(*origin, []byte) error { return nil }); err != nil {
		return Result{}, err // before anything is stored
	}
	c := converter{repo: repo, store: store, traces: map[traceKey]string{}}
	err := reader(read)(body, func(from *origin, encoded []byte) error {
		s, err := decode(encoded)
		if err != nil {
			c.reject(err)
			return nil
		}
		return c.take(from, s)
	})
	if err == nil {
		err = c.flush()
	}
	return c.result, err
}

// converter collects what spans become. It belongs to one call of Convert.
type converter struct {
	repo   string
	store  func([]Batch) error
	part   []*entity
	bytes  int                 // of part
	traces map[traceKey]string // the ids of traces that Troupe exported, as far as they came
	result Result
}

// traceKey names a trace in a repository.
type traceKey struct {
	repo  string
	trace traceID
}

// take adds a span to the part, and stores the part if that is full.
func (c *converter) take(from *origin, s *span) error {
	repo := c.repo
	if repo == "" {
		repo = clip(from.service, MaxRepository)
	}
	if repo == "" {
		repo = DefaultRepository
	}
	e := entityOf(s, from, repo)
	longest, size := e.measure()
	if longest > protocol.MaxLine {
		c.reject(errLarge)
		return nil
	}
	if e.ref.Kind == protocol.Trace {
		c.traces[traceKey{repo, e.trace}] = e.ref.ID
	}
	c.part = append(c.part, e)
	c.bytes += size
	c.result.Spans++
	if len(c.part) < partSpans && c.bytes < partBytes {
		return nil
	}
	return c.flush()
}

// flush stores the part.
func (c *converter) flush() error {
	if len(c.part) == 0 {
		return nil
	}
	batches := assemble(c.part, c.traces)
	clear(c.part)
	c.part, c.bytes = c.part[:0], 0
	return c.store(batches)
}

func (c *converter) reject(reason error) {
	if errors.Is(reason, ErrMalformed) {
		reason = errSpan
	}
	c.result.Rejected++
	if c.result.Reason == "" {
		c.result.Reason = reason.Error()
	}
}
