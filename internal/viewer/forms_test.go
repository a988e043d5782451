package viewer_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// post sends a form, and does not follow where the answer leads.
func (s *site) post(path string, form url.Values) *http.Response {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.server.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// token returns the token of a form of a page.
func (s *site) token(path, action string) string {
	s.Helper()
	body := s.want(path)
	_, form, _ := strings.Cut(body, `action="`+action+`"`)
	_, rest, _ := strings.Cut(form, `name="token" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestSettingsAreKeptInACookieAndFormsNeedTheirToken(t *testing.T) {
	s := open(t, turn("t1")...)
	s.want("/about", "Nothing leaves this machine")
	s.want("/help", "status:error", "next, previous error")
	if got := s.post("/settings", url.Values{"theme": {"dark"}}).StatusCode; got != http.StatusForbidden {
		t.Errorf("settings without a token are answered %d", got)
	}
	resp := s.post("/settings", url.Values{"token": {s.token("/settings", "/settings")}, "theme": {"dark"}, "utc": {"1"}})
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 || !strings.Contains(resp.Cookies()[0].Value, "dark") {
		t.Errorf("settings are answered %d with %v", resp.StatusCode, resp.Cookies())
	}
	feedback := url.Values{"repo": {"r"}, "trace": {"t1"}, "score": {"+"}, "comment": {`good "work"`}}
	if got := s.post("/feedback", feedback).StatusCode; got != http.StatusForbidden {
		t.Errorf("feedback without a token is answered %d", got)
	}
	feedback.Set("token", s.token("/settings", "/settings"))
	if got := s.post("/feedback", feedback).StatusCode; got != http.StatusForbidden {
		t.Errorf("feedback with the token of another form is answered %d", got)
	}
	feedback.Set("token", s.token("/trace/t1", "/feedback"))
	if got := s.post("/feedback", feedback); got.StatusCode != http.StatusSeeOther {
		t.Errorf("feedback is answered %d", got.StatusCode)
	}
	s.want("/trace/t1", "good", "work")
	feedback.Set("trace", "unknown}")
	if got := s.post("/feedback", feedback).StatusCode; got != http.StatusNotFound {
		t.Errorf("feedback to an unknown trace is answered %d", got)
	}
}

func TestColumnsCanBeLeftOut(t *testing.T) {
	s := open(t, turn("t1")...)
	s.want("/traces", `data-label="Tokens"`, `data-label="Session"`)
	resp := s.post("/settings", url.Values{"token": {s.token("/settings", "/settings")}, "keys": {"1"}, "column-cost": {"1"}, "column-took": {"1"}})
	if len(resp.Cookies()) != 1 {
		t.Fatalf("settings are answered %d with %v", resp.StatusCode, resp.Cookies())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/traces", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(resp.Cookies()[0])
	_, body := s.do(req)
	for label, shown := range map[string]bool{"Cost": true, "Duration": true, "Tokens": false, "Session": false} {
		if strings.Contains(body, `data-label="`+label+`"`) != shown {
			t.Errorf("the column %s is shown: %t, want %t", label, !shown, shown)
		}
	}
}

// What is deleted is gone for good, so it takes a day, a tick and the token of the form.
func TestDeletingTakesADayATickAndAToken(t *testing.T) {
	s := open(t, turn("t1")...)
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	token := s.token("/settings", "/settings/delete")
	for name, form := range map[string]url.Values{
		"no token":             {"before": {tomorrow}, "sure": {"1"}},
		"another form's token": {"before": {tomorrow}, "sure": {"1"}, "token": {s.token("/settings", "/settings")}},
		"no tick":              {"before": {tomorrow}, "token": {token}},
		"no day":               {"sure": {"1"}, "token": {token}},
		"a day that is none":   {"before": {"2026-02-30"}, "sure": {"1"}, "token": {token}},
	} {
		if got := s.post("/settings/delete", form).StatusCode; got != http.StatusForbidden && got != http.StatusBadRequest {
			t.Errorf("%s: answered %d", name, got)
		}
	}
	s.want("/traces", "turn t1")
	resp := s.post("/settings/delete", url.Values{"before": {tomorrow}, "sure": {"1"}, "token": {token}})
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("answered %d", resp.StatusCode)
	}
	s.want(resp.Header.Get("Location"), "Everything received before "+tomorrow+" has been deleted")
	if body := s.want("/traces"); strings.Contains(body, "turn t1") {
		t.Error("the trace is still there")
	}
}

func TestTwoTracesOfTheListCanBeCompared(t *testing.T) {
	s := open(t, append(turn("t1"), turn("t2")...)...)
	s.want("/traces", `name="pick" value="t1"`, `name="pick" value="t2"`)
	s.want("/diff?pick=t1&pick=t2", `value="t1"`, `value="t2"`)
	for _, few := range []string{"/diff?pick=t1", "/diff?pick=t1&pick=t2&pick=t1"} {
		s.want(few, "Choose two traces")
	}
}

func TestATraceIsNarrowed(t *testing.T) {
	lines := turn("t1")
	for i := range 7 {
		id := "f" + string(rune('0'+i))
		lines = append(lines, `trace{id=t1,action=add-span,data={"id":"`+id+`","name":"fetch","startTimestamp":"2026-11-22T10:00:03Z"}}`,
			`span{id=`+id+`,action=end,data={"endTimestamp":"2026-11-22T10:00:03.25Z"}}`)
	}
	s := open(t, lines...)
	s.want("/trace/t1", "fetch ×7", "Σ 1.75 s")
	if body := s.want("/trace/t1?group=0"); strings.Count(body, ">fetch</a>") != 7 {
		t.Errorf("%d of 7 equal spans are shown", strings.Count(body, ">fetch</a>"))
	}
	if body := s.want("/trace/t1?key=1", ">answer</a>", ">track</a>"); strings.Contains(body, ">fetch") {
		t.Error("spans are among the key nodes")
	}
	if body := s.want("/trace/t1?min=500ms", ">answer</a>", ">track</a>"); strings.Contains(body, ">fetch") {
		t.Error("what took less is shown")
	}
	if body := s.want("/trace/t1?root=generation:gt1", ">answer</a>"); strings.Contains(body, ">track</a>") {
		t.Error("what is elsewhere in the tree is shown")
	}
	s.want("/trace/t1?root=span:none&min=x&zoom=9-1&key=2", ">track</a>") // what means nothing is left aside
}
