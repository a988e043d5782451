package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/logger"
)

// worker is the child's side of a process: it logs.
type worker struct {
	job      job
	log      *logger.Logger
	streams  []*stream
	baseline int64
	started  time.Time

	call, sync, rejection histogram
	peak                  int64 // see report.PeakPending

	stop    context.CancelFunc // ends the streams
	stopped context.Context    // of the streams
	running sync.WaitGroup     // of the streams
	side    sync.WaitGroup     // of the goroutines beside them

	out sync.Mutex
	to  io.Writer // guarded by out

	mu      sync.Mutex
	errors  map[string]int64 // guarded by mu; see report
	because map[string]int64 // guarded by mu; see report
	first   time.Time        // guarded by mu; of rejections
	last    time.Time        // guarded by mu; of rejections
}

// work is the life of a worker. It ends with its standard input.
func work(text string, in io.Reader, out io.Writer) int {
	w := &worker{to: out, errors: map[string]int64{}, because: map[string]int64{}}
	if err := json.Unmarshal([]byte(text), &w.job); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 2
	}
	if err := w.open(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	w.tell(evReady)
	w.start()
	for commands := bufio.NewScanner(in); commands.Scan(); {
		w.obey(strings.Fields(commands.Text()))
	}
	w.stop()
	w.tell(evEnded)
	return 0
}

func (w *worker) open() error {
	w.baseline = ownUsage().RSS
	c := logger.Config{
		ID: repository, BaseURL: w.job.URL, SpoolDir: w.job.Spool, RequireDurable: w.job.Spool != "",
		MaxSpoolBytes: w.job.MaxSpoolBytes, MaxWait: w.job.MaxWait, FlushInterval: w.job.FlushInterval, InFlight: w.job.InFlight,
		OnError: w.note, PanicOnMisuse: true, Slog: slog.New(slog.DiscardHandler),
	}
	if w.job.Spool == "" {
		c.Durability = logger.MemoryOnly
	}
	var err error
	w.log, err = logger.New(c)
	return err
}

// note counts the errors reported to OnError.
func (w *worker) note(err error) {
	reason := err.Error()
	if known, ok := errors.AsType[*logger.Error](err); ok {
		reason = known.Reason.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors[reason]++
}

// start starts the streams.
func (w *worker) start() {
	w.started = time.Now()
	w.stopped, w.stop = context.WithCancel(context.Background())
	if w.job.Open > 0 {
		w.leaveOpen(w.job.Open)
	}
	for i := range w.job.Sessions {
		w.begin(sessionName(w.job.Name, i))
	}
	for i := range w.job.Streams {
		s := newStream(w, i)
		w.streams = append(w.streams, s)
		w.running.Go(s.run)
	}
	if w.job.Syncs > 0 {
		w.side.Go(w.measureSync)
	}
}

func sessionName(worker string, i int) string { return fmt.Sprintf("%ss%d", worker, i) }

// begin begins a session. Where there is no room for that, its entries come without a
// beginning.
func (w *worker) begin(id string) {
	defer func() { _ = rejection(recover()) }()
	w.log.Session(logger.SessionConfig{ID: id, Name: id})
}

// measureSync calls Sync at regular times.
func (w *worker) measureSync() {
	ticker := time.NewTicker(w.job.Syncs)
	defer ticker.Stop()
	for {
		select {
		case <-w.stopped.Done():
			return
		case <-ticker.C:
		}
		start := time.Now()
		if w.log.Sync(w.stopped) == nil {
			w.sync.add(time.Since(start))
		}
	}
}

// obey runs a command and answers it.
func (w *worker) obey(words []string) {
	limit := time.Hour
	if len(words) > 1 {
		limit, _ = time.ParseDuration(words[1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	start := time.Now()
	err := w.command(ctx, words[0])
	took := time.Since(start)
	r := w.report()
	r.Took = took
	if err != nil {
		r.Err = err.Error()
	}
	if known, ok := errors.AsType[*logger.Error](err); ok {
		r.Pending = known.Entries
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a report has a JSON form
	}
	w.tell(words[0], string(text))
}

func (w *worker) command(ctx context.Context, name string) error {
	switch name {
	case cmdStop:
		w.stop()
		w.running.Wait()
		w.side.Wait()
	case cmdFinish:
		w.running.Wait()
	case cmdSync:
		return w.log.Sync(ctx)
	case cmdFlush:
		return w.log.Flush(ctx)
	case cmdDrain:
		return w.drain(ctx)
	case cmdClose:
		return w.close(ctx)
	}
	return nil
}

// drain waits until nothing is pending: Flush does not wait for orphans.
func (w *worker) drain(ctx context.Context) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for w.log.Stats().Pending > 0 {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		_ = w.log.Flush(attempt) // it cuts back-offs short, too
		cancel()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// close closes the logger under the streams. Entries that it leaves in the spool are as safe as
// entries that Sync covers.
func (w *worker) close(ctx context.Context) error {
	peak := w.watchPending()
	err := w.log.Close(ctx)
	w.peak = peak()
	w.stop()
	w.running.Wait()
	w.side.Wait()
	if err == nil || errors.Is(err, logger.ErrNotDelivered) && w.log.Stats().Dropped == 0 {
		for _, s := range w.streams {
			s.acknowledge(int(s.accepted.Load()))
		}
	}
	return err
}

func (w *worker) report() report {
	r := report{
		Stats: w.log.Stats(), Streams: map[string]int{}, Baseline: w.baseline, Usage: ownUsage(), PeakPending: w.peak,
		Call: w.call.quantiles(), Sync: w.sync.quantiles(), Rejection: w.rejection.quantiles(), Offered: time.Since(w.started),
	}
	for _, s := range w.streams {
		r.Streams[s.name] = int(s.accepted.Load())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Errors, r.RejectedBecause = maps.Clone(w.errors), maps.Clone(w.because)
	r.FirstRejected, r.LastRejected = w.first, w.last
	return r
}

// tell writes a line to the parent, at once.
func (w *worker) tell(words ...string) {
	w.out.Lock()
	defer w.out.Unlock()
	if _, err := fmt.Fprintln(w.to, strings.Join(words, " ")); err != nil {
		os.Exit(4) // the parent has gone
	}
}

// rejected notes a call that was rejected.
func (w *worker) rejected(err *logger.Error, took time.Duration) {
	w.rejection.add(took)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.because[err.Reason.Error()]++
	w.last = time.Now()
	if w.first.IsZero() {
		w.first = w.last
	}
}
