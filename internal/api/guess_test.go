package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupelog/troupe/collector"
)

// A client with the right key shares its address with others that have a wrong one: behind
// a proxy or NAT, everybody has the same.
func TestARightKeyIsNeverRefused(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	var stop atomic.Bool
	var wrong, slowed atomic.Int64
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop.Store(true)
	for thread := range 3 {
		wait.Go(func() {
			for i := 0; !stop.Load(); i++ {
				key := fmt.Sprintf("wrong %d %d", thread, i%7)
				status, _ := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader("x"), "x-maxim-api-key", key)
				wrong.Add(1)
				if status == http.StatusTooManyRequests {
					slowed.Add(1)
				}
			}
		})
	}
	for slowed.Load() == 0 {
		if wrong.Load() > 10_000 {
			t.Fatal("10,000 wrong keys were answered at full speed")
		}
	}
	const posts = 200
	accepted := 0
	for i := range posts {
		line := fmt.Sprintf("trace{id=t%d,action=create,data={}}", i)
		if status, _ := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader(line)); status == http.StatusOK {
			accepted++
		}
	}
	if accepted != posts {
		t.Errorf("%d of %d posts with the right key were accepted", accepted, posts)
	}
	t.Logf("%d of %d accepted beside %d with a wrong key, %d of them slowed", accepted, posts, wrong.Load(), slowed.Load())
}

// A program that was given a wrong key sends it again and again. It is told so at once,
// and after a few times to wait.
func TestTheSameWrongKeyIsRefusedAtOnce(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	const many = 500
	slowed := 0
	for range many {
		status, text := s.do("GET", "/api/v1/repositories", nil, "x-maxim-api-key", "wrong")
		switch status {
		case http.StatusTooManyRequests:
			slowed++
		case http.StatusUnauthorized:
		default:
			t.Fatalf("status %d: %s", status, text)
		}
	}
	if slowed < many/2 {
		t.Errorf("%d of %d requests with one wrong key were asked to wait", slowed, many)
	}
	if status, text := s.do("GET", "/api/v1/repositories", nil); status != http.StatusOK {
		t.Errorf("status %d of the right key after that: %s", status, text)
	}
}

// TestGuessingTheKeyTakesTime is S8. Behind a trusted proxy the client counts, not the
// proxy.
func TestGuessingTheKeyTakesTime(t *testing.T) {
	proxy := netip.MustParsePrefix("10.0.0.0/8")
	s := start(t, collector.Config{APIKey: "right", TrustedProxies: []netip.Prefix{proxy}})
	guess := func(ctx context.Context, from, forwarded, key string) int {
		r := httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/api/v1/repositories", nil)
		r.RemoteAddr = from
		r.Header.Set("x-maxim-api-key", key)
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	// Answers that are held back end with the context: its end stands for a second here.
	ended, end := context.WithCancel(t.Context())
	end()
	// exhaust sends guesses until one is slow, and returns how many were not.
	exhaust := func(from, forwarded, key string) (fast int) {
		for i := range 1000 {
			if guess(ended, from, forwarded, fmt.Sprint(key, i)) == http.StatusTooManyRequests {
				return i
			}
		}
		t.Fatalf("1,000 guesses from %s for %q were answered at full speed", from, forwarded)
		return 0
	}
	if fast := exhaust("192.0.2.1:1", "", "a"); fast < 10 {
		t.Errorf("only %d wrong keys were answered at once", fast)
	}
	if got := guess(t.Context(), "192.0.2.1:1", "", "right"); got != http.StatusOK {
		t.Errorf("status %d of the right key from the same address", got)
	}
	// What a client that is no proxy says of itself does not count.
	if got := guess(ended, "192.0.2.1:2", "203.0.113.9", "b"); got != http.StatusTooManyRequests {
		t.Errorf("status %d: a client chose the address that it is counted by", got)
	}
	// One client behind the proxy does not slow another, whatever it writes itself.
	exhaust("10.1.1.1:1", "198.51.100.7", "c")
	if got := guess(ended, "10.1.1.1:2", "203.0.113.1, 198.51.100.7", "d"); got != http.StatusTooManyRequests {
		t.Errorf("status %d: a client behind a proxy chose the address that it is counted by", got)
	}
	if got := guess(ended, "10.1.1.1:2", "198.51.100.7, 10.2.2.2", "e"); got != http.StatusTooManyRequests {
		t.Errorf("status %d: a second proxy on the way hides the client", got)
	}
	// A few addresses share a bucket by chance, so one of several has to do.
	others := 0
	for i := range 8 {
		if guess(ended, "10.1.1.1:2", fmt.Sprintf("198.51.100.%d", 100+i), fmt.Sprint("f", i)) == http.StatusUnauthorized {
			others++
		}
	}
	if others == 0 {
		t.Error("the first wrong keys of eight other clients behind the proxy were all slowed")
	}
	// An IPv6 client has 2^64 addresses.
	exhaust("[2001:db8::1]:1", "", "g")
	if got := guess(ended, "[2001:db8::ffff:1]:1", "", "h"); got != http.StatusTooManyRequests {
		t.Errorf("status %d of a guess from another address of the same network", got)
	}
}
