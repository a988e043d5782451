package llm

import (
	"context"
	"hash/maphash"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/troupelog/troupe/logger"
)

// headerRetryCount says which attempt a request is: 0 for the first.
const headerRetryCount = "X-Stainless-Retry-Count"

// How long an SDK may take to try again. Those that Stainless makes wait 8 seconds at
// most, or as long as the server asks for if that is less than a minute.
const (
	longestBackoff    = 8 * time.Second
	longestRetryAfter = time.Minute
	retryMargin       = 2 * time.Second
)

// attemptKey names the next attempt of a call.
type attemptKey struct {
	parent     string // id of what the call is part of
	host, path string
	body       uint64 // hash
	count      int    // what headerRetryCount says
}

// heldCall is a call whose last attempt failed and that may be tried again.
type heldCall struct {
	gen      logger.Generation
	started  time.Time // the first attempt
	failedAt time.Time // the last attempt
	timer    *time.Timer
	stop     func() bool // ends the wait for the end of the context
}

var (
	seed   = maphash.MakeSeed()
	heldMu sync.Mutex
	held   = map[attemptKey][]*heldCall{} // guarded by heldMu; each leaves when its timer fires at the latest
)

// retryCount returns the number of the attempt, and false where the SDK does not say.
func retryCount(h http.Header) (int, bool) {
	n, err := strconv.Atoi(h.Get(headerRetryCount))
	return n, err == nil && n >= 0 && n < 1000
}

// retryable reports whether an SDK tries again after an answer.
func retryable(status int, h http.Header) bool {
	switch h.Get("X-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	return status == http.StatusRequestTimeout || status == http.StatusConflict ||
		status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// patience returns how long to wait for the next attempt.
func patience(h http.Header, now time.Time) time.Duration {
	asked := time.Duration(0)
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		asked = time.Duration(ms * float64(time.Millisecond))
	} else if s, err := strconv.ParseFloat(h.Get("Retry-After"), 64); err == nil {
		asked = time.Duration(s * float64(time.Second))
	} else if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		asked = at.Sub(now)
	}
	if asked >= longestRetryAfter {
		asked = 0
	}
	return max(asked, longestBackoff) + retryMargin
}

// hold keeps a call for its next attempt. If none comes within the wait, or before ctx
// ends, the call has ended with the last one.
func hold(ctx context.Context, key attemptKey, h *heldCall, wait time.Duration) {
	heldMu.Lock()
	defer heldMu.Unlock()
	held[key] = append(held[key], h)
	expire := func() {
		if leave(key, h) {
			guard(func() { h.gen.EndWith(logger.EndConfig{EndTime: h.failedAt}) })
		}
	}
	h.timer = time.AfterFunc(wait, expire)
	h.stop = context.AfterFunc(ctx, expire)
}

// leave removes a call, and reports whether it was there.
func leave(key attemptKey, h *heldCall) bool {
	heldMu.Lock()
	defer heldMu.Unlock()
	for i, other := range held[key] {
		if other == h {
			remove(key, i)
			return true
		}
	}
	return false
}

// resume takes the call whose next attempt key names, the oldest of several alike; nil
// for none.
func resume(key attemptKey) *heldCall {
	heldMu.Lock()
	defer heldMu.Unlock()
	if len(held[key]) == 0 {
		return nil
	}
	h := held[key][0]
	remove(key, 0)
	return h
}

// remove removes the i-th call of a key; heldMu is held.
func remove(key attemptKey, i int) {
	h := held[key][i]
	h.timer.Stop()
	h.stop()
	rest := append(held[key][:i:i], held[key][i+1:]...)
	if len(rest) == 0 {
		delete(held, key)
		return
	}
	held[key] = rest
}
