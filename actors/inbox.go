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
	// batchDelay is the time for which a command waits for others to join its batch. One message per
	// batch costs a fraction of one per command and wakes the shard once. Waiting for entries
	// (System.Dispatched) flushes first, so it does not wait for this.
	batchDelay = time.Millisecond
	// batchMax is the number of commands at which a batch is sent without delay.
	batchMax = 256
)

// inbox batches commands for a shard. Its methods may be called concurrently.
type inbox struct {
	sup   *supervisor.System
	shard *actor.PID
	wake  chan<- struct{} // capacity 1; wakes the flusher

	mu   sync.Mutex
	open *messages.Commands // guarded by mu; nil if it would be empty
}

// put adds a command to the batch. It never blocks.
func (i *inbox) put(c *messages.Command) {
	i.mu.Lock()
	defer i.mu.Unlock()
	first := i.open == nil
	if first {
		i.open = messages.NewCommands()
	}
	i.open.Add(c)
	switch {
	case len(i.open.List) >= batchMax:
		i.flushLocked()
	case first:
		select {
		case i.wake <- struct{}{}:
		default: // the flusher has been woken for another shard, and flushes all
		}
	}
}

// flush sends the queued commands to the shard. Messages sent later arrive after them.
func (i *inbox) flush() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open != nil {
		i.flushLocked()
	}
}

// send sends the shard another message, after the commands that were put before.
func (i *inbox) send(message any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open != nil {
		i.flushLocked()
	}
	i.sup.Send(i.shard, message)
}

// flushLocked sends the batch. Callers must hold mu, so that no later message overtakes it.
func (i *inbox) flushLocked() {
	i.sup.Send(i.shard, i.open)
	i.open = nil
}

// flushAll sends the queued commands of all shards.
func (s *System) flushAll() {
	for _, in := range s.shards {
		in.flush()
	}
}

// runFlusher flushes all inboxes batchDelay after a command was put into an empty one, until
// ctx ends.
func (s *System) runFlusher(ctx context.Context, wake <-chan struct{}) {
	timer := time.NewTimer(batchDelay)
	defer timer.Stop()
	for {
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		timer.Reset(batchDelay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		s.flushAll()
	}
}
