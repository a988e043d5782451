package logger

import (
	"cmp"
	"context"
	"time"

	"github.com/troupelog/troupe/internal/sampling"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/pricing"
)

// DefaultTailWait is the default of TailSampling.Wait.
const DefaultTailWait = 10 * time.Second

// TailSampling logs a trace only if there is a reason: an error, or one that a field below
// defines. The lines of a trace are held in memory until a reason occurs; then they are
// logged in order, and later lines are logged at once. If the trace ends without a reason,
// all its lines are dropped, or logged at KeepRate. Lines of sessions themselves, and of
// traces that another process began, are not held.
//
// Held lines are not in the spool: a crash loses them. Sync and Flush neither wait for them
// nor decide on them; Close does. In a session, the lines of a held trace arrive after lines
// that were logged later.
type TailSampling struct {
	// KeepRate is the fraction of traces without a reason that are logged anyway, from 0 to 1.
	// The trace's id decides. Default 0.
	KeepRate float64
	// Slow is a reason: the calls of the trace, or the trace until its end, take longer. 0 means
	// that no duration is a reason, but a trace that is open for an hour is logged in any case.
	Slow time.Duration
	// Cost is a reason: the model calls cost more, in US dollars. 0 means that no cost is a
	// reason.
	Cost float64
	// DislikedBelow is a reason: feedback with a lower score. Default 0: negative scores.
	DislikedBelow float64
	// Wait is the time that a trace is held for feedback after its end. Negative decides within a
	// second of the end. Default DefaultTailWait.
	Wait time.Duration
	// MaxBytes limits the memory of held lines, in bytes; it is part of Config.MaxBytes. If there
	// is no room for a line, its trace is logged. Default, and largest value: a quarter of
	// Config.MaxBytes.
	MaxBytes int64
}

// tailShare is the divisor of Config.MaxBytes for the limit of held lines: the rest is room for
// calls.
const tailShare = 4

// withDefaults returns t with the defaults filled in, for a Config.MaxBytes.
func (t TailSampling) withDefaults(maxBytes int64) TailSampling {
	t.Wait = cmp.Or(t.Wait, DefaultTailWait)
	t.MaxBytes = cmp.Or(t.MaxBytes, maxBytes/tailShare)
	return t
}

// validate checks t after withDefaults. The negated comparisons refuse NaN too.
func (t TailSampling) validate(c Config) error {
	most := c.MaxBytes / tailShare
	return refused([]check{
		{"Tail.KeepRate", "must be from 0 to 1", !(t.KeepRate >= 0 && t.KeepRate <= 1)},
		{"Tail.Slow", "is negative", t.Slow < 0},
		{"Tail.Cost", "is negative", !(t.Cost >= 0)},
		{"Tail.MaxBytes", "must be from 1 to a quarter of MaxBytes, or 0 for that", t.MaxBytes < 0 || t.MaxBytes > most},
		{"Tail", "contradicts Durability: SyncEach, because held lines are not on disk", c.Durability == SyncEach},
	})
}

// newSampler returns the sampler, nil if everything is logged.
func (p *pipeline) newSampler() *sampling.Sampler {
	if p.cfg.Sample == 1 && p.cfg.Tail == nil {
		return nil
	}
	policy := sampling.Policy{Head: p.cfg.Sample}
	if t := p.cfg.Tail; t != nil {
		policy.Tail = &sampling.Tail{
			Rate: t.KeepRate, Slow: t.Slow, Cost: pricing.Dollars(t.Cost), Disliked: t.DislikedBelow,
			Wait: t.Wait, MaxBytes: t.MaxBytes,
		}
	}
	return sampling.New(policy, p.destinations.put, p.leaveOut)
}

// tailTick is the time between two checks whether TailSampling.Wait of a trace is over.
const tailTick = time.Second

// decide makes the sampler decide on held traces, until ctx ends.
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

// leaveOut releases the memory and the contents of entries that the sampler drops.
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
	if len(blobs) > 0 { // in the background, because the writer must not wait for a disk
		p.background.Go(func() {
			for _, blob := range blobs {
				p.destinations.forget(blob)
			}
		})
	}
}
