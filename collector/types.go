package collector

import (
	"io"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/tree"
	"github.com/troupelog/troupe/pricing"
)

// What a tree is made of. See package fold for the fields.
type (
	// Node is an entity with everything known about it, and its children.
	Node = fold.Node
	// Usage is tokens of model calls.
	Usage = pricing.Usage
	// Cost is the cost of model calls.
	Cost = pricing.Cost
	// Totals is what a tree adds up to.
	Totals = fold.Totals
)

// Page answers a request for a list.
type Page[T any] struct {
	Data []T `json:"data"`
	// Next is the cursor for the next page, empty on the last one.
	Next string `json:"next"`
}

// Repository answers as an element of the list of repositories.
type Repository struct {
	ID      string `json:"id"`
	Lines   uint64 `json:"lines"`   // stored
	Refused uint64 `json:"refused"` // malformed, not stored
}

// Stats answers a request for the counts of a repository.
type Stats struct {
	Lines    uint64         `json:"lines"`
	Entities map[string]int `json:"entities"` // by kind; all kinds are there
	// Open is how many sessions, traces, spans, generations, retrievals and tool
	// calls were started and have no end.
	Open int `json:"open"`
}

// TraceSummary is a trace in a list.
type TraceSummary struct {
	ID         string            `json:"id"`
	Name       string            `json:"name,omitempty"`
	SessionID  string            `json:"session_id,omitempty"`
	Status     string            `json:"status"` // "error", "ended", "open", or "partial" if its beginning never came
	Start      time.Time         `json:"start,omitzero"`
	End        time.Time         `json:"end,omitzero"`
	DurationMS float64           `json:"duration_ms,omitzero"` // never negative
	SkewMS     float64           `json:"skew_ms,omitzero"`     // by how much the end is before the start
	Tags       map[string]string `json:"tags,omitempty"`
	Usage      Usage             `json:"usage"`    // of everything below it
	Cost       Cost              `json:"cost"`     // of everything below it
	Entities   int               `json:"entities"` // below it
	Errors     int               `json:"errors"`   // below it
}

// SessionSummary is a session in a list.
type SessionSummary struct {
	ID         string            `json:"id"`
	Name       string            `json:"name,omitempty"`
	Status     string            `json:"status"` // as of a trace
	Start      time.Time         `json:"start,omitzero"`
	End        time.Time         `json:"end,omitzero"`
	DurationMS float64           `json:"duration_ms,omitzero"` // never negative
	SkewMS     float64           `json:"skew_ms,omitzero"`     // by how much the end is before the start
	Tags       map[string]string `json:"tags,omitempty"`
	Traces     int               `json:"traces"`
}

// Trace answers a request for one trace: its node, with all of its tree.
type Trace struct {
	Node
	Totals Totals `json:"totals"`
}

// WriteTree writes the trace to w as a tree of plain text, one entity a line with its
// duration, tokens and cost, and its texts below it. It returns the error of w.
func (t Trace) WriteTree(w io.Writer) error { return tree.Render(w, &t.Node, tree.Options{}) }

// Session answers a request for one session: its node and a page of its traces,
// newest first.
type Session struct {
	Node
	Traces []TraceSummary `json:"traces"`
	// Next is the cursor for the next page of traces, empty on the last one.
	Next string `json:"next"`
}

// StoredLine is a line of the answer to a request for lines, which is NDJSON.
type StoredLine struct {
	Seq uint64 `json:"seq"` // its number in the repository, from 1
	// Line is the line as it was received. If that is not UTF-8, the bytes that are
	// not are U+FFFD here, and LineBase64 has the exact bytes.
	Line       string `json:"line"`
	LineBase64 []byte `json:"line_base64,omitempty"`
}
