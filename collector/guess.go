package collector

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// wrongKeys is how many wrong keys of one group of addresses are answered at once in a
	// second, and of those that were wrong before, how many of one group of keys.
	wrongKeys, wrongKeysAtOnce = 20, 20
	// groups is how many groups addresses and keys are put into.
	groups = 256
	// guessTime is how long the answer to a guess is held back where there were too many.
	guessTime = time.Second
	// mostHeld is how many answers are held back at one time. Further ones wait before.
	mostHeld = 64
	// remembered is how many wrong keys are known again.
	remembered = 4096
)

// guesses makes wrong keys slow. A right key is never looked up here, so nothing that
// others send, from the same address or from all addresses, can refuse it.
//
// A key that was wrong before is no guess: a program that was given a wrong key sends it
// again and again. Those are counted by key and refused at once. A key that is new is a
// guess: an address may make wrongKeys in a second, and waits for the answers to others,
// of which all addresses together get mostHeld in a second. It is safe for concurrent use.
type guesses struct {
	seed     maphash.Seed
	byClient [groups]*rate.Limiter
	byKey    [groups]*rate.Limiter
	seen     [remembered]atomic.Uint64 // parts of hashes of wrong keys, the last one of each place
	held     chan time.Time            // for each of mostHeld places, when it is free again
}

func newGuesses() *guesses {
	g := &guesses{seed: maphash.MakeSeed(), held: make(chan time.Time, mostHeld)}
	for range mostHeld {
		g.held <- time.Time{}
	}
	for i := range groups {
		g.byClient[i] = rate.NewLimiter(wrongKeys, wrongKeysAtOnce)
		g.byKey[i] = rate.NewLimiter(wrongKeys, wrongKeysAtOnce)
	}
	return g
}

// slow notes a wrong key by its hash and reports whether there were too many. If it was a
// guess then, slow returns guessTime later at the earliest, or when ctx ends.
func (g *guesses) slow(ctx context.Context, client netip.Addr, sum [sha256.Size]byte) bool {
	mark, place := binary.LittleEndian.Uint64(sum[:])|1, binary.LittleEndian.Uint16(sum[8:])
	if g.seen[place%remembered].Swap(mark) == mark {
		return !g.byKey[sum[10]].Allow()
	}
	if g.byClient[maphash.Comparable(g.seed, network(client))%groups].Allow() {
		return false
	}
	select {
	case free := <-g.held:
		if !sleep(ctx, free) {
			g.held <- free
			return true
		}
	case <-ctx.Done():
		return true
	}
	// The place is taken for all of that time, though the client may go.
	free := time.Now().Add(guessTime)
	g.held <- free
	sleep(ctx, free)
	return true
}

// sleep waits until a time, and reports whether that came before ctx ended.
func sleep(ctx context.Context, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// network returns what one client has of addresses: an IPv4 address, or 64 bits of an IPv6
// address.
func network(client netip.Addr) netip.Addr {
	client = client.Unmap()
	if client.Is6() {
		prefix, _ := client.WithZone("").Prefix(64) // 64 bits are there
		return prefix.Addr()
	}
	return client
}
