package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

const spoolRepo = "my-agents"

// takes is a log server that takes lines, but for those with the word poison.
type takes struct {
	*httptest.Server
	mu    sync.Mutex
	cured bool     // guarded by mu; poison is taken, too
	lines []string // guarded by mu
}

func newTakes(t *testing.T) *takes {
	t.Helper()
	s := &takes{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *takes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(string(body), "poison") && !s.cured {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.lines = append(s.lines, strings.Split(string(body), "\n")...)
	_, _ = io.WriteString(w, "{}")
}

func (s *takes) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (s *takes) cure() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cured = true
}

// spooled opens a slot for a server and puts lines into it.
func spooled(t *testing.T, dir, url string, lines ...string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: dir, Target: spool.Target(url, spoolRepo)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leave(t, s) })
	for _, line := range lines {
		seq := s.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: []byte(line)}})
		if err := s.Lines.Sync(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// leave gives a slot back.
func leave(t *testing.T, s *spool.Spool) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// bury puts a dead letter into a slot and returns its name.
func bury(t *testing.T, s *spool.Spool, line string) string {
	t.Helper()
	err := s.Dead(spool.Letter{
		Origin: [16]byte{1}, Seq: 1, Kind: seglog.Line, Status: 400, Reason: "the server \x1b[31mrefuses it", Data: []byte(line),
	})
	if err != nil {
		t.Fatal(err)
	}
	for l := range s.Letters() {
		return l.Name
	}
	return ""
}

// run runs the command in this process.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestSpoolReplayDeliversOwnerlessSlotsOnly(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	held := spooled(t, dir, server.URL, "held")
	leave(t, spooled(t, dir, server.URL, "one", "poison", "two"))
	elsewhere := newTakes(t)
	leave(t, spooled(t, dir, elsewhere.URL, "elsewhere"))

	code, stdout, stderr := run("spool", "replay", "--dir", dir, "--to", server.URL+"/", "--repo", spoolRepo)
	if code != ExitFailure || !strings.Contains(stdout, "delivered=2 dead=1 dropped=0 left=0") || !strings.Contains(stderr, "troupe spool dead") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if want := fmt.Sprintf("/00 is in use by process %d", os.Getpid()); !strings.Contains(stdout, want) {
		t.Errorf("%q is not in %q", want, stdout)
	}
	if got := server.taken(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the server has %q", got)
	}
	if got := elsewhere.taken(); len(got) > 0 {
		t.Errorf("the other server has %q", got)
	}
	leave(t, held)
	code, stdout, stderr = run("spool", "replay", "--dir", dir, "--to", server.URL, "--repo", spoolRepo)
	if code != ExitOK || !strings.Contains(stdout, "delivered=1 dead=0 dropped=0 left=0") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if got := server.taken(); !slices.Equal(got, []string{"one", "two", "held"}) {
		t.Errorf("the server has %q", got)
	}
}

func TestSpoolReplayUploadsAttachments(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	server, c := collect(t, "opensesame")
	s := spooled(t, dir, server.URL)
	blob := strings.Repeat("a", 32)
	size, err := s.PutBlob(blob, strings.NewReader("content"), 10)
	if err != nil {
		t.Fatal(err)
	}
	u := spool.Upload{
		Blob: blob, Size: size, MIME: "text/plain", Key: spoolRepo + "/traces/t1/files/a1",
		Line: []byte(`trace{id=t1,action=add-attachment,data={"id":"a1","type":"file","key":"` + spoolRepo + `/traces/t1/files/a1"}}`),
	}
	err = s.Dead(spool.Letter{Seq: 1, Kind: seglog.Attachment, Status: 400, Data: spool.AppendUpload(nil, &u)})
	if err != nil {
		t.Fatal(err)
	}
	leave(t, s)
	to := []string{"--dir", dir, "--to", server.URL, "--repo", spoolRepo, "--api-key", "opensesame"}
	// A dead letter is not for replay; retried, its content is still there.
	if code, stdout, stderr := run(append([]string{"spool", "replay"}, to...)...); code != ExitOK || !strings.Contains(stdout, "delivered=0") {
		t.Errorf("replay: exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr := run(append([]string{"spool", "dead", "--retry"}, to...)...)
	if code != ExitOK || !strings.Contains(stdout, "delivered=1 dead=0 dropped=0 left=0") || strings.Contains(stdout+stderr, "opensesame") {
		t.Errorf("retry: exit code %d, %q, %q", code, stdout, stderr)
	}
	if err := c.WaitIndexed(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = run("show", "t1", "--json", "--from", server.URL, "--repo", spoolRepo, "--api-key", "opensesame")
	if code != ExitOK || !strings.Contains(stdout, u.Key) {
		t.Errorf("show: exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestSpoolReplayKeepsUndeliveredEntries(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	leave(t, spooled(t, dir, server.URL, "one", "two"))
	ctx, cancel := context.WithCancel(t.Context())
	stderr := notifyingWriter(cancel) // at the first failure, as an interrupt would
	root := rootCommand()
	root.SetArgs([]string{"spool", "replay", "--dir", dir, "--to", server.URL, "--repo", spoolRepo})
	var stdout bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil || !strings.Contains(stdout.String(), "delivered=0 dead=0 dropped=0 left=2") {
		t.Errorf("%v, %q", err, &stdout)
	}
	if code, text, _ := run("spool", "cat", "00", "--dir", dir); code != ExitOK || text != "one\ntwo\n" {
		t.Errorf("exit code %d, %q", code, text)
	}
}

func TestSpoolDeadListsRetriesAndRemoves(t *testing.T) {
	t.Parallel()
	dir, server := filepath.Join(t.TempDir(), "spool"), newTakes(t)
	s := spooled(t, dir, server.URL)
	name := bury(t, s, "poison")
	leave(t, s)
	to := []string{"--dir", dir, "--to", server.URL, "--repo", spoolRepo}

	code, stdout, stderr := run("spool", "dead", "--dir", dir)
	if code != ExitOK || !strings.Contains(stdout, name) || !strings.Contains(stdout, "400") || strings.Contains(stdout, "\x1b") || strings.Contains(stdout, "poison") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	letters := func() []letterReport {
		t.Helper()
		_, stdout, _ := run("spool", "dead", "--dir", dir, "--json")
		var letters []letterReport
		if err := json.Unmarshal([]byte(stdout), &letters); err != nil {
			t.Fatalf("%v: %q", err, stdout)
		}
		return letters
	}
	if got := letters(); len(got) != 1 || got[0].Name != name || got[0].Status != 400 || got[0].Kind != "line" || got[0].Bytes != len("poison") {
		t.Errorf("%+v", got)
	}
	code, stdout, stderr = run(append([]string{"spool", "dead", "--retry"}, to...)...)
	if code != ExitFailure || !strings.Contains(stdout, "delivered=0 dead=1") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	again := letters()
	if len(again) != 1 || again[0].Name == name {
		t.Fatalf("what is refused again is not one dead letter again: %+v", again)
	}
	server.cure()
	code, stdout, stderr = run(append([]string{"spool", "dead", "--retry"}, to...)...)
	if code != ExitOK || !strings.Contains(stdout, "delivered=1 dead=0") || len(letters()) > 0 {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if got := server.taken(); !slices.Equal(got, []string{"poison"}) {
		t.Errorf("the server has %q", got)
	}

	s = spooled(t, dir, server.URL)
	name = bury(t, s, "poison")
	leave(t, s)
	if code, stdout, stderr := run("spool", "dead", "--dir", dir, "--remove", name); code != ExitOK || stdout != "" || len(letters()) > 0 {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, _ := run("spool", "dead", "--dir", dir); code != ExitOK || !strings.Contains(stdout, "no dead letters") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}
