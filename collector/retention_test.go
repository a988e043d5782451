package collector_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

func TestForgetDeletesWhatIsOldAndNothingElse(t *testing.T) {
	s := start(t, collector.Config{})
	headers := []string{collector.SpoolHeader, strings.Repeat("a", 32), collector.SeqHeader, "1"}
	old := `trace{id=old,action=create,data={"name":"old words"}}`
	s.post("r", old, headers...)
	s.settle()
	cut := time.Now()
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf(`trace{id=n%d,action=create,data={"name":"new words"}}`, i))
	}
	s.post("r", strings.Join(lines, "\n"))
	s.settle()
	for range 2 {
		if err := s.Forget(t.Context(), cut); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := s.do("GET", "/api/v1/repositories/r/traces/old", nil); status != http.StatusNotFound {
		t.Errorf("the old trace is answered %d", status)
	}
	if status, _ := s.do("GET", "/api/v1/repositories/r/traces/n299", nil); status != http.StatusOK {
		t.Errorf("a new trace is answered %d", status)
	}
	if err := s.SettleSearch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"old": 0, "new": 300} {
		var page collector.Page[collector.SearchHit]
		s.get("/api/v1/repositories/r/search?limit=500&q="+word, &page)
		if len(page.Data) != want {
			t.Errorf("%d lines have the word %s, want %d", len(page.Data), word, want)
		}
	}
	// A line that is sent again does not come back.
	equal(t, collector.Ingested{Duplicates: 1}, s.post("r", old, headers...))
	// Line numbers go on.
	var stats collector.Stats
	s.get("/api/v1/repositories/r/stats", &stats)
	if stats.Lines != 301 || stats.Entities["trace"] != 300 {
		t.Errorf("%+v", stats)
	}
}

func TestRetentionIsChecked(t *testing.T) {
	for _, cfg := range []collector.Config{{KeepFor: -1}, {KeepBytes: -1}} {
		if _, err := collector.New(cfg); !errors.Is(err, collector.ErrKeep) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestWhatIsTooMuchGoes(t *testing.T) {
	dir := t.TempDir()
	fill := func(cfg collector.Config) {
		server, err := collector.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(server.URL()+"/api/sdk/v3/log?id=r", "text/plain", strings.NewReader(created))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := server.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fill(collector.Config{Dir: dir})
	server, err := collector.Start(collector.Config{Dir: dir, KeepFor: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := server.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(30 * time.Second); ; {
		resp, err := http.Get(server.URL() + "/api/v1/repositories/r/lines")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ContentLength == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the old line is still there")
		}
	}
}
