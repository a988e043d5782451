package tree

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
)

// least is the fewest columns that a text is cut to.
const least = 8

// MinWidth is the least width that lines are cut to, in columns.
const MinWidth = 40

// Options say how to render.
type Options struct {
	// Width is what lines are cut to, in columns: less than MinWidth counts as MinWidth,
	// 0 as 100. Only where the tree itself is so deep that hardly anything would be
	// left are they longer.
	Width int
	// Colour turns ANSI colours on.
	Colour bool
}

// Render writes root and everything below it to w, in the order of Children. Of
// inputs and outputs it shows the beginning, in one line each. A session is a node
// with its traces as children. The error is w's.
func Render(w io.Writer, root *fold.Node, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	buffered := bufio.NewWriter(w)
	p := printer{w: buffered, width: max(o.Width, MinWidth), style: style(o.Colour)}
	p.node(root, "", "")
	return buffered.Flush()
}

// printer writes lines. Errors of its writer are kept by that, until Flush.
type printer struct {
	w     *bufio.Writer
	width int
	style style
}

// node writes a node behind first, and all that belongs to it behind rest.
func (p *printer) node(n *fold.Node, first, rest string) {
	p.head(n, first)
	bar := "  "
	if len(n.Children) > 0 {
		bar = "│ "
	} else if rest != "" {
		bar = "   "
	}
	for _, part := range body(n) {
		p.part(rest+bar, part)
	}
	for i, child := range n.Children {
		if i == len(n.Children)-1 {
			p.node(child, rest+"└─ ", rest+"   ")
		} else {
			p.node(child, rest+"├─ ", rest+"│  ")
		}
	}
}

// head writes the line that says what a node is and what it came to.
func (p *printer) head(n *fold.Node, prefix string) {
	mark := ""
	if n.Status == "error" {
		mark = "✗ "
	}
	kind := clean(n.Kind)
	room := p.width - columns(prefix) - columns(mark) - columns(kind)
	facts := strings.Join(facts(n), " · ")
	if facts != "" {
		facts = " · " + Clip(facts, max(room-least-4, least))
	}
	name := Clip(title(n), max(room-columns(facts)-1, least))
	if name != "" {
		name = " " + name
	}
	_, _ = fmt.Fprintf(p.w, "%s%s%s%s%s\n", p.style.dim(prefix), p.style.red(mark), p.style.bold(kind), name, p.facts(n, facts))
}

func (p *printer) facts(n *fold.Node, facts string) string {
	if n.Status == "open" {
		return p.style.yellow(facts)
	}
	return p.style.dim(facts)
}

// part writes one line of a node's body.
func (p *printer) part(prefix string, part part) {
	label := fmt.Sprintf("%-4s ", part.label)
	text := Clip(part.text, max(p.width-columns(prefix)-columns(label), least))
	if part.failure {
		label, text = p.style.red(label), p.style.red(text)
	} else {
		label = p.style.dim(label)
	}
	_, _ = fmt.Fprintf(p.w, "%s%s%s\n", p.style.dim(prefix), label, text)
}
