package transport

import (
	"net/http"
	"strings"
	"time"
)

// Bounds of the waits.
const (
	minBackoff = 500 * time.Millisecond
	maxBackoff = time.Minute

	minRetryAfter = 250 * time.Millisecond
	maxRetryAfter = 5 * time.Minute

	// spread is the largest random extension of a fixed wait, as a part of it.
	spread = 0.1
)

// clockless is passed as the present time if only the form of a header matters.
var clockless time.Time

// Backoff returns the wait before the next attempt at a batch, for the kinds Retry and Throttled.
// The attempt counts from 0; rnd returns a number in [0, 1), as rand.Float64 does.
//
// Without a retryAfter the wait is drawn evenly from 500 ms up to a ceiling that
// starts at 1 s and doubles with each attempt until it is 60 s. This is "full jitter": clients
// that failed together must not come back together (Brooker, "Exponential Backoff And Jitter",
// 2015). With a retryAfter the wait is that time and up to a tenth more, and always between 250 ms
// and 5 minutes.
func Backoff(attempt int, retryAfter time.Duration, rnd func() float64) time.Duration {
	if retryAfter > 0 {
		asked := min(max(retryAfter, minRetryAfter), maxRetryAfter)
		return min(lengthen(asked, rnd), maxRetryAfter)
	}
	ceiling := doubled(2*minBackoff, attempt, maxBackoff)
	return minBackoff + time.Duration(rnd()*float64(ceiling-minBackoff))
}

// Pause is the wait before the next attempt while the kind is Misconfigured. It is constant: a
// server that refuses a key gets at most one request a minute, and delivery continues within a
// minute after the key was corrected.
const Pause = time.Minute

// lengthen adds up to spread to d.
func lengthen(d time.Duration, rnd func() float64) time.Duration {
	return d + time.Duration(rnd()*spread*float64(d))
}

// doubled returns d doubled n times, at most limit. It stops early, so that no n overflows.
func doubled(d time.Duration, n int, limit time.Duration) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// RetryAfter returns the wait for which a server asks in the Retry-After header (RFC 9110,
// section 10.2.3: whole seconds or an HTTP date), clamped to between 250 ms and 5
// minutes. It returns false if the header is missing or has neither form.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), minRetryAfter), maxRetryAfter), true
	}
	seconds, ok := wholeSeconds(value)
	if !ok {
		return 0, false
	}
	return max(seconds, minRetryAfter), true
}

// wholeSeconds parses decimal digits. The result is at most maxRetryAfter, so that no number
// overflows.
func wholeSeconds(digits string) (d time.Duration, ok bool) {
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		d = min(d*10+time.Duration(c-'0')*time.Second, maxRetryAfter)
	}
	return d, digits != ""
}
