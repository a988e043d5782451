package formattest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/conversation"
	"github.com/troupelog/troupe/internal/export"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/otlp"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/replay"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/logger"
)

var update = flag.Bool("update", false, "write the golden files")

func TestReadersAgreeWithTheGoldenFiles(t *testing.T) {
	for _, s := range load(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			var out bytes.Buffer
			logged := p.transport(&out, &s)
			readTree(t, &out, "", logged)
			if s.ok() && !s.streamed() {
				p.result(&out, &s)
				readTree(t, &out, "raw ", rawLines(&s))
			}
			p.replay(&out, &s)
			golden(t, s.name, out.Bytes())
		})
	}
}

// trace is the id of the trace that a room logs to.
const trace = "t"

// section writes a heading and lines.
func section(out *bytes.Buffer, name string, lines ...string) {
	fmt.Fprintf(out, "== %s\n", name)
	for _, line := range lines {
		if line != "" {
			out.WriteString(normalized(line) + "\n")
		}
	}
}

// transport writes what llm.Transport logs for an exchange, and returns the lines.
func (p *program) transport(out *bytes.Buffer, s *sample) []string {
	ctx, _ := logger.StartTrace(logger.NewContext(p.t.Context(), p.log), logger.TraceConfig{ID: trace})
	p.call(ctx, s, len(s.body))
	lines := p.sent()
	section(out, "logged", lines...)
	digest := sha256.New()
	for n := 0; n < len(s.body); n++ {
		if !s.streamed() && n%7 != 0 {
			continue // where a whole body ends makes little difference
		}
		p.call(ctx, s, n)
		if n%64 == 63 { // a trace holds its open entities
			fmt.Fprintln(digest, normalized(strings.Join(p.sent(), "\n")))
		}
	}
	fmt.Fprintln(digest, normalized(strings.Join(p.sent(), "\n")))
	section(out, "cut", fmt.Sprintf("%d bytes %x", len(s.body), digest.Sum(nil)))
	return lines
}

// result writes what Generation.Result logs for a body, and the numbers it reads.
func (p *program) result(out *bytes.Buffer, s *sample) {
	t := p.log.Trace(logger.TraceConfig{ID: "r-" + s.name})
	g := t.AddGeneration(logger.GenerationConfig{ID: "g-" + s.name, Model: "asked", Provider: "openai"})
	_ = p.sent()
	_, _ = p.usedOnce()
	g.Result(json.RawMessage(s.body))
	section(out, "result", p.sent()...)
	snapshot, err := t.Snapshot(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	used, err := p.usedOnce()
	if err != nil {
		fmt.Fprintln(out, "priced: nothing")
	} else {
		fmt.Fprintf(out, "priced: %s\n", compactJSON(used))
	}
	fmt.Fprintf(out, "counted: %s failures %d\n", compactJSON(snapshot.Usage), snapshot.Failures)
	t.End()
	_ = p.sent()
}

// rawLines returns the lines of a client that logs requests and responses as they are.
func rawLines(s *sample) []string {
	var request map[string]json.RawMessage
	if json.Unmarshal([]byte(s.request), &request) != nil {
		return nil
	}
	begin := map[string]any{"id": "g", "model": "asked", "provider": "openai"}
	parameters := map[string]json.RawMessage{}
	for name, value := range request {
		switch name {
		case "messages", "contents":
			begin["messages"] = value
		case "input":
			begin["input"] = value
		default:
			parameters[name] = value
		}
	}
	begin["modelParameters"] = parameters
	return []string{
		"trace{id=t,action=create,data={}}",
		"trace{id=t,action=add-generation,data=" + compactJSON(begin) + "}",
		"generation{id=g,action=result,data={\"result\":" + s.body + "}}",
		"generation{id=g,action=end,data={}}",
	}
}

// readTree writes what the rooms of the collector read of lines.
func readTree(t *testing.T, out *bytes.Buffer, prefix string, texts []string) {
	t.Helper()
	root := treeOf(t, texts)
	for _, n := range generations(root) {
		section(out, prefix+"fold",
			"model "+n.Model+" provider "+n.Provider+" status "+n.Status,
			"usage "+compactJSON(n.Usage)+" cost "+compactJSON(n.Cost),
			"parameters "+compactJSON(n.Parameters))
		section(out, prefix+"chat", chatOf(n)...)
	}
	for _, e := range fold.Fold("r", linesOf(texts)) {
		if e.Ref.Kind == protocol.Generation {
			fmt.Fprintf(out, "first %q last %q\n", e.First, e.Last)
		}
	}
	readExports(t, out, prefix, root)
}

// readExports writes what exports say of a tree, and what comes back of one.
func readExports(t *testing.T, out *bytes.Buffer, prefix string, root *fold.Node) {
	t.Helper()
	var text bytes.Buffer
	report, err := export.Tuning(t.Context(), &text, root)
	if err != nil {
		t.Fatal(err)
	}
	section(out, prefix+"tuning", text.String()+compactJSON(report.Skipped))
	text.Reset()
	if err := export.OTLP(t.Context(), &text, root); err != nil {
		t.Fatal(err)
	}
	var lines []string
	_, err = otlp.Convert(text.Bytes(), otlp.JSON, "r", func(batches []otlp.Batch) error {
		for _, b := range batches {
			for _, line := range b.Lines {
				lines = append(lines, string(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	section(out, prefix+"spans", append(attributesIn(t, text.Bytes()), lines...)...)
}

// attributesIn returns the attributes and statuses of the generations in an OTLP export.
func attributesIn(t *testing.T, export []byte) []string {
	t.Helper()
	var request struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					Name       string
					Attributes []json.RawMessage
					Events     []json.RawMessage
					Status     json.RawMessage
				}
			}
		}
	}
	if err := json.Unmarshal(export, &request); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, span := range request.ResourceSpans[0].ScopeSpans[0].Spans {
		for _, a := range span.Attributes {
			if strings.Contains(string(a), "gen_ai.") || strings.Contains(string(a), "error.type") {
				lines = append(lines, string(a))
			}
		}
		if string(span.Status) != "{}" {
			lines = append(lines, string(span.Status))
		}
	}
	return lines
}

// chatOf returns the messages of a conversation as texts.
func chatOf(n *fold.Node) []string {
	c := conversation.Of(n)
	var lines []string
	for _, m := range c.Sent {
		lines = append(lines, partsOf("sent", &m)...)
	}
	for _, a := range c.Answers {
		lines = append(lines, fmt.Sprintf("answer %d/%d finish %q failed %t", a.Attempt, a.Choice, a.Finish, a.Failed))
		lines = append(lines, partsOf("answer", &a.Message)...)
	}
	return lines
}

func partsOf(which string, m *genai.Message) []string {
	lines := []string{fmt.Sprintf("%s %s %q", which, m.Role, m.Name)}
	for _, p := range m.Parts {
		p.Raw = nil
		fields := map[string]any{}
		if json.Unmarshal([]byte(compactJSON(p)), &fields) == nil {
			maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil || v == "" || v == false || v == 0.0 })
		}
		lines = append(lines, "  "+compactJSON(fields))
	}
	return lines
}

// replay writes what a replay of a chat logs, if the sample is one.
func (p *program) replay(out *bytes.Buffer, s *sample) {
	var request struct {
		Model    string
		Messages []json.RawMessage
	}
	var answer struct {
		Choices []struct {
			Message map[string]json.RawMessage
			Finish  json.RawMessage `json:"finish_reason"`
		}
		Usage json.RawMessage
	}
	if json.Unmarshal([]byte(s.request), &request) != nil || json.Unmarshal([]byte(s.body), &answer) != nil ||
		len(answer.Choices) == 0 || answer.Choices[0].Message == nil {
		return
	}
	said := answer.Choices[0].Message
	said["finish_reason"], said["usage"] = answer.Choices[0].Finish, answer.Usage
	recorded := compactJSON(map[string]any{"model": request.Model, "messages": append(request.Messages, json.RawMessage(compactJSON(said)))})
	_, err := replay.Run(p.t.Context(), strings.NewReader(recorded), replay.Config{
		Log: p.log, Skipped: func(e *replay.ConversationError) { fmt.Fprintln(out, e) },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	section(out, "replay", p.sent()...)
}

func linesOf(texts []string) []fold.Line {
	var lines []fold.Line
	for i, text := range texts {
		lines = append(lines, fold.Line{Recv: time.Unix(1, 0), Spool: [16]byte{1}, Seq: uint64(i + 1), Text: []byte(text)})
	}
	return lines
}

func treeOf(t *testing.T, texts []string) *fold.Node {
	t.Helper()
	for _, text := range texts {
		if _, err := wire.Parse([]byte(text)); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	}
	entities := slices.Collect(maps.Values(fold.Fold("r", linesOf(texts))))
	root, _, err := fold.Build(context.Background(), "r", fold.KeyOf("r", protocol.Ref{Kind: protocol.Trace, ID: trace}), entities, linesOf(texts))
	if err != nil || root == nil {
		t.Fatalf("no tree: %v", err)
	}
	return root
}

// generations returns the generations in a tree, in order.
func generations(n *fold.Node) []*fold.Node {
	var all []*fold.Node
	if n.Kind == protocol.Generation.String() {
		all = append(all, n)
	}
	for _, child := range n.Children {
		all = append(all, generations(child)...)
	}
	return all
}

// compactJSON encodes without escaping < > &, in one line.
func compactJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
