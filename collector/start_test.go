package collector_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const line = `trace{id=t1,action=create,data={"name":"first"}}`

// post logs the line to the repository r.
func post(t *testing.T, url, key string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/sdk/v3/log?id=r", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var stored struct{ Data collector.Ingested }
	if err := json.NewDecoder(answer.Body).Decode(&stored); err != nil || stored.Data.Accepted != 1 {
		t.Fatalf("status %d, %+v, %v; want one line accepted", answer.StatusCode, stored, err)
	}
}

// get decodes the answer of a collector into a value.
func get(t *testing.T, c *collector.Collector, path string, into any) {
	t.Helper()
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", path, answer.Code, answer.Body)
	}
}

// wantOneLine checks that a folder holds the line, and nothing else.
func wantOneLine(t *testing.T, dir string) {
	t.Helper()
	c, err := collector.New(collector.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	var stored collector.StoredLine
	get(t, c, "/api/v1/repositories/r/lines", &stored)
	if stored.Seq != 1 || stored.Line != line {
		t.Errorf("stored %+v", stored)
	}
}

func TestStartServesUntilClose(t *testing.T) {
	dir := t.TempDir()
	running, err := collector.Start(collector.Config{Dir: dir, APIKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	post(t, running.URL(), "k")
	if _, err := collector.Start(collector.Config{Dir: dir}); err == nil {
		t.Error("a second collector started in the same folder")
	}
	for range 2 {
		if err := running.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if answer, err := http.Post(running.URL()+"/api/sdk/v3/log?id=r", "text/plain", strings.NewReader(line)); err == nil {
		answer.Body.Close()
		t.Errorf("it still answers %s", answer.Status)
	}
	wantOneLine(t, dir)
}

func TestAGivenStoreIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	open := func() collector.Store {
		t.Helper()
		cluster, err := sqlite.Open(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return cluster
	}
	unused := filepath.Join(t.TempDir(), "unused")
	running, err := collector.Start(collector.Config{Store: open(), Dir: unused})
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	post(t, running.URL(), "")
	if err := running.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(unused); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made beside a store: %v", err)
	}
	// Whether New fails early or late, it closes the store, so that the folder can be opened again.
	for _, bad := range []collector.Config{{KeepFor: -1}, {APIKey: "a b"}, {PublicURL: "https://example.com/api"}} {
		bad.Store = open()
		if _, err := collector.New(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	wantOneLine(t, dir)
}

// A program that has the collector in its process waits for what it has logged, without polling.
func TestAProgramWaitsForItsLines(t *testing.T) {
	c, err := collector.New(collector.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/api/sdk/v3/log?id=r", strings.NewReader(line)))
	if err := errors.Join(c.WaitIndexed(t.Context()), c.WaitSearchable(t.Context())); err != nil {
		t.Fatal(err)
	}
	var hits collector.Page[collector.SearchHit]
	get(t, c, "/api/v1/repositories/r/search?q=first", &hits)
	if len(hits.Data) != 1 || hits.Data[0].Trace != "t1" {
		t.Errorf("hits %+v", hits.Data)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	var trace collector.Trace
	get(t, c, "/api/v1/repositories/r/traces/t1", &trace)
	if trace.Name != "first" {
		t.Errorf("after a rebuild the trace is %+v", trace)
	}
	if err := c.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var traces collector.Page[collector.TraceSummary]
	if get(t, c, "/api/v1/repositories/r/traces", &traces); len(traces.Data) != 0 {
		t.Errorf("after pruning everything: %+v", traces.Data)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitIndexed(t.Context()); err == nil {
		t.Error("waiting on a closed collector succeeds")
	}
}
