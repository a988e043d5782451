package actors

import (
	"context"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/supervisor"
)

const (
	// gatherFor is how long commands wait for others to travel with: one message for
	// many costs a fraction of many, and nobody is woken for each. Whoever waits for
	// entries does not wait for this.
	gatherFor = time.Millisecond
	// gatherUpTo is how many commands do not wait any longer.
	gatherUpTo = 256
)

// inbox gathers commands for a shard. Its methods may be called concurrently.
type inbox struct {
	sup   *supervisor.System
	shard *actor.PID
	wake  chan<- struct{} // capacity 1; of the postman

	mu   sync.Mutex
	open *messages.Commands // guarded by mu; nil if there are none
}

// put takes a command for the shard.
func (i *inbox) put(c *messages.Command) {
	i.mu.Lock()
	defer i.mu.Unlock()
	first := i.open == nil
	if first {
		i.open = messages.NewCommands()
	}
	i.open.Add(c)
	switch {
	case len(i.open.List) >= gatherUpTo:
		i.postLocked()
	case first:
		select {
		case i.wake <- struct{}{}:
		default:
		}
	}
}

// post sends the shard what there is: a message that is sent to the shard afterwards
// comes behind it.
func (i *inbox) post() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open != nil {
		i.postLocked()
	}
}

// send sends the shard another message, behind the commands that were put before.
func (i *inbox) send(message any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open != nil {
		i.postLocked()
	}
	i.sup.Send(i.shard, message)
}

func (i *inbox) postLocked() {
	i.sup.Send(i.shard, i.open)
	i.open = nil
}

// postAll sends every shard what there is for it.
func (s *System) postAll() {
	for _, in := range s.shards {
		in.post()
	}
}

// carry is the postman: it posts what was put a moment ago.
func (s *System) carry(ctx context.Context, wake <-chan struct{}) {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for {
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		timer.Reset(gatherFor)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		s.postAll()
	}
}
