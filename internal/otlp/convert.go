package otlp

import (
	"errors"

	"github.com/troupelog/troupe/internal/protocol"
)

// Limits of a part, the unit in which the spans of a request are stored. A part takes some
// tens of milliseconds; other requests are served between two parts.
const (
	partSpans = 256
	partBytes = 1 << 20 // of lines; may be exceeded by the lines of one span
)

// MaxRepository limits the name of a repository, in bytes. A longer service.name is cut.
const MaxRepository = 256

// DefaultRepository receives spans without a service.name.
const DefaultRepository = "otlp"

// Batch is a run of numbered lines from one sender.
type Batch struct {
	Repo   string
	Sender [16]byte
	First  uint64 // the number of Lines[0]; the others follow it
	Lines  [][]byte

	// Repeated is set if every part of a request that concerns the trace has these lines.
	// They may then be stored already although no span was sent twice.
	Repeated bool
}

// Result is the outcome of a request.
type Result struct {
	Spans    int    // stored
	Rejected int    // left out
	Reason   string // why the first span was rejected; quotes nothing from it
}

// Convert turns the spans in the body of an export request into log lines and calls store
// for each part. The batches of one call must be stored together, in their order. The lines
// go to the repository repo or, if that is empty, to the one named by service.name.
//
// Unreadable spans are left out and counted; no other span is lost. Convert returns
// ErrMalformed if the body as a whole is unreadable, and has then stored nothing. If store
// fails, Convert returns its error at once. A request may be sent again, however much of it
// was stored: each span is a sender with numbered lines, so nothing is stored twice.
//
// Besides the body, only one part is held in memory. Convert starts no goroutines.
func Convert(body []byte, format Format, repo string, store func([]Batch) error) (Result, error) {
	read, decode := readProto, protoSpan
	if format == JSON {
		read, decode = readJSON, jsonSpan
	} else if err := read(body, func(*origin, []byte) error { return nil }); err != nil {
		return Result{}, err // nothing has been stored yet
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

// converter collects the entities of a part. It belongs to one call of Convert.
type converter struct {
	repo   string
	store  func([]Batch) error
	part   []*entity
	bytes  int                 // of part
	traces map[traceKey]string // ids of the traces that Troupe exported, as far as they have arrived
	result Result
}

// traceKey identifies a trace in a repository.
type traceKey struct {
	repo  string
	trace traceID
}

// take adds a span to the part and stores the part once it is full.
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

// flush stores the part and starts an empty one.
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
