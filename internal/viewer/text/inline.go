package text

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxOpeners is how many marks that may begin emphasis or a link are remembered. Of more,
// the oldest stay as they are written.
const maxOpeners = 8

// opener is a mark that may begin emphasis or a link.
type opener struct {
	mark  byte // * _ or [
	n     int  // of them
	piece int
}

func (o opener) bracket() bool { return o.mark == '[' }

// spans reads the marks within a paragraph. The output is kept in pieces, so that a mark
// can become a tag when its counterpart is found.
type spans struct {
	s       string
	i       int
	literal int // everything before it has been written
	pieces  []string
	open    []opener
	// dead says of code spans how many backticks no run ahead of i has; index 0 is for
	// all lengths not below 64.
	dead [64]bool
	work int // bytes and marks looked at beyond i; tests hold it to be linear
}

// inline appends the HTML of a paragraph.
func inline(dst []byte, s string) []byte {
	p := spans{s: s}
	p.read()
	for _, piece := range p.pieces {
		dst = append(dst, piece...)
	}
	return dst
}

// read goes over the paragraph and makes its pieces.
func (p *spans) read() {
	for p.i < len(p.s) {
		switch b := p.s[p.i]; b {
		case '\\':
			p.backslash()
		case '`':
			p.codeSpan()
		case '*', '_':
			p.emphasis(b)
		case '[':
			p.flush()
			p.push(opener{'[', 1, p.mark("[")})
			p.skip(1)
		case ']':
			p.link()
		case 'h':
			p.address()
		default:
			p.i++
		}
	}
	p.flush()
}

// flush writes the text before i.
func (p *spans) flush() {
	if p.literal < p.i {
		p.pieces = append(p.pieces, escaped(p.s[p.literal:p.i]))
	}
	p.literal = p.i
}

// skip goes on behind n bytes that need not be written.
func (p *spans) skip(n int) {
	p.i += n
	p.literal = p.i
}

// mark writes HTML and returns its piece.
func (p *spans) mark(html string) int {
	p.pieces = append(p.pieces, html)
	return len(p.pieces) - 1
}

func (p *spans) push(o opener) {
	if len(p.open) == maxOpeners {
		copy(p.open, p.open[1:])
		p.open = p.open[:maxOpeners-1]
	}
	p.open = append(p.open, o)
}

// backslash makes punctuation behind it stand for itself.
func (p *spans) backslash() {
	if p.i+1 < len(p.s) && strings.IndexByte("\\`*_[]()#+-.!~>|{}<", p.s[p.i+1]) >= 0 {
		p.flush()
		p.literal++
		p.i += 2
		return
	}
	p.i++
}

// codeSpan reads text between two runs of equally many backticks.
func (p *spans) codeSpan() {
	n := run(p.s[p.i:], '`')
	length := n
	if length >= len(p.dead) {
		length = 0
	}
	if p.dead[length] {
		p.i += n
		return
	}
	for at := p.i + n; at < len(p.s); {
		next := strings.IndexByte(p.s[at:], '`')
		if next < 0 {
			break
		}
		at += next
		p.work += next
		m := run(p.s[at:], '`')
		if m == n {
			p.flush()
			p.mark("<code>" + escaped(p.s[p.i+n:at]) + "</code>")
			p.skip(at + m - p.i)
			return
		}
		at += m
	}
	p.dead[length] = true
	p.i += n
}

// run returns how many b a text begins with.
func run(s string, b byte) int {
	n := 0
	for n < len(s) && s[n] == b {
		n++
	}
	return n
}

// emphasis reads a run of * or _, which closes open emphasis or opens new emphasis.
func (p *spans) emphasis(b byte) {
	n := run(p.s[p.i:], b)
	before, _ := utf8.DecodeLastRuneInString(p.s[:p.i])
	after, _ := utf8.DecodeRuneInString(p.s[p.i+n:])
	opens := p.i+n < len(p.s) && !unicode.IsSpace(after)
	closes := p.i > 0 && !unicode.IsSpace(before)
	if b == '_' {
		opens, closes = opens && !word(before), closes && !word(after)
	}
	if n > 3 || !opens && !closes {
		p.i += n
		return
	}
	p.flush()
	left := n
	for closes && left > 0 {
		taken := p.closeEmphasis(b, left)
		if taken == 0 {
			break
		}
		left -= taken
	}
	for opens && left > 0 {
		size := min(left, 2)
		p.push(opener{b, size, p.mark(p.s[p.i : p.i+size])})
		left -= size
	}
	p.skip(n - left)
	p.i += left
}

func word(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// closeEmphasis ends the innermost emphasis of at most n marks that is open, and returns
// how many it had. What was opened within stays as it is written.
func (p *spans) closeEmphasis(b byte, n int) int {
	for k := len(p.open) - 1; k >= 0; k-- {
		o := p.open[k]
		p.work++
		if o.mark != b || o.n > n {
			continue
		}
		tag := "em>"
		if o.n == 2 {
			tag = "strong>"
		}
		p.pieces[o.piece] = "<" + tag
		p.mark("</" + tag)
		p.open = p.open[:k]
		return o.n
	}
	return 0
}

// link ends the innermost bracket that is open; it is a link if an address in
// parentheses is behind it.
func (p *spans) link() {
	k := len(p.open) - 1
	for k >= 0 && p.open[k].mark != '[' {
		k--
	}
	if k < 0 {
		p.i++
		return
	}
	href, host, length := p.destination(p.s[p.i+1:])
	if href == "" {
		p.open = append(p.open[:k], p.open[k+1:]...)
		p.i++
		return
	}
	p.flush()
	p.pieces[p.open[k].piece] = anchor(href)
	p.mark(`</a><span class="host"> (` + host + `)</span>`)
	p.open = slices.DeleteFunc(p.open[:k], opener.bracket) // there are no links within links
	p.skip(1 + length)
}

// destination reads an address in parentheses, with or without a title, and returns it,
// its host, both as HTML, and its length.
func (p *spans) destination(s string) (href, host string, length int) {
	if s == "" || s[0] != '(' {
		return "", "", 0
	}
	length = 1 + strings.IndexFunc(s[1:], func(r rune) bool {
		p.work++
		return !inAddress(r) || r == ')'
	})
	if length == 0 || s[length] != ')' {
		return "", "", 0
	}
	href, host = checked(s[1:length])
	return href, host, length + 1
}

// address reads a bare URL, outside brackets.
func (p *spans) address() {
	rest := p.s[p.i:]
	if !strings.HasPrefix(rest, "http://") && !strings.HasPrefix(rest, "https://") || slices.ContainsFunc(p.open, opener.bracket) {
		p.i++
		return
	}
	length := strings.IndexFunc(rest, func(r rune) bool { return !inAddress(r) })
	if length < 0 {
		length = len(rest)
	}
	p.work += length
	found := strings.TrimRight(rest[:length], ".,;:!?)*_'")
	href, _ := checked(found)
	if href == "" {
		p.i += max(len(found), 1)
		return
	}
	p.flush()
	p.mark(anchor(href) + escaped(found) + "</a>")
	p.skip(len(found))
}

// inAddress reports whether a character may stand in an address: no space, no brackets,
// none that markup is made of.
func inAddress(r rune) bool {
	return r > ' ' && r != 0x7f && !strings.ContainsRune("<>[]\"`\\{}|^", r) && !unicode.IsSpace(r) && (r < utf8.RuneSelf || !hidden(r))
}

// maxAddress is the longest address that becomes a link, in bytes.
const maxAddress = 2 << 10

// checked returns an address and its host as HTML, "" unless it is http or https with a
// host of ASCII and without a user, who could be made to look like a host.
func checked(address string) (href, host string) {
	if len(address) > maxAddress {
		return "", ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", ""
	}
	for _, b := range []byte(u.Host) {
		if b <= ' ' || b >= utf8.RuneSelf {
			return "", ""
		}
	}
	return escaped(u.String()), escaped(u.Host)
}

// anchor begins a link. href is HTML already.
func anchor(href string) string {
	return `<a href="` + href + `" rel="noopener noreferrer">`
}
