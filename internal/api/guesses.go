package api

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
	// wrongKeys limits the wrong keys of one group of addresses that are answered without delay,
	// per second. The same limit applies to each group of keys that were wrong before.
	wrongKeys, wrongKeysAtOnce = 20, 20
	// groups is the number of groups of addresses, and of keys.
	groups = 256
	// guessTime is the delay of the answer to a guess above the limit.
	guessTime = time.Second
	// mostHeld limits the answers that are being delayed at one time. Further ones queue.
	mostHeld = 64
	// remembered is the number of wrong keys that are recognised when they are repeated.
	remembered = 4096
)

// guesses slows wrong keys down. The right key is never looked up here, so no number of wrong
// keys, from the same address or from all addresses, can get it refused.
//
// A key that was wrong before is no guess: a program configured with a wrong key repeats it
// endlessly. Such keys are counted by key and refused at once. A new key is a guess. An
// address may make wrongKeys of them per second; the answers to more are delayed, and all
// addresses together get mostHeld delayed answers per second. guesses is safe for concurrent
// use.
type guesses struct {
	seed     maphash.Seed
	byClient [groups]*rate.Limiter
	byKey    [groups]*rate.Limiter
	seen     [remembered]atomic.Uint64 // parts of hashes of wrong keys, the latest for each place
	held     chan time.Time            // mostHeld slots, each with the time at which it is free again
}

func newGuesses() *guesses {
	g := &guesses{seed: maphash.MakeSeed(), held: make(chan time.Time, mostHeld)}
	for range mostHeld {
		g.held <- time.Time{}
	}
	// Groups are fixed in number, so no number of clients can fill the memory.
	for i := range groups {
		g.byClient[i] = rate.NewLimiter(wrongKeys, wrongKeysAtOnce)
		g.byKey[i] = rate.NewLimiter(wrongKeys, wrongKeysAtOnce)
	}
	return g
}

// slow records a wrong key by its hash and reports whether there were too many. If there were
// and the key is a guess, slow takes at least guessTime, unless ctx ends first.
func (g *guesses) slow(ctx context.Context, client netip.Addr, sum [sha256.Size]byte) bool {
	// The table may forget keys when places collide. A forgotten key counts as a guess again.
	mark, place := binary.LittleEndian.Uint64(sum[:])|1, binary.LittleEndian.Uint16(sum[8:])
	if g.seen[place%remembered].Swap(mark) == mark {
		return !g.byKey[sum[10]].Allow()
	}
	if g.byClient[maphash.Comparable(g.seed, network(client))%groups].Allow() {
		return false
	}
	select {
	// Slots are a queue of times: each delayed answer waits for the time of its slot.
	case free := <-g.held:
		if !sleep(ctx, free) {
			g.held <- free
			return true
		}
	case <-ctx.Done():
		return true
	}
	// The slot stays taken for all of that time, even if the client gives up.
	free := time.Now().Add(guessTime)
	g.held <- free
	sleep(ctx, free)
	return true
}

// sleep waits until a time and reports whether ctx was still alive then.
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

// network returns the network that one client controls: its IPv4 address, or the first 64 bits
// of its IPv6 address.
func network(client netip.Addr) netip.Addr {
	client = client.Unmap()
	if client.Is6() {
		prefix, _ := client.WithZone("").Prefix(64) // 64 bits are there
		return prefix.Addr()
	}
	return client
}
