package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

func TestMainNamesTheFaultAndTheRemedy(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel tests below
	file := record(t, 1, 1, 5)
	dir := t.TempDir()
	tests := map[string]struct {
		args []string
		code int
		says []string
	}{
		"unknown command":   {[]string{"observe"}, ExitUsage, []string{`"observe"`, "troupe help"}},
		"unknown flag":      {[]string{"show", "--tail"}, ExitUsage, []string{"--tail", "troupe help"}},
		"two ids":           {[]string{"show", "--repo", "r", "a", "b"}, ExitUsage, []string{"2"}},
		"serve with an id":  {[]string{"serve", "x"}, ExitUsage, []string{`"x"`}},
		"show without repo": {[]string{"show"}, ExitUsage, []string{"--repo"}},
		"show from no URL":  {[]string{"show", "--repo", "r", "--from", "localhost:1"}, ExitUsage, []string{"--from", DefaultURL}},
		"password in a URL": {[]string{"show", "--repo", "r", "--from", "http://me:hunter2@localhost:1"}, ExitUsage, []string{"--from"}},
		"key over http": {
			[]string{"show", "--repo", "r", "--from", "http://192.0.2.1", "--api-key", "hunter2"},
			ExitUsage, []string{"--from", "https"},
		},
		"nobody answers": {
			[]string{"show", "--repo", "r", "--from", "http://127.0.0.1:1"},
			ExitFailure, []string{"127.0.0.1:1", "troupe serve", "--from"},
		},
		"all interfaces without key": {[]string{"serve", "--addr", ":0", "--data", dir}, ExitUsage, []string{"--api-key", "127.0.0.1"}},
		"another address without key": {
			[]string{"serve", "--addr", "192.0.2.1:0", "--data", dir}, ExitUsage, []string{"192.0.2.1", "--api-key"},
		},
		"prices that are not there": {[]string{"serve", "--prices", filepath.Join(dir, "none.json")}, ExitUsage, []string{"--prices", "none.json"}},
		"prices that are none":      {[]string{"serve", "--prices", file}, ExitUsage, []string{"--prices", file, `"models"`}},
		"no address":                {[]string{"serve", "--addr", "127.0.0.1", "--data", dir}, ExitUsage, []string{"--addr", "host:port"}},
		"address taken":             {[]string{"serve", "--addr", taken.Addr().String(), "--data", dir}, ExitFailure, []string{taken.Addr().String(), "in use", "--addr"}},
		"data in a file": {
			[]string{"serve", "--addr", "127.0.0.1:0", "--data", file}, ExitFailure, []string{file, "--data"},
		},
		"replay nothing":      {[]string{"replay", "--repo", "r"}, ExitUsage, []string{"1 arg"}},
		"replay without repo": {[]string{"replay", file}, ExitUsage, []string{"--repo"}},
		"no workers":          {[]string{"replay", file, "--repo", "r", "--workers", "0"}, ExitUsage, []string{"--workers"}},
		"backwards":           {[]string{"replay", file, "--repo", "r", "--speed", "-1"}, ExitUsage, []string{"--speed"}},
		"no number":           {[]string{"replay", file, "--repo", "r", "--speed", "NaN"}, ExitUsage, []string{"--speed"}},
		"no such file":        {[]string{"replay", filepath.Join(dir, "no.json"), "--repo", "r"}, ExitFailure, []string{"no.json"}},
		"no server": {
			[]string{"replay", file, "--repo", "r", "--to", "http://127.0.0.1:1"},
			ExitFailure, []string{"127.0.0.1:1", "troupe serve", "--to"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if code := Main(tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, word := range tt.says {
				if !strings.Contains(stderr.String(), word) {
					t.Errorf("%q is not in %q", word, &stderr)
				}
			}
			if stdout.Len() > 0 || strings.Contains(stderr.String(), "hunter2") {
				t.Errorf("standard output %q, standard error %q", &stdout, &stderr)
			}
		})
	}
}

func TestMainExplainsItself(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"help", "replay"}, {"serve", "-h"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if code := Main(args, &stdout, &stderr); code != ExitOK || !strings.Contains(stdout.String(), "troupe") || stderr.Len() > 0 {
			t.Errorf("%v: exit code %d, %q, %q", args, code, &stdout, &stderr)
		}
	}
}

// collect runs a collector with a key.
func collect(t *testing.T, key string) (*httptest.Server, *collector.Collector) {
	t.Helper()
	c, err := collector.New(collector.Config{Dir: t.TempDir(), APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server, c
}

func TestReplayAndShowSendTheKey(t *testing.T) {
	t.Parallel()
	server, c := collect(t, "opensesame")
	var stdout, stderr bytes.Buffer
	run := func(args ...string) int {
		stdout.Reset()
		stderr.Reset()
		return Main(args, &stdout, &stderr)
	}
	file := record(t, 2, 2, 10)
	if code := run("replay", file, "--repo", "r", "--to", server.URL, "--api-key", "opensesame"); code != ExitOK {
		t.Fatalf("replay ends with %d: %s", code, &stderr)
	}
	if err := c.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code := run("show", "--repo", "r", "--from", server.URL); code != ExitFailure || !strings.Contains(stderr.String(), "--api-key") {
		t.Errorf("show without a key ends with %d: %s", code, &stderr)
	}
	if code := run("show", "--repo", "r", "--from", server.URL, "--api-key", "opensesame"); code != ExitOK || strings.Count(stdout.String(), "ended") != 4 {
		t.Errorf("show ends with %d: %s%s", code, &stdout, &stderr)
	}
	if code := run("show", "--repo", "r", "--from", server.URL, "--api-key", "opensesame", "--json"); code != ExitOK || !strings.HasPrefix(stdout.String(), `{"data":[{"id":`) {
		t.Errorf("show --json ends with %d: %s%s", code, &stdout, &stderr)
	}
	code := run("show", "--repo", "r", "--from", server.URL, "--api-key", "opensesame", "nobody")
	if code != ExitFailure || !strings.Contains(stderr.String(), `no trace or session "nobody"`) {
		t.Errorf("show of an unknown id ends with %d: %s", code, &stderr)
	}
	if code := run("show", "--repo", "empty", "--from", server.URL, "--api-key", "opensesame"); code != ExitOK || !strings.Contains(stdout.String(), "no traces") {
		t.Errorf("show of an empty repository ends with %d: %s%s", code, &stdout, &stderr)
	}
}

func TestShowFetchesAllPagesOfASession(t *testing.T) {
	t.Parallel()
	server, c := collect(t, "")
	const turns = 130 // three pages
	var stdout, stderr bytes.Buffer
	if code := Main([]string{"replay", record(t, 1, turns, 5), "--repo", "r", "--to", server.URL}, &stdout, &stderr); code != ExitOK {
		t.Fatalf("replay ends with %d: %s", code, &stderr)
	}
	if err := c.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	sessions, _ := fetch[collector.Page[collector.SessionSummary]](t, server.URL+"/api/v1/repositories/r/sessions")
	stdout.Reset()
	if code := Main([]string{"show", "--repo", "r", "--from", server.URL, sessions.Data[0].ID}, &stdout, &stderr); code != ExitOK {
		t.Fatalf("show ends with %d: %s", code, &stderr)
	}
	if got := strings.Count(stdout.String(), "─ trace turn"); got != turns {
		t.Errorf("%d traces are shown, want %d", got, turns)
	}
}

func TestReplaySkipsUnreadableConversations(t *testing.T) {
	t.Parallel()
	server, c := collect(t, "")
	file := filepath.Join(t.TempDir(), "c.jsonl")
	const lines = `{"messages":[{"role":"user","content":"a"}]}
{"messages":[{"role":"user"
{"messages":[{"role":"user","content":"b"}]}
`
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := Main([]string{"replay", file, "--repo", "r", "--to", server.URL}, &stdout, &stderr)
	if code != ExitFailure || !strings.Contains(stderr.String(), "conversation 2 is skipped") ||
		!strings.Contains(stderr.String(), "skipped 1 unreadable conversations") {
		t.Errorf("replay ends with %d: %s", code, &stderr)
	}
	if err := c.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := stats(t, server.URL), (recorded{sessions: 2, traces: 2}); !want.matches(got) {
		t.Errorf("the server holds %+v, want %+v", got, want)
	}
}

func TestReplayGivesUpOnAServerThatAcceptsNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	r := replayer{
		replayFlags{to: server.URL, repo: "r", workers: 2}, 100 * time.Millisecond, 100 * time.Millisecond, &stdout, &stderr,
	}
	err := r.run(t.Context(), record(t, 3, 2, 10))
	if err == nil || !strings.Contains(err.Error(), "the server accepted nothing for 100ms") || !strings.Contains(err.Error(), "0 of ") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(stdout.String(), "delivered=0 pending=0 dead=0 dropped=") || strings.Contains(stdout.String(), "dropped=0") {
		t.Errorf("the summary says %s", &stdout)
	}
}

func TestLoggerErrorsAreReportedOncePerReason(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n := newNotices(&out)
	for range 3 {
		n.logged(&logger.Error{Reason: logger.ErrDelivery, Detail: "one"})
		n.logged(&logger.Error{Reason: logger.ErrRefused, Err: errors.Join(errors.New("two"), errors.New("three"))})
	}
	if got, want := out.String(), "troupe: delivery failing: one\ntroupe: entry refused: two; three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out := notifyingWriter(cancel)
	if err := serve(ctx, serveFlags{addr: "127.0.0.1:0", data: t.TempDir()}, out, &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("serve ended without being told to")
	}
}

// notifyingWriter is called at every write.
type notifyingWriter func()

func (w notifyingWriter) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

func TestDataDir(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the expected paths are written with slashes")
	}
	for _, tt := range []struct {
		system string
		env    map[string]string
		want   string // "" for an error
	}{
		{"linux", map[string]string{"HOME": "/home/a"}, "/home/a/.local/share/troupe"},
		{"linux", map[string]string{"HOME": "/home/a", "XDG_DATA_HOME": "/data"}, "/data/troupe"},
		{"linux", map[string]string{"HOME": "/home/a", "XDG_DATA_HOME": "data"}, "/home/a/.local/share/troupe"},
		{"linux", nil, ""},
		{"darwin", map[string]string{"HOME": "/Users/a", "XDG_DATA_HOME": "/data"}, "/Users/a/Library/Application Support/troupe"},
		{"darwin", nil, ""},
		{"windows", map[string]string{"LocalAppData": "/local"}, "/local/troupe"},
		{"windows", map[string]string{"HOME": "/home/a"}, ""},
	} {
		got, err := dataDirOn(tt.system, func(key string) string { return tt.env[key] })
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s with %v: %q, %v; want %q", tt.system, tt.env, got, err, tt.want)
		}
	}
}

func TestServeNamesTheTrueCauseWhenItCannotStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve := func() string {
		t.Helper()
		_, stderr := command(t, ExitFailure, "serve", "--addr", "127.0.0.1:0", "--data", dir)
		return stderr
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log.db"), []byte("These are notes and no database, of more than a hundred bytes or so, to be taken for a header by whoever reads it."), 0o600); err != nil {
		t.Fatal(err)
	}
	if told := serve(); !strings.Contains(told, "log.db is damaged") || !strings.Contains(told, ".recover") || strings.Contains(told, "writ") {
		t.Errorf("of a damaged log serve says %q", told)
	}
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if told := serve(); !strings.Contains(told, "not a folder") || strings.Contains(told, "writ") {
		t.Errorf("of a file in place of the folder serve says %q", told)
	}
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Log("a folder that cannot be written to is not tried: this user can write everywhere")
		return
	}
	if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	if told := serve(); !strings.Contains(told, "permission denied") || !strings.Contains(told, "--data") {
		t.Errorf("of a folder that cannot be written to serve says %q", told)
	}
}
