package loggertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/logger"
)

// Line is one line as it was sent. docs/wire.md describes the entities, actions and data.
type Line struct {
	Entity string         // session, trace, span, generation, retrieval, tool_call or error
	ID     string         // of the entity
	Action string         // create, update, end, add-generation, …
	Data   map[string]any // numbers are float64
}

// String returns the line in its form on the wire, keys sorted.
func (l Line) String() string {
	data, err := json.Marshal(l.Data)
	if err != nil {
		data = []byte(err.Error())
	}
	return fmt.Sprintf("%s{id=%s,action=%s,data=%s}", l.Entity, l.ID, l.Action, data)
}

// Recorder is an http.RoundTripper that records the lines that a logger sends, and answers
// like a server. Its methods may be called concurrently.
type Recorder struct {
	log *logger.Logger

	mu       sync.Mutex
	lines    []Line            // guarded by mu
	contents map[string][]byte // guarded by mu; of attachments, by key
	errs     []error           // guarded by mu
	status   int               // guarded by mu; 0 means 200
}

// deadline limits a flush, which waits for no network.
const deadline = 30 * time.Second

// New returns a logger that writes to a new Recorder. It replaces the fields of c that say
// where and when to send, and ignores those about the disk: entries are kept in memory. Errors
// are recorded, and passed on to c.OnError if it is set. The logger is closed at the end of the
// test, which fails if Close does.
func New(t testing.TB, c logger.Config) (*logger.Logger, *Recorder) {
	t.Helper()
	r := &Recorder{contents: map[string][]byte{}}
	if c.ID == "" {
		c.ID = "test"
	}
	c.BaseURL, c.APIKey, c.Transport, c.ManualFlush = "http://127.0.0.1", "test", r, true
	c.FlushInterval = 0
	c.SpoolDir, c.SpoolKey, c.MaxSpoolBytes, c.MaxSpoolAge = "", nil, 0, 0
	if c.OnFull == logger.FullDropNewest {
		c.MaxWait = 0 // which only SyncEach could have used
	}
	c.Durability, c.RequireDurable, c.SyncEvery = logger.MemoryOnly, false, 0
	onError := c.OnError
	c.OnError = func(err error) {
		r.mu.Lock()
		r.errs = append(r.errs, err)
		r.mu.Unlock()
		if onError != nil {
			onError(err)
		}
	}
	log, err := logger.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.log = log
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		if err := log.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return log, r
}

// RoundTrip implements http.RoundTripper. It answers the requests of a logger: posts of lines,
// requests for a signed URL, and uploads to it. Others are answered with 200.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	status, body := http.StatusOK, `{"data":{}}`
	if req.Body != nil {
		defer req.Body.Close()
	}
	switch {
	case req.Method == http.MethodPost:
		sent, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if r.status != 0 {
			status, body = r.status, `{"error":{"message":"as asked"}}`
		} else if err := r.record(sent); err != nil {
			return nil, err
		}
	case req.Method == http.MethodPut:
		content, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.contents[req.URL.Query().Get("key")] = content
	case strings.HasSuffix(req.URL.Path, "/upload-url"):
		signed := "http://127.0.0.1/storage?key=" + url.QueryEscape(req.URL.Query().Get("key"))
		body = fmt.Sprintf(`{"data":{"url":%q}}`, signed)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// record adds the lines of a body. Callers must hold mu.
func (r *Recorder) record(body []byte) error {
	for raw := range bytes.SplitSeq(body, []byte("\n")) {
		parsed, err := wire.Parse(raw)
		if err != nil {
			return fmt.Errorf("loggertest: the logger sent a malformed line: %w", err)
		}
		line := Line{Entity: parsed.Entity, ID: parsed.ID, Action: parsed.Action}
		if err := json.Unmarshal(parsed.Data, &line.Data); err != nil {
			return fmt.Errorf("loggertest: the data of a %s line of a %s is not an object: %w", line.Action, line.Entity, err)
		}
		r.lines = append(r.lines, line)
	}
	return nil
}

// Answer makes the recorder answer posts of lines with an HTTP status from now on, without
// recording them. 200 makes it record again.
func (r *Recorder) Answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status = status; status == http.StatusOK {
		r.status = 0
	}
}

// Lines flushes the logger and returns all lines in the order of their arrival. The lines of
// one trace or session are in the order of their calls; traces are not ordered among each
// other.
func (r *Recorder) Lines(t testing.TB) []Line {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := r.log.Flush(ctx); err != nil {
		t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// Contents flushes the logger and returns the uploaded contents of attachments, by the key in
// their lines.
func (r *Recorder) Contents(t testing.TB) map[string][]byte {
	t.Helper()
	r.Lines(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.contents)
}

// Find flushes and returns the lines with an entity and an action, in the order of their
// arrival. "" means any.
func (r *Recorder) Find(t testing.TB, entity, action string) []Line {
	t.Helper()
	var found []Line
	for _, l := range r.Lines(t) {
		if (entity == "" || l.Entity == entity) && (action == "" || l.Action == action) {
			found = append(found, l)
		}
	}
	return found
}

// One flushes and returns the only line with an entity and an action. It ends the test by
// t.Fatal if there is none, or more than one, and lists those found.
func (r *Recorder) One(t testing.TB, entity, action string) Line {
	t.Helper()
	found := r.Find(t, entity, action)
	if len(found) != 1 {
		t.Fatalf("%d lines %s %s were logged, want one:%s", len(found), entity, action, list(found))
	}
	return found[0]
}

// Logged flushes and fails the test unless a line with an entity and an action has at least
// the given data. Values are compared in their JSON form, so that 1 equals 1.0, and members
// of nested objects must be complete.
func (r *Recorder) Logged(t testing.TB, entity, action string, data map[string]any) {
	t.Helper()
	encoded, err := json.Marshal(data)
	if err != nil {
		t.Fatalf("the wanted data has no JSON form: %v", err)
	}
	var want map[string]any
	if err := json.Unmarshal(encoded, &want); err != nil {
		t.Fatal(err)
	}
	found := r.Find(t, entity, action)
	if !slices.ContainsFunc(found, func(l Line) bool { return covers(l.Data, want) }) {
		t.Errorf("no line %s %s with %s was logged, but%s", entity, action, encoded, list(found))
	}
}

// covers reports whether got has all members of want.
func covers(got, want map[string]any) bool {
	for k, v := range want {
		if have, ok := got[k]; !ok || !reflect.DeepEqual(have, v) {
			return false
		}
	}
	return true
}

// AllEnded flushes and fails the test for each entity that was begun but not ended. Call it
// before the logger is closed, because Close ends open entities.
func (r *Recorder) AllEnded(t testing.TB) {
	t.Helper()
	begun := map[string]bool{}
	for _, l := range r.Lines(t) {
		child, adds := strings.CutPrefix(l.Action, "add-")
		child = strings.ReplaceAll(child, "-", "_")
		switch id, _ := l.Data["id"].(string); {
		case l.Action == "create":
			begun[l.Entity+" "+l.ID] = true
		case adds && slices.Contains([]string{"span", "generation", "retrieval", "tool_call"}, child):
			begun[child+" "+id] = true
		case l.Action == "end":
			delete(begun, l.Entity+" "+l.ID)
		}
	}
	for _, open := range slices.Sorted(maps.Keys(begun)) {
		t.Errorf("%s was begun but not ended", open)
	}
}

// Errors returns the errors reported to OnError so far. They are reported on a goroutine of
// the logger, some time after the call that caused them.
func (r *Recorder) Errors() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errs)
}

// NoErrors closes the logger, so that all errors are reported, and fails the test for each of
// them. Later calls of the logger are rejected.
func (r *Recorder) NoErrors(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := r.log.Close(ctx); err != nil {
		t.Error(err)
	}
	for _, err := range r.Errors() {
		t.Error(err)
	}
}

// list returns lines for a message, one a line.
func list(lines []Line) string {
	if len(lines) == 0 {
		return " none"
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("\n\t" + l.String())
	}
	return b.String()
}
