package collector

import (
	"github.com/troupelog/troupe/internal/api"
	"github.com/troupelog/troupe/internal/service"
)

// Parts of a tree.
type (
	// Node is an entity with everything known about it, and its children.
	Node = api.Node
	// Usage is the number of tokens of model calls.
	Usage = api.Usage
	// Cost is the cost of model calls.
	Cost = api.Cost
	// Totals are the sums of a tree.
	Totals = api.Totals
)

// Answers of the JSON interface, for programs that decode them.
type (
	// Error is the answer to a failed request, as {"error":{…}}.
	Error = api.Error
	// Page is the answer to a request for a list.
	Page[T any] = api.Page[T]
	// Repository is an element of the list of repositories.
	Repository = api.Repository
	// Stats is the answer to a request for the counts of a repository.
	Stats = api.Stats
	// TraceSummary is a trace in a list.
	TraceSummary = api.TraceSummary
	// SessionSummary is a session in a list.
	SessionSummary = api.SessionSummary
	// Facet is a field of traces with its most frequent values.
	Facet = api.Facet
	// FacetValue is a value of a field.
	FacetValue = api.FacetValue
	// Histogram is the answer to a request for a histogram: the number of traces over time.
	Histogram = api.Histogram
	// Bar is a part of a histogram.
	Bar = api.Bar
	// Trace is the answer to a request for one trace: its node, with the whole tree below it.
	Trace = api.Trace
	// Session is the answer to a request for one session: its node and a page of its traces,
	// newest first.
	Session = api.Session
	// SearchHit is a line that a search found.
	SearchHit = api.SearchHit
	// StoredLine is one line of the answer to a request for lines, which is NDJSON.
	StoredLine = api.StoredLine
	// Ingested is the answer to a successful log request, as {"data":{…}}.
	Ingested = api.Ingested
	// Rejected is a refused line of a log request.
	Rejected = api.Rejected
)

// LongestWrites holds how long a writer kept other writers of the same file waiting.
type LongestWrites = service.LongestWrites
