package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
	"github.com/troupelog/troupe/logger"
)

// poisonDelay limits the delay of the others by one poisoned entry: R9.
const poisonDelay = 5 * time.Second

// refusal is an answer to a batch with a poisoned entry.
type refusal struct {
	status int
	body   string
}

func poison(fs *flag.FlagSet) func(*trial) error {
	entries := fs.Int("n", 10_000, "how many `entries` wait")
	return func(t *trial) error {
		var cases []*poisonTrial
		for _, poisons := range []int{1, 10} {
			for _, r := range []refusal{{status: 400}, {status: 413}, {status: 422}, {200, `{"error":{"message":"bad line"}}`}} {
				p := &poisonTrial{trial: t, refusal: r, entries: *entries, poisons: poisons}
				var err error
				if p.receiver, p.server, err = t.counting(); err != nil {
					return err
				}
				defer p.server.Down()
				cases = append(cases, p)
			}
		}
		return t.poison(cases)
	}
}

// poison runs all cases at once: most of their time is spent waiting.
func (t *trial) poison(cases []*poisonTrial) error {
	var all sync.WaitGroup
	errs := make([]error, len(cases))
	for i, p := range cases {
		all.Go(func() {
			if err := p.run(); err != nil {
				errs[i] = fmt.Errorf("%v: %w", p, err)
			}
		})
	}
	all.Wait()
	var posts, dead, want int64
	for _, p := range cases {
		posts, dead, want = posts+p.posts, dead+p.dead, want+int64(p.poisons)
	}
	t.note("cases", len(cases))
	t.note("posts", posts)
	t.exactly("dead", dead, want)
	return errors.Join(errs...)
}

// poisonTrial is one case: a backlog in which some entries are refused.
type poisonTrial struct {
	*trial
	receiver         *arrivals.Receiver
	server           *chaos.Server
	refusal          refusal
	entries, poisons int
	posts, dead      int64
}

// bound limits the number of posts: each batch once, and for each poisoned entry
// twice the depth of its search, and two that confirm it.
func (p *poisonTrial) bound() int64 {
	batches := math.Ceil(float64(p.entries) / logger.MaxBatchEntries)
	return int64(batches + float64(p.poisons)*(2*math.Log2(float64(p.entries))+2))
}

// isPoison reports whether an entry is one that the server refuses: they are spread
// evenly.
func (p *poisonTrial) isPoison(index int) bool {
	every := p.entries / p.poisons
	return index%every == every/2
}

// String names the case.
func (p *poisonTrial) String() string {
	return fmt.Sprintf("status %d, %d poisoned", p.refusal.status, p.poisons)
}

func (p *poisonTrial) run() (err error) {
	p.server.Down()
	l, err := logger.New(logger.Config{
		ID: repository, BaseURL: p.server.URL(), SpoolDir: filepath.Join(p.dir, fmt.Sprintf("%d-%d", p.refusal.status, p.poisons)),
		ManualFlush: true, OnError: func(error) {}, Slog: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	refused := map[string]bool{}
	for i := range p.entries {
		text := arrivals.Stamp{Stream: poisoned, Index: i}.Text(poisoned, 300)
		if p.isPoison(i) {
			refused[text] = true
		}
		l.SessionAddTag(poisoned, arrivals.TagKey, text)
	}
	p.receiver.Judge(p.verdict(refused))
	if err := l.Sync(p.ctx); err != nil {
		return errors.Join(err, l.Close(p.ctx))
	}
	delay, err := p.deliver(l)
	if err != nil {
		return err
	}
	p.count(l.Stats(), delay)
	return nil
}

// poisoned is the name of the session and of its stream.
const poisoned = "poisoned"

// deliver lets the server come back and returns how long the delivery took.
func (p *poisonTrial) deliver(l *logger.Logger) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(p.ctx, drainTime)
	defer cancel()
	before := p.server.Count().Posts
	start := time.Now()
	if err := errors.Join(p.server.Up(), l.Flush(ctx)); err != nil {
		return 0, errors.Join(err, l.Close(ctx))
	}
	delay := time.Since(start)
	p.posts = p.server.Count().Posts - before
	return delay, l.Close(ctx)
}

// verdict refuses batches that hold a poisoned entry.
func (p *poisonTrial) verdict(refused map[string]bool) arrivals.Verdict {
	return func(lines [][]byte) (int, string) {
		for _, line := range lines {
			if refused[textOf(line)] {
				return p.refusal.status, p.refusal.body
			}
		}
		return 0, ""
	}
}

// textOf returns the value of the stamp's tag in a line.
func textOf(line []byte) string {
	_, after, _ := bytes.Cut(line, []byte(`"`+arrivals.TagKey+`":"`))
	text, _, _ := bytes.Cut(after, []byte{'"'})
	return string(text)
}

// count compares the outcomes of the entries with the expected ones.
func (p *poisonTrial) count(s logger.Stats, delay time.Duration) {
	p.dead = s.Dead
	got := p.receiver.Count()
	p.logf("status=%d poisons=%d posts=%d bound=%d dead=%d delivered=%d delay_s=%.1f",
		p.refusal.status, p.poisons, p.posts, p.bound(), s.Dead, s.Delivered, delay.Seconds())
	if p.posts > p.bound() {
		p.miss("%v: %d posts, want at most %d", p, p.posts, p.bound())
	}
	if limit := poisonDelay * time.Duration(p.poisons); delay > limit {
		p.miss("%v: delivered after %v, want at most %v", p, delay, limit)
	}
	if s.Dead != int64(p.poisons) || s.Dropped > 0 || got.Duplicates > 0 || got.Disorder > 0 || got.Wrong > 0 {
		p.miss("%v: %v, arrived: %+v", p, s, got)
	}
	for _, i := range p.receiver.Missing(poisoned, p.entries) {
		if !p.isPoison(i) {
			p.miss("%v: entry %d is lost", p, i)
		}
	}
	if got.Entries != int64(p.entries-p.poisons) {
		p.miss("%v: %d entries arrived, want %d", p, got.Entries, p.entries-p.poisons)
	}
}
