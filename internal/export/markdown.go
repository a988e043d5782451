package export

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
)

// Markdown writes a trace, a session or any other node as Markdown: a heading for each
// node by its depth, its facts, messages by role, and inputs and outputs in fences that
// are longer than any fence inside. Names and facts are code spans. See [CommonMark] for
// both. Messages at the beginning that the previous generation has too are not repeated.
//
// [CommonMark]: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
func Markdown(ctx context.Context, w io.Writer, n *fold.Node) error {
	m := markdown{Writer: bufio.NewWriter(w), reader: &reader{}}
	err := each(ctx, n, 1, m.node, func() error { return nil })
	if err != nil {
		return err
	}
	return m.Flush()
}

// markdown writes Markdown. Its writer keeps the first error until Flush.
type markdown struct {
	*bufio.Writer
	reader *reader
}

// maxHeading is the deepest heading level of Markdown.
const maxHeading = 6

func (m markdown) node(n *fold.Node, depth int) error {
	v := m.reader.view(n)
	if depth > 1 {
		m.print("\n")
	}
	kind := v.Kind
	if protocol.ParseKind(kind) == protocol.Unknown {
		kind = codeSpan(kind)
	}
	m.print(strings.Repeat("#", min(depth, maxHeading)), " ", kind, " ", codeSpan(v.Title))
	if depth > maxHeading {
		m.print(fmt.Sprintf(" (level %d)", depth))
	}
	m.print("\n\n")
	for _, f := range v.Facts {
		m.print("- ", labelled(f.Label, f.Of), ": ", codeSpan(f.Value), "\n")
	}
	if v.Known > 0 {
		m.print(fmt.Sprintf("\n**sent** the first %d messages as in ", v.Known), codeSpan(v.KnownFrom), "\n")
	}
	for _, s := range v.Sent {
		m.message("sent", s)
	}
	for _, a := range v.Answers {
		m.message("answer", a)
	}
	for _, b := range v.Blocks {
		m.block(b)
	}
	return nil
}

func (m markdown) message(direction string, s message) {
	m.print("\n**", direction, "** ", codeSpan(s.Who), "\n")
	for _, b := range s.Blocks {
		m.block(b)
	}
}

// block writes a text in a fence.
func (m markdown) block(b block) {
	if b.Label != "" {
		m.print("\n", labelled(b.Label, b.Of), ":\n")
	}
	if b.Text == "" {
		return
	}
	language := "text"
	if b.JSON {
		language = "json"
	}
	fence := strings.Repeat("`", max(3, longestRun(b.Text, '`')+1))
	m.print("\n", fence, language, "\n", strings.TrimSuffix(b.Text, "\n"), "\n", fence, "\n")
}

func (m markdown) print(texts ...string) {
	for _, text := range texts {
		_, _ = m.WriteString(text)
	}
}

// labelled returns a label, followed by its subject in a code span if there is one.
func labelled(label, of string) string {
	if of == "" {
		return label
	}
	return label + " " + codeSpan(of)
}

// codeSpan returns text on one line as a code span.
func codeSpan(text string) string {
	quote := strings.Repeat("`", longestRun(text, '`')+1)
	if text == "" || text[0] == '`' || text[len(text)-1] == '`' {
		text = " " + text + " " // Markdown strips these spaces
	}
	return quote + text + quote
}

func longestRun(text string, of byte) int {
	longest, n := 0, 0
	for i := range len(text) {
		if text[i] != of {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}
