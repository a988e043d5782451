package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// replaySummary is what troupe replay prints if all went well.
var replaySummary = regexp.MustCompile(`^sessions=(\d+) traces=(\d+) generations=(\d+) tool_calls=(\d+) lines=(\d+) seconds=[\d.]+ lines/s=\d+
accepted=(\d+) delivered=(\d+) pending=0 dead=0 dropped=0
$`)

// checkSummary compares the output of a replay with what was recorded and returns
// the number of lines.
func checkSummary(t *testing.T, p *process, want recorded) (lines uint64) {
	t.Helper()
	if code := p.wait(); code != ExitOK {
		t.Fatalf("replay ends with %d: %s", code, &p.stderr)
	}
	out := p.rest()
	m := replaySummary.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("replay says %q", out)
	}
	if got, want := fmt.Sprint(m[1:5]), fmt.Sprint([]int{want.sessions, want.traces, want.generations, want.calls}); got != want {
		t.Errorf("replay counts %s, the recording holds %s", got, want)
	}
	if m[5] != m[6] || m[6] != m[7] {
		t.Errorf("the account does not balance: %s", out)
	}
	if _, err := fmt.Sscan(m[5], &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// checkServer waits until a server has folded what it holds and compares that.
func checkServer(t *testing.T, url string, want recorded, lines uint64) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%+v in %d lines", want, lines), func() bool {
		got := stats(t, url)
		if got.Lines != lines {
			t.Fatalf("the server holds %d lines, want %d", got.Lines, lines)
		}
		return want.matches(got)
	})
}

func TestReplayedConversationsAreServedAndShown(t *testing.T) {
	t.Parallel()
	server, url := startServer(t, "127.0.0.1:0", filepath.Join(t.TempDir(), "data"))
	path := record(t, 20, 6, 50)
	want := count(t, path)
	replay := start(t, "replay", path, "--to", url, "--repo", "r", "--model", "small-1", "--provider", "acme")
	lines := checkSummary(t, replay, want)
	if replay.stderr.Len() > 0 {
		t.Errorf("without a terminal replay writes to standard error: %s", &replay.stderr)
	}
	checkServer(t, url, want, lines)

	list := start(t, "show", "--from", url, "--repo", "r")
	if out := list.rest(); list.code != ExitOK || strings.Count(out, "\n") != listed+1 || strings.Contains(out, "\x1b") {
		t.Errorf("show ends with %d and lists %q, want %d traces without colours", list.code, out, listed)
	}
	sessions, _ := fetch[collector.Page[collector.SessionSummary]](t, url+"/api/v1/repositories/r/sessions")
	session := start(t, "show", "--from", url, "--repo", "r", sessions.Data[0].ID)
	out := session.rest()
	for text, times := range map[string]int{
		"session conversation": 1, "6 traces": 1, "─ trace turn": 6, "─ generation small-1 (acme)": 9, "─ tool_call look_up": 3,
		"turn 0": 6, "→ look_up({\"turn\":1})": 3,
	} {
		if got := strings.Count(out, text); got != times {
			t.Errorf("the session shows %q %d times, want %d:\n%s", text, got, times, out)
		}
	}
	if strings.Index(out, "turn 0") > strings.Index(out, "turn 5") {
		t.Errorf("the session is not shown in order:\n%s", out)
	}

	server.signal(syscall.SIGTERM)
	if code := server.wait(); code != ExitOK || server.stderr.Len() > 0 {
		t.Errorf("after SIGTERM serve ends with %d: %s", code, &server.stderr)
	}
	_, url = startServer(t, "127.0.0.1:0", strings.TrimPrefix(server.cmd.Args[5], "--data "))
	checkServer(t, url, want, lines)
}

func TestNothingIsLostWhenTheServerIsKilledDuringAReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, url := startServer(t, "127.0.0.1:0", dir)
	// 30 messages or more, 50 ms apart: several batches that leave one after another.
	path := record(t, 20, 12, 4000)
	want := count(t, path)
	replay := start(t, "replay", path, "--to", url, "--repo", "r", "--workers", "20", "--speed", "20")
	waitFor(t, "the first batch", func() bool { return stats(t, url).Lines > 0 })
	server.signal(syscall.SIGKILL)
	server.wait()
	if before := len(replay.lines); before != 0 {
		t.Fatal("the replay ended before the server was killed")
	}
	_, url = startServer(t, strings.TrimPrefix(url, "http://"), dir)
	lines := checkSummary(t, replay, want)
	checkServer(t, url, want, lines)
}

func TestInterruptedReplayDeliversItsEntries(t *testing.T) {
	t.Parallel()
	c, err := collector.New(collector.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	begun := make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.ServeHTTP(w, r)
		if r.URL.Path == "/api/sdk/v3/log-repositories" {
			once() // the logger is up
		}
	}))
	defer server.Close()
	// At this speed it would take hours.
	replay := start(t, "replay", record(t, 5, 5, 10), "--to", server.URL, "--repo", "r", "--speed", "0.001", "--json")
	select {
	case <-begun:
	case <-time.After(limit):
		t.Fatal("replay does not reach the server")
	}
	replay.signal(os.Interrupt)
	if code := replay.wait(); code != ExitFailure || !strings.Contains(replay.stderr.String(), "ended early") ||
		!strings.Contains(replay.stderr.String(), "the rest of the file was not read") {
		t.Errorf("after an interrupt replay ends with %d: %s", code, &replay.stderr)
	}
	var r report
	if err := json.Unmarshal([]byte(replay.rest()), &r); err != nil {
		t.Fatal(err)
	}
	if r.Delivered != r.Accepted || r.Pending != 0 || r.Unfinished != r.Sessions {
		t.Errorf("the summary says %+v, want all delivered and all sessions unfinished", r)
	}
	if err := c.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stats(t, server.URL); got.Open != 0 || got.Lines != uint64(r.Accepted) || got.Entities["session"] != r.Sessions {
		t.Errorf("the server holds %+v, want %+v with nothing open", got, r)
	}
}

// waitFor returns when a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// envTauBench names a file of recorded conversations: a JSON list of objects with a
// traj, as the benchmark sierra-research/tau-bench publishes them.
const envTauBench = "TROUPE_TAU_BENCH"

func TestReplayOfARealRecording(t *testing.T) {
	path := os.Getenv(envTauBench)
	if path == "" {
		t.Skipf("%s does not name a file of conversations from sierra-research/tau-bench", envTauBench)
	}
	_, url := startServer(t, "127.0.0.1:0", t.TempDir())
	want := count(t, path)
	replay := start(t, "replay", path, "--to", url, "--repo", "r", "--workers", "16")
	out := replay.rest()
	t.Logf("%+v:\n%s", want, out)
	if replay.code != ExitOK || !replaySummary.MatchString(out) {
		t.Fatalf("replay ends with %d: %s", replay.code, &replay.stderr)
	}
	checkServer(t, url, want, stats(t, url).Lines)
	t.Logf("%+v", stats(t, url))
}
