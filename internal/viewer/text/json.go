package text

import (
	"html/template"
	"strconv"
)

// Options configure JSON. The zero value suits most pages.
type Options struct {
	// Table shows an object whose values are all scalars as a table, as arguments of
	// tools mostly are.
	Table bool
	// Limit bounds the HTML, in bytes; 0 means JSONLimit. One string more may be shown.
	Limit int
}

// JSONLimit is how many bytes of HTML JSON makes unless told otherwise. Compressed they
// are about a tenth of that.
const JSONLimit = 256 << 10

// Document is JSON as HTML.
type Document struct {
	HTML      template.HTML
	Truncated bool // HTML does not show everything
	Shown     int  // bytes of the source, from its beginning, that HTML shows, if in part
	Total     int  // bytes of the source
	Fault     int  // where the source stops being JSON, in bytes; -1 if it is JSON, as far as it was read
}

const (
	foldDepth    = 3   // deeper values are folded
	foldChildren = 200 // children beyond these are folded
	plainDepth   = 32  // deeper values are shown as source
	inlineLength = 72  // bytes of source that an array or object of scalars has in one line
	stringDepth  = 3   // how many strings within strings are parsed
	tableRows    = 100 // members that a table has
)

// JSON returns a document of JSON, indented. It is made from the tokens of the source:
// keys stay in their order, also those that come twice, and numbers as they are written.
// What nests deeper than three levels is folded. A string that holds an array or object
// is shown as that, with a chip "from string"; base64 of 1 KiB or more is shown as a chip
// with its type and size. Of a source longer than 2 MiB the first 16 KiB are shown, of one
// with more than 50,000 tokens those. What is not JSON is shown as text, 16 KiB of it.
func JSON(raw []byte, o Options) Document {
	p := printer{src: string(raw), limit: o.Limit}
	if p.limit <= 0 {
		p.limit = JSONLimit
	}
	d := Document{Total: len(raw)}
	whole := false
	p.tokens, d.Fault, whole = scan(p.src)
	if d.Fault >= 0 || len(p.tokens) == 0 {
		cut := Plain(p.src, 0)
		d.HTML, d.Shown, d.Truncated = `<div class="json">`+cut.HTML+`</div>`, cut.Shown, cut.More() > 0
		return d
	}
	if o.Table && p.tabular() {
		p.table()
	} else {
		p.out = append(p.out, `<div class="json">`...)
		p.line(0, "", 0)
		p.out = append(p.out, `</div>`...)
	}
	d.HTML = template.HTML(p.out) //nolint:gosec // made of constants and escaped text
	d.Truncated = p.stopped || p.cuts || !whole
	d.Shown = d.Total
	if d.Truncated {
		d.Shown = p.shown
	}
	return d
}

// printer writes tokens as HTML.
type printer struct {
	src     string
	tokens  []token
	out     []byte
	limit   int
	stopped bool // the limit is reached
	cuts    bool // a string was cut
	within  int  // how many strings around src are parsed
	shown   int  // where the last token written ends, in the outermost source
}

// line writes the value at token i, with lead, which is HTML, before it in its line. It
// returns the token behind the value.
func (p *printer) line(i int, lead string, depth int) int {
	if p.full() {
		return p.behind(i)
	}
	t := p.tokens[i]
	p.seen(t)
	switch {
	case t.kind == '"':
		p.text(t, lead, depth)
		return i + 1
	case t.kind != '{' && t.kind != '[':
		p.put(indent(depth), lead)
		p.scalar(t)
		p.comma(i + 1)
		p.put("\n")
		return i + 1
	case p.fits(i):
		p.put(indent(depth), lead)
		p.inline(i)
		p.comma(int(t.closed) + 1)
		p.put("\n")
	case depth >= foldDepth:
		p.folded(i, lead, depth)
	default:
		p.put(indent(depth), lead, string(t.kind), "\n")
		p.children(i, depth)
		p.close(i, depth)
		p.put("\n")
	}
	return p.behind(i)
}

// fits reports whether an array or object is shown in one line: it is short, and no part
// of it is an array or object, in a string or not.
func (p *printer) fits(i int) bool {
	t := p.tokens[i]
	if t.closed == 0 || !t.flat || t.children > 0 && p.length(t) > inlineLength {
		return false
	}
	for _, at := range p.tokens[i+1 : t.closed] {
		if at.kind == '"' && !at.key && p.holds(unquote(p.source(at))) != nil {
			return false
		}
	}
	return true
}

// folded writes an array or object that readers open themselves.
func (p *printer) folded(i int, lead string, depth int) {
	t := p.tokens[i]
	p.put("<details><summary>", indent(depth), lead, string(t.kind), "…", string(t.kind+2), " ", chip, count(int(t.children), t.kind), end, "</summary>")
	if depth >= plainDepth {
		to := len(p.src)
		if t.closed > 0 {
			to = int(p.tokens[t.closed].to)
		}
		p.cut(p.src[t.from:to])
	} else {
		p.children(i, depth)
		p.close(i, depth)
	}
	p.put("</details>")
}

// children writes the elements of an array or the members of an object.
func (p *printer) children(i, depth int) {
	t := p.tokens[i]
	more := false
	for n, at := 0, i+1; at < len(p.tokens) && at != int(t.closed) && !p.stopped; n++ {
		if n == foldChildren && t.children > foldChildren {
			p.put("<details><summary>", indent(depth+1), "… ", chip, count(int(t.children)-n, t.kind), " more", end, "</summary>")
			more = true
		}
		lead := ""
		if k := p.tokens[at]; k.key {
			lead = p.key(k) + ": "
			if at++; at >= len(p.tokens) {
				break
			}
		}
		at = p.line(at, lead, depth+1)
	}
	if more {
		p.put("</details>")
	}
}

// close writes the bracket behind the children of token i, if they were all written.
func (p *printer) close(i, depth int) {
	t := p.tokens[i]
	switch {
	case p.stopped:
	case t.closed == 0:
		p.put(indent(depth+1), "…")
	default:
		p.seen(p.tokens[t.closed])
		p.put(indent(depth), string(t.kind+2))
		p.comma(int(t.closed) + 1)
	}
}

// inline writes an array or object without further ones in one line.
func (p *printer) inline(i int) {
	t := p.tokens[i]
	p.put(string(t.kind))
	for at := i + 1; at < int(t.closed); at++ {
		if k := p.tokens[at]; k.key {
			p.put(p.key(k), ": ")
			continue
		}
		p.scalar(p.tokens[at])
		if at+1 < int(t.closed) {
			p.put(", ")
		}
	}
	p.seen(p.tokens[t.closed])
	p.put(string(t.kind + 2))
}

// scalar writes a string as it is, a number or a word.
func (p *printer) scalar(t token) {
	switch t.kind {
	case '"':
		p.out = append(p.out, `<span class="s">&#34;`...)
		p.out = escape(p.out, readable(inside(p.source(t))))
		p.out = append(p.out, `&#34;</span>`...)
	case '0':
		p.put(`<span class="n">`, p.source(t), end)
	default:
		p.put(`<span class="b">`, p.source(t), end)
	}
}

// key returns the HTML of a key.
func (p *printer) key(t token) string {
	quoted := p.source(t)
	out := append(make([]byte, 0, len(quoted)+40), `<span class="k">&#34;`...)
	shown := clip(inside(quoted), PlainLimit)
	out = escape(out, readable(inside(quoted)[:shown]))
	if shown < len(inside(quoted)) {
		p.cuts = true
		out = append(out, "…"...)
	}
	return string(append(out, `&#34;</span>`...))
}

// comma writes a comma unless the next token closes the parent.
func (p *printer) comma(next int) {
	if next < len(p.tokens) && p.tokens[next].kind != ']' && p.tokens[next].kind != '}' {
		p.put(",")
	}
}

// put appends HTML; callers must have escaped it.
func (p *printer) put(html ...string) {
	for _, s := range html {
		p.out = append(p.out, s...)
	}
}

// full reports whether the limit is reached, and says so in the output once.
func (p *printer) full() bool {
	if !p.stopped && len(p.out) > p.limit {
		p.stopped = true
		p.put("…")
	}
	return p.stopped
}

func (p *printer) seen(t token) {
	if p.within == 0 {
		p.shown = int(t.to)
	}
}

// behind returns the token behind the value at token i.
func (p *printer) behind(i int) int {
	t := p.tokens[i]
	switch {
	case t.kind != '{' && t.kind != '[':
		return i + 1
	case t.closed == 0:
		return len(p.tokens)
	}
	return int(t.closed) + 1
}

func (p *printer) source(t token) string { return p.src[t.from:t.to] }

// length returns how long an array or object is in the source.
func (p *printer) length(t token) int { return int(p.tokens[t.closed].to - t.from) }

// inside returns a string token without its quotes.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

const spaces = "                                                                  "

// indent returns two spaces for each level.
func indent(depth int) string { return spaces[:min(2*depth, len(spaces))] }

// count returns how many members or items there are, in words.
func count(n int, kind byte) string {
	what := " key"
	if kind == '[' {
		what = " item"
	}
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + what
}
