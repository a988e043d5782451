package store

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/pricing"
)

// Explorer answers what people ask of an Index: lists with conditions, facets,
// statistics. Its methods have the guarantees of Index, and times that do not grow with
// what is stored as long as a filter has a time range or an indexed condition.
type Explorer interface {
	// Rows returns traces that match a filter in the order of Sort, at most q.Limit.
	// Totals, models and tools are those of the whole tree below each.
	Rows(ctx context.Context, q RowQuery) ([]TraceRow, error)

	// Facets returns the commonest values of some fields among the traces that match, of
	// each at most limit, most frequent first.
	//
	// Where more than MaxTallied traces match, the newest of them are looked at.
	Facets(ctx context.Context, f Filter, fields []Field, limit int) (map[Field][]Facet, error)

	// Histogram counts the traces that match in n equal parts of [f.From, f.To), which
	// must both be set. Where more than MaxCounted match, the newest of them are counted.
	Histogram(ctx context.Context, f Filter, n int) ([]Bar, error)

	// Stats returns roll-ups of [q.From, q.To), by hour or day and model. They are kept
	// while applying updates and cost the same whatever is stored.
	Stats(ctx context.Context, q StatsQuery) ([]Bucket, error)

	// Find returns entities of a repository whose id is prefix or begins with it, exact
	// ones first, then newest first. A prefix of less than 8 bytes finds exact ids only.
	Find(ctx context.Context, repo, prefix string, limit int) ([]fold.Entity, error)

	// Open returns the traces that were started and have not ended, newest first.
	Open(ctx context.Context, repo string, limit int) ([]TraceRow, error)
}

const (
	// MaxTallied is how many traces Facets looks at.
	MaxTallied = 2000
	// MaxCounted is how many traces Histogram counts.
	MaxCounted = 5000
)

// Field is what a Term is about.
type Field string

// Fields of terms. Where a trace is filtered, those marked * are true of it if they are
// true of any entity in its tree.
const (
	FieldStatus  Field = "status"  // of the trace: "error", "open", "ended", "partial"
	FieldKind    Field = "kind"    // * the tree has such an entity: fold.Kind's names
	FieldModel   Field = "model"   // * of a generation
	FieldTool    Field = "tool"    // * name of a tool call
	FieldName    Field = "name"    // of the trace
	FieldSession Field = "session" // id of the trace's session
	FieldTag     Field = "tag"     // * Key and Value
	FieldMeta    Field = "meta"    // * Key and Value, where the value is a string, a number or a boolean
	FieldCost    Field = "cost"    // of the tree; Number in pricing.USD
	FieldTime    Field = "dur"     // of the trace, or so far if it is open; Number in microseconds
	FieldTokens  Field = "tokens"  // of the tree, input and output; Number
	FieldHas     Field = "has"     // * "attachment", "feedback", "error"
	FieldIs      Field = "is"      // "orphan": something in the tree arrived without its beginning or its parent
)

// Op is how a Term compares.
type Op string

// Comparisons. Fields with a Number take all of them, the others Equal only.
const (
	Equal   Op = "="
	Less    Op = "<"
	Most    Op = "<="
	Greater Op = ">"
	Least   Op = ">="
)

// Term is one condition.
type Term struct {
	Not    bool
	Field  Field
	Key    string // of FieldTag and FieldMeta
	Op     Op
	Value  string
	Number int64 // of FieldCost, FieldTime and FieldTokens, instead of Value
}

// Filter says which traces are wanted: those of a repository that meet all terms.
type Filter struct {
	Repo     string
	From, To time.Time // of Position.At, To excluded; zero does not bound
	Session  fold.Key  // if set, only traces of this session
	Terms    []Term
	// Among, if not nil, bounds the traces to these: what a search found.
	Among []fold.Key
}

// Sort is an order of traces. Ties are broken in an order of the Index. Of a trace that
// has not ended, the duration is 0.
type Sort string

// Orders of traces. Other than Newest they need a filter with From.
const (
	Newest  Sort = ""
	Oldest  Sort = "oldest"
	Slowest Sort = "slowest"
	Dearest Sort = "dearest"
)

// RowQuery asks for a page of traces.
type RowQuery struct {
	Filter
	Sort  Sort
	After Place // the last row of the page before; zero for the first page
	Limit int   // at least 1
}

// Place is a row's place in an order: what it is sorted by, and its key.
type Place struct {
	By  int64 // microseconds since 1970, microseconds, or pricing.USD, as the Sort asks
	Key fold.Key
}

// TraceRow is a trace in a list, with what is below it.
type TraceRow struct {
	Entity      fold.Entity
	Place       Place
	Usage       pricing.Usage
	Cost        pricing.Cost
	Unpriced    int // generations with usage whose model has no price and that carry no cost
	Entities    int // below it
	Generations int
	Tools       int // tool calls
	Errors      int // errors and failed generations and tool calls
	Open        int // below it, started and not ended
	Feedback    int
	Attachments int
	// First and Last are the beginnings of the first text of a user and of the last
	// text of an answer in the tree, or of the trace's own input and output where it
	// has them; at most 200 bytes, cut between characters.
	First, Last string
}

// Facet is a value and how many traces have it.
type Facet struct {
	Key    string // of FieldTag and FieldMeta
	Value  string
	Traces int
}

// Bar is a part of a Histogram.
type Bar struct {
	From   time.Time
	Traces int
	Errors int // traces with status "error"
}

// StatsQuery asks for roll-ups.
type StatsQuery struct {
	Repo     string
	From, To time.Time // whole hours, or whole days where Daily is set, UTC
	Daily    bool
}

// Bucket is a roll-up: what began within an hour or a day. Of traces, Model is "", and
// Usage and Cost are zero. Of generations, Model is set ("unknown" where no line says),
// and Count, Errors and Durations are theirs.
type Bucket struct {
	Start    time.Time
	Kind     fold.Kind // Trace, Generation or ToolCall
	Model    string    // of generations; of tool calls their name
	Count    int
	Errors   int
	Usage    pricing.Usage
	Cost     pricing.Cost
	Unpriced int
	// Durations counts what ended, and not before it started, by the power of two of its
	// microseconds: element i
	// has those from 2^i to below 2^(i+1). Percentiles are read from it, to 41 % at worst.
	Durations [40]int
}
