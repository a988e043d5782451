package oversize

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
)

// blob reads base64 or a data URI piece by piece, as plain text or as the inside of a JSON string.
// It keeps only as much as its description needs: type, size and hash.
type blob struct {
	length  int    // bytes read
	front   []byte // the first bytes read; dropped once decided
	decided bool   // mime, plain and not are known
	not     bool   // the text is neither base64 nor a data URI
	mime    string // the type that the URI states
	plain   bool   // the URI holds text instead of base64

	sum    hash.Hash
	head   []byte // the first bytes of the content, to detect its type
	size   int    // length of the content in bytes
	bits   uint32 // bits of the content that do not fill a byte yet
	n      int    // number of those bits, in groups of six
	ended  bool   // a padding = was read
	escape []byte // an incomplete escape of a JSON string
	out    []byte // decoded bytes that are not in sum yet
}

const (
	frontBytes = 1 << 10 // bytes that decide between base64 and other text
	headBytes  = 512     // bytes that decide the type of the content
	uriHead    = 256     // largest length of the part of a data URI before its content
)

// blobOf returns the description of base64 or of a data URI. It reports false for any other text.
func blobOf[T string | []byte](s T) (description string, ok bool) {
	if len(s) < minBlob {
		return "", false
	}
	var b blob
	for from := 0; from < len(s) && !b.not; from += 32 << 10 {
		b.write([]byte(s[from:min(len(s), from+32<<10)]))
	}
	return b.describe()
}

// write reads the next piece, which may be split anywhere.
func (b *blob) write(p []byte) {
	b.length += len(p)
	if b.not {
		return
	}
	if !b.decided {
		b.front = append(b.front, p...)
		if len(b.front) < frontBytes {
			return
		}
		p = b.decide()
	}
	b.content(p)
}

// decide determines the kind of the text from its front and returns the content read so far.
func (b *blob) decide() []byte {
	b.decided, b.sum = true, sha256.New()
	front := b.front
	b.front = nil
	if len(front) > 5 && strings.EqualFold(string(front[:5]), "data:") {
		comma := bytes.IndexByte(front[:min(len(front), uriHead)], ',')
		if comma < 0 {
			b.not = true
			return nil
		}
		kind, parameters, _ := strings.Cut(string(front[5:comma]), ";")
		b.mime = bareMIME(kind)
		b.plain = !strings.HasSuffix(strings.ToLower(parameters), "base64")
		b.not = b.mime == "" && b.plain // a text that begins so
		return front[comma+1:]
	}
	b.not = !likeBase64(front)
	return front
}

// bareMIME returns a media type without parameters, or "" if it is not valid.
func bareMIME(s string) string {
	if len(s) > 64 || strings.Count(s, "/") != 1 || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>[],`, r)
	}) {
		return ""
	}
	return strings.ToLower(s)
}

// likeBase64 distinguishes the beginning of encoded bytes from words: encoded bytes use most
// characters of the alphabet, digits among them, and have long lines or none.
func likeBase64(front []byte) bool {
	var seen [64]bool
	kinds, digits, lines := 0, 0, 0
	for _, c := range front[:frontBytes] {
		v := alphabet[c]
		switch {
		case v < 64 && !seen[v]:
			seen[v] = true
			kinds++
			if digit(c) {
				digits++
			}
		case v == space || c == '\\':
			lines++
		case v == foreign:
			return false
		}
	}
	return kinds >= 40 && digits >= 4 && lines <= 2*frontBytes/60
}

const (
	padding = 64 + iota
	space
	foreign
)

// alphabet maps the characters of both alphabets of base64 to their values.
var alphabet = func() (table [256]byte) {
	for i := range table {
		table[i] = foreign
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		table[c] = byte(i)
	}
	table['-'], table['_'], table['='] = 62, 63, padding
	for _, c := range []byte("\r\n") {
		table[c] = space
	}
	return table
}()

// content reads base64, or the part of a URI after its head.
func (b *blob) content(p []byte) {
	if b.plain {
		b.take(p)
		return
	}
	b.out = b.out[:0]
	for i := 0; i < len(p); i++ {
		// Fast path: nearly all of the content is in complete groups of four.
		for ; b.n == 0 && i+4 <= len(p) && len(b.escape) == 0 && !b.ended; i += 4 {
			v0, v1, v2, v3 := alphabet[p[i]], alphabet[p[i+1]], alphabet[p[i+2]], alphabet[p[i+3]]
			if v0|v1|v2|v3 >= 64 {
				break
			}
			b.out = append(b.out, v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3)
		}
		if i == len(p) {
			break
		}
		c := p[i]
		if len(b.escape) > 0 || c == '\\' {
			if c = b.unescape(c); c == 0 {
				continue
			}
		}
		switch v := alphabet[c]; {
		case v < 64 && !b.ended:
			b.bits = b.bits<<6 | uint32(v)
			if b.n++; b.n == 4 {
				b.out = append(b.out, byte(b.bits>>16), byte(b.bits>>8), byte(b.bits))
				b.bits, b.n = 0, 0
			}
		case v == padding:
			b.ended = true
		case v == space:
		default:
			b.not = true
			return
		}
	}
	b.take(b.out)
}

// unescape returns the character of an escape once it is complete, and 0 before.
func (b *blob) unescape(c byte) byte {
	b.escape = append(b.escape, c)
	e := b.escape
	switch {
	case len(e) == 1 || e[1] == 'u' && len(e) < 6:
		return 0
	case e[1] == 'u':
		b.escape = e[:0]
		switch strings.ToLower(string(e[2:6])) {
		case "003d":
			return '='
		case "002b":
			return '+'
		case "002f":
			return '/'
		}
		return '*'
	}
	b.escape = e[:0]
	switch c {
	case 'n', 'r', 't':
		return '\n'
	case '/':
		return '/'
	}
	return '*' // not a character of base64, so the text is not a blob
}

func (b *blob) take(content []byte) {
	b.size += len(content)
	b.sum.Write(content)
	if room := headBytes - len(b.head); room > 0 {
		b.head = append(b.head, content[:min(room, len(content))]...)
	}
}

// describe returns the description of the content that was read. It reports false if it was not base64.
func (b *blob) describe() (string, bool) {
	if b.length < minBlob || b.not || !b.decided || len(b.escape) > 0 {
		return "", false
	}
	switch b.n {
	case 2:
		b.take([]byte{byte(b.bits >> 4)})
	case 3:
		b.take([]byte{byte(b.bits >> 10), byte(b.bits >> 2)})
	}
	mime := b.mime
	if mime == "" {
		mime, _, _ = strings.Cut(http.DetectContentType(b.head), ";")
	}
	return fmt.Sprintf("[%s, %s, sha256 %s…, left out]", mime, amount(b.size), hex.EncodeToString(b.sum.Sum(nil)[:8])), true
}

// amount formats a number of bytes for people.
func amount(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprint(n, " bytes")
}

// bytesWere describes bytes that encoding/json would have written as base64.
func bytesWere(content []byte) string {
	b := blob{decided: true, plain: true, sum: sha256.New(), length: max(minBlob, len(content))}
	b.take(content)
	description, _ := b.describe()
	return description
}
