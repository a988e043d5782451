package mask

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Emails replaces e-mail addresses with [email]: a mailbox at a domain of at least two labels, in
// any script (RFC 5322, section 3.4.1; RFC 6531). It does not find quoted mailboxes, hosts in
// brackets, and domains of one label: user@localhost stays, and so does @here. A mailbox may hold
// slashes, question marks and equals signs, so in a URL the path before an address goes with it.
func Emails(s string) string {
	r := replaced{text: s}
	for at := strings.IndexByte(s, '@'); at >= 0; {
		start, end := r.done+mailbox(s[r.done:at]), at+1+domain(s[at+1:])
		if start < at && end > at+1 {
			r.replace(start, end, Email)
		}
		after := max(at+1, r.done)
		next := strings.IndexByte(s[after:], '@')
		if next < 0 {
			break
		}
		at = after + next
	}
	return r.String()
}

// mailbox returns the index at which the mailbox at the end of s begins, or len(s) if there is
// none.
func mailbox(s string) int {
	last := strings.LastIndexFunc(s, func(c rune) bool { return !alphanumeric(c) && !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", c) })
	if last < 0 {
		return 0
	}
	_, size := utf8.DecodeRuneInString(s[last:])
	return last + size
}

// domain returns the length of the domain at the beginning of s, or 0 if there is none. A dot or
// a hyphen after the last label belongs to the sentence, not to the domain.
func domain(s string) (length int) {
	labels := 0
	for at := 0; at < len(s); at++ {
		n := strings.IndexFunc(s[at:], func(c rune) bool { return !alphanumeric(c) && c != '-' })
		if n < 0 {
			n = len(s) - at
		}
		label := strings.TrimRight(s[at:at+n], "-")
		if label == "" || label[0] == '-' {
			break
		}
		labels, length = labels+1, at+len(label)
		if at += n; len(label) < n || at == len(s) || s[at] != '.' {
			break
		}
	}
	if labels < 2 {
		return 0
	}
	return length
}

// alphanumeric reports whether c is a letter or a digit of any script.
func alphanumeric(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }
