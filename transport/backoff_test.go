package transport

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// always returns a source of chance that is none.
func always(x float64) func() float64 { return func() float64 { return x } }

// almostOne is the largest number rand.Float64 can return.
var almostOne = math.Nextafter(1, 0)

func TestBackoffTable(t *testing.T) {
	for _, c := range []struct {
		attempt   int
		low, high time.Duration
	}{
		{-1, 500 * time.Millisecond, time.Second},
		{0, 500 * time.Millisecond, time.Second},
		{1, 500 * time.Millisecond, 2 * time.Second},
		{2, 500 * time.Millisecond, 4 * time.Second},
		{5, 500 * time.Millisecond, 32 * time.Second},
		{6, 500 * time.Millisecond, time.Minute},
		{7, 500 * time.Millisecond, time.Minute},
		{1 << 30, 500 * time.Millisecond, time.Minute},
	} {
		if got := Backoff(c.attempt, 0, always(0)); got != c.low {
			t.Errorf("attempt %d: shortest wait %v, want %v", c.attempt, got, c.low)
		}
		if got := Backoff(c.attempt, 0, always(almostOne)).Round(time.Microsecond); got != c.high {
			t.Errorf("attempt %d: longest wait %v, want %v", c.attempt, got, c.high)
		}
	}
}

func TestBackoffHonoursRetryAfter(t *testing.T) {
	for _, c := range []struct{ asked, low, high time.Duration }{
		{1, 250 * time.Millisecond, 275 * time.Millisecond},
		{250 * time.Millisecond, 250 * time.Millisecond, 275 * time.Millisecond},
		{10 * time.Second, 10 * time.Second, 11 * time.Second},
		{4 * time.Minute, 4 * time.Minute, 4*time.Minute + 24*time.Second},
		{5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{24 * time.Hour, 5 * time.Minute, 5 * time.Minute},
		{math.MaxInt64, 5 * time.Minute, 5 * time.Minute},
	} {
		if got := Backoff(40, c.asked, always(0)); got != c.low {
			t.Errorf("asked for %v: shortest wait %v, want %v", c.asked, got, c.low)
		}
		if got := Backoff(0, c.asked, always(almostOne)).Round(time.Microsecond); got != c.high {
			t.Errorf("asked for %v: longest wait %v, want %v", c.asked, got, c.high)
		}
	}
	if got := Backoff(0, -time.Second, always(0)); got != minBackoff {
		t.Errorf("a negative wait: got %v, want the ordinary backoff", got)
	}
}

func TestWaitsStayInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempt := rapid.Int().Draw(t, "attempt")
		rnd := always(rapid.Float64Range(0, almostOne).Draw(t, "rnd"))
		asked := time.Duration(rapid.Int64().Draw(t, "asked"))
		if d := Backoff(attempt, 0, rnd); d < minBackoff || d > maxBackoff {
			t.Errorf("backoff %v", d)
		}
		if d := Backoff(attempt, asked, rnd); d < minRetryAfter || d > maxRetryAfter {
			t.Errorf("backoff %v when asked for %v", d, asked)
		}
	})
}

var retryAfters = []struct {
	value string
	want  time.Duration
	ok    bool
}{
	{"", 0, false},
	{"junk", 0, false},
	{"-5", 0, false},
	{"+5", 0, false},
	{"1.5", 0, false},
	{"0x10", 0, false},
	{"5 seconds", 0, false},
	{"٣", 0, false},
	{"0", 250 * time.Millisecond, true},
	{"1", time.Second, true},
	{" 7 ", 7 * time.Second, true},
	{"007", 7 * time.Second, true},
	{"299", 299 * time.Second, true},
	{"300", 5 * time.Minute, true},
	{"301", 5 * time.Minute, true},
	{"86400", 5 * time.Minute, true},
	{"10000000000000", 5 * time.Minute, true},
	{strings.Repeat("9", 1000), 5 * time.Minute, true},
	{"Wed, 04 Mar 2026 05:06:37 GMT", 30 * time.Second, true},
	{"Wednesday, 04-Mar-26 05:06:37 GMT", 30 * time.Second, true},
	{"Wed Mar  4 05:06:37 2026", 30 * time.Second, true},
	{"Fri, 31 Dec 1999 23:59:59 GMT", 250 * time.Millisecond, true},
	{"Fri, 31 Dec 9999 23:59:59 GMT", 5 * time.Minute, true},
	{"Mon, 01 Jan 0001 00:00:00 GMT", 250 * time.Millisecond, true},
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, c := range retryAfters {
		got, ok := RetryAfter(http.Header{"Retry-After": {c.value}}, now)
		if got != c.want || ok != c.ok {
			t.Errorf("Retry-After %.40q: got %v, %t, want %v, %t", c.value, got, ok, c.want, c.ok)
		}
	}
	if got, ok := RetryAfter(nil, now); got != 0 || ok {
		t.Errorf("without the header: got %v, %t", got, ok)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, c := range retryAfters {
		f.Add(c.value, int64(0))
		f.Add(c.value, int64(1<<40))
		f.Add(" \t"+c.value+"\r\n", int64(-1<<40))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		got, ok := RetryAfter(http.Header{"Retry-After": {value}}, time.Unix(unix, 0))
		if ok && (got < minRetryAfter || got > maxRetryAfter) || !ok && got != 0 {
			t.Errorf("Retry-After %q: got %v, %t", value, got, ok)
		}
	})
}
