package logger

import (
	"cmp"
	"context"
	"time"

	"github.com/troupelog/troupe/internal/sampling"
	"github.com/troupelog/troupe/messages"
)

// DefaultTailWait is the default of TailSampling.Wait.
const DefaultTailWait = 10 * time.Second

// TailSampling logs a trace if there is a reason to: an error, or one of those below. The
// lines of a trace are held in memory until there is one, and then go on in their order; from
// then on the trace is logged as ever. If it has ended without, all its lines are left out,
// or logged, as KeepRate says. Lines of sessions themselves, and of traces that another
// process began, are not held.
//
// What is held is not in the spool: a crash loses it. Sync and Flush do not wait for it, and
// do not decide on it; Close does. In a session, a trace that is held arrives behind what was
// logged later.
type TailSampling struct {
	// KeepRate is the part of traces without a reason that is logged all the same, from 0
	// to 1. The trace's id decides. Default 0.
	KeepRate float64
	// Slow is a reason: the trace's calls, or its time until the end, take longer.
	// 0 looks at no time; a trace that is open for an hour is logged in any case.
	Slow time.Duration
	// Cost is a reason: more US dollars than that were logged for model calls. 0 looks
	// at no cost.
	Cost float64
	// DislikedBelow is a reason: feedback with a lower score. Default: scores below 0.
	DislikedBelow float64
	// Wait is how long after its end a trace is held for feedback.
	// Default DefaultTailWait; negative decides within a second of the end.
	Wait time.Duration
	// MaxBytes bounds the memory of what is held, in bytes; it is part of Config.MaxBytes.
	// Where there is no room for a line, its trace is logged. Default: a quarter of
	// Config.MaxBytes, which is the most.
	MaxBytes int64
}

// tailShare is the largest part of Config.MaxBytes that may be held: calls must find room.
const tailShare = 4

func (t TailSampling) withDefaults(maxBytes int64) TailSampling {
	t.Wait = cmp.Or(t.Wait, DefaultTailWait)
	t.MaxBytes = cmp.Or(t.MaxBytes, maxBytes/tailShare)
	return t
}

func (t TailSampling) validate(c Config) error {
	return refused([]check{
		{"Tail.KeepRate", "must be from 0 to 1", !(t.KeepRate >= 0 && t.KeepRate <= 1)},
		{"Tail.Slow", "is negative", t.Slow < 0},
		{"Tail.Cost", "is negative", !(t.Cost >= 0)},
		{"Tail.MaxBytes", "must be from 1 to a quarter of MaxBytes, or 0 for that", t.MaxBytes < 0 || t.MaxBytes > c.MaxBytes/tailShare},
		{"Tail", "contradicts Durability: SyncEach: what is held is not on disk", c.Durability == SyncEach},
	})
}

// newSampler returns the sampler, nil if everything is logged.
func (p *pipeline) newSampler() *sampling.Sampler {
	if p.cfg.Sample == 1 && p.cfg.Tail == nil {
		return nil
	}
	policy := sampling.Policy{Head: p.cfg.Sample}
	if t := p.cfg.Tail; t != nil {
		policy.Tail = &sampling.Tail{Rate: t.KeepRate, Slow: t.Slow, Cost: t.Cost, Disliked: t.DislikedBelow, Wait: t.Wait, MaxBytes: t.MaxBytes}
	}
	return sampling.New(policy, p.destinations.put, p.leaveOut)
}

// tailTick is how often traces are looked at whose time may have come.
const tailTick = time.Second

// decide looks at what is held, until ctx ends.
func (p *pipeline) decide(ctx context.Context) {
	ticker := time.NewTicker(tailTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			p.sampler.Tick(now)
		}
	}
}

// leaveOut gives back what entries take that are not logged.
func (p *pipeline) leaveOut(entries []messages.Entry) {
	cost := int64(0)
	var blobs []string
	for i := range entries {
		cost += entries[i].Cost()
		if u := entries[i].Upload; u != nil && u.Blob != "" {
			blobs = append(blobs, u.Blob)
		}
	}
	p.ledger.Release(cost)
	if len(blobs) > 0 { // not here: the writer waits for no disk
		p.background.Go(func() {
			for _, blob := range blobs {
				p.destinations.forget(blob)
			}
		})
	}
}
