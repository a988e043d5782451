package store

import (
	"context"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// Lists answers questions about many entities of an Index: lists with conditions, counts,
// facets, roll-ups. It has the guarantees of Index. The time of a method does not grow with
// the amount of stored data if its filter has a time range or an indexed condition.
type Lists interface {
	// Rows returns at most q.Limit rows in the order of q.Sort. Rows that are inserted between
	// two pages neither repeat nor hide others. Sums cover the whole tree below a row;
	// they are kept while applying updates, so a row costs the same, however much is below it. It
	// fails with ErrTerm for a condition or an order that the kind of rows does not have.
	Rows(ctx context.Context, q RowQuery) ([]Row, error)

	// Counts returns the number of entities of a repository by kind.
	Counts(ctx context.Context, repo string) (map[protocol.Kind]Count, error)

	// Facets returns the most frequent values of some fields among the matching traces, at
	// most limit of each, most frequent first. It looks at the newest MaxTallied matches.
	Facets(ctx context.Context, f Filter, fields []Field, limit int) (map[Field][]Facet, error)

	// Histogram counts the matching traces in n equal parts of [f.From, f.To), which must
	// both be set. It counts the newest MaxCounted matches.
	Histogram(ctx context.Context, f Filter, n int) ([]Bar, error)

	// Rollups returns the roll-ups of [q.From, q.To), by hour or day and model. They are kept
	// while applying updates and cost the same, however much is stored.
	Rollups(ctx context.Context, q RollupQuery) ([]Rollup, error)

	// Find returns at most limit entities of a repository whose id is prefix or begins with
	// it: exact matches first, then newest first. A prefix below 8 bytes matches exactly only.
	Find(ctx context.Context, repo, prefix string, limit int) ([]fold.Entity, error)
}

const (
	// MaxTallied limits the traces that Facets looks at.
	MaxTallied = 2000
	// MaxCounted limits the traces that Histogram counts.
	MaxCounted = 5000
)

// Field names a property of traces that a Term compares.
type Field string

// Fields of terms. A field marked * matches a trace if any entity in its tree matches. Rows
// of sessions have FieldStatus and FieldTime only.
const (
	FieldStatus  Field = "status"  // of the trace: "error", "open", "ended", "partial"
	FieldKind    Field = "kind"    // * the tree has such an entity: fold.Kind's names
	FieldModel   Field = "model"   // * of a generation
	FieldTool    Field = "tool"    // * name of a tool call
	FieldName    Field = "name"    // of the trace
	FieldSession Field = "session" // id of the trace's session
	FieldTag     Field = "tag"     // * Key and Value
	FieldMeta    Field = "meta"    // * Key and Value; values are strings, numbers or booleans
	FieldCost    Field = "cost"    // of the tree; Number in pricing.USD
	FieldTime    Field = "dur"     // of the trace, or so far if it is open; Number in microseconds
	FieldTokens  Field = "tokens"  // of the tree, input and output; Number
	FieldHas     Field = "has"     // * "attachment", "feedback", "error"
	FieldIs      Field = "is"      // "orphan": something in the tree arrived without its beginning or its parent
)

// Op is a comparison.
type Op string

// Comparisons. Fields with a Number have all of them, other fields Equal only.
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

// Filter selects the traces of a repository that meet all terms.
type Filter struct {
	Repo     string
	From, To time.Time // of the start, To excluded; zero means no limit
	Session  fold.Key  // if set, only traces of this session
	Terms    []Term
	// Among, if not nil, limits the result to these traces: those that a search found.
	Among []fold.Key
}

// Sort is an order of rows. The Index breaks ties. The duration of a trace that has not ended
// counts as 0.
type Sort string

// Orders of rows. All but Newest need a filter with From. Sessions have Newest and Oldest. An
// entity without a start is ordered by the time at which it was first seen.
const (
	Newest    Sort = ""
	Oldest    Sort = "oldest"
	Slowest   Sort = "slowest"
	Costliest Sort = "cost"
)

// RowQuery asks for a page of a list.
type RowQuery struct {
	Filter
	Kind  protocol.Kind // fold.Trace, also if zero, or fold.Session
	Sort  Sort
	After Place // the last row of the page before; zero for the first page
	Limit int   // at least 1
}

// Place is the place of a row in an order.
type Place struct {
	By  int64 // the value sorted by: microseconds since 1970, microseconds, or pricing.USD
	Key fold.Key
}

// Row is a trace or a session in a list, with sums of everything below it.
type Row struct {
	Entity        fold.Entity
	Place         Place
	Usage         pricing.Usage
	Cost          pricing.Cost
	Unpriced      int // generations with usage, but neither a cost nor a known price
	Entities      int // all entities below a trace; the traces of a session
	Generations   int
	Tools         int // tool calls
	ErrorEntities int // entities of the kind fold.Error
	Errors        int // these, and failed generations and tool calls
	Open          int // started and not ended
	Feedback      int
	Attachments   int
	// First and Last are the beginnings of the first user text and of the last answer in the
	// tree, or of the input and output of the trace if it has them; at most 200 bytes, cut
	// between characters.
	First, Last string
}

// Count is the number of entities of a kind.
type Count struct {
	Entities int
	Open     int // started and not ended
}

// Facet is a value and the number of traces that have it.
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

// RollupQuery asks for roll-ups.
type RollupQuery struct {
	Repo     string
	From, To time.Time // UTC, whole hours, or whole days if Daily is set
	Daily    bool
}

// Rollup sums up the entities of a kind that began within an hour or a day. For traces, Model
// is "", and Usage and Cost are zero. For generations, Model is never empty: "unknown" if no
// line names it.
type Rollup struct {
	Start    time.Time
	Kind     protocol.Kind // Trace, Generation or ToolCall
	Model    string        // of generations; of tool calls their name
	Count    int
	Errors   int
	Usage    pricing.Usage
	Cost     pricing.Cost
	Unpriced int
	// Durations counts the ended entities by the power of two of their microseconds: element
	// i counts durations from 2^i to below 2^(i+1). Ends before the start do not count.
	// Percentiles derived from it are off by 41 % at most.
	Durations [40]int
}
