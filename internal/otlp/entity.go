package otlp

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/protocol"
)

// entity is the result of converting a span, without its place in the tree.
type entity struct {
	repo         string
	trace        traceID
	span, parent spanID // parent is zero for a root span
	remote       bool   // the parent is in another process
	ref          protocol.Ref
	start        uint64
	ended        bool

	name    string
	session string
	begin   fields   // its first fields, without its id
	about   [][]byte // lines about it
	events  [][]byte // its events, and the errors below it
	top     fields   // fields for the trace, if this is the topmost span of its process
}

// measure returns the size in bytes of the longest line, including fields still to be
// added, and of all lines.
func (e *entity) measure() (longest, all int) {
	longest, all = max(len(e.begin), len(e.top))+2*protocol.MaxID+128, len(e.begin)+len(e.top)
	for _, lines := range [][][]byte{e.about, e.events} {
		for _, line := range lines {
			longest, all = max(longest, len(line)), all+len(line)
		}
	}
	return longest, all
}

// maker builds the entity of a span.
type maker struct {
	*span
	from   *origin
	entity *entity
	fields fields
	told   bool // a result or a separate error has reported the failure
	// Input and output for the trace.
	input, output any
}

// entityOf converts a span.
func entityOf(s *span, from *origin, repo string) *entity {
	e := &entity{repo: repo, trace: s.trace, span: s.id, parent: s.parent, remote: s.remote, start: s.start}
	if e.parent == e.span {
		e.parent = spanID{}
	}
	e.ref = protocol.Ref{Kind: kindOf(s.attributes), ID: exportedID(s.attributes)}
	if e.ref.ID == "" {
		e.ref.ID = s.trace.String() + "-" + s.id.String()
	}
	e.session = sessionOf(s.attributes)
	m := maker{span: s, from: from, entity: e}
	m.make()
	return e
}

// named lists the attributes that the entity expresses in another way.
var named = []string{
	"troupe.kind", "troupe.id", "openinference.span.kind", "traceloop.span.kind", "llm.request.type",
	"input.mime_type", "output.mime_type",
}

func (m *maker) make() {
	e, a := m.entity, m.attributes
	exported := a.text("troupe.kind") != ""
	if open, ok := a.get("troupe.open").(bool); ok && open {
		m.end = 0
	}
	e.ended = m.end > 0
	a.get(named...)
	e.name = m.span.name
	if name := a.text("troupe.name"); name != "" || exported {
		e.name = name
	} else if tool := a.text("gen_ai.tool.name", "tool.name", "tool_call.function.name"); tool != "" && e.ref.Kind == protocol.ToolCall {
		e.name = tool
	} else if entity := a.text("traceloop.entity.name"); entity != "" {
		e.name = entity
	}
	m.fields.set("name", e.name)
	m.fields.time("startTimestamp", m.start)
	m.fields.time("endTimestamp", m.end)
	m.own()
	m.extras()
	m.happened()
	m.fields.set("tags", tagsOf(a))
	m.fields.set("metrics", a.members("troupe.metric."))
	if e.ref.Kind != protocol.Trace {
		m.fields.set("metadata", m.metadata())
	}
	e.begin = m.fields
	if e.parent == (spanID{}) || e.remote {
		e.top = m.topFields()
	}
}

// own adds the fields that only entities of this kind have.
func (m *maker) own() {
	switch m.entity.ref.Kind {
	case protocol.Generation:
		m.generation()
	case protocol.ToolCall:
		m.toolCall()
	case protocol.Retrieval:
		m.retrieval()
	case protocol.Error:
		m.fields.failure(m.failure())
	default:
		m.step()
	}
}

// step adds the fields of spans and traces: inputs and outputs, which an agent may have
// as messages.
func (m *maker) step() {
	a := m.attributes
	m.input = a.value("input.value", "traceloop.entity.input")
	m.output = a.value("output.value", "traceloop.entity.output")
	c := conversationOf(m.span)
	if m.input == nil && len(c.sent) > 0 {
		m.input = c.sent
	}
	if m.output == nil && len(c.answers) > 0 {
		m.output = c.said()
	}
	m.fields.set("input", m.input)
	m.fields.set("output", m.output)
	m.input, m.output = readable(m.input, c.sent, "user"), readable(m.output, c.said(), "assistant")
	m.fields.set("cost", costOf(a))
}

// readable returns the last text of a role if value is made of these messages, else value.
func readable(value any, messages []any, role string) any {
	if list, ok := value.([]any); ok && len(messages) > 0 && len(list) == len(messages) {
		if text := lastText(messages, role); text != "" {
			return text
		}
	}
	return value
}

func (m *maker) toolCall() {
	a, ref := m.attributes, m.entity.ref
	m.fields.set("description", a.text("gen_ai.tool.description", "tool.description"))
	m.input = a.value("gen_ai.tool.call.arguments", "input.value", "tool_call.function.arguments", "traceloop.entity.input")
	m.output = a.value("gen_ai.tool.call.result", "output.value", "traceloop.entity.output")
	m.fields.set("args", m.input)
	if m.output != nil {
		var f fields
		f.set("result", asJSON(m.output))
		m.entity.about = append(m.entity.about, f.line(ref, protocol.Result))
	}
	if m.failed {
		var f fields
		f.set("error", m.failure())
		m.told = true
		m.entity.about = append(m.entity.about, f.line(ref, protocol.Fail))
	}
}

func (m *maker) retrieval() {
	a := m.attributes
	m.input = a.value("input.value", "gen_ai.retrieval.query.text", "reranker.query", "traceloop.entity.input")
	m.fields.set("input", m.input)
	var docs []any
	for _, prefix := range []string{"retrieval.documents", "reranker.output_documents"} {
		for _, raw := range list(a.tree(prefix)) {
			docs = append(docs, documentOf(raw))
		}
	}
	output := parsed(a.get("gen_ai.retrieval.documents", "output.value", "traceloop.entity.output"))
	switch {
	case docs != nil:
	case list(output) != nil:
		docs = list(output)
	case output != nil:
		docs = []any{output}
	}
	m.fields.set("docs", docs)
}

// documentOf converts a document of OpenInference.
func documentOf(raw any) any {
	document, ok := member(raw, "document").(object)
	if !ok {
		return raw
	}
	if meta := document["metadata"]; meta != nil {
		document["metadata"] = parsed(meta)
	}
	return document
}

// extras adds the lines that only spans exported by Troupe have.
func (m *maker) extras() {
	for _, x := range []struct {
		key    string
		action protocol.Action
	}{
		{"troupe.feedback", protocol.AddFeedback}, {"troupe.evaluation", protocol.Evaluate}, {"troupe.attachment", protocol.AddAttachment},
	} {
		for _, value := range list(m.attributes.get(x.key)) {
			if data, ok := verbatim(value).(json.RawMessage); ok && data[0] == '{' {
				m.entity.about = append(m.entity.about, fieldsOf(data).line(m.entity.ref, x.action))
			}
		}
	}
}

// happened adds the events that are not messages. Exceptions become errors below the
// entity, except the one that is the entity's own failure.
func (m *maker) happened() {
	ref, errors := m.entity.ref, 0
	last := m.lastException()
	for i := range m.events {
		e := &m.events[i]
		place := strconv.Itoa(len(m.entity.events) + 1)
		switch {
		case e.used, m.told && i == last, e.name == exceptionEvent && ownFailure(ref, e):
		case e.name == exceptionEvent:
			errors++
			m.entity.events = append(m.entity.events, errorLine(ref, place, e.at, e.exception(), e.attributes))
		default:
			m.entity.events = append(m.entity.events, eventLine(ref, place, e))
		}
	}
	if m.failed && !m.told && errors == 0 && ref.Kind != protocol.Error {
		m.entity.events = append(m.entity.events, errorLine(ref, "status", m.end, m.failure(), nil))
	}
}

// ownFailure reports whether Troupe exported the exception for the failure of the entity
// itself.
func ownFailure(ref protocol.Ref, e *event) bool { return e.attributes.look("troupe.id") == ref.ID }

func eventLine(of protocol.Ref, place string, e *event) []byte {
	id := e.attributes.text("troupe.id")
	if id == "" {
		id = of.ID + "-event-" + place
	}
	var f fields
	f.set("id", id)
	f.set("name", e.name)
	f.time("timestamp", e.at)
	f.set("tags", e.attributes.members("troupe.tag."))
	all := e.attributes.members("troupe.metadata.")
	for name, value := range e.attributes.rest() {
		all[name] = value
	}
	f.set("metadata", all)
	return f.line(of, protocol.AddEvent)
}

// metadata returns the attributes without a field, and the resource and scope of the span.
func (m *maker) metadata() object {
	all := m.attributes.members("troupe.metadata.")
	if given, ok := parsed(m.attributes.get("metadata")).(object); ok { // OpenInference
		for name, value := range given {
			all[name] = value
		}
	}
	for name, value := range m.attributes.rest() {
		all[name] = value
	}
	if m.from.service != "" {
		all["service.name"] = m.from.service
	}
	if m.from.scope != "" {
		all["otel.scope.name"] = m.from.scope
	}
	if m.kind > 1 && m.kind < uint64(len(spanKinds)) {
		all["otel.span.kind"] = spanKinds[m.kind]
	}
	if m.remote {
		all["otel.parent_span_id"] = m.span.parent.String()
	}
	var links []any
	for _, l := range m.links {
		link := l.attributes.rest()
		link["trace_id"], link["span_id"] = l.trace.String(), l.span.String()
		links = append(links, link)
	}
	if links != nil {
		all["otel.links"] = links
	}
	return all
}

// tagsOf returns the tags of a span.
func tagsOf(a attributes) object {
	tags := a.members("troupe.tag.")
	for _, tag := range list(parsed(a.get("tag.tags"))) {
		if name := textOf(tag); name != "" {
			tags[name] = "true"
		}
	}
	if user := a.look("user.id", "enduser.id"); user != "" {
		tags["user.id"] = user
	}
	return tags
}

// topFields returns the fields that the trace takes from its topmost span.
func (m *maker) topFields() fields {
	if m.entity.ref.Kind == protocol.Trace {
		f := m.fields
		f.set("metadata", m.metadata())
		return f
	}
	var f fields
	f.set("name", m.entity.name)
	f.time("startTimestamp", m.start)
	f.time("endTimestamp", m.end)
	f.set("input", m.input)
	f.set("output", m.output)
	f.set("tags", tagsOf(m.attributes))
	about := m.from.resource.rest()
	if m.from.service != "" {
		about["service.name"] = m.from.service
	}
	f.set("metadata", about)
	return f
}

// sessionOf returns the session that a span names, or "" if there is none. An id that is
// too long for a line is replaced by its safe id.
func sessionOf(a attributes) string {
	id := a.look("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
	if len(id) > protocol.MaxID {
		return protocol.SafeID(id)
	}
	return id
}

// exportedID returns the id under which Troupe exported an entity, or "" if there is none
// that is valid in a line.
func exportedID(a attributes) string {
	id := a.text("troupe.id")
	valid := len(id) <= protocol.MaxID-64 && utf8.ValidString(id) && !strings.Contains(id, ",action=")
	if !valid || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' }) {
		return ""
	}
	return id
}

// clip shortens s to at most size bytes, at a character boundary.
func clip(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}
