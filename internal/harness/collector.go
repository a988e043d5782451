package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/troupelog/troupe/collector"
)

// Bounds of the figures of a collector.
const (
	burstRate     = 100_000 // acknowledged lines a second
	clientRate    = 50_000  // the same, with a logger on the same cores
	sustainedRate = 20_000  // folded and searchable lines a second
	ackTime       = 15      // ms: 99 % of the acknowledgements at offeredRate
	newestTime    = 5       // ms: the newest 50 traces
	traceTime     = 60      // ms: a trace
	searchTime    = 100     // ms: the newest 50 lines with a word
	writeTime     = 250     // ms: the longest transaction
	residentMB    = 256     // of 10 M lines
	diskGB        = 2.5     // of 10 M lines
)

// collectorLoad fills a collector over HTTP with agent turns, asks it questions while
// it holds them, and lets it forget a tenth. Collector and clients share this process and
// its cores.
func collectorLoad(fs *flag.FlagSet) func(*trial) error {
	n := fs.Int("n", 1_000_000, "how many `lines` are stored")
	profile := fs.String("cpuprofile", "", "`file` for a profile of storing, folding and making searchable")
	return func(t *trial) error {
		c, err := collector.Start(collector.Config{Dir: filepath.Join(t.dir, "collector")})
		if err != nil {
			return err
		}
		connections := &http.Transport{MaxIdleConnsPerHost: steadyClients}
		l := &load{trial: t, server: c, client: &http.Client{Transport: connections}, wanted: *n, profile: *profile}
		err = l.run(*n / linesPerTurn)
		connections.CloseIdleConnections()
		return errors.Join(err, c.Close(t.ctx))
	}
}

// load is one run of collectorLoad.
type load struct {
	*trial
	server  *collector.Server
	client  *http.Client
	wanted  int          // lines
	profile string       // file, or empty
	turns   atomic.Int64 // begun by post, the first is 1
	lines   atomic.Int64 // acknowledged
	tenth   atomic.Int64 // when a tenth of them was, in nanoseconds since 1970
}

func (l *load) run(turns int) error {
	burst := min(turns/5, 50_000)
	for _, part := range []func() error{
		func() error { return l.burst(burst) },
		func() error { return l.withClient(burst) },
		func() error { return l.profiled(func() error { return l.fill(turns - 2*burst) }) },
		l.questions,
		func() error { return l.steady("ack", func() error { return pause(l.ctx, steadyTime) }) },
		l.retention,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// burst measures how fast lines are acknowledged.
func (l *load) burst(turns int) error {
	start := time.Now()
	if err := l.post(turns); err != nil {
		return err
	}
	l.rate("burst_lines_per_s", turns, time.Since(start), burstRate)
	return l.settle()
}

// withClient measures the same where the lines come from a logger.
func (l *load) withClient(turns int) error {
	start := time.Now()
	if err := l.logTurns(turns); err != nil {
		return err
	}
	l.rate("with_client_lines_per_s", turns, time.Since(start), clientRate)
	l.lines.Add(int64(turns) * linesPerTurn)
	return l.settle()
}

// fill stores the rest, and measures how long it takes until all of it is folded and
// can be searched.
func (l *load) fill(turns int) error {
	start := time.Now()
	if err := l.post(turns); err != nil {
		return err
	}
	acked := time.Since(start)
	if err := l.server.WaitIndexed(l.ctx); err != nil {
		return err
	}
	folded := time.Since(start)
	if err := l.server.WaitSearchable(l.ctx); err != nil {
		return err
	}
	l.note("filled_lines_per_s", int(rate(turns, acked)))
	l.note("folded_lines_per_s", int(rate(turns, folded)))
	l.rate("folded_and_searchable_lines_per_s", turns, time.Since(start), sustainedRate)
	w := l.server.LongestWrites()
	l.note("longest_writes_ms", fmt.Sprint(w.Log.Milliseconds(), "/", w.Index.Milliseconds(), "/", w.Search.Milliseconds()))
	return nil
}

// profiled does something under the profiler, if that is wanted.
func (l *load) profiled(do func() error) error {
	if l.profile == "" {
		return do()
	}
	f, err := os.Create(l.profile)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = do()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

func rate(turns int, took time.Duration) float64 { return float64(turns*linesPerTurn) / took.Seconds() }

func (l *load) rate(key string, turns int, took time.Duration, bound float64) {
	l.fastEnough(key, rate(turns, took), bound)
	l.tell()
}

// settle waits until all that was acknowledged is folded and can be searched.
func (l *load) settle() error {
	return errors.Join(l.server.WaitIndexed(l.ctx), l.server.WaitSearchable(l.ctx))
}

// questions measures the answers of the store, and their time.
func (l *load) questions() error {
	err := errors.Join(
		l.ask("newest_ms", newestTime, func(int) string { return "/traces?limit=50" }),
		l.ask("trace_ms", traceTime, func(i int) string {
			return fmt.Sprintf("/traces/t%d", 1+int64(i)*7919%l.turns.Load())
		}),
		l.ask("search_common_ms", searchTime, func(int) string { return "/search?q=" + commonWord }),
		l.ask("search_word_ms", searchTime, func(i int) string { return fmt.Sprintf("/search?q=word%d", i*31%vocabulary) }),
		l.ask("search_rare_ms", searchTime, func(i int) string {
			return "/search?q=" + rareWord(1+int64(i)*104729%l.turns.Load())
		}),
	)
	lines, bytes := l.lines.Load(), sizeOf(filepath.Join(l.dir, "collector"))
	l.note("lines", lines)
	l.atMost("disk_gb", float64(bytes)/1e9, diskGB)
	l.note("bytes_per_line", bytes/max(lines, 1))
	u := ownUsage()
	l.atMost("resident_mb", megabytes(u.RSS), residentMB)
	l.note("peak_resident_mb", int(megabytes(u.PeakRSS)))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	l.note("go_heap_mb", int(megabytes(int64(memory.HeapInuse+memory.StackInuse))))
	l.note("go_kept_mb", int(megabytes(int64(memory.HeapIdle-memory.HeapReleased))))
	l.tell()
	return err
}

// sizeOf adds up the files of a folder.
func sizeOf(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil { // or it has just gone
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// retention measures how long others wait while a tenth of the lines is deleted.
func (l *load) retention() error {
	l.server.LongestWrites()
	start := time.Now()
	err := l.steady("forgetting_ack", func() error {
		return l.server.Prune(l.ctx, time.Unix(0, l.tenth.Load()))
	})
	l.note("forgetting_s", fmt.Sprintf("%.3g", time.Since(start).Seconds()))
	w := l.server.LongestWrites()
	l.soonEnough("longest_forgetting_ms", float64(w.Prune.Milliseconds()), writeTime)
	l.note("longest_writes_meanwhile_ms", fmt.Sprint(w.Log.Milliseconds(), "/", w.Index.Milliseconds(), "/", w.Search.Milliseconds()))
	return err
}

// tell prints the figures so far.
func (l *load) tell() {
	l.logf("  %s", strings.ReplaceAll(l.String(), " ", "\n  "))
}
