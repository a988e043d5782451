package collector

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// However many guess at once, and from wherever: all together they get mostHeld answers in
// a second, beside those that each address gets at once.
func TestGuessesOfManyAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses()
		const clients, seconds = 200, 10
		began := time.Now()
		answers := 0
		var mu sync.Mutex
		var wait sync.WaitGroup
		for client := range clients {
			wait.Go(func() {
				for i := 0; time.Since(began) < seconds*time.Second; i++ {
					g.slow(t.Context(), netip.MustParseAddr("192.0.2.1"), sha256.Sum256(fmt.Append(nil, client, i)))
					mu.Lock()
					answers++
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		most := wrongKeysAtOnce + wrongKeys*(seconds+clients/mostHeld+1) + mostHeld*(seconds+clients/mostHeld+1)
		if answers > most {
			t.Errorf("%d guesses in %d s, want at most %d", answers, seconds, most)
		}
		t.Logf("%d guesses in %d s of %d clients", answers, seconds, clients)
	})
}
