package fold

import (
	"encoding/json"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/pricing"
)

// Node is an entity with all values from its lines, and its children. Values are the
// client's JSON, made strict by [wire.Clean].
type Node struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Status string `json:"status"` // see Entity.Status

	Start      time.Time `json:"start,omitzero"`       // UTC
	End        time.Time `json:"end,omitzero"`         // UTC
	DurationMS float64   `json:"duration_ms,omitzero"` // from Start to End, if both are known
	SkewMS     float64   `json:"skew_ms,omitzero"`     // by how much End is before Start, if clocks disagree
	SessionID  string    `json:"session_id,omitempty"` // of a trace
	SpanID     string    `json:"span_id,omitempty"`    // as given by the client; the tree does not use it

	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`

	// Of a generation.
	Model           string                     `json:"model,omitempty"`
	Provider        string                     `json:"provider,omitempty"`
	PromptID        string                     `json:"prompt_id,omitempty"`
	PromptVersionID string                     `json:"prompt_version_id,omitempty"`
	Parameters      map[string]json.RawMessage `json:"model_parameters,omitempty"`
	Messages        []json.RawMessage          `json:"messages,omitempty"`
	Usage           pricing.Usage              `json:"usage,omitzero"`
	Cost            pricing.Cost               `json:"cost,omitzero"`
	Unpriced        bool                       `json:"unpriced,omitempty"` // some tokens have no known price

	// Of a generation or a tool call. Attempts are earlier results, oldest first.
	Result   json.RawMessage   `json:"result,omitempty"`
	Attempts []json.RawMessage `json:"attempts,omitempty"`

	// Of a retrieval.
	Docs json.RawMessage `json:"docs,omitempty"`

	// Of a tool call.
	Description string          `json:"description,omitempty"`
	Args        json.RawMessage `json:"args,omitempty"`
	Error       json.RawMessage `json:"error,omitempty"`

	// Of an error.
	Message   json.RawMessage `json:"message,omitempty"`
	Code      json.RawMessage `json:"code,omitempty"`
	ErrorType json.RawMessage `json:"error_type,omitempty"`

	Tags     map[string]json.RawMessage `json:"tags,omitempty"`
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
	Metrics  map[string]json.RawMessage `json:"metrics,omitempty"`

	Events      []json.RawMessage `json:"events,omitempty"`
	Feedback    []json.RawMessage `json:"feedback,omitempty"`
	Attachments []json.RawMessage `json:"attachments,omitempty"`
	Evaluations []json.RawMessage `json:"evaluations,omitempty"`

	Other map[string]json.RawMessage `json:"other,omitempty"` // fields without a place above
	Lines int                        `json:"lines"`           // number of lines about the entity

	Children []*Node `json:"children,omitempty"` // in order of start, unknown starts last

	begun    []json.RawMessage // messages of the last begin
	appended []json.RawMessage // messages added by other lines
}

// apply folds in the change of the next line.
func (n *Node) apply(c Change) {
	if c.does == attach {
		n.attach(c)
	}
	if c.does == touch {
		return
	}
	for _, f := range c.fields {
		if !isNull(f.value) && !n.setScalar(f) && !n.setBody(c.does, f) && f.key != "id" {
			n.Other = merge(n.Other, map[string]json.RawMessage{f.key: f.value})
		}
	}
}

// attach appends the whole data of a line to the list of its action.
func (n *Node) attach(c Change) {
	switch c.action {
	case protocol.AddEvent:
		n.Events = append(n.Events, c.payload)
	case protocol.AddFeedback:
		n.Feedback = append(n.Feedback, c.payload)
	case protocol.Evaluate:
		n.Evaluations = append(n.Evaluations, c.payload)
	default:
		n.Attachments = append(n.Attachments, c.payload)
	}
}

// setScalar sets a text field and reports whether it has handled the field. It skips the
// fields that the thin entity folds for both.
func (n *Node) setScalar(f field) bool {
	switch f.key {
	case "name":
		n.Name = text(f.value)
	case "model":
		n.Model = text(f.value)
	case "provider":
		n.Provider = text(f.value)
	case "spanId":
		n.SpanID = text(f.value)
	case "maximPromptId":
		n.PromptID = text(f.value)
	case "maximPromptVersionId":
		n.PromptVersionID = text(f.value)
	case "description":
		n.Description = text(f.value)
	case "startTimestamp", "endTimestamp", "sessionId", "cost", "usage", parentField, spanField:
	default:
		return false
	}
	return true
}

// setBody sets a field that keeps its JSON. It ignores a value of the wrong type.
func (n *Node) setBody(how effect, f field) bool {
	switch f.key {
	case "input":
		n.Input = f.value
	case "output":
		n.Output = f.value
	case "docs":
		n.Docs = f.value
	case "args":
		n.Args = f.value
	case "error":
		n.Error = f.value
	case "message":
		n.Message = f.value
	case "code":
		n.Code = f.value
	case "errorType":
		n.ErrorType = f.value
	case "result":
		if n.Result != nil {
			n.Attempts = append(n.Attempts, n.Result)
		}
		n.Result = f.value
	case "messages":
		return n.addMessages(how, f.value)
	default:
		return n.setMap(f)
	}
	return true
}

// addMessages takes the messages of a line. It keeps those of the last begin apart from all
// others, because only another begin replaces them.
func (n *Node) addMessages(how effect, value []byte) bool {
	if len(value) == 0 || value[0] != '[' {
		return false
	}
	var messages []json.RawMessage
	for m := range wire.Elements(value) {
		messages = append(messages, m)
	}
	if how == begin {
		n.begun = messages
	} else {
		n.appended = append(n.appended, messages...)
	}
	return true
}

func (n *Node) setMap(f field) bool {
	if !isObject(f.value) {
		return false
	}
	members := map[string]json.RawMessage{}
	for key, value := range wire.Fields(f.value) {
		members[string(key)] = value
	}
	switch f.key {
	case "tags":
		n.Tags = merge(n.Tags, members)
	case "metadata":
		n.Metadata = merge(n.Metadata, mergeCuts(n.Metadata, members))
	case "modelParameters":
		n.Parameters = merge(n.Parameters, members)
	case "metrics":
		n.Metrics = merge(n.Metrics, namedMetric(members))
	default:
		return false
	}
	return true
}

// namedMetric turns {"name":"m","value":1}, which one SDK sends for some kinds, into {"m":1},
// the form that all others send.
func namedMetric(members map[string]json.RawMessage) map[string]json.RawMessage {
	name, value := members["name"], members["value"]
	if len(members) != 2 || value == nil || len(name) == 0 || name[0] != '"' {
		return members
	}
	return map[string]json.RawMessage{text(name): value}
}

// merge sets the members of from in into; null deletes.
func merge(into, from map[string]json.RawMessage) map[string]json.RawMessage {
	if into == nil {
		into = map[string]json.RawMessage{}
	}
	for key, value := range from {
		if isNull(value) {
			delete(into, key)
		} else {
			into[key] = value
		}
	}
	return into
}

// finish copies the values that the thin entity has folded.
func (n *Node) finish(e Entity) {
	n.Kind, n.ID, n.Status, n.Lines = e.Ref.Kind.String(), e.Ref.ID, e.Status(), e.Lines
	n.Start, n.End, n.SessionID = e.Start, e.End, e.SessionID
	n.DurationMS, n.SkewMS, n.Usage, n.Cost = e.DurationMS(), e.SkewMS(), e.Usage, e.Cost
	if e.Guessed {
		n.Name = e.Name
	}
	n.Unpriced = e.Costing == Unpriced
	n.Messages = append(n.begun, n.appended...)
	n.begun, n.appended = nil, nil
}
