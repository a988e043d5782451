package export

import (
	"encoding/json"
	"time"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/jsonscan"
	"github.com/troupelog/troupe/internal/protocol"
)

// failure describes how a node failed.
type failure struct{ kind, message string }

// failureOf returns the failure of a node with the status error. If no line gives its kind,
// the kind is _OTHER, as in the conventions.
func failureOf(n *fold.Node) failure {
	f := failure{string(jsonscan.Unwrap(n.ErrorType)), string(jsonscan.Unwrap(n.Message))}
	switch n.Kind {
	case protocol.Generation.String():
		c := conversation.Of(n)
		if last := c.Last(); last != nil && last.Failed {
			f.message = c.LastAnswer()
		}
		var r struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(n.Result, &r) == nil {
			f.read(r.Error)
		}
	case protocol.ToolCall.String():
		f.read(n.Error)
	}
	if f.kind == "" {
		f.kind = "_OTHER"
	}
	return f
}

// read adopts the fields of {"message", "type", "code"}, or any other value as the message.
func (f *failure) read(raw json.RawMessage) {
	var e struct {
		Message json.RawMessage `json:"message"`
		Type    json.RawMessage `json:"type"`
		Code    json.RawMessage `json:"code"`
	}
	if json.Unmarshal(raw, &e) != nil || e.Message == nil {
		if f.message == "" {
			f.message = string(jsonscan.Unwrap(raw))
		}
		return
	}
	f.message = string(jsonscan.Unwrap(e.Message))
	for _, kind := range []json.RawMessage{e.Type, e.Code} {
		if text := string(jsonscan.Unwrap(kind)); f.kind == "" && text != "null" {
			f.kind = text
		}
	}
}

// eventsOf returns the events of a node's span: the logged events, the errors below the
// node, and the node's own failure.
func eventsOf(n *fold.Node, start, end time.Time) []SpanEvent {
	var events []SpanEvent
	for _, raw := range n.Events {
		events = append(events, loggedEvent(raw, start))
	}
	for _, child := range n.Children {
		if isEvent(child) {
			at := start
			if inRange(child.Start) {
				at = child.Start
			}
			events = append(events, exception(child, at))
		}
	}
	if n.Status == "error" && (failureOf(n).message != "" || n.Kind == protocol.Error.String()) {
		events = append(events, exception(n, end))
	}
	return events
}

// exception returns the event for a failure, named as in the conventions for exceptions.
func exception(n *fold.Node, at time.Time) SpanEvent {
	f := failureOf(n)
	var a attributes
	a.text("exception.type", f.kind)
	a.text("exception.message", f.message)
	a.text("troupe.id", n.ID)
	a.json("troupe.code", n.Code)
	return SpanEvent{Time: written(at), Name: "exception", Attributes: a}
}

// loggedEvent returns an event that was added to a node.
func loggedEvent(raw json.RawMessage, start time.Time) SpanEvent {
	var logged struct {
		ID        json.RawMessage            `json:"id"`
		Name      json.RawMessage            `json:"name"`
		Timestamp json.RawMessage            `json:"timestamp"`
		Tags      map[string]json.RawMessage `json:"tags"`
		Metadata  map[string]json.RawMessage `json:"metadata"`
	}
	e := SpanEvent{Time: written(start), Name: "event"}
	var a attributes
	if json.Unmarshal(raw, &logged) != nil {
		a.json("troupe.event", raw)
		e.Attributes = a
		return e
	}
	if name := string(jsonscan.Unwrap(logged.Name)); name != "" && name != "null" {
		e.Name = name
	}
	if t, err := time.Parse(time.RFC3339Nano, string(jsonscan.Unwrap(logged.Timestamp))); err == nil && inRange(t) {
		e.Time = t
	}
	a.json("troupe.id", logged.ID)
	a.members("troupe.tag.", logged.Tags)
	a.members("troupe.metadata.", logged.Metadata)
	e.Attributes = a
	return e
}
