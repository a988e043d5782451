package fold

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
)

// Change is the effect of one line on one entity.
type Change struct {
	Key Key
	Ref protocol.Ref

	at      time.Time
	does    effect
	action  protocol.Action // of the line; for a begin below a parent, Create
	parent  Key             // of a begin below a parent
	fields  []field         // of a begin or a set; of a touch, the child's fields that describe the trace
	payload []byte          // of an attach: the line's whole data
	origin  Origin          // of a begin below a trace
	weak    bool            // the line names a trace by its OpenTelemetry id; see Entity.Named
}

// effect is the way in which a change uses the line's data.
type effect uint8

const (
	mention effect = iota // another entity names this one
	touch                 // a child began below it
	begin                 // the data are its first fields
	set                   // the data are new values of its fields
	attach                // the data are one more event, feedback, attachment or evaluation
)

// field is a member of a line's data. Its value shares the memory of the data.
type field struct {
	key   string
	value []byte
}

// attaches reports whether an action keeps its data as a whole.
func attaches(a protocol.Action) bool {
	switch a {
	case protocol.AddEvent, protocol.AddFeedback, protocol.AddAttachment, protocol.UploadAttachment, protocol.Evaluate:
		return true
	default:
		return false
	}
}

// Decode returns the changes that a line of a repository makes: at most one per entity,
// except for an entity that is its own child. A well-formed line about an entity of an
// unknown kind changes nothing. An error is a *wire.SyntaxError.
func Decode(repo string, l Line) ([]Change, error) {
	parsed, err := wire.Parse(l.Text)
	if err != nil {
		return nil, err
	}
	kind := protocol.ParseKind(parsed.Entity)
	if kind == protocol.Unknown {
		return nil, nil
	}
	data := wire.Clean(parsed.Data)
	own := newChange(repo, protocol.Ref{Kind: kind, ID: parsed.ID}, l, protocol.ParseAction(parsed.Action))
	if childKind := own.action.Begins(); childKind != protocol.Unknown {
		own.does = touch
		changes := decodeChild(repo, childKind, own, data, l)
		if changes[0].origin.Parent != (protocol.SpanID{}) {
			own.fields = changes[0].fields
		}
		return append(changes, own), nil
	}
	switch {
	case attaches(own.action):
		own.does, own.payload = attach, data
		return []Change{own}, nil
	case own.action == protocol.Create:
		own.does = begin
	default:
		own.does = set
	}
	own.fields = fieldsOf(data)
	return withSession(repo, own, l), nil
}

func newChange(repo string, ref protocol.Ref, l Line, action protocol.Action) Change {
	return Change{Key: KeyOf(repo, ref), Ref: ref, at: l.Recv, action: action, weak: ref.Kind == protocol.Trace && isTraceID(ref.ID)}
}

// decodeChild returns the changes to an entity that begins below parent.
func decodeChild(repo string, kind protocol.Kind, parent Change, data []byte, l Line) []Change {
	fields := fieldsOf(data)
	id := ""
	for _, f := range fields {
		if f.key == "id" && !isNull(f.value) {
			id = idOf(f.value)
		}
	}
	if id == "" {
		id = anonymous(l)
	}
	child := newChange(repo, protocol.Ref{Kind: kind, ID: id}, l, protocol.Create)
	child.does, child.fields = begin, fields
	if kind == protocol.Trace && parent.Ref.Kind == protocol.Session {
		child.fields = append(child.fields, field{"sessionId", quote(parent.Ref.ID)})
		return []Change{child}
	}
	if kind != protocol.Trace { // a trace is the root of its tree, so that no cycle reaches it
		child.parent = parent.Key
	}
	if parent.Ref.Kind == protocol.Trace {
		child.origin = originOf(parent.Ref.ID, fields)
	}
	return withSession(repo, child, l)
}

// idOf returns the id that a value holds, or its safe id if it is too long.
func idOf(value []byte) string {
	id := text(value)
	if len(id) > protocol.MaxID {
		return protocol.SafeID(id)
	}
	return id
}

// anonymous names an entity that began without an id, which some SDKs omit.
func anonymous(l Line) string {
	buf := append([]byte{}, l.Spool[:]...)
	buf = binary.BigEndian.AppendUint64(buf, l.Seq)
	buf = binary.BigEndian.AppendUint32(buf, uint32(l.Sub))
	sum := sha256.Sum256(buf)
	return "anon-" + hex.EncodeToString(sum[:8])
}

// withSession adds a mention of the session that a trace belongs to.
func withSession(repo string, c Change, l Line) []Change {
	if c.Ref.Kind != protocol.Trace {
		return []Change{c}
	}
	for _, f := range c.fields {
		if f.key != "sessionId" || isNull(f.value) {
			continue
		}
		if id := idOf(f.value); id != "" {
			return []Change{c, newChange(repo, protocol.Ref{Kind: protocol.Session, ID: id}, l, protocol.None)}
		}
	}
	return []Change{c}
}

func fieldsOf(data []byte) []field {
	var fields []field
	for key, value := range wire.Fields(data) {
		fields = append(fields, field{string(key), value})
	}
	return fields
}

// Seen returns a change with the key, place and time of c that does nothing. It does not
// retain the line.
func (c Change) Seen() Change { return Change{Key: c.Key, Ref: c.Ref, at: c.at, weak: c.weak} }

// Mention reports whether the line merely names the entity and is about another one.
func (c Change) Mention() bool { return c.does == mention }

// LargeLog returns the key of the uploaded bytes that replace a large log, if the line is
// such a reference: storage{id=…,action=process-large-log,data={"key":"…"}}.
func LargeLog(line []byte) (key string, ok bool) {
	const entity = protocol.LargeLogEntity
	if len(line) < len(entity) || string(line[:len(entity)]) != entity {
		return "", false
	}
	parsed, err := wire.Parse(line)
	if err != nil || parsed.Entity != entity || protocol.ParseAction(parsed.Action) != protocol.ProcessLargeLog {
		return "", false
	}
	for name, value := range wire.Fields(wire.Clean(parsed.Data)) {
		if string(name) == "key" {
			key = text(value)
		}
	}
	return key, key != ""
}
