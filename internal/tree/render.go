package tree

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
)

// least is the smallest width to which a text is cut, in columns.
const least = 8

// MinWidth is the smallest width to which lines are cut, in columns.
const MinWidth = 40

// Options configure Render.
type Options struct {
	// Width limits lines, in columns. Values below MinWidth count as MinWidth; 0 means
	// 100. Lines exceed it only if deep nesting leaves too little room for text.
	Width int
	// Colour turns ANSI colours on.
	Colour bool
}

// Render writes root and its descendants to w, in the order of Children. Inputs and outputs
// are shortened to one line each. A session is a node with its traces as children. The
// returned error is a write error of w.
func Render(w io.Writer, root *fold.Node, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	buffered := bufio.NewWriter(w)
	p := printer{w: buffered, width: max(o.Width, MinWidth), style: style(o.Colour)}
	p.node(root, "", "")
	return buffered.Flush()
}

// printer writes lines. Write errors stay in its buffered writer until Flush.
type printer struct {
	w     *bufio.Writer
	width int
	style style
}

// node writes a node after the prefix first, and its body and children after the prefix rest.
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

// head writes the first line of a node: its kind, title and facts.
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
