package jsonscan

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// maxDigits bounds how many digits of a number are read; an int64 has 19.
const maxDigits = 40

// Integer returns the value of a JSON number if it is a whole number that an int64 holds,
// however it is written: 12, 12.0 and 1.2e1 are the same.
func Integer(number []byte) (int64, bool) {
	n, exact, ok := scaled(number, 0)
	return n, ok && exact
}

// scaled returns a number times 10^shift, without its fraction, and whether there was
// none. It is false for other values, and for numbers that an int64 cannot hold.
func scaled(number []byte, shift int) (n int64, exact, ok bool) {
	mantissa, power, _ := bytes.Cut(bytes.ToLower(number), []byte{'e'})
	if len(power) > 0 {
		e, err := strconv.Atoi(string(power))
		if err != nil || e > 1000 || e < -1000 {
			return 0, false, false
		}
		shift += e
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	negative := len(whole) > 0 && whole[0] == '-'
	if negative {
		whole = whole[1:]
	}
	if len(whole) == 0 || len(whole) > maxDigits {
		return 0, false, false
	}
	digits := append(bytes.Clone(whole), fraction[:min(len(fraction), 2*maxDigits)]...)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false, false
		}
	}
	point := len(whole) + shift // digits before the decimal point
	if point > len(digits) {
		digits = append(digits, bytes.Repeat([]byte{'0'}, min(point-len(digits), maxDigits))...)
	}
	kept := digits[:max(0, min(point, len(digits)))]
	exact = len(bytes.Trim(digits[len(kept):], "0")) == 0
	if kept = bytes.TrimLeft(kept, "0"); len(kept) == 0 {
		return 0, exact, true
	}
	n, err := strconv.ParseInt(string(kept), 10, 64)
	if negative {
		n = -n
	}
	return n, exact, err == nil
}

// UnixTime returns the time that a JSON number says, in UTC with microseconds, more being
// cut off: seconds since 1970 below 1e11, milliseconds below 1e14, microseconds below 1e17,
// else nanoseconds. It is false for other values, and for times after the year 9999
// or before the year 1.
func UnixTime(number []byte) (time.Time, bool) {
	size, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return time.Time{}, false
	}
	shift := 6
	switch size = math.Abs(size); {
	case size >= 1e17:
		shift = -3
	case size >= 1e14:
		shift = 0
	case size >= 1e11:
		shift = 3
	}
	micros, _, ok := scaled(number, shift)
	t := time.UnixMicro(micros).UTC()
	return t, ok && t.Year() >= 1 && t.Year() <= 9999
}
