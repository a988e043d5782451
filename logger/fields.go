package logger

import (
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// commonFields are the fields that the configs of all entities share.
type commonFields struct {
	id           identity
	name, spanID string
	tags         map[string]string
	start, end   time.Time
}

// writeCommon writes the common fields of a new entity, without times that a line cannot
// hold, which it reports. It leaves empty tags out for tool calls and errors, as the protocol
// demands.
func (p *pipeline) writeCommon(w *wire.Encoder, kind messages.Entity, action messages.Action, f commonFields) {
	ref := messages.Ref{Entity: kind, ID: f.id.wire}
	start, end := p.validOrZero(f.start, ref, action, "StartTime"), p.validOrZero(f.end, ref, action, "EndTime")
	w.Optional("name", f.name)
	w.Optional("spanId", f.spanID)
	bare := kind == messages.ToolCall || kind == messages.Error
	if tags := f.id.tagged(f.tags); len(tags) > 0 || !bare {
		w.Strings("tags", tags)
	}
	w.Time("startTimestamp", or(start, w.At()))
	if !end.IsZero() {
		w.Time("endTimestamp", end)
	}
}

// valueField writes a field of any type. A value without a JSON form is left out and
// reported.
func (p *pipeline) valueField(w *wire.Encoder, ref messages.Ref, action messages.Action, key string, v any) {
	if err := w.Any(key, v); err != nil {
		p.reportDropped(ref, action, key, err, true)
	}
}

// jsonTexts writes an object in the protocol's form for metadata and parameters: every
// value is a string, and other values are sent as their JSON text. Values without a JSON
// form are left out and reported. It reports whether it wrote a value.
func (p *pipeline) jsonTexts(
	w *wire.Encoder, ref messages.Ref, action messages.Action, key string, m map[string]any, keepNil bool,
) bool {
	w.Name(key)
	w.Open('{')
	written := false
	var room [8]string
	for _, k := range sortedKeys(room[:0], m) {
		v := m[k]
		if v == nil && !keepNil {
			continue
		}
		if err := w.JSONText(k, v); err != nil {
			p.reportDropped(ref, action, key+"."+k, err, true)
			continue
		}
		written = true
	}
	w.Close('}')
	return written
}

// object writes a member with an object of any values. Those without a JSON form are left
// out and reported.
func (e entity) object(w *wire.Encoder, action messages.Action, key string, m map[string]any) {
	w.Name(key)
	w.Open('{')
	for _, k := range sortedKeys(nil, m) {
		e.pipe.valueField(w, e.ref, action, k, m[k])
	}
	w.Close('}')
}

// fields writes members of a line's data. It leaves out nil values and times that a line
// cannot hold. It reports whether the end time was among those written.
func (e entity) fields(w *wire.Encoder, action messages.Action, m map[string]any) (ended bool) {
	for _, k := range sortedKeys(nil, m) {
		if m[k] != nil && !e.badField(action, k, m[k]) {
			e.pipe.valueField(w, e.ref, action, k, m[k])
			ended = ended || k == "endTimestamp"
		}
	}
	return ended
}

// sortedKeys appends the keys of m to keys, which must be empty: lines are the same
// whatever the order of a map.
func sortedKeys(keys []string, m map[string]any) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// reportDropped reports a value without a JSON form. kept says that the rest of the call
// is logged.
func (p *pipeline) reportDropped(ref messages.Ref, action messages.Action, name string, err error, kept bool) {
	bad := p.problem(ref, action, ErrUnencodable, brief.Quote(name)+" is left out")
	bad.Err, bad.Kept = err, kept
	p.reject(bad)
}
