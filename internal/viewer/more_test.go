package viewer_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/viewer"
)

func TestSessionIsAConversation(t *testing.T) {
	s := open(t, append(turn("t1"), turn("t2")...)...)
	s.want("/session/s1", "talk", "where is it?", "on its way", "/trace/t1", "/trace/t2", "track", "no such parcel")
	s.want("/sessions", "talk", "/session/s1")
	if status, _ := s.get("/session/none"); status != http.StatusNotFound {
		t.Errorf("an unknown session is answered %d", status)
	}
}

func TestLongSessionsArePaged(t *testing.T) {
	var lines []string
	for i := range 45 {
		lines = append(lines, fmt.Sprintf(`trace{id=l%02d,action=create,data={"name":"turn %02d","sessionId":"long","startTimestamp":"2026-11-22T10:%02d:00Z"}}`, i, i, i))
	}
	s := open(t, lines...)
	seen := 0
	for path, pages := "/session/long", 0; pages < 5; pages++ {
		body := s.want(path)
		seen += strings.Count(body, `<section class="card call"`)
		_, rest, found := strings.Cut(body, `href="/session/long?after=`)
		if !found {
			break
		}
		after, _, _ := strings.Cut(rest, `"`)
		path = "/session/long?after=" + after
	}
	if seen != 45 {
		t.Errorf("%d of 45 turns are on the pages", seen)
	}
	newest := s.want("/session/long?last=1", "turn 44", "turn 25", `href="/session/long"`)
	if strings.Contains(newest, "turn 24") || strings.Index(newest, "turn 25") > strings.Index(newest, "turn 44") {
		t.Error("the newest turns are not the last twenty, in their order")
	}
}

func TestLineShowsWhatWasReceived(t *testing.T) {
	s := open(t, turn("t1")...)
	s.want("/line/3", "add-generation", "generation gt1", "Next line", "Previous line", "/e/t1")
	if status, body := s.get("/line/99"); status != http.StatusNotFound || !strings.Contains(body, "line 99") {
		t.Errorf("a line that is not there is answered %d", status)
	}
	for _, bad := range []string{"0", "-1", "x", "18446744073709551616"} {
		if status, _ := s.get("/line/" + bad); status != http.StatusNotFound {
			t.Errorf("line %s is answered %d", bad, status)
		}
	}
}

func TestEntitiesAreFoundByTheBeginningOfTheirID(t *testing.T) {
	s := open(t, `trace{id=abcdefgh-1,action=create,data={}}`, `trace{id=abcdefgh-1,action=add-span,data={"id":"abcdefgi-2"}}`, `trace{id=abcdefgh-3,action=create,data={}}`)
	for id, want := range map[string]string{"abcdefgh-1": "/trace/abcdefgh-1", "abcdefgi": "/trace/abcdefgh-1?node=span%3Aabcdefgi-2"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/e/"+id, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != want {
			t.Errorf("%s leads to %q (%d), want %q", id, resp.Header.Get("Location"), resp.StatusCode, want)
		}
	}
	s.want("/e/abcdefgh", "abcdefgh-1", "abcdefgh-3")
	if status, body := s.get("/e/nowhere-at-all"); status != http.StatusNotFound || !strings.Contains(body, "nowhere-at-all") {
		t.Errorf("an unknown id is answered %d", status)
	}
}

func TestSearchFindsTexts(t *testing.T) {
	s := open(t, append(turn("t1"), `trace{id=zh,action=create,data={"input":"请把我的航班改到星期五"}}`)...)
	if err := s.server.WaitSearchable(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want("/search?q=way", "<mark>way</mark>", "/trace/t1", "/line/")
	s.want("/search?q="+url.QueryEscape("航班"), "/trace/zh")
	s.want("/search?q=way+status:open", "Nothing found")
	s.want("/search?q=nonesuch", "Nothing found")
	s.want("/search?q="+url.QueryEscape(`"on its way" -parcel dur:>x`), "<u>dur:&gt;x</u>", "/trace/t1")
	s.want("/search", "in any language")
	s.want("/traces?q=way", "turn t1")
}

func TestOverviewCountsAWeek(t *testing.T) {
	s := open(t)
	s.want("/", "Waiting for the first trace", "0 log requests")
	s.log(turn("t1")...)
	s.want("/", "7 days", "Open now", "Models, 7 days")
}

func TestComparisons(t *testing.T) {
	s := open(t, append(append(turn("t1"), turn("t2")...),
		`trace{id=t2,action=add-generation,data={"id":"g3","model":"gpt-4o","messages":[{"role":"user","content":"where is it?"},{"role":"assistant","content":"on its way"},{"role":"user","content":"since when?"}],"startTimestamp":"2026-11-22T10:00:03Z"}}`)...)
	s.want("/diff?a=t1&b=t2", "only in B", "answer")
	s.want("/diff?a=g3", "since when?", "identical message")
	s.want("/diff?a=gt1", "first model call")
	s.want("/diff?a=none", "Nothing with the id")
	s.want("/diff", "Give two ids")
	s.want("/diff?a=t1&b=gt1", "model call only")
}

// follow opens the stream of events and returns a function that gives the next trace.
func (s *site) follow(ctx context.Context) (next func() (viewer.LiveTrace, error), status int) {
	s.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL()+"/events?repo=r", http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return func() (t viewer.LiveTrace, err error) {
		for lines.Scan() {
			if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				return t, json.Unmarshal([]byte(data), &t)
			}
		}
		return t, lines.Err()
	}, resp.StatusCode
}

func TestLiveTellsOfWhatChanges(t *testing.T) {
	s := open(t, turn("t1")...)
	s.want("/live", "turn t1", "/events")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, status := s.follow(ctx)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if got, err := next(); err != nil || got.ID != "t1" || got.Tokens != 120 || got.Tools != 1 {
		t.Errorf("%+v %v", got, err)
	}
	s.log(`trace{id=t9,action=create,data={"name":"fresh","startTimestamp":"2026-11-22T12:00:00Z"}}`)
	if got, err := next(); err != nil || got.ID != "t9" || got.Status != "open" {
		t.Errorf("%+v %v", got, err)
	}
	s.log(`trace{id=t9,action=end,data={"endTimestamp":"2026-11-22T12:00:02Z"}}`)
	if got, err := next(); err != nil || got.ID != "t9" || got.Status != "ended" || got.DurationMS != 2000 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	s := open(t, turn("t1")...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 64 {
		if _, status := s.follow(ctx); status != http.StatusOK {
			t.Fatalf("stream %d is answered %d", i+1, status)
		}
	}
	if _, status := s.follow(ctx); status != http.StatusServiceUnavailable {
		t.Errorf("stream 65 is answered %d", status)
	}
}
