package text

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// text writes a string in a line of its own, or what it holds: a document, bytes, or a
// text of several lines.
func (p *printer) text(t token, lead string, depth int) {
	next := p.follows(t)
	decoded := unquote(p.source(t))
	if label := blob(decoded); label != "" {
		p.put(indent(depth), lead, chip, label, end, next, "\n")
		return
	}
	if tokens := p.holds(decoded); tokens != nil {
		outer := *p
		p.src, p.tokens, p.within = decoded, tokens, p.within+1
		p.line(0, lead+chip+"from string"+end+" ", depth)
		p.src, p.tokens, p.within = outer.src, outer.tokens, outer.within
		return
	}
	p.put(indent(depth), lead)
	if strings.Count(decoded, "\n") > 1 {
		p.put(`<span class="lines">`)
		p.cut(decoded)
		p.put(end)
		return
	}
	p.put(`<span class="s">&#34;`)
	p.cut(readable(inside(p.source(t))))
	p.put(`&#34;`, end, next, "\n")
}

// follows returns the comma behind a string that is not the last of its parent.
func (p *printer) follows(t token) string {
	for i := int(t.to); i < len(p.src); i++ {
		switch p.src[i] {
		case ' ', '\n', '\t', '\r':
		case ',':
			return ","
		default:
			return ""
		}
	}
	return ""
}

// holds returns the tokens of an array or object that a string holds, nil if it holds
// none.
func (p *printer) holds(s string) []token {
	begin := strings.TrimLeft(s, " \n\r\t")
	if p.within >= stringDepth || len(s) > maxSource || begin == "" || begin[0] != '{' && begin[0] != '[' {
		return nil
	}
	tokens, fault, whole := scan(s)
	if fault >= 0 || !whole {
		return nil
	}
	return tokens
}

// cut writes a text, PlainLimit bytes of it at most.
func (p *printer) cut(s string) {
	shown := clip(s, PlainLimit)
	p.out = escape(p.out, s[:shown])
	if shown < len(s) {
		p.cuts = true
		p.put(chip, "… ", strconv.Itoa(len(s)-shown), " more bytes", end)
	}
}

// readable returns the inside of a string token as it is written, but with characters in
// place of \u escapes, for all that can be seen and are neither quotes nor backslashes.
func readable(s string) string {
	if !strings.Contains(s, `\u`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		n := strings.IndexByte(s[i:], '\\')
		if n < 0 {
			out.WriteString(s[i:])
			break
		}
		out.WriteString(s[i : i+n])
		i += n
		if escapeLen(s[i:]) == 0 { // the text was cut within it
			out.WriteString(s[i:])
			break
		}
		r, n := unescape(s[i:])
		if s[i+1] == 'u' && r >= ' ' && r != '"' && r != '\\' && r != 0x7f && !(r > 0x7f && hidden(r)) {
			out.WriteRune(r)
		} else {
			out.WriteString(s[i : i+n])
		}
		i += n
	}
	return out.String()
}

// minBlob is the minimum length, in bytes, of base64 text that is shown as a chip.
const minBlob = 1 << 10

// blob returns what to show in place of base64 text or of a data: URL, such as
// "image/png 342 KB"; "" for any other text.
func blob(s string) string {
	if len(s) < minBlob {
		return ""
	}
	declared := ""
	if head, ok := strings.CutPrefix(s[:256], "data:"); ok {
		comma := strings.IndexByte(head, ',')
		if comma < 0 || !strings.HasSuffix(head[:comma], ";base64") {
			return ""
		}
		declared, _, _ = strings.Cut(head[:comma], ";")
		s = s[len("data:")+comma+1:]
	}
	if !isBase64(s, declared != "") {
		return ""
	}
	return escaped(Bytes(s, declared))
}

// Bytes names what base64 text holds, such as "image/png 342 KB". The type is that which
// the bytes begin like, else the one declared, which may be "", as plain text.
func Bytes(base64, declared string) string {
	kind := sniff(base64)
	if kind == "" {
		kind = cmp.Or(declared, "base64")
	}
	return kind + " " + Size(len(strings.TrimRight(base64, "="))*3/4)
}

// isBase64 reports whether s is base64 in one of its alphabets, with or without newlines.
// Unless sure, text without capitals, small letters and digits is not taken for it.
func isBase64(s string, sure bool) bool {
	s = strings.TrimRight(s, "=\r\n")
	capitals, small, digits := sure, sure, sure
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'A' && b <= 'Z':
			capitals = true
		case b >= 'a' && b <= 'z':
			small = true
		case b >= '0' && b <= '9':
			digits = true
		case b != '+' && b != '/' && b != '-' && b != '_' && b != '\n' && b != '\r':
			return false
		}
	}
	return capitals && small && digits
}

// sniff returns the type of the bytes that base64 text begins with, "" if nobody knows it.
func sniff(s string) string {
	head := strings.NewReplacer("\n", "", "\r", "", "-", "+", "_", "/").Replace(s[:min(len(s), 1024)])
	head = strings.TrimRight(head, "=")
	data, err := base64.RawStdEncoding.DecodeString(head[:len(head)/4*4])
	if err != nil {
		return ""
	}
	kind, _, _ := strings.Cut(http.DetectContentType(data), ";")
	if kind == "application/octet-stream" || strings.HasPrefix(kind, "text/") {
		return ""
	}
	return kind
}

// Size returns a number of bytes for people: 900 B, 342 KB, 1.5 MB; a KB is 1024 bytes.
func Size(n int) string {
	switch {
	case n < 1<<10:
		return strconv.Itoa(n) + " B"
	case n < 1<<20:
		return strconv.Itoa((n+1<<9)>>10) + " KB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
}
