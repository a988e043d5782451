package wire

import "time"

// AppendTime appends t in UTC with microseconds and offset, in the form of
// Python's datetime.isoformat, which leaves the fraction out when it is zero:
// 2024-01-02T03:04:05.678901+00:00.
func AppendTime(dst []byte, t time.Time) []byte {
	var c clock
	return c.append(dst, t)
}

// clock remembers the second of the last time that was written, and how it is written:
// most times that follow each other are of the same second.
type clock struct {
	second int64 // since 1970
	text   []byte
}

// append is AppendTime.
func (c *clock) append(dst []byte, t time.Time) []byte {
	if second := t.Unix(); len(c.text) == 0 || second != c.second {
		c.second, c.text = second, appendSecond(c.text[:0], t.UTC())
	}
	dst = append(dst, c.text...)
	if micros := t.Nanosecond() / int(time.Microsecond); micros != 0 {
		dst = appendDigits(append(dst, '.'), micros, 6)
	}
	return append(dst, "+00:00"...)
}

// appendSecond appends t without its fraction and offset.
func appendSecond(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05")
	}
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	return appendDigits(append(dst, ':'), second, 2)
}

// appendDigits appends the last n decimal digits of a number.
func appendDigits(dst []byte, number, n int) []byte {
	dst = append(dst, "000000"[:n]...)
	for i := len(dst) - 1; number > 0; i-- {
		dst[i] = byte('0' + number%10)
		number /= 10
	}
	return dst
}
