package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/internal/harness/arrivals"
	"github.com/troupelog/troupe/internal/harness/chaos"
)

// TestMain runs a worker where a trial of a test has started one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerCommand {
		os.Exit(run(context.Background(), os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// newTrial returns a trial with the seed 1.
func newTrial(t *testing.T) *trial {
	return &trial{figures: &figures{}, ctx: t.Context(), seed: 1, rnd: seeded(1), dir: t.TempDir(), log: io.Discard}
}

// orphan lets a worker log while the server is down, and kills it. It returns what was
// acknowledged and the job of the next process.
func (t *trial) orphan(server *chaos.Server) (promises, job, error) {
	server.Down()
	j := job{
		URL: server.URL(), Spool: filepath.Join(t.dir, "spool"), Name: "first", FlushInterval: 10 * time.Millisecond,
		Sessions: 2, Streams: append(streams(4, 2, streamJob{Size: 100, Rate: 1000, SyncEvery: 5}), streamJob{Size: 100, Rate: 100, SyncEvery: 3, Attachment: true}),
	}
	p, err := t.launch(j)
	if err != nil {
		return nil, j, err
	}
	err = p.awaitReady()
	for len(p.acked()) < len(j.Streams) && err == nil {
		err = pause(t.ctx, time.Millisecond)
	}
	p.kill()
	return p.acked(), job{URL: server.URL(), Spool: j.Spool, Name: "second", FlushInterval: 10 * time.Millisecond}, err
}

func TestAcknowledgedEntriesOfAKilledProcessArrive(t *testing.T) {
	trial := newTrial(t)
	receiver, server, err := trial.counting()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Down()
	acked, next, err := trial.orphan(server)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if _, err := trial.deliver(next, time.Minute); err != nil {
		t.Fatal(err)
	}
	trial.arrived(acked, receiver.Tally)
	if !trial.good() || acked.total() == 0 {
		t.Errorf("%d acknowledged: %v", acked.total(), trial)
	}
}

// The harness can fail: each of these breaks the promise, and is found out.
func TestLossIsFoundOut(t *testing.T) {
	t.Run("the spool is removed", func(t *testing.T) {
		trial := newTrial(t)
		receiver, server, err := trial.counting()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Down()
		acked, next, err := trial.orphan(server)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(next.Spool); err != nil {
			t.Fatal(err)
		}
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
		if _, err := trial.deliver(next, time.Minute); err != nil {
			t.Fatal(err)
		}
		if trial.arrived(acked, receiver.Tally); trial.good() || acked.lost(receiver.Tally) != acked.total() {
			t.Errorf("%d acknowledged, none of them there: %v", acked.total(), trial)
		}
	})
	t.Run("the server takes a line and forgets it", func(t *testing.T) {
		trial := newTrial(t)
		receiver := arrivals.NewReceiver()
		server, err := chaos.Start(forgetful(receiver), seeded(1))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Down()
		acked, next, err := trial.orphan(server)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
		if _, err := trial.deliver(next, time.Minute); err != nil {
			t.Fatal(err)
		}
		if trial.arrived(acked, receiver.Tally); trial.good() || acked.lost(receiver.Tally) == 0 {
			t.Errorf("%d acknowledged, the first is forgotten: %v", acked.total(), trial)
		}
	})
}

// forgetful drops the entries with the number 0.
func forgetful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			var kept [][]byte
			for line := range bytes.SplitSeq(body, []byte{'\n'}) {
				if !strings.Contains(textOf(line), ".0.") {
					kept = append(kept, line)
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(bytes.Join(kept, []byte{'\n'})))
		}
		next.ServeHTTP(w, r)
	})
}

// A process that fails by itself is told from one that was killed.
func TestAProcessThatFailsIsReported(t *testing.T) {
	trial := newTrial(t)
	p, err := trial.launch(job{URL: "http://127.0.0.1:9", Spool: string([]byte{0}), Name: "bad"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.awaitReady(); err == nil {
		t.Error("it is ready")
	}
	p.kill()
	if p.crashed() == "" || p.wasReady() {
		t.Errorf("it says %q", p.stderr)
	}
}

func TestOpeningAndClosingLeavesNothingOpen(t *testing.T) { short(t, reopen, "-n", "5") }

func TestCloseLeavesEntitiesOpenIfItHasNoTime(t *testing.T) {
	trial := newTrial(t)
	if err := trial.leftOpen(5000); err != nil || !trial.good() {
		t.Errorf("%v, %v", trial, err)
	}
}

func TestPowerLossTrials(t *testing.T) { short(t, powerloss, "-n", "5") }

// short runs an experiment as a command does.
func short(t *testing.T, define func(*flag.FlagSet) func(*trial) error, args ...string) {
	t.Helper()
	trial := newTrial(t)
	fs := flag.NewFlagSet(t.Name(), flag.ContinueOnError)
	do := define(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := do(trial); err != nil || !trial.good() {
		t.Errorf("%v, %v", trial, err)
	}
}

func TestKillsLoseNothingThatIsAcknowledged(t *testing.T) {
	trial := newTrial(t)
	c, err := trial.newCrash()
	if err != nil {
		t.Fatal(err)
	}
	defer c.server.Down()
	if err := c.rounds(4); err != nil {
		t.Fatal(err)
	}
	if err := c.verdict(); err != nil {
		t.Fatal(err)
	}
	if !trial.good() {
		t.Errorf("%v", trial)
	}
}
