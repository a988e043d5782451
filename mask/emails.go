package mask

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Emails replaces e-mail addresses with [email]: a mailbox at a domain of at least two
// labels, in any script. Quoted mailboxes, and hosts in brackets, are not found
// (RFC 5322, section 3.4.1; RFC 6531).
func Emails(s string) string {
	r := replaced{text: s}
	for at := strings.IndexByte(s, '@'); at >= 0; {
		start, end := r.done+mailbox(s[r.done:at]), at+1+domain(s[at+1:])
		if start < at && end > at+1 {
			r.replace(start, end, Email)
		}
		behind := max(at+1, r.done)
		next := strings.IndexByte(s[behind:], '@')
		if next < 0 {
			break
		}
		at = behind + next
	}
	return r.String()
}

// mailbox returns where the mailbox begins that s ends with.
func mailbox(s string) int {
	last := strings.LastIndexFunc(s, func(c rune) bool { return !alphanumeric(c) && !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", c) })
	if last < 0 {
		return 0
	}
	_, size := utf8.DecodeRuneInString(s[last:])
	return last + size
}

// domain returns the length of the domain that s begins with, 0 if there is none.
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

func alphanumeric(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }
