package mask

// The lengths of card numbers, in digits (ISO/IEC 7812-1).
const shortestCard, longestCard = 13, 19

// Cards replaces numbers of payment cards with [card]: 13 to 19 digits, in one piece or in
// groups with a space or a hyphen between them, with a check digit that is right. One number
// of such a length in ten has it by chance.
func Cards(s string) string {
	r := replaced{text: s}
	for i := 0; i < len(s); {
		switch {
		case !digit(s[i]):
			i++
		case i > 0 && wordByte(s[i-1]): // the middle of a word, or of a group
			i++
		default:
			end := i + card(s[i:])
			if end > i {
				r.replace(i, end, Card)
			}
			for i = max(i, end); i < len(s) && digit(s[i]); {
				i++
			}
		}
	}
	return r.String()
}

// card returns the length of the longest card number that s begins with, 0 if there is none.
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
		whole := at == len(s) || !wordByte(s[at])
		if whole && digits >= shortestCard && luhn(s[:at]) {
			length = at
		}
		if at == len(s) || s[at] != ' ' && s[at] != '-' {
			break
		}
	}
	return length
}

// luhn reports whether the last digit of a number is its check digit (ISO/IEC 7812-1,
// annex B). What is no digit does not count. Zeros alone are no number.
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

// wordByte reports whether a byte is part of a word; those of other scripts are.
func wordByte(c byte) bool {
	return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}
