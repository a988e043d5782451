package api

import (
	"context"
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

// Who goes away before the answer has used up a place all the same.
func TestAGuessThatIsGivenUpTakesItsSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses()
		client := netip.MustParseAddr("192.0.2.1")
		for i := range wrongKeysAtOnce {
			g.slow(t.Context(), client, sha256.Sum256(fmt.Append(nil, "at once", i)))
		}
		began := time.Now()
		hasty, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		var wait sync.WaitGroup
		for i := range mostHeld {
			wait.Go(func() { g.slow(hasty, client, sha256.Sum256(fmt.Append(nil, "hasty", i))) })
		}
		wait.Wait()
		// From another address, which has used up its own at once as well.
		other := netip.MustParseAddr("192.0.2.2")
		for i := 0; !g.slow(t.Context(), other, sha256.Sum256(fmt.Append(nil, "other", i))); i++ {
		}
		if took := time.Since(began); took < 2*guessTime { // of the bubble's clock
			t.Errorf("the answer to one more guess came after %v, want %v at the earliest", took, 2*guessTime)
		}
	})
}
