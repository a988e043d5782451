package otlp

import (
	"encoding/json"
	"time"

	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

// fields holds the members of a line's data, each preceded by a comma. The zero value is
// empty.
type fields []byte

// set adds a member unless its value is nil, an empty text, or an empty object or array.
func (f *fields) set(name string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case object:
		if len(v) == 0 {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	}
	before := len(*f)
	named := append(wire.AppendString(append(*f, ','), name), ':')
	whole, err := wire.AppendAny(named, value)
	if err != nil {
		whole = named[:before] // unreachable: all values come from JSON
	}
	*f = whole
}

// fieldsOf returns the members of an object.
func fieldsOf(raw json.RawMessage) fields {
	compact, err := jsonscan.AppendCompact(nil, raw)
	if err != nil || string(compact) == "{}" {
		return nil
	}
	compact[0] = ','
	return compact[:len(compact)-1]
}

// time adds a time unless it is unknown (0).
func (f *fields) time(name string, nanos uint64) {
	if t := timeOf(nanos); !t.IsZero() {
		f.set(name, t.Format(time.RFC3339Nano))
	}
}

// line returns a line about an entity with the fields as its data.
func (f fields) line(about protocol.Ref, action protocol.Action) []byte {
	line := make([]byte, 0, len(about.ID)+len(f)+48)
	line = append(line, about.Kind.String()...)
	line = append(line, "{id="...)
	line = append(line, about.ID...)
	line = append(line, ",action="...)
	line = append(line, action.String()...)
	line = append(line, ",data={"...)
	if len(f) > 0 {
		line = append(line, f[1:]...)
	}
	return append(line, "}}"...)
}

// below returns the line that begins an entity below another one.
func (f fields) below(parent, child protocol.Ref) []byte {
	var begin fields
	begin.set("id", child.ID)
	return append(begin, f...).line(parent, protocol.Beginning(child.Kind))
}
