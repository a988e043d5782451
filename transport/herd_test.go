package transport

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// The whole way from a header to a wait.
func TestR11WaitsAsLongAsAskedAndNoLongerThanATenthMore(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, c := range []struct {
		value string
		asked time.Duration // 0: none
	}{
		{"1", time.Second},
		{"7", 7 * time.Second},
		{"120", 2 * time.Minute},
		{now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"300", 5 * time.Minute},
		{"86400", 5 * time.Minute},
		{"10000000000000", 5 * time.Minute},
		{now.Add(24 * time.Hour).Format(http.TimeFormat), 5 * time.Minute},
		{"0", 250 * time.Millisecond},
		{now.Add(-time.Hour).Format(http.TimeFormat), 250 * time.Millisecond},
		{"-5", 0},
		{"junk", 0},
		{"", 0},
	} {
		for _, chance := range []float64{0, 0.5, almostOne} {
			asked, ok := RetryAfter(http.Header{"Retry-After": {c.value}}, now)
			if asked != c.asked || ok != (c.asked > 0) {
				t.Errorf("%q: got %v, %t", c.value, asked, ok)
			}
			wait := Backoff(3, asked, always(chance))
			low, high := c.asked, min(c.asked+c.asked/10, 5*time.Minute)
			if c.asked == 0 {
				low, high = minBackoff, 8*time.Second // the ordinary wait of the fourth attempt
			}
			if wait < low || wait > high {
				t.Errorf("%q with chance %v: waits %v, want %v to %v", c.value, chance, wait, low, high)
			}
			if wait < 250*time.Millisecond || wait > 5*time.Minute {
				t.Errorf("%q: waits %v", c.value, wait)
			}
		}
	}
}

// A server fails all its clients at once and comes back after ten minutes: they must
// not come back together. An attempt is one request then: see
// TestAFailingServerIsAskedOnceInAnAttempt.
func TestR12ClientsDoNotComeBackTogether(t *testing.T) {
	const clients, outage, window = 1000, 10 * time.Minute, time.Minute
	for seed := range uint64(10) {
		chance := rand.New(rand.NewPCG(seed, 12))
		var perSecond [window / time.Second]int
		for range clients {
			var at time.Duration
			for attempt := 0; at < outage; attempt++ {
				at += Backoff(attempt, 0, chance.Float64)
			}
			perSecond[(at-outage)/time.Second]++
		}
		busiest := 0
		for _, n := range perSecond {
			busiest = max(busiest, n)
		}
		if mean := float64(clients) / float64(len(perSecond)); float64(busiest) > 3*mean {
			t.Errorf("seed %d: %d clients in the busiest second, mean %.1f", seed, busiest, mean)
		}
	}
}
