package text

// tabular reports whether the document is an object of scalars.
func (p *printer) tabular() bool {
	t := p.tokens[0]
	return t.kind == '{' && t.closed > 0 && t.flat && t.children > 0 && t.children <= tableRows
}

// table writes an object of scalars with a row for each member. Strings are shown as
// their text.
func (p *printer) table() {
	p.put(`<table class="kv">`)
	for i := 1; i+1 < int(p.tokens[0].closed) && !p.full(); i += 2 {
		p.put("<tr><th>", p.name(p.tokens[i]), "</th><td>")
		p.cell(p.tokens[i+1])
		p.put("</td></tr>")
		p.seen(p.tokens[i+1])
	}
	p.put("</table>")
}

func (p *printer) cell(t token) {
	if t.kind != '"' {
		p.scalar(t)
		return
	}
	decoded := unquote(p.source(t))
	if blob(decoded) == "" && p.holds(decoded) == nil {
		p.cut(decoded)
		return
	}
	p.put(`<div class="json">`)
	p.text(t, "", 0)
	p.put("</div>")
}

// name returns a key without its quotes.
func (p *printer) name(t token) string {
	name := unquote(p.source(t))
	shown := clip(name, PlainLimit)
	if shown < len(name) {
		p.cuts = true
		return escaped(name[:shown]) + "…"
	}
	return escaped(name)
}
