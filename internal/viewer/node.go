package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
	"github.com/troupelog/troupe/internal/viewer/text"
	"github.com/troupelog/troupe/pricing"
)

// nodeData is the data shown for one entity.
type nodeData struct {
	Ref, Kind, ID, Name, Status string
	Trace                       string // the id of its trace
	Start, End                  time.Time
	Took, Model, Provider       string
	Usage                       *pricing.Usage
	Cost                        string
	Chat                        *chatCall
	Sections                    []section // inputs, outputs, parameters and the like
	Attachments                 []attachment
	Lines                       []rawLine
	Orphan                      bool
	Previous                    string // id of the generation to compare with
	Cuts                        []cutValue
}

// section is a named piece of JSON or text.
type section struct {
	Name      string
	HTML      template.HTML
	Truncated bool
	Total     int // bytes
	Open      bool
}

// cutValue is a value of which the client logged a part, because it was too large.
type cutValue struct {
	Path        string
	Bytes, Kept int
}

// rawLine is a line about an entity.
type rawLine struct {
	Number uint64
	Recv   time.Time
	Text   template.HTML
	Cut    bool
	Bytes  int
}

// mostLines limits the lines listed with an entity.
const mostLines = 100

// node returns what is shown of the entity that the parameter node names, nil if it names
// none of the trace.
func (v *Viewer) node(ctx context.Context, repo string, o *outline, name string) (*nodeData, error) {
	ref, ok := parseRef(name)
	if !ok {
		return nil, nil
	}
	at := slices.IndexFunc(o.rows, func(row *outlineRow) bool { return row.Ref == ref })
	if at < 0 {
		return nil, nil
	}
	row := o.rows[at]
	n, lines, err := v.service.Node(ctx, repo, ref)
	if err != nil {
		return nil, err
	}
	d := &nodeData{
		Ref: name, Trace: o.trace, Kind: kindName(ref.Kind), ID: ref.ID, Name: named(row.Name, ref.ID), Status: row.Status(), Orphan: row.orphan,
		Start: row.Start, End: row.End, Took: took(&row.Entity, time.Now()), Model: row.Model, Provider: row.Provider,
		Cost: costOf(row.Cost, row.Costing == fold.Unpriced),
	}
	if row.Usage != (pricing.Usage{}) {
		d.Usage = &row.Usage
	}
	if ref.Kind == protocol.Generation {
		d.Chat = newChatCall(n, nil)
	}
	for _, c := range n.Cuts() {
		d.Cuts = append(d.Cuts, cutValue(c))
	}
	d.Sections = sectionsOf(n)
	d.Attachments = attachmentsOf(repo, n.Attachments)
	for _, l := range lines[:min(len(lines), mostLines)] {
		cut := text.Plain(string(l.Text), 2<<10)
		d.Lines = append(d.Lines, rawLine{l.Number, l.Recv, cut.HTML, cut.More() > 0, len(l.Text)})
	}
	return d, nil
}

// sectionsOf returns everything that is known of a node, but for its chat.
func sectionsOf(n *fold.Node) []section {
	var all []section
	add := func(name string, raw json.RawMessage, open bool) {
		if len(raw) == 0 {
			return
		}
		var s string
		if json.Unmarshal(raw, &s) == nil && !looksLikeJSON(s) {
			cut := text.Plain(s, text.PlainLimit)
			all = append(all, section{name, cut.HTML, cut.More() > 0, cut.Total, open})
			return
		}
		doc := text.JSON(raw, text.Options{Table: name == "Arguments"})
		all = append(all, section{name, doc.HTML, doc.Truncated, doc.Total, open})
	}
	each := func(name string, values []json.RawMessage) {
		for _, raw := range values {
			add(name, raw, true)
		}
	}
	object := func(name string, values map[string]json.RawMessage) {
		if len(values) > 0 {
			add(name, encodeObject(values), true)
		}
	}
	add("Error", n.Error, true)
	add("Message", n.Message, true)
	add("Code", n.Code, true)
	add("Type", n.ErrorType, true)
	add("Input", n.Input, true)
	add("Arguments", n.Args, true)
	add("Output", n.Output, true)
	add("Documents", n.Docs, true)
	add("Result", n.Result, n.Kind != "generation")
	each("Attempt", n.Attempts)
	object("Parameters", n.Parameters)
	object("Tags", n.Tags)
	object("Metadata", n.Metadata)
	object("Metrics", n.Metrics)
	each("Event", n.Events)
	each("Feedback", n.Feedback)
	each("Evaluation", n.Evaluations)
	object("Other", n.Other)
	return all
}

// looksLikeJSON reports whether a string holds an object or a list.
func looksLikeJSON(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > 1 && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// encodeObject puts members into one object, by name, with their JSON as it is.
func encodeObject(members map[string]json.RawMessage) json.RawMessage {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for name, value := range sortedPairs(members) {
		if buf.Len() > 1 {
			buf.WriteByte(',')
		}
		key, _ := json.Marshal(name) // a string always has a form
		buf.Write(key)
		buf.WriteByte(':')
		buf.Write(value)
	}
	buf.WriteByte('}')
	return buf.Bytes()
}

// nodeFragment answers with one entity, for scripts. The entity is named by its number in
// the tree, or as in the parameter node.
func (v *Viewer) nodeFragment(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	entities, err := v.service.Entities(r.Context(), repo, protocol.Ref{Kind: protocol.Trace, ID: r.PathValue("id")})
	if err != nil {
		return err
	}
	o := newOutline(entities, time.Now())
	d, err := v.node(r.Context(), repo, o, o.resolve(r.URL.Query().Get("node")))
	if err != nil {
		return err
	}
	if d == nil {
		return store.ErrNotFound
	}
	return v.fragment(w, r, "trace", "node", &page{Repo: repo, Data: d})
}

// resolve returns the name of the one row whose name begins with prefix.
func (o *outline) resolve(prefix string) string {
	for _, row := range o.rows {
		if name := refString(row.Ref); strings.HasPrefix(name, prefix) {
			return name
		}
	}
	return prefix
}

// chatCall is a model call as a conversation.
type chatCall struct {
	Ref, Name, Model, Status string
	Took                     string
	Messages                 []chatMessage
	Known                    int // messages that the call before had as well, left out of Messages
	Folded                   int // messages in the middle that are folded
}

// chatMessage is a message as it is shown.
type chatMessage struct {
	Role   string
	Parts  []chatPart
	Answer bool
	Fold   bool // one of many in the middle, or instructions
	Finish string
}

// chatPart is a part of a message as it is shown.
type chatPart struct {
	Kind      string // "text", "call", "result", "media", "reasoning", "error" or "json"
	Label     string
	HTML      template.HTML
	More      bool
	Failed    bool
	Unmatched bool
}

// openMessages is how many messages are open at the beginning and at the end of a long
// conversation.
const openMessages = 10

// newChatCall returns a generation as a conversation. What the call before already had is
// left out, and counted.
func newChatCall(n *fold.Node, before []genai.Message) *chatCall {
	c := conversation.Of(n)
	known := 0
	if before != nil {
		known = genai.CommonPrefix(before, c.Sent)
	}
	call := &chatCall{
		Ref: "generation:" + n.ID, Name: named(n.Name, n.ID), Model: n.Model, Status: n.Status, Known: known,
	}
	if !n.Start.IsZero() && !n.End.IsZero() {
		call.Took = duration(max(n.End.Sub(n.Start), 0))
	}
	sent := c.Sent[known:]
	for i, m := range sent {
		shown := chatMessageOf(m)
		shown.Fold = m.Role == "system" && len(sent) > 1 || len(sent) > 2*openMessages && i >= openMessages && i < len(sent)-openMessages
		if shown.Fold {
			call.Folded++
		}
		call.Messages = append(call.Messages, shown)
	}
	for _, a := range c.Answers {
		shown := chatMessageOf(a.Message)
		shown.Answer, shown.Finish = true, a.Finish
		if shown.Role == "" {
			shown.Role = "assistant"
		}
		call.Messages = append(call.Messages, shown)
	}
	return call
}

func chatMessageOf(m genai.Message) chatMessage {
	shown := chatMessage{Role: m.Role}
	for _, p := range m.Parts {
		shown.Parts = append(shown.Parts, chatPartOf(p))
	}
	return shown
}

// partBytes limits the text shown for one part of a conversation, in bytes.
const partBytes = 8 << 10

func chatPartOf(p genai.Part) chatPart {
	plain := func(kind, label, s string) chatPart {
		cut := text.Plain(s, partBytes)
		return chatPart{Kind: kind, Label: label, HTML: cut.HTML, More: cut.More() > 0, Failed: p.Failed, Unmatched: p.Unmatched}
	}
	document := func(kind, label string, raw json.RawMessage) chatPart {
		doc := text.JSON(raw, text.Options{Table: kind == "call", Limit: 32 << 10})
		return chatPart{Kind: kind, Label: label, HTML: doc.HTML, More: doc.Truncated, Failed: p.Failed, Unmatched: p.Unmatched}
	}
	switch p.Kind {
	case genai.PartText:
		return plain("text", "", p.Text)
	case genai.PartReasoning:
		return plain("reasoning", "reasoning", p.Text)
	case genai.PartRefusal:
		return plain("error", "refusal", p.Text)
	case genai.PartFailure:
		return plain("error", "error", p.Text)
	case genai.PartToolCall:
		return document("call", "calls "+p.Tool, p.Arguments)
	case genai.PartToolResult:
		if len(p.Result) > 0 {
			return document("result", "result of "+p.Tool, p.Result)
		}
		return plain("result", "result of "+p.Tool, p.Text)
	case genai.PartImage, genai.PartAudio, genai.PartFile:
		label := string(p.Kind)
		switch {
		case p.Data != "":
			label += ": " + text.Bytes(p.Data, p.MIME)
		case p.URL != "":
			return plain("media", label+" elsewhere, not fetched", p.URL)
		}
		return plain("media", label, p.Text)
	}
	return document("json", "", p.Raw)
}

// mostCalls limits the calls shown in the conversation of a trace.
const mostCalls = 50

// traceChat fills in the model calls of a trace as one conversation.
func (v *Viewer) traceChat(ctx context.Context, repo string, o *outline, d *traceData) error {
	var before []genai.Message
	for _, row := range o.rows {
		if row.Ref.Kind != protocol.Generation {
			continue
		}
		if len(d.Chat) == mostCalls {
			d.Cut++
			continue
		}
		n, _, err := v.service.Node(ctx, repo, row.Ref)
		if errors.Is(err, store.ErrTooLarge) {
			d.Cut++
			continue
		}
		if err != nil {
			return err
		}
		d.Chat = append(d.Chat, *newChatCall(n, before))
		c := conversation.Of(n)
		before = c.History()
	}
	return nil
}

// traceLines fills in the raw lines of a trace.
func (v *Viewer) traceLines(r *http.Request, repo string, o *outline, d *traceData) error {
	after := number(r, "after")
	lines, more, err := v.linesOf(r.Context(), repo, o, after, mostLines)
	if err != nil {
		return err
	}
	for _, l := range lines {
		cut := text.Plain(string(l.Text), 2<<10)
		d.Lines = append(d.Lines, rawLine{l.Number, l.Recv, cut.HTML, cut.More() > 0, len(l.Text)})
	}
	if more {
		d.More = itoa(after + mostLines)
	}
	return nil
}

// linesOf returns lines about the entities of a tree in the order in which they were stored,
// after the first skip lines, and reports whether there are more.
func (v *Viewer) linesOf(ctx context.Context, repo string, o *outline, skip, limit int) ([]store.Located, bool, error) {
	keys := make([]fold.Key, len(o.rows))
	for i, row := range o.rows {
		keys[i] = row.Key
	}
	return v.service.Lines(ctx, repo, keys, skip, limit)
}
