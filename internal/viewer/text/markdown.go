package text

import (
	"html/template"
	"strconv"
	"strings"
)

// MarkdownLimit is the longest text that Markdown renders, in bytes.
const MarkdownLimit = 64 << 10

// maxLists limits the nesting of lists. Items indented further are put on the last level.
const maxLists = 8

// Markdown renders a part of Markdown that models write: headings, lists, fenced code,
// emphasis, code spans, and links to http and https addresses, each with its host behind
// it. Everything else, HTML, images and tables among it, is shown as it is written. Text
// longer than MarkdownLimit is shown as Plain does.
//
// It goes over the text once: what is open is kept in stacks of a bounded depth, so no
// text takes more than time linear in its length.
func Markdown(s string) Cut {
	if len(s) > MarkdownLimit {
		return Plain(s, 0)
	}
	c := counted(s)
	c.Shown = c.Total
	m := markdown{out: append(make([]byte, 0, len(s)*3/2), `<div class="md">`...)}
	for line := range strings.Lines(s) {
		m.line(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	m.closeFence()
	m.paragraph()
	m.closeLists(0)
	c.HTML = template.HTML(append(m.out, "</div>"...)) //nolint:gosec // made of constants and escaped text
	return c
}

// markdown holds the blocks that are open while lines are read.
type markdown struct {
	out   []byte
	para  []string // the lines of a paragraph that has not ended
	lists []list   // outermost first; an item is open in each
	fence string   // that ends the code that is open, "" if none is
}

// list is a list that is open.
type list struct {
	indent  int // columns before its items
	content int // columns before their content
	ordered bool
}

func (m *markdown) line(line string) {
	indent := leading(line)
	rest := strings.TrimLeft(line, " \t")
	if m.fence != "" {
		m.code(line, rest)
		return
	}
	if rest == "" {
		m.paragraph()
		return
	}
	if fence, info := fenceOf(rest); fence != "" {
		m.begin(indent)
		m.openFence(fence, info)
		return
	}
	if level, title := heading(rest); level > 0 {
		m.begin(indent)
		tag := "h" + strconv.Itoa(min(level+2, 6)) // the page itself uses h1 and h2
		m.out = append(m.out, "<"+tag+">"...)
		m.out = inline(m.out, title)
		m.out = append(m.out, "</"+tag+">"...)
		return
	}
	if marker, ordered := marked(rest); marker > 0 {
		m.item(indent, marker, ordered, rest)
		return
	}
	if len(m.para) == 0 {
		m.begin(indent)
	}
	m.para = append(m.para, rest)
}

// begin closes the blocks that cannot contain a new block at an indentation.
func (m *markdown) begin(indent int) {
	m.paragraph()
	n := len(m.lists)
	for n > 0 && indent < m.lists[n-1].content && indent <= m.lists[n-1].indent {
		n--
	}
	m.closeLists(n)
}

// paragraph ends the paragraph.
func (m *markdown) paragraph() {
	if len(m.para) == 0 {
		return
	}
	m.out = append(m.out, "<p>"...)
	m.out = inline(m.out, strings.Join(m.para, "\n"))
	m.out = append(m.out, "</p>"...)
	m.para = m.para[:0]
}

// item begins an item of a list, and the list if it is not open.
func (m *markdown) item(indent, marker int, ordered bool, rest string) {
	m.paragraph()
	n := len(m.lists)
	for n > 0 && indent < m.lists[n-1].indent {
		n--
	}
	m.closeLists(n)
	same := n > 0 && (indent < m.lists[n-1].content || n == maxLists)
	if same && m.lists[n-1].ordered != ordered {
		m.closeLists(n - 1)
		same = false
	}
	if same {
		m.out = append(m.out, "</li><li>"...)
		m.lists[n-1].content = indent + marker
	} else {
		m.openList(list{indent, indent + marker, ordered}, rest)
	}
	if text := strings.TrimLeft(rest[min(marker, len(rest)):], " "); text != "" {
		m.para = append(m.para, text)
	}
}

func (m *markdown) openList(l list, rest string) {
	m.lists = append(m.lists, l)
	if !l.ordered {
		m.out = append(m.out, "<ul><li>"...)
		return
	}
	m.out = append(m.out, "<ol"...)
	if first := rest[:strings.IndexAny(rest, ".)")]; first != "1" {
		m.out = append(m.out, ` start="`+first+`"`...) // digits, as marked has seen
	}
	m.out = append(m.out, "><li>"...)
}

// closeLists ends lists until n are open.
func (m *markdown) closeLists(n int) {
	for len(m.lists) > n {
		last := len(m.lists) - 1
		if m.lists[last].ordered {
			m.out = append(m.out, "</li></ol>"...)
		} else {
			m.out = append(m.out, "</li></ul>"...)
		}
		m.lists = m.lists[:last]
	}
}

func (m *markdown) openFence(fence, info string) {
	m.fence = fence
	m.out = append(m.out, "<pre><code>"...)
	if info != "" {
		m.out = append(m.out, chip...)
		m.out = escape(m.out, info)
		m.out = append(m.out, end+"\n"...)
	}
}

// code adds a line to the code that is open, or ends it.
func (m *markdown) code(line, rest string) {
	if closing := strings.TrimRight(rest, " \t"); len(closing) >= len(m.fence) && strings.Trim(closing, m.fence[:1]) == "" {
		m.closeFence()
		return
	}
	for n := len(m.lists); n > 0; n = 0 {
		line = line[min(leading(line), m.lists[n-1].content):]
	}
	m.out = append(escape(m.out, line), '\n')
}

func (m *markdown) closeFence() {
	if m.fence != "" {
		m.out = append(m.out, "</code></pre>"...)
		m.fence = ""
	}
}

// leading returns how many spaces and tabs a line begins with.
func leading(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// fenceOf returns the code fence that opens a line, and the rest of the line.
func fenceOf(rest string) (fence, info string) {
	for _, mark := range []string{"`", "~"} {
		behind := strings.TrimLeft(rest, mark)
		if n := len(rest) - len(behind); n >= 3 && (mark == "~" || !strings.Contains(behind, "`")) {
			return rest[:n], strings.TrimSpace(behind)
		}
	}
	return "", ""
}

// heading returns the level and the text of a heading, 0 if a line is none.
func heading(rest string) (level int, title string) {
	behind := strings.TrimLeft(rest, "#")
	level = len(rest) - len(behind)
	if level < 1 || level > 6 || behind != "" && behind[0] != ' ' && behind[0] != '\t' {
		return 0, ""
	}
	return level, strings.TrimSpace(behind)
}

// marked returns how many bytes the mark of a list's item takes with the space behind it,
// 0 if a line begins with none.
func marked(rest string) (length int, ordered bool) {
	n := 0
	switch rest[0] {
	case '-', '*', '+':
		n = 1
	default:
		for n < len(rest) && n < 9 && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n == len(rest) || rest[n] != '.' && rest[n] != ')' {
			return 0, false
		}
		n++
		ordered = true
	}
	if n < len(rest) && rest[n] != ' ' {
		return 0, false
	}
	return n + 1, ordered
}
