package main

import (
	"flag"
	"sync"
	"sync/atomic"

	"github.com/troupelog/troupe/internal/spool/seglog/seglogtest"
)

func powerloss(fs *flag.FlagSet) func(*trial) error {
	trials := fs.Int64("n", 20_000, "how many `trials`")
	workers := fs.Int("workers", 256, "how many trials run at once; they mostly wait")
	return func(t *trial) error {
		var next, done, failed atomic.Int64
		var all sync.WaitGroup
		for range *workers {
			all.Go(func() {
				for t.ctx.Err() == nil {
					i := next.Add(1) - 1
					if i >= *trials {
						return
					}
					if err := seglogtest.PowerLossTrial(t.seed + uint64(i)); err != nil {
						failed.Add(1)
						t.miss("%v", err)
					}
					if n := done.Add(1); n%1000 == 0 {
						t.logf("%d trials, %d failed", n, failed.Load())
					}
				}
			})
		}
		all.Wait()
		t.exactly("trials", done.Load(), *trials)
		t.exactly("failed", failed.Load(), 0)
		return t.ctx.Err()
	}
}
