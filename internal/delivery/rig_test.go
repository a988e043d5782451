package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/messages"
	"github.com/troupelog/troupe/transport"
)

const repository = "repo"

// answer is the server's answer to a batch; the zero value is 200.
type answer struct {
	status     int
	retryAfter string
	body       string
}

func (a answer) taken() bool { return a.status == 0 || a.status == 200 && a.body == "" }

// post is a request for lines that the server has seen.
type post struct {
	at    time.Time
	spool string
	first uint64
	lines []string
	answer
}

// server keeps the lines that it takes, and the files.
type server struct {
	// script answers a post; nil takes everything. It is called with mu held.
	script func(p *post) answer
	// store answers an upload; nil takes everything. It is called with mu held.
	store func(key string, attempt int) error

	mu       sync.Mutex
	posts    []post
	lines    []string          // taken, in order
	numbers  map[string]string // line by origin and number
	files    map[string]string // by key
	attempts map[string]int    // uploads by key
	problems []string          // violations of the protocol by the client
}

func newServer() *server {
	return &server{numbers: map[string]string{}, files: map[string]string{}, attempts: map[string]int{}}
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	first, _ := strconv.ParseUint(r.Header.Get(protocol.HeaderSeq), 10, 64)
	p := post{at: time.Now(), spool: r.Header.Get(protocol.HeaderProducer), first: first, lines: strings.Split(string(body), "\n")}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.script != nil {
		p.answer = s.script(&p)
	}
	s.posts = append(s.posts, p)
	if p.taken() {
		s.take(&p)
	}
	if p.retryAfter != "" {
		w.Header().Set("Retry-After", p.retryAfter)
	}
	if p.status == 0 {
		p.status = 200
	}
	if p.taken() {
		p.body = "{}"
	}
	w.WriteHeader(p.status)
	_, _ = io.WriteString(w, p.body)
}

func (s *server) take(p *post) {
	for i, line := range p.lines {
		number := fmt.Sprint(p.spool, p.first+uint64(i))
		if old, ok := s.numbers[number]; ok && old != line {
			s.problems = append(s.problems, fmt.Sprintf("number %s was %.40q and is %.40q", number, old, line))
		}
		s.numbers[number] = line
		s.lines = append(s.lines, line)
		if _, key, ok := strings.Cut(line, `"key":"`); ok {
			key, _, _ = strings.Cut(key, `"`)
			if _, ok := s.files[key]; !ok {
				s.problems = append(s.problems, "a line came before its file: "+line)
			}
		}
	}
}

// RoundTrip implements http.RoundTripper without a network, for tests in a bubble of
// synctest.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// upload is a fake of transport.HTTP.Upload.
func (s *server) upload(_ context.Context, f transport.File) error {
	content, err := f.Open()
	if err != nil {
		return err
	}
	all, err := io.ReadAll(content)
	if err := errors.Join(err, content.Close()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[f.Key]++
	if s.store != nil {
		if err := s.store(f.Key, s.attempts[f.Key]); err != nil {
			return err
		}
	}
	if int64(len(all)) != f.Size {
		s.problems = append(s.problems, fmt.Sprintf("%s has %d bytes and was announced with %d", f.Key, len(all), f.Size))
	}
	s.files[f.Key] = string(all)
	return nil
}

func (s *server) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func (s *server) seen() []post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]post(nil), s.posts...)
}

// client is the real transport for lines, and a function of the server for files.
type client struct {
	*transport.HTTP
	server *server
}

// Upload implements transport.Backend.
func (c client) Upload(ctx context.Context, f transport.File) error { return c.server.upload(ctx, f) }

// rig is a destination with a server.
type rig struct {
	*Destination
	t      testing.TB
	server *server

	mu     sync.Mutex
	events []Event // guarded by mu
	cost   int64   // guarded by mu; charged and not released
}

// open starts a destination. Without a folder it works in memory. Nothing is sent by age
// unless c says so.
func open(t testing.TB, s *server, dir string, c Config, with ...func(*spool.Config)) *rig {
	t.Helper()
	r := &rig{t: t, server: s}
	c.Spool = openSpool(t, dir, append(with, func(c *spool.Config) { c.Log.Release = r.release }))
	if c.Backend == nil {
		h, err := transport.New(transport.Config{BaseURL: "http://127.0.0.1:1", RepositoryID: repository, RoundTripper: s})
		if err != nil {
			t.Fatal(err)
		}
		c.Backend = client{h, s}
	}
	if c.Age == 0 {
		c.Age = -1
	}
	if c.Repository == "" {
		c.Repository = repository
	}
	c.Charge = func(cost int64) { r.release(-cost) }
	c.Report = func(e Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}
	r.Destination = Start(c)
	t.Cleanup(func() { // of a test that failed halfway
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.Close(ended, false)
	})
	return r
}

func openSpool(t testing.TB, dir string, with []func(*spool.Config)) *spool.Spool {
	t.Helper()
	c := spool.Config{Target: repository}
	if dir != "" {
		c.Dir = filepath.Join(dir, "spool") // the spool makes it private
	}
	for _, set := range with {
		set(&c)
	}
	s, err := spool.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *rig) release(cost int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cost -= cost
}

// log appends lines.
func (r *rig) log(lines ...string) {
	entries := make([]messages.Entry, len(lines))
	for i, line := range lines {
		entries[i].Line = []byte(line)
		r.release(-entries[i].Cost())
	}
	r.Append(entries)
}

// attach appends an attachment with the given content; name is 32 hexadecimal digits.
func (r *rig) attach(name, content string) {
	r.t.Helper()
	if _, err := r.cfg.Spool.PutBlob(name, strings.NewReader(content), 1<<20); err != nil {
		r.t.Fatal(err)
	}
	r.attachPut(name, content)
}

// attachPut appends an attachment whose content is in the spool.
func (r *rig) attachPut(name, content string) {
	line := `trace{id=t,action=add-attachment,data={"key":"`
	e := messages.Entry{Line: []byte(line + "/files/" + name + `"}}`), Upload: &messages.Upload{
		Blob: name, MIME: "text/plain", Path: "files/" + name, Size: int64(len(content)), KeyAt: len(line),
	}}
	if inMemory(r.cfg.Spool) {
		e.Upload.Held = e.Upload.Size
	}
	r.release(-e.Cost())
	r.Append([]messages.Entry{e})
}

func attachmentLine(name string) string {
	return `trace{id=t,action=add-attachment,data={"key":"repo/files/` + name + `"}}`
}

// flush flushes within a time that is long in any test.
func (r *rig) flush() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Hour)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		r.t.Fatalf("flush: %v", err)
	}
	r.balanced(0)
}

// close closes the destination and expects that nothing is left.
func (r *rig) close() {
	r.t.Helper()
	if err := r.Close(r.t.Context(), true); err != nil {
		r.t.Errorf("close: %v", err)
	}
	r.ended(0)
}

// ended checks the counters of a closed destination, and that the server saw no violation.
func (r *rig) ended(pending int64) {
	r.t.Helper()
	r.balanced(pending)
	r.mu.Lock()
	if r.cost != 0 && pending == 0 && r.Counters().Dropped["closed"] == 0 {
		r.t.Errorf("%d bytes were charged and not released", r.cost)
	}
	r.mu.Unlock()
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	for _, p := range r.server.problems {
		r.t.Error(p)
	}
}

// balanced checks that the counters agree with the spool.
func (r *rig) balanced(pending int64) {
	r.t.Helper()
	a := r.Counters()
	if a.Pending() != pending {
		r.t.Errorf("%d entries are pending, want %d: %+v", a.Pending(), pending, a)
	}
	lines, uploads := r.own.spool.Lines.State(), r.own.spool.Uploads.State()
	left := lines.Unacked + uploads.Unacked - a.Dropped["closed"]
	if left < 0 {
		left = 0
	}
	if left != pending {
		r.t.Errorf("%d entries are in the spool, want %d: %+v", left, pending, a)
	}
	if a.Spooled > pending || a.Spooled < 0 {
		r.t.Errorf("%d of %d pending entries are on disk", a.Spooled, pending)
	}
}

// reported returns the events of a kind.
func (r *rig) reported(kind EventKind) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Event
	for _, e := range r.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// numbered returns lines of one trace.
func numbered(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("trace{id=t,action=update,data={\"input\":%d}}", i)
	}
	return lines
}

func blobName(i int) string { return fmt.Sprintf("%032x", i) }
