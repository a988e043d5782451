package run_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/run"
	"github.com/troupelog/troupe/bench/internal/sink"
	"github.com/troupelog/troupe/bench/internal/workload"
)

// TestMain makes this test program the processes that it starts.
func TestMain(m *testing.M) {
	var err error
	switch os.Args[1] {
	case run.SinkCommand:
		err = sink.Serve(os.Stdin, os.Stdout)
	case run.ClientCommand:
		err = run.Process(context.Background(), os.Stdin, os.Stdout)
	default:
		goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts a sink, and makes what the processes keep appear in an own folder.
func start(t *testing.T, budget time.Duration) (bench *run.Bench, temp string, logs *os.File) {
	t.Helper()
	logs, err := os.Create(filepath.Join(t.TempDir(), "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close() })
	temp = t.TempDir()
	t.Setenv("TMPDIR", temp)
	bench, err = run.Start(budget, logs)
	if err != nil {
		t.Fatal(err)
	}
	return bench, temp, logs
}

func spec(name string, turns int) client.Spec {
	return client.Spec{Client: name, Turns: turns, Producers: 1, Turn: workload.New(workload.AnswerBytes)}
}

func TestClientsRunOneAfterTheOther(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
	bench, temp, _ := start(t, time.Minute)
	for _, name := range []string{"troupe", "otel-default", "troupe"} {
		f, err := bench.Client(t.Context(), spec(name, 20), 0)
		if err != nil {
			t.Fatal(err)
		}
		if f.Client != name || f.Turns != 20 || f.Lost() != 0 {
			t.Errorf("%s: lost %v %%; %+v", name, f.Lost(), f)
		}
	}
	if err := bench.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestClientThatCannotRunIsAnError(t *testing.T) {
	bench, _, logs := start(t, time.Minute)
	if _, err := bench.Client(t.Context(), spec("nobody", 1), 0); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v, want an error that names the client", err)
	}
	if err := bench.Close(); err != nil {
		t.Error(err)
	}
	said, err := os.ReadFile(logs.Name())
	if err != nil || !strings.Contains(string(said), `there is no "nobody"`) {
		t.Errorf("the process said %q, %v; want why it ended", said, err)
	}
}

func TestClientEndsWithItsContext(t *testing.T) {
	bench, temp, _ := start(t, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := bench.Client(ctx, spec("troupe", 1_000_000_000), 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the context ended", err)
	}
	if err := bench.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestMissingPackageIsAnError(t *testing.T) {
	bench, _, _ := start(t, time.Minute)
	if _, err := bench.MaximJS(t.Context(), t.TempDir(), spec(client.MaximJS, 1), 0); err == nil {
		t.Error("no error")
	}
	if err := bench.Close(); err != nil {
		t.Error(err)
	}
}

// TestMaximJS needs Node.js and a folder in which npm has installed the package.
func TestMaximJS(t *testing.T) {
	packages := os.Getenv("BENCH_MAXIM_JS")
	if packages == "" {
		t.Skip("BENCH_MAXIM_JS does not name the folder with the package")
	}
	bench, _, _ := start(t, time.Minute)
	f, err := bench.MaximJS(t.Context(), packages, spec(client.MaximJS, 20), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(20 * workload.LinesPerTurn); f.Counted != want || f.Expected != want || f.Version == "" || f.PeakMB <= 0 {
		t.Errorf("counted %d of %d, want %d; %+v", f.Counted, f.Expected, want, f)
	}
	if err := bench.Close(); err != nil {
		t.Error(err)
	}
}
