package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

// stored returns the lines of a repository.
func (s *server) stored(repo string) []string {
	s.t.Helper()
	body := s.body("/api/v1/repositories/" + repo + "/lines")
	var lines []string
	for text := range strings.Lines(body) {
		var line collector.StoredLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, line.Line)
	}
	return lines
}

func (s *server) body(path string) string {
	s.t.Helper()
	resp, err := http.Get("http://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s %v", path, resp.Status, err)
	}
	return string(all)
}

func finish(t *testing.T, l *logger.Logger) logger.Stats {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s := l.Stats()
	if s.Accepted+s.Recovered != s.Delivered+s.Pending+s.Dead+s.Dropped || s.Pending != 0 {
		t.Errorf("the account does not balance: %+v", s)
	}
	return s
}

// Contents of attachments arrive at the collector of each destination, under keys of
// its own repository, though the file is gone before the first upload.
func TestAttachmentsArrive(t *testing.T) {
	s := newServer(t)
	l := s.logger(logger.Config{})
	if err := l.AddDestination(logger.Destination{ID: "copy", BaseURL: "http://" + s.addr, SpoolDir: s.spools}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	trace := l.Trace(logger.TraceConfig{ID: "t"})
	fromFile := logger.FileAttachment(file)
	fromFile.ID, fromFile.Name = "f", "table"
	trace.AddAttachment(fromFile)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	data := logger.DataAttachment([]byte("\x89PNG\r\n\x1a\n rest"))
	data.ID = "d"
	trace.AddAttachment(data)
	link := logger.URLAttachment("https://example.com/x.pdf")
	link.ID = "u"
	trace.AddAttachment(link)
	trace.End()
	if got := finish(t, l); got.Delivered != 5 || got.Destinations[1].Delivered != 5 {
		t.Errorf("%v, destination %+v; want 5 delivered to each", got, got.Destinations)
	}
	for _, repo := range []string{"repo", "copy"} {
		for id, want := range map[string]string{"f": "a,b\n1,2\n", "d": "\x89PNG\r\n\x1a\n rest"} {
			key := repo + "/trace/t/files/original/" + id
			if got := s.body("/api/v1/repositories/" + repo + "/attachments?key=" + url.QueryEscape(key)); got != want {
				t.Errorf("%s: content %q, want %q", key, got, want)
			}
		}
		var keys []string
		for _, line := range s.stored(repo) {
			if _, after, ok := strings.Cut(line, `"key":"`); ok {
				key, _, _ := strings.Cut(after, `"`)
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		prefix := repo + "/trace/t/files/original/"
		if diff := gocmp.Diff([]string{prefix + "d", prefix + "f", prefix + "u"}, keys); diff != "" {
			t.Errorf("keys of %s (-want +got):\n%s", repo, diff)
		}
	}
	blobs, err := filepath.Glob(filepath.Join(s.spools, "v1", "*", "*", "blobs", "*"))
	if err != nil || len(blobs) != 0 {
		t.Errorf("contents that stayed in the spool: %v, %v", blobs, err)
	}
}

// A line too long for a log post is uploaded, and shown whole, in its place.
func TestALargeLineArrivesInItsPlace(t *testing.T) {
	s := newServer(t)
	l := s.logger(logger.Config{})
	trace := l.Trace(logger.TraceConfig{ID: "t", Input: strings.Repeat("large ", 200_000)})
	trace.AddTag("after", "it")
	trace.End()
	finish(t, l)
	lines := s.stored("repo")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "storage{id=") || !strings.Contains(lines[0], `action=process-large-log,data={"key":"repo/large-logs/`) {
		t.Fatalf("%d lines, the first %.200s", len(lines), lines[0])
	}
	var whole json.RawMessage
	s.get("/api/v1/repositories/repo/traces/t", &whole)
	if n := strings.Count(string(whole), "large "); n != 200_000 {
		t.Errorf("the trace shows %d of 200,000 words", n)
	}
}

// What a process could not deliver, the next one does.
func TestTheNextProcessDeliversWhatTheLastOneLeft(t *testing.T) {
	s := newServer(t)
	first := s.logger(logger.Config{OnError: func(error) {}})
	s.stop()
	trace := first.Trace(logger.TraceConfig{ID: "t"})
	trace.AddAttachment(logger.DataAttachment([]byte("content")))
	for i := range 500 {
		trace.AddTag("n", fmt.Sprint(i))
	}
	if err := first.Sync(t.Context()); err != nil {
		t.Fatalf("Sync = %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := first.Close(ctx)
	var left *logger.Error
	if !errors.As(err, &left) || !errors.Is(err, logger.ErrNotDelivered) || left.Entries != 503 || !left.Kept {
		t.Fatalf("Close = %v, want ErrNotDelivered of 503 entries that are kept", err)
	}
	if st := first.Stats(); st.Pending != 503 || st.Dropped != 0 {
		t.Errorf("after Close: %v, want all pending", st)
	}
	s.start()
	next := s.logger(logger.Config{})
	if err := next.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, next); got.Recovered != 503 || got.Delivered != 503 || got.Accepted != 0 {
		t.Errorf("next process: %+v", got)
	}
	n := 0
	for _, line := range s.stored("repo") {
		if strings.Contains(line, `data={"tags":{"n":"`) {
			if !strings.Contains(line, fmt.Sprintf(`"n":"%d"`, n)) {
				t.Fatalf("tag %d: %s", n, line)
			}
			n++
		}
	}
	if n != 500 {
		t.Errorf("%d of 500 tags arrived", n)
	}
}

// S11: what is masked is in no file of the spool, nor is anything that an encrypted
// spool holds.
func TestS11WhatIsMaskedReachesNoFile(t *testing.T) {
	const canary = "4111-1111-1111-1111"
	for name, change := range map[string]func(*logger.Config){
		"masked": func(c *logger.Config) {
			c.Mask = func(s string) string { return strings.ReplaceAll(s, canary, "[card]") }
		},
		"encrypted": func(c *logger.Config) { c.SpoolKey = []byte(strings.Repeat("k", 32)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.stop()
			c := logger.Config{OnError: func(error) {}}
			change(&c)
			l := s.logger(c)
			trace := l.Trace(logger.TraceConfig{ID: "t", Name: canary, Input: map[string]any{"card": []string{"pay " + canary}}})
			trace.AddMetadata(map[string]any{"cards": []string{canary}})
			if name == "encrypted" {
				trace.AddAttachment(logger.DataAttachment([]byte(canary)))
			}
			gen := trace.AddGeneration(logger.GenerationConfig{Messages: []logger.Message{{Role: "user", Content: canary}}})
			gen.Result(completion(canary))
			if err := l.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			files := 0
			err := filepath.WalkDir(s.spools, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				files++
				content, err := os.ReadFile(path)
				if strings.Contains(string(content), canary) {
					t.Errorf("%s holds the canary", path)
				}
				return err
			})
			if err != nil || files == 0 {
				t.Fatalf("%d files, %v", files, err)
			}
			s.start()
			finish(t, l)
			got := strings.Contains(strings.Join(s.stored("repo"), "\n"), canary)
			if got != (name == "encrypted") {
				t.Errorf("the server has the canary: %t", got)
			}
		})
	}
}

// A sink that is down delays nobody, and has everything when it is back.
func TestADeadSinkDelaysNobody(t *testing.T) {
	alive, dead := newServer(t), newServer(t)
	dead.stop()
	l := alive.logger(logger.Config{OnError: func(error) {}})
	if err := l.AddDestination(logger.Destination{ID: "other", BaseURL: "http://" + dead.addr, SpoolDir: alive.spools}); err != nil {
		t.Fatal(err)
	}
	trace := l.Trace(logger.TraceConfig{ID: "t"})
	trace.End()
	deadline := time.Now().Add(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.Flush(ctx); !errors.Is(err, logger.ErrNotDelivered) {
		t.Errorf("Flush = %v, want ErrNotDelivered for the sink", err)
	}
	for l.Stats().Delivered != 2 || l.Health().Destinations[1].OK {
		if time.Now().After(deadline) {
			t.Fatalf("%v: the first destination waits for the sink", l.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	if h := l.Health(); !h.OK || h.Destinations[1].OK || h.Destinations[1].Pending != 2 {
		t.Errorf("health %+v", h)
	}
	dead.start()
	if got := finish(t, l); got.Destinations[1].Delivered != 2 {
		t.Errorf("destination %+v, want 2 delivered", got.Destinations[1])
	}
	if n := len(dead.stored("other")); n != 2 {
		t.Errorf("%d lines at the sink, want 2", n)
	}
}
