package api

import (
	"io"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/tree"
	"github.com/troupelog/troupe/pricing"
)

// The parts of a tree. Package fold documents the fields.
type (
	// Node is an entity with everything known about it, and its children.
	Node = fold.Node
	// Usage is the number of tokens of model calls.
	Usage = pricing.Usage
	// Cost is the cost of model calls.
	Cost = pricing.Cost
	// Totals are the sums of a tree.
	Totals = fold.Totals
)

// Page is the answer to a request for a list.
type Page[T any] struct {
	Data []T `json:"data"`
	// Next is the cursor of the next page, empty on the last page.
	Next string `json:"next"`
}

// Repository is an element of the list of repositories.
type Repository struct {
	ID      string `json:"id"`
	Lines   uint64 `json:"lines"`   // ever stored
	Refused uint64 `json:"refused"` // malformed lines, not stored
}

// Stats is the answer to a request for the counts of a repository.
type Stats struct {
	Lines    uint64         `json:"lines"`
	Entities map[string]int `json:"entities"` // by kind; all kinds are there
	// Open is the number of sessions, traces, spans, generations, retrievals and tool calls
	// that were started and have not ended.
	Open int `json:"open"`
}

// TraceSummary is a trace in a list.
type TraceSummary struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	SessionID  string    `json:"session_id,omitempty"`
	Status     string    `json:"status"` // "error", "ended", "open", or "partial" if its create entry is missing
	Start      time.Time `json:"start,omitzero"`
	End        time.Time `json:"end,omitzero"`
	DurationMS float64   `json:"duration_ms,omitzero"` // never negative
	// Clocks of different machines disagree. Such an entity has no duration.
	SkewMS   float64           `json:"skew_ms,omitzero"` // how far the end is before the start
	Tags     map[string]string `json:"tags,omitempty"`
	Usage    Usage             `json:"usage"`    // of everything below it
	Cost     Cost              `json:"cost"`     // of everything below it
	Entities int               `json:"entities"` // below it
	Errors   int               `json:"errors"`   // below it
}

// SessionSummary is a session in a list.
type SessionSummary struct {
	ID         string            `json:"id"`
	Name       string            `json:"name,omitempty"`
	Status     string            `json:"status"` // as TraceSummary.Status
	Start      time.Time         `json:"start,omitzero"`
	End        time.Time         `json:"end,omitzero"`
	DurationMS float64           `json:"duration_ms,omitzero"` // never negative
	SkewMS     float64           `json:"skew_ms,omitzero"`     // how far the end is before the start
	Tags       map[string]string `json:"tags,omitempty"`
	Traces     int               `json:"traces"`
}

// Facet is a field of traces with its most frequent values. The answer to a request for facets
// is a Page of them, without a cursor.
type Facet struct {
	Field  string       `json:"field"` // as in queries: "status", "model", "tag" and so on
	Values []FacetValue `json:"values"`
}

// FacetValue is a value of a field.
type FacetValue struct {
	Key    string `json:"key,omitempty"` // name of a tag
	Value  string `json:"value"`
	Traces int    `json:"traces"` // traces that have it
}

// Histogram is the answer to a request for a histogram: the number of traces over time.
type Histogram struct {
	Data    []Bar   `json:"data"`
	Seconds float64 `json:"seconds"` // length of each bar
}

// Bar is a part of a histogram.
type Bar struct {
	From   time.Time `json:"from"`
	Traces int       `json:"traces"`
	Errors int       `json:"errors"` // traces with status "error"
}

// Trace is the answer to a request for one trace: its node, with the whole tree below it.
type Trace struct {
	Node
	Totals Totals `json:"totals"`
}

// WriteTree writes the trace to w as a tree of plain text: one line for each entity with its
// duration, tokens and cost, and its texts below it. It returns the error of w.
func (t Trace) WriteTree(w io.Writer) error { return tree.Render(w, &t.Node, tree.Options{}) }

// Session is the answer to a request for one session: its node and a page of its traces,
// newest first.
type Session struct {
	Node
	Traces []TraceSummary `json:"traces"`
	// Next is the cursor of the next page of traces, empty on the last page.
	Next string `json:"next"`
}

// StoredLine is one line of the answer to a request for lines, which is NDJSON.
type StoredLine struct {
	Seq uint64 `json:"seq"` // its number in the repository, from 1
	// Line is the line as it was received. If it is not valid UTF-8, invalid bytes are
	// replaced by U+FFFD here, and LineBase64 has the exact bytes.
	Line       string `json:"line"`
	LineBase64 []byte `json:"line_base64,omitempty"`
}
