package viewer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/troupelog/troupe/internal/diff"
	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

var diffRoutes = []route{{"GET /diff", (*Viewer).diff}}

// diffRows limits the rows shown in a comparison of traces.
const diffRows = 500

// diffData is the data of the comparison page.
type diffData struct {
	A, B     string // ids
	Problem  string
	Title    string
	Counts   diff.Counts
	Delta    string
	Rows     []diffRow
	Left     int
	Messages []diffMessage
	Fields   []diffField
}

// diffRow is a node of either trace.
type diffRow struct{ Sign, State, Level, Kind, Name, Delta string }

// diffMessage is a message that changed, or a run of equal ones.
type diffMessage struct {
	Sign, State, Role string
	Equal             int
	Blocks            []diff.Block
	A, B              string // where no blocks tell
}

// diffField is a parameter or tool that changed.
type diffField struct{ Sign, State, Name, A, B string }

// signs stand beside the words for states.
var signs = map[diff.State]string{diff.Same: "=", diff.Changed: "~", diff.OnlyA: "−", diff.OnlyB: "+"}

func (v *Viewer) diff(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	if pick := r.URL.Query()["pick"]; len(pick) > 0 {
		if len(pick) != 2 {
			return v.render(w, r, "diff", &page{Title: "Compare", Nav: "traces", Data: &diffData{Title: "Compare", Problem: "Choose two traces in the list, and compare them."}})
		}
		http.Redirect(w, r, (&page{Here: r.URL, Repo: repo}).Link("/diff", "a", pick[0], "b", pick[1]), http.StatusSeeOther)
		return nil
	}
	d := &diffData{A: r.URL.Query().Get("a"), B: r.URL.Query().Get("b"), Title: "Compare"}
	if err := v.compare(r.Context(), repo, d); err != nil {
		return err
	}
	return v.render(w, r, "diff", &page{Title: d.Title, Nav: "traces", Data: d})
}

// compare fills in the comparison, or says why there is none.
func (v *Viewer) compare(ctx context.Context, repo string, d *diffData) error {
	if d.A == "" {
		d.Problem = "Give two ids of traces, or of model calls."
		return nil
	}
	a, traceA, err := v.lookUp(ctx, repo, d.A)
	if err != nil {
		return err
	}
	if a == nil {
		d.Problem = "Nothing with the id of A is known."
		return nil
	}
	var b *fold.Node
	switch {
	case d.B != "":
		if b, _, err = v.lookUp(ctx, repo, d.B); err != nil {
			return err
		}
	case a.Kind == "generation" && traceA != nil:
		a, b = diff.Previous(traceA, a), a
		if a == nil {
			d.Problem = "It is the first model call of its trace. Give another id to compare it with."
			return nil
		}
	}
	switch {
	case b == nil:
		d.Problem = "Give the id of B: another of the same kind."
	case a.Kind == "generation" && b.Kind == "generation":
		d.generations(a, b)
	case a.Kind == "generation" || b.Kind == "generation":
		d.Problem = "A model call can be compared with another model call only."
	default:
		d.traces(a, b)
	}
	return nil
}

// lookUp returns the node with an id, and the trace that it is in. Of several with the id
// it is the trace, or else the model call.
func (v *Viewer) lookUp(ctx context.Context, repo, id string) (n, trace *fold.Node, err error) {
	for _, kind := range []protocol.Kind{protocol.Trace, protocol.Generation, protocol.Session} {
		found, err := v.service.Entity(ctx, repo, protocol.Ref{Kind: kind, ID: id})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		at, err := v.service.TraceOf(ctx, repo, found)
		if err != nil {
			return nil, nil, err
		}
		if at.Kind == protocol.Unknown {
			at = found.Ref
		}
		trace, _, err := v.service.Tree(ctx, repo, at)
		if err != nil {
			return nil, nil, err
		}
		return pick(trace, found.Ref), trace, nil
	}
	return nil, nil, nil
}

// pick returns a node of a tree.
func pick(n *fold.Node, ref protocol.Ref) *fold.Node {
	if n.Kind == ref.Kind.String() && n.ID == ref.ID {
		return n
	}
	for _, child := range n.Children {
		if found := pick(child, ref); found != nil {
			return found
		}
	}
	return nil
}

func (d *diffData) traces(a, b *fold.Node) {
	t := diff.Traces(a, b)
	d.Title = "Compare " + named(a.Name, a.ID) + " with " + named(b.Name, b.ID)
	d.Counts, d.Left, d.Delta = t.Counts, t.Left, deltaText(t.Delta)
	for _, row := range t.Rows {
		n := row.A
		if n == nil {
			n = row.B
		}
		if len(d.Rows) == diffRows {
			d.Left++
			continue
		}
		d.Rows = append(d.Rows, diffRow{
			signs[row.State], row.State.String(), "d" + itoa(min(row.Depth, 12)), strings.ReplaceAll(n.Kind, "_", " "), named(n.Name, n.ID), deltaText(row.Delta),
		})
	}
}

func (d *diffData) generations(a, b *fold.Node) {
	g := diff.Generations(a, b)
	d.Title = "Compare " + named(a.Name, a.ID) + " with " + named(b.Name, b.ID)
	d.Counts, d.Delta = g.Counts, deltaText(g.Delta)
	for _, m := range g.Messages {
		d.Messages = append(d.Messages, messageOf(m, false))
	}
	if g.Answer != nil {
		d.Messages = append(d.Messages, messageOf(*g.Answer, true))
	}
	for _, f := range append(g.Fields, g.Tools...) {
		if f.State != diff.Same {
			d.Fields = append(d.Fields, diffField{signs[f.State], f.State.String(), f.Name, string(f.A), string(f.B)})
		}
	}
}

func messageOf(m diff.MessageDiff, answer bool) diffMessage {
	shown := diffMessage{Sign: signs[m.State], State: m.State.String(), Blocks: m.Text.Blocks}
	text := func(all []genai.Message) string {
		var parts []string
		for i := range all {
			shown.Role = all[i].Role
			parts = append(parts, all[i].Text())
		}
		return strings.Join(parts, "\n")
	}
	shown.A, shown.B = text(m.A), text(m.B)
	if answer {
		shown.Role = "answer"
	}
	if m.State == diff.Same && !answer {
		shown.Equal = len(m.A)
	}
	return shown
}

// deltaText describes how much longer B took than A, and how much more it cost.
func deltaText(d diff.Delta) string {
	var parts []string
	if d.Timed && d.Duration != 0 {
		sign := "+"
		if d.Duration < 0 {
			sign = ""
		}
		parts = append(parts, sign+duration(d.Duration))
	}
	if d.Usage.Total != 0 {
		parts = append(parts, fmt.Sprintf("%+d tokens", d.Usage.Total))
	}
	if d.Cost.Total != 0 {
		sign := "+"
		if d.Cost.Total < 0 {
			sign = ""
		}
		parts = append(parts, sign+dollars(d.Cost.Total))
	}
	return strings.Join(parts, ", ")
}
