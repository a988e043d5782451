package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// listed is a collector with six traces in the sessions s0 and s1. Trace tN starts at minute N
// and takes 6-N seconds. Odd traces failed and used the model m1, the others m0; tN cost N cents.
func listed(t *testing.T) *server {
	t.Helper()
	s := start(t, collector.Config{})
	var lines []string
	for n := range 6 {
		lines = append(lines,
			fmt.Sprintf(`session{id=s%d,action=create,data={"startTimestamp":"2026-01-01T00:0%d:00Z"}}`, n%2, n%2),
			fmt.Sprintf(`trace{id=t%d,action=create,data={"name":"n%d","sessionId":"s%d","tags":{"env":"e%d"},"startTimestamp":"2026-01-01T00:0%d:00Z","input":"apple word%d"}}`, n, n, n%2, n%3, n, n),
			fmt.Sprintf(`trace{id=t%d,action=add-generation,data={"id":"g%d","model":"m%d","startTimestamp":"2026-01-01T00:0%d:00Z"}}`, n, n, n%2, n),
			fmt.Sprintf(`generation{id=g%d,action=add-cost,data={"cost":{"total":0.0%d}}}`, n, n),
			fmt.Sprintf(`trace{id=t%d,action=end,data={"endTimestamp":"2026-01-01T00:0%d:0%dZ"}}`, n, n, 6-n))
		if n%2 == 1 {
			lines = append(lines, fmt.Sprintf(`trace{id=t%d,action=add-error,data={"id":"e%d","message":"m"}}`, n, n))
		}
	}
	s.post("r", strings.Join(lines, "\n"))
	if err := s.WaitSearchable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// traceIDs returns the ids of all pages of a list of traces, two traces a page.
func (s *server) traceIDs(parameters url.Values) (ids []string) {
	s.Helper()
	parameters.Set("limit", "2")
	for {
		var page collector.Page[collector.TraceSummary]
		s.get("/api/v1/repositories/r/traces?"+parameters.Encode(), &page)
		for _, trace := range page.Data {
			ids = append(ids, trace.ID)
		}
		if page.Next == "" {
			return ids
		}
		parameters.Set("cursor", page.Next)
	}
}

func TestListsOfTracesTakeConditionsAndOrders(t *testing.T) {
	s := listed(t)
	for _, c := range []struct {
		parameters url.Values
		want       string
	}{
		{url.Values{}, "t5 t4 t3 t2 t1 t0"},
		{url.Values{"sort": {"newest"}}, "t5 t4 t3 t2 t1 t0"},
		{url.Values{"sort": {"oldest"}}, "t0 t1 t2 t3 t4 t5"},
		{url.Values{"sort": {"slowest"}}, "t0 t1 t2 t3 t4 t5"},
		{url.Values{"sort": {"cost"}}, "t5 t4 t3 t2 t1 t0"},
		{url.Values{"sort": {"cost"}, "q": {"-model:m1"}}, "t4 t2 t0"},
		{url.Values{"q": {"model:m1"}}, "t5 t3 t1"},
		{url.Values{"q": {"has:error model:m1 cost:>0.02"}}, "t5 t3"},
		{url.Values{"q": {"tag.env=e1"}}, "t4 t1"},
		{url.Values{"q": {"word3"}}, "t3"},
		{url.Values{"q": {"apple model:m0"}}, "t4 t2 t0"},
		{url.Values{"q": {"pear"}}, ""},
		{url.Values{"from": {"2026-01-01T00:02:00Z"}, "to": {"2026-01-01T00:04:00Z"}}, "t3 t2"},
		{url.Values{"from": {"2026-01-01T02:02:00+02:00"}}, "t5 t4 t3 t2"},
		{url.Values{"to": {"2026-01-01"}}, ""},
		{url.Values{"from": {"1s"}}, ""},
	} {
		name := c.parameters.Encode()
		if got := strings.Join(s.traceIDs(c.parameters), " "); got != c.want {
			t.Errorf("%s: traces %q, want %q", name, got, c.want)
		}
	}
	var session collector.Session
	s.get("/api/v1/repositories/r/sessions/s1?limit=2", &session)
	if len(session.Traces) != 2 || session.Traces[0].ID != "t5" || session.Next == "" {
		t.Errorf("traces of a session: %+v", session.Traces)
	}
}

func TestListsOfSessionsTakeConditionsAndOrders(t *testing.T) {
	s := listed(t)
	for parameters, want := range map[string]string{
		"": "s1 s0", "sort=oldest": "s0 s1", "q=status:open": "s1 s0", "q=-status:open": "", "from=2026-01-01T00:01:00Z": "s1",
	} {
		var page collector.Page[collector.SessionSummary]
		s.get("/api/v1/repositories/r/sessions?"+parameters, &page)
		var ids []string
		for _, session := range page.Data {
			ids = append(ids, session.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: sessions %q, want %q", parameters, got, want)
		}
	}
}

func TestFacetsAndHistogramCountTheListedTraces(t *testing.T) {
	s := listed(t)
	var facets collector.Page[collector.Facet]
	s.get("/api/v1/repositories/r/facets?q=has:error&limit=2", &facets)
	found := map[string][]collector.FacetValue{}
	for _, f := range facets.Data {
		found[f.Field] = f.Values
	}
	equal(t, []collector.FacetValue{{Value: "m1", Traces: 3}}, found["model"])
	equal(t, []collector.FacetValue{{Key: "env", Value: "e0", Traces: 1}, {Key: "env", Value: "e1", Traces: 1}}, found["tag"])
	equal(t, []collector.FacetValue{{Value: "s1", Traces: 3}}, found["session"])

	var bars collector.Histogram
	s.get("/api/v1/repositories/r/histogram?bars=3&from=2026-01-01T00:00:00Z&to=2026-01-01T00:06:00Z", &bars)
	if bars.Seconds != 120 || len(bars.Data) != 3 {
		t.Fatalf("histogram %+v", bars)
	}
	for i, b := range bars.Data {
		if b.Traces != 2 || !b.From.Equal(time.Date(2026, 1, 1, 0, 2*i, 0, 0, time.UTC)) {
			t.Errorf("bar %d: %+v", i, b)
		}
	}
	s.get("/api/v1/repositories/r/histogram?q=word3&from=2026-01-01", &bars)
	sum := 0
	for _, b := range bars.Data {
		sum += b.Traces
	}
	if len(bars.Data) != 60 || sum != 1 {
		t.Errorf("%d bars with %d traces, want 60 with one", len(bars.Data), sum)
	}
}

func TestListsRefuseParametersThatMeanNothing(t *testing.T) {
	s := listed(t)
	for _, path := range []string{
		"traces?q=kind:nosuch", "traces?q=cost:much", "traces?sort=odd", "traces?from=yesterday", "traces?cursor=x",
		"sessions?q=word", "sessions?q=model:m1", "sessions?sort=cost", "facets?q=kind:nosuch", "facets?limit=0",
		"histogram?bars=x", "histogram?from=2026-01-02&to=2026-01-01",
	} {
		status, text := s.do("GET", "/api/v1/repositories/r/"+path, nil)
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
	words := url.Values{"q": {strings.Repeat("word ", 64)}}
	status, text := s.do("GET", "/api/v1/repositories/r/traces?"+words.Encode(), nil)
	if status != http.StatusOK {
		t.Errorf("a query of the longest length: status %d: %s", status, text)
	}
}

var traceLink = regexp.MustCompile(`href="[^"]*/trace/(t\d)[^"]*"`)

func TestPagesListTheTracesThatTheJSONLists(t *testing.T) {
	s := listed(t)
	for _, parameters := range []url.Values{
		{}, {"q": {"model:m1"}}, {"q": {"apple -has:error"}}, {"sort": {"cost"}}, {"sort": {"oldest"}, "q": {"has:error"}}, {"from": {"2026-01-01T00:03:00Z"}},
	} {
		want := s.traceIDs(url.Values{"q": parameters["q"], "sort": parameters["sort"], "from": parameters["from"]})
		status, page := s.do("GET", "/traces?"+parameters.Encode(), nil)
		var got []string
		for _, link := range traceLink.FindAllStringSubmatch(page, -1) {
			if !slices.Contains(got, link[1]) {
				got = append(got, link[1])
			}
		}
		if status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%v: the page lists %q, the JSON %q", parameters, got, want)
		}
	}
}
