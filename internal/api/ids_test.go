package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

// A session that one sender names by its id, and another by the safe id that it derived
// from it, is one session, found by both and shown as it was given.
func TestGivenAndSafeIDsMeet(t *testing.T) {
	for _, given := range []string{
		"user/42@acme:thread", "C0123ABC-1699887766.554433", "+49 (151) 23", "Zoë 🦊", strings.Repeat("long.", 60), strings.Repeat("z.", 800),
	} {
		safe := protocol.SafeID(given)
		for _, order := range []string{"safe first", "given first", "safe only"} {
			s := start(t, collector.Config{})
			lines := `session{id=` + safe + `,action=create,data={"name":"talk","tags":{"troupe.id":` + string(protocolQuote(t, given)) + `}}}` + "\n" +
				`session{id=` + safe + `,action=add-trace,data={"id":"native"}}`
			if len(given) > protocol.MaxID {
				lines = strings.Replace(lines, `"troupe.id":`, `"other":`, 1)
			}
			spans := otlpRequest("shop", otlpSpan("0000000000000001", "", "root", 0, "", textAttribute("session.id", given)))
			if order == "given first" {
				s.postOTLP(spans)
			}
			s.post("shop", lines)
			if order == "safe first" {
				s.postOTLP(spans)
			}
			shown, traces := given, 2
			if order == "safe only" {
				traces = 1
			}
			if len(given) > protocol.MaxID { // no line can hold it
				shown = safe
			}
			for _, id := range []string{given, safe} {
				var session collector.Session
				s.get("/api/v1/repositories/shop/sessions/"+url.PathEscape(id), &session)
				if session.ID != shown || len(session.Traces) != traces || session.Traces[0].SessionID != shown {
					t.Errorf("%s: session %.60q has id %.60q and %d traces", order, id, session.ID, len(session.Traces))
				}
				for _, path := range []string{"/session/" + url.PathEscape(id), "/e/" + url.PathEscape(id), "/traces?q=" + url.QueryEscape(`session:"`+id+`"`)} {
					mark := "?"
					if strings.Contains(path, mark) {
						mark = "&"
					}
					status, page := s.do("GET", path+mark+"repo=shop", nil)
					if status != http.StatusOK || !strings.Contains(page, "native") {
						t.Errorf("%s: %.80s: status %d, %.300s", order, path, status, page)
					}
				}
			}
			var trace collector.Trace
			s.get("/api/v1/repositories/shop/traces/native", &trace)
			if trace.SessionID != shown {
				t.Errorf("%s: the trace says session %.60q", order, trace.SessionID)
			}
		}
	}
}

func protocolQuote(t *testing.T, s string) []byte {
	t.Helper()
	return []byte(encode(t, s))
}
