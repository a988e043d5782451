package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

func TestForgetDeletesWhatIsOldAndNothingElse(t *testing.T) {
	s := start(t, collector.Config{})
	headers := []string{protocol.HeaderProducer, strings.Repeat("a", 32), protocol.HeaderSeq, "1"}
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
		if err := s.Prune(t.Context(), cut); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := s.do("GET", "/api/v1/repositories/r/traces/old", nil); status != http.StatusNotFound {
		t.Errorf("the old trace is answered %d", status)
	}
	if status, _ := s.do("GET", "/api/v1/repositories/r/traces/n299", nil); status != http.StatusOK {
		t.Errorf("a new trace is answered %d", status)
	}
	if err := s.WaitSearchable(t.Context()); err != nil {
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

// A span whose parent was deleted hangs below its trace, until the parent comes again, as
// it does in an index that is built anew.
func TestASpanIsKeptInTheTreeWhenItsParentIsForgotten(t *testing.T) {
	parent := otlpSpan("0000000000000002", "0000000000000001", "agent", 10, "")
	child := otlpSpan("0000000000000003", "0000000000000002", "chat", 20, "", textAttribute("gen_ai.operation.name", "chat"))
	grandchild := otlpSpan("0000000000000004", "0000000000000003", "tool", 30, "")
	// The span as it was while it had no end: its lines have other numbers.
	begun := strings.Replace(child, `"endTimeUnixNano":"1700000001020000000",`, "", 1)
	logged := otlpSpan("0000000000000003", protocol.SpanIDOf("call").String(), "chat", 20, "", textAttribute("gen_ai.operation.name", "chat"))
	for _, c := range []struct {
		name             string
		old, kept, later func(*server)
		forgotten, after string
	}{
		{
			"a span", func(s *server) { s.postOTLP(otlpRequest("r", parent)) },
			func(s *server) { s.postOTLP(otlpRequest("r", child, grandchild)) },
			nil, "chat(chat(tool))", "",
		},
		{
			"a span, and a later line of the child", func(s *server) { s.postOTLP(otlpRequest("r", parent)) },
			func(s *server) { s.postOTLP(otlpRequest("r", begun, grandchild)) },
			func(s *server) { s.postOTLP(otlpRequest("r", child)) }, "chat(chat(tool))", "chat(chat(tool))",
		},
		{
			"a span that comes again", func(s *server) {
				s.postOTLP(otlpRequest("r", strings.Replace(parent, `"endTimeUnixNano":"1700000001010000000",`, "", 1)))
			},
			func(s *server) { s.postOTLP(otlpRequest("r", child, grandchild)) },
			func(s *server) { s.postOTLP(otlpRequest("r", parent)) }, "chat(chat(tool))", "agent(agent(chat(tool)))",
		},
		{
			"what a client logged in another trace",
			func(s *server) {
				s.post("r", `session{id=x,action=create,data={}}`+"\n"+`trace{id=t,action=create,data={"sessionId":"x"}}`+"\n"+`trace{id=t,action=add-span,data={"id":"call","name":"call"}}`)
			},
			func(s *server) { s.postOTLP(otlpRequest("r", logged, grandchild)) },
			nil, "chat(chat(tool))", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, collector.Config{})
			state := func() string {
				s.settle()
				_, tree := s.do("GET", "/api/v1/repositories/r/traces/"+otlpTrace, nil)
				var list collector.Page[collector.TraceSummary]
				s.get("/api/v1/repositories/r/traces", &list)
				var stats collector.Stats
				s.get("/api/v1/repositories/r/stats", &stats)
				totals := fmt.Sprint(stats.Entities)
				for _, row := range list.Data {
					totals += fmt.Sprint(row.ID, row.Usage, row.Cost, row.Entities, row.Errors)
				}
				return tree + totals
			}
			tree := func(when, want string) {
				t.Helper()
				now := state()
				if got := names(s.otlpTree("r", otlpTrace)); got != want {
					t.Errorf("%s: %s, want %s", when, got, want)
				}
				if err := s.Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
				equal(t, state(), now)
			}
			c.old(s)
			s.settle()
			cut := time.Now()
			c.kept(s)
			s.settle()
			if err := s.Prune(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
			tree("the parent was forgotten", c.forgotten)
			if c.later == nil {
				return
			}
			c.later(s)
			tree("afterwards", c.after)
		})
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
