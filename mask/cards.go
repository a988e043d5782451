package mask

import (
	"unicode"
	"unicode/utf8"
)

// The shortest and the longest card number, in digits (ISO/IEC 7812-1).
const shortestCard, longestCard = 13, 19

// smallestGroup is the least number of digits in a group, except the last one. It keeps lists of
// small numbers, such as 1 2 3 and so on, from being taken for a card.
const smallestGroup = 3

// Cards replaces the numbers of payment cards with [card]: 13 to 19 digits with a valid check
// digit, in one piece or in groups separated by single spaces or hyphens. Groups have at least
// three digits, except the last. Digits next to a letter or an underscore are not a card number.
// One in ten other numbers of this length, such as timestamps in nanoseconds, has a valid check
// digit by chance and is replaced too.
func Cards(s string) string {
	r := replaced{text: s}
	for i := 0; i < len(s); {
		switch {
		case !digit(s[i]):
			i++
		case endsWord(s[:i]): // the middle of a word, or of a group
			i++
		default:
			end := i + card(s[i:])
			if end > i {
				r.replace(i, end, Card)
			}
			for i = max(i, end); i < len(s) && digit(s[i]); { // the rest of a number that is not a card
				i++
			}
		}
	}
	return r.String()
}

// card returns the length of the longest card number at the beginning of s, or 0 if there is
// none. It looks at 19 digits at most, so masking stays linear in texts of digits.
func card(s string) (length int) {
	digits := 0
	for at := 0; at < len(s); at++ {
		group := at
		for at < len(s) && digit(s[at]) && digits <= longestCard {
			at, digits = at+1, digits+1
		}
		if at == group || digits > longestCard {
			break
		}
		if digits >= shortestCard && !beginsWord(s[at:]) && luhn(s[:at]) {
			length = at
		}
		if at == len(s) || s[at] != ' ' && s[at] != '-' || at-group < smallestGroup {
			break
		}
	}
	return length
}

// luhn reports whether the last digit of a number is its check digit (ISO/IEC 7812-1, annex B).
// Separators are skipped. A number of zeros has a valid check digit but is not a card.
func luhn(number string) bool {
	sum, double, some := 0, false, false
	for i := len(number) - 1; i >= 0; i-- {
		if !digit(number[i]) {
			continue
		}
		d := int(number[i] - '0')
		some = some || d != 0
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return some && sum%10 == 0
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// endsWord reports whether the last character of s is part of a word.
func endsWord(s string) bool {
	c, _ := utf8.DecodeLastRuneInString(s)
	return inWord(c)
}

// beginsWord reports whether the first character of s is part of a word.
func beginsWord(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return inWord(c)
}

// inWord reports whether c is part of a word in any script. Quotation marks are not, typographic
// ones included, and neither are bytes that are not UTF-8.
func inWord(c rune) bool { return c == '_' || unicode.In(c, unicode.L, unicode.M, unicode.N) }
