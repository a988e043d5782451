package fold

import (
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/wire"
)

// Entity is the thin state of an entity: what lists, counts and the shape of a
// tree need, without inputs, outputs and other bodies.
type Entity struct {
	Key  Key
	Repo string
	Ref  Ref

	Parent    Key    // what it hangs below; zero for sessions, traces and what no line placed
	Session   Key    // the session of a trace; zero if it has none
	SessionID string // the id of Session

	Name, Model, Provider string    // clipped to a length that lists can show
	Start, End            time.Time // UTC, microseconds; zero if no line says
	Seen                  time.Time // when the first line about it was received

	Started bool // a line began it
	Ended   bool // a line ended it or gave its end
	Failed  bool // its last result is an error, or an error was added to it

	Usage Usage
	Cost  Cost
	Tags  map[string]string // clipped, MaxTags at most; values that are no strings are JSON
	Lines int               // lines about it, mentions not counted
}

// NewEntity returns an entity of a repository that no line has said anything about.
func NewEntity(repo string, c Change) Entity {
	return Entity{Key: c.Key, Repo: repo, Ref: c.Ref}
}

// Open reports whether the entity was started and has no end. An error is a point
// in time and never open.
func (e *Entity) Open() bool {
	return e.Started && !e.Ended && e.Ref.Kind != Error
}

// Status returns "error", "ended", "open", or "partial" where no line began the
// entity yet; the first that holds.
func (e *Entity) Status() string {
	switch {
	case e.Failed || e.Ref.Kind == Error:
		return "error"
	case e.Ended:
		return "ended"
	case e.Started:
		return "open"
	default:
		return "partial"
	}
}

// DurationMS returns the milliseconds from start to end, 0 unless both are known.
func (e *Entity) DurationMS() float64 {
	if e.Start.IsZero() || e.End.IsZero() {
		return 0
	}
	return float64(e.End.Sub(e.Start).Microseconds()) / 1000
}

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
	if c.action == "end" {
		e.Ended = true
	}
	if c.action == "add-error" || c.action == "error" {
		e.Failed = true
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

// See moves Seen back to the time of the change if that was earlier.
func (e *Entity) See(c Change) {
	if e.Seen.IsZero() || c.at.Before(e.Seen) {
		e.Seen = c.at
	}
}

func (e *Entity) set(how effect, f field) {
	switch f.key {
	case "name":
		e.Name = clip(text(f.value))
	case "model":
		e.Model = clip(text(f.value))
	case "provider":
		e.Provider = clip(text(f.value))
	case "startTimestamp":
		if t, ok := timestamp(f.value); ok && (how == set || !e.Started || e.Start.IsZero()) {
			e.Start = t
		}
	case "endTimestamp":
		if t, ok := timestamp(f.value); ok {
			e.End, e.Ended = t, true
		}
	case "sessionId":
		if id := idOf(f.value); e.Ref.Kind == Trace && id != "" {
			e.SessionID, e.Session = id, KeyOf(e.Repo, Ref{Session, id})
		}
	case "tags":
		e.Tags = mergeTags(e.Tags, f.value)
	case "cost":
		e.Cost = parseCost(f.value)
	case "usage":
		if isObject(f.value) {
			e.Usage = parseUsage(f.value)
		}
	case "result":
		if e.Ref.Kind == Generation {
			e.setResult(f.value)
		}
	}
}

func (e *Entity) setResult(result []byte) {
	usage, hasUsage, failed := outcome(result)
	e.Failed = failed
	if hasUsage {
		e.Usage = usage
	}
}

// MaxTags is how many tags an Entity keeps: the first ones that lines name. A Node
// has all of them.
const MaxTags = 256

// mergeTags returns tags with those of object merged into a copy. Of a key that
// comes twice the last value holds.
func mergeTags(tags map[string]string, object []byte) map[string]string {
	merged := maps.Clone(tags)
	for key, value := range wire.Fields(object) {
		name := clip(string(key))
		if isNull(value) {
			delete(merged, name)
			continue
		}
		if merged == nil {
			merged = map[string]string{}
		}
		if _, known := merged[name]; known || len(merged) < MaxTags {
			merged[name] = clip(text(value))
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

// maxClip is the longest text in bytes that a thin entity keeps of a value.
const maxClip = 1024

// clip shortens s to maxClip bytes, at the start of a character. What it cuts off
// does not stay in memory.
func clip(s string) string {
	if len(s) <= maxClip {
		return s
	}
	end := maxClip
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end])
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
	return entities
}
