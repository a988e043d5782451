package fold

import (
	"time"

	"github.com/troupelog/troupe/internal/genai"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// Entity is the thin state of an entity: what lists, counts and the shape of a
// tree need, without inputs, outputs and other bodies.
type Entity struct {
	Key  Key
	Repo string
	Ref  protocol.Ref

	Parent    Key    // what it hangs below; zero for sessions, traces and what no line placed
	Origin    Origin // where it stands in OpenTelemetry; zero if it does not come from there
	Session   Key    // the session of a trace; zero if it has none
	SessionID string // the id of Session, as that is shown

	Name, Model, Provider string    // clipped to a length that lists can show
	Start, End            time.Time // UTC, microseconds; zero if no line says
	Seen                  time.Time // when the first line about it was received

	Started bool // a line began it
	Ended   bool // a line ended it or gave its end
	Failed  bool // its last result is an error, or an error was added to it

	// Named is set of a trace that a line began or changed by an id of its own. Its lines
	// count; of those that name it by its id of OpenTelemetry, as the collector makes them
	// of spans, only tags and metadata do. Without one, all lines count.
	Named bool
	// Guessed is set of a trace whose Name and Start are those of the earliest span in it,
	// because the span at its top has not come.
	Guessed bool

	Usage   pricing.Usage
	Cost    pricing.Cost
	Costing Costing           // where Cost comes from
	Tags    map[string]string // clipped, MaxTags at most; values that are no strings are JSON
	Meta    map[string]string // metadata that is text, a number or a boolean; clipped, MaxMeta at most
	Lines   int               // lines about it, mentions not counted

	Feedback    int // how many were added
	Attachments int // how many were added

	// First is the beginning of a trace's input, and of the first text of a user that a
	// line gives to a generation. Last is that of the output, and of the last answer.
	// Both have MaxPreview characters at most.
	First, Last string
}

// NewEntity returns an entity of a repository that no line has said anything about.
func NewEntity(repo string, c Change) Entity {
	return Entity{Key: c.Key, Repo: repo, Ref: c.Ref}
}

// Open reports whether the entity was started and has no end. An error is a point
// in time and never open.
func (e *Entity) Open() bool {
	return e.Started && !e.Ended && e.Ref.Kind != protocol.Error
}

// Status returns "error", "ended", "open", or "partial" where no line began the
// entity yet; the first that holds.
func (e *Entity) Status() string {
	switch {
	case e.Failed || e.Ref.Kind == protocol.Error:
		return "error"
	case e.Ended:
		return "ended"
	case e.Started:
		return "open"
	default:
		return "partial"
	}
}

// Duration returns the time from start to end, and whether it is one: both are known, and
// the end is not before the start. If not, the duration is 0.
func (e *Entity) Duration() (d time.Duration, known bool) {
	if e.Start.IsZero() || e.End.IsZero() || e.End.Before(e.Start) {
		return 0, false
	}
	return e.End.Sub(e.Start), true
}

// Skew returns how long before its start the entity ends, by clocks that disagree; 0 if it
// does not.
func (e *Entity) Skew() time.Duration {
	if e.Start.IsZero() || e.End.IsZero() {
		return 0
	}
	return max(e.Start.Sub(e.End), 0)
}

// DurationMS returns the milliseconds from start to end, 0 as Duration says.
func (e *Entity) DurationMS() float64 {
	d, _ := e.Duration()
	return milliseconds(d)
}

// SkewMS returns the milliseconds of Skew.
func (e *Entity) SkewMS() float64 { return milliseconds(e.Skew()) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Apply folds in the change of the next line in the order of Sort. It never
// writes to maps of the state before, so copies of an Entity stay what they were.
func (e *Entity) Apply(c Change) {
	e.See(c)
	if c.does == mention {
		return
	}
	e.Lines++
	if e.Parent == (Key{}) && c.parent != e.Key {
		e.Parent = c.parent
	}
	if e.Origin == (Origin{}) {
		e.Origin = c.origin
	}
	if e.naming(c) {
		e.takeName()
	}
	if e.passes(c) {
		e.applyLabels(c.fields)
		return
	}
	switch c.action {
	case protocol.End:
		e.Ended = true
	case protocol.AddError, protocol.Fail:
		e.Failed = true
	case protocol.AddFeedback:
		e.Feedback++
	case protocol.AddAttachment, protocol.UploadAttachment:
		e.Attachments++
	}
	if c.does == touch {
		e.guess(c.fields)
		return
	}
	for _, f := range c.fields {
		if !isNull(f.value) {
			e.set(c.does, f)
		}
	}
	if c.does == begin {
		e.Started = true
	}
}

// See moves Seen back to the time of the change if that was earlier, and takes the form of
// the id that is to be shown.
func (e *Entity) See(c Change) {
	if e.Seen.IsZero() || c.at.Before(e.Seen) {
		e.Seen = c.at
	}
	if c.Ref.ID != e.Ref.ID {
		e.Ref.ID = shownID(e.Ref.ID, c.Ref.ID)
	}
}

func (e *Entity) set(how effect, f field) {
	switch f.key {
	case "name":
		e.unguess()
		e.Name = clip(text(f.value))
	case "model":
		e.Model = clip(text(f.value))
	case "provider":
		e.Provider = clip(text(f.value))
	case "startTimestamp":
		e.unguess()
		if t, ok := timestamp(f.value); ok && (how == set || !e.Started || e.Start.IsZero()) {
			e.Start = t
		}
	case "endTimestamp":
		if t, ok := timestamp(f.value); ok {
			e.End, e.Ended = t, true
		}
	case "sessionId":
		if id := idOf(f.value); e.Ref.Kind == protocol.Trace && id != "" {
			e.SessionID, e.Session = id, KeyOf(e.Repo, protocol.Ref{Kind: protocol.Session, ID: id})
		}
	case "tags":
		e.mergeTags(f.value)
	case "metadata":
		e.Meta = mergeMeta(e.Meta, f.value)
	case "cost":
		if cost, ok := parseCost(f.value); ok {
			e.Cost, e.Costing = cost, GivenCost
		}
	case "usage":
		if isObject(f.value) {
			e.Usage, _ = genai.ReadUsage(f.value)
		}
	default:
		e.setBody(f)
	}
}

// setBody takes what lists show of inputs and outputs.
func (e *Entity) setBody(f field) {
	switch {
	case e.Ref.Kind == protocol.Trace && f.key == "input":
		e.First = preview(f.value)
	case e.Ref.Kind == protocol.Trace && f.key == "output":
		e.Last = preview(f.value)
	case e.Ref.Kind == protocol.Generation && f.key == "messages" && e.First == "":
		e.First = userText(f.value)
	case e.Ref.Kind == protocol.Generation && f.key == "result":
		e.setResult(f.value)
	}
}

func (e *Entity) setResult(result []byte) {
	usage, hasUsage, failed := outcome(result)
	e.Failed = failed
	if hasUsage {
		e.Usage = usage
	}
	if answer := answerText(result); answer != "" {
		e.Last = answer
	}
}

// Fold returns the entities that lines of a repository touch, each folded from
// these lines alone. It sorts lines. What cannot be parsed is left out.
func Fold(repo string, lines []Line) map[Key]Entity {
	Sort(lines)
	entities, about := map[Key]Entity{}, map[Key]*history{}
	for _, l := range lines {
		changes, err := Decode(repo, l)
		if err != nil {
			continue
		}
		for _, c := range changes {
			e, ok := entities[c.Key]
			if !ok {
				e = NewEntity(repo, c)
			}
			e.See(c)
			entities[c.Key] = e
			if c.Mention() {
				continue // it stands in no order
			}
			if about[c.Key] == nil {
				about[c.Key] = &history{}
			}
			about[c.Key].add(l, c)
		}
	}
	for key, h := range about {
		e := entities[key]
		for c := range h.inOrder() {
			e.Apply(c)
		}
		entities[key] = e
	}
	hang(repo, entities)
	return entities
}
