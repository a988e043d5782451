package otlp

import "github.com/troupelog/troupe/internal/protocol"

// Limits of what becomes of one request, in bytes. Spans beyond them are rejected.
const (
	// MaxLines is how many bytes the lines of one request have together.
	MaxLines = 64 << 20
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
}

// Result is what becomes of a request.
type Result struct {
	Batches  []Batch // to be stored together, in this order
	Spans    int     // that are in the batches
	Rejected int     // spans that were left out
	Reason   string  // why the first of them was; quotes nothing of it
}

// Convert returns the log lines that say what the spans in the body of an export request
// say. They go to the repository repo, or where that is empty to that of the service.name.
// Spans that cannot be read are left out; of the others none is lost. The error is
// ErrMalformed if the body as a whole cannot be read.
//
// What is in memory meanwhile is one span, and the lines, MaxLines bytes at most.
func Convert(body []byte, format Format, repo string, kin *Kin) (Result, error) {
	c := converter{repo: repo}
	read := readProto
	if format == JSON {
		read = readJSON
	}
	if err := read(body, &c); err != nil {
		return Result{}, ErrMalformed
	}
	c.result.Batches = assemble(c.entities, kin)
	return c.result, nil
}

// converter collects what spans become.
type converter struct {
	repo     string
	entities []*entity
	bytes    int
	result   Result
}

func (c *converter) take(from *origin, s *span) {
	repo := c.repo
	if repo == "" {
		repo = clip(from.service, MaxRepository)
	}
	if repo == "" {
		repo = DefaultRepository
	}
	e := entityOf(s, from, repo)
	switch size := e.size(); {
	case e.longest() > protocol.MaxLine:
		c.reject(errLarge)
	case c.bytes+size > MaxLines:
		c.reject(errMany)
	default:
		c.bytes += size
		c.entities = append(c.entities, e)
		c.result.Spans++
	}
}

func (c *converter) reject(reason error) {
	c.result.Rejected++
	if c.result.Reason == "" {
		c.result.Reason = reason.Error()
	}
}
