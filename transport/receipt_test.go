package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/protocol"
)

// three is a batch of three lines, with an empty one among them that does not count.
func three() Batch {
	return Batch{Body: []byte("first\nsecond\n\r\n\nthird " + canaryBody), Lines: 3, Spool: strings.Repeat("0a", 16), First: 1}
}

func TestAReceiptMustAccountForEveryLine(t *testing.T) {
	for _, c := range []struct {
		data string
		want Kind
		says string
	}{
		{`{"accepted":3,"duplicates":0,"refused":0,"rejected":[]}`, OK, ""},
		{`{"accepted":0,"duplicates":3,"refused":0}`, OK, ""},
		{`{"accepted":1,"duplicates":1,"deleted":1}`, OK, ""},
		{`{"accepted":3,"another":"member"}`, OK, ""},
		{`{"accepted":0,"duplicates":3,"refused":1,"rejected":[{"line":2,"reason":"bad"}]}`, PartlyRefused, "1 of the lines"}, // from an older collector
		{`{"accepted":2,"refused":1,"rejected":[{"line":2,"reason":"bad"}]}`, PartlyRefused, "1 of the lines are refused, line 2: bad"},
		{`{"accepted":2,"refused":1}`, PartlyRefused, "1 of the lines are refused"},

		{`{"accepted":0}`, Retry, "the answer does not account for 3 lines: it counts 0 accepted"},
		{`{"accepted":2,"duplicates":0,"refused":0}`, Retry, "it counts 2 accepted"},
		{`{"accepted":2,"duplicates":2}`, Retry, "2 duplicates"},
		{`{"accepted":3,"refused":1}`, Retry, "1 refused"},
		{`{"accepted":4}`, Retry, "it counts 4 accepted"},
		{`{"accepted":-1,"duplicates":4}`, Retry, "it counts -1 accepted"},
		{`{"accepted":9223372036854775807,"duplicates":9223372036854775807,"refused":5}`, Retry, "does not account"},
		{`{"accepted":"3"}`, Retry, "cannot be read"},
		{`{"accepted":2,"refused":1,"rejected":"all"}`, Retry, "cannot be read"},
		{`{"accepted":3,"rejected":[{"line":0,"reason":"x"}]}`, Retry, "lists 1 refused lines and counts 0"},
		{`{"accepted":1,"refused":2,"rejected":[{"line":1},{"line":1}]}`, Retry, "twice, or one that was not sent"},
		{`{"accepted":2,"refused":1,"rejected":[{"line":3}]}`, Retry, "twice, or one that was not sent"},
		{`{"accepted":2,"refused":1,"rejected":[{"line":-1}]}`, Retry, "twice, or one that was not sent"},
	} {
		s := serve(t, answering(200, `{"data":`+c.data+`}`))
		err := open(t, s.URL).Send(t.Context(), three())
		if n := s.requests.Load(); n != 1 {
			t.Errorf("%s: %d requests", c.data, n)
		}
		if c.want == OK {
			if err != nil {
				t.Errorf("%s: %v", c.data, err)
			}
			continue
		}
		if e := failure(t, err, c.want); e.Status != 200 || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: status %d, message %q, want %q in it", c.data, e.Status, e.Message, c.says)
		}
	}
}

func TestEveryRefusedLineIsNamed(t *testing.T) {
	const lines = 2000
	var body, list []string
	var want []RefusedLine
	for i := range lines {
		body = append(body, fmt.Sprintf("line %d", i))
		reason := fmt.Sprintf("malformed log line at byte %d: a JSON value was expected", i)
		list = append(list, fmt.Sprintf(`{"line":%d,"reason":%q}`, lines-1-i, reason))
		want = append([]RefusedLine{{lines - 1 - i, reason}}, want...)
	}
	s := serve(t, answering(200, fmt.Sprintf(`{"data":{"accepted":0,"refused":%d,"rejected":[%s]}}`, lines, strings.Join(list, ","))))
	err := open(t, s.URL).Send(t.Context(), Batch{Body: []byte(strings.Join(body, "\n")), Lines: lines})
	e := failure(t, err, PartlyRefused)
	if diff := cmp.Diff(want, e.Refused); diff != "" || e.Unlisted != 0 {
		t.Errorf("%d are not listed; %s", e.Unlisted, diff)
	}
}

func TestRefusedLinesThatAreNotListedAreCounted(t *testing.T) {
	s := serve(t, answering(200, `{"data":{"accepted":1,"refused":2,"rejected":[{"line":0,"reason":"bad"}]}}`))
	e := failure(t, open(t, s.URL).Send(t.Context(), three()), PartlyRefused)
	if len(e.Refused) != 1 || e.Unlisted != 1 {
		t.Errorf("%d lines are named and %d are not, want one of each", len(e.Refused), e.Unlisted)
	}
}

func TestReasonsOfRefusedLinesHoldNoSecrets(t *testing.T) {
	list := fmt.Sprintf(`[{"line":2,"reason":"in %s"},{"line":0,"reason":"key %s"},{"line":1,"reason":"bad\nline %s"}]`, canaryBody, canaryKey, strings.Repeat("x", 1000))
	s := serve(t, answering(200, `{"data":{"accepted":0,"refused":3,"rejected":`+list+`}}`))
	err := open(t, s.URL).Send(t.Context(), three())
	e := failure(t, err, PartlyRefused)
	for _, l := range e.Refused {
		if strings.Contains(l.Reason, "canary") || strings.Contains(l.Reason, "\n") || len(l.Reason) > maxMessage {
			t.Errorf("line %d: %q", l.Line, l.Reason)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// What a server has shown stays known: a proxy on the way can answer in its place.
func TestKnowledgeOfAServerOnlyGrows(t *testing.T) {
	type said struct {
		status int
		body   string
		order  bool
	}
	plain, counted := said{200, `{"data":{}}`, false}, said{200, `{"data":{"accepted":3}}`, false}
	for _, c := range []struct {
		name    string
		answers []said
		want    []Order
	}{
		{"a collector", []said{{200, counted.body, true}, counted, {502, "<html>", false}, {200, "<html>", false}, {401, "", false}, {200, counted.body, true}},
			[]Order{ByNumber, ByNumber, ByNumber, ByNumber, ByNumber, ByNumber}},
		{"a collector that fails first", []said{{503, "", true}, plain}, []Order{ByNumber, ByNumber}},
		{"a proxy first", []said{plain, {200, counted.body, true}, plain}, []Order{ByArrival, ByNumber, ByNumber}},
		{"a proxy that takes the header away", []said{counted, plain}, []Order{Unknown, Unknown}},
		{"another server", []said{plain, plain}, []Order{ByArrival, ByArrival}},
		{"nothing taken", []said{{400, "", false}, {204, "", false}, {200, `{"error":"x"}`, false}}, []Order{Unknown, Unknown, Unknown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				a := c.answers[at]
				if a.order {
					w.Header().Set(protocol.HeaderOrder, protocol.OrderSeq)
				}
				answering(a.status, a.body)(w, r)
			})
			h := open(t, s.URL)
			h.failing.Store(true) // one request in an attempt
			for i, want := range c.want {
				at = i
				h.failing.Store(true)
				_ = h.Send(t.Context(), three()) // its outcome is what other tests check
				if got := h.Order(); got != want {
					t.Errorf("after answer %d: order %d, want %d", i, got, want)
				}
			}
		})
	}
}

// A server that has counted lines does not suddenly stop: such an answer is not its own.
func TestA2xxThatCountsNothingIsNotACollectors(t *testing.T) {
	body := `{"data":{"accepted":3}}`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { answering(200, body)(w, r) })
	h := open(t, s.URL)
	if err := h.Send(t.Context(), three()); err != nil {
		t.Fatal(err)
	}
	body = `{"data":{}}`
	e := failure(t, h.Send(t.Context(), three()), Retry)
	if !strings.Contains(e.Message, "answered in its place") {
		t.Errorf("message %q", e.Message)
	}
	if h.Repository(t.Context()) != nil {
		t.Error("the repository check has no lines to count")
	}
}

func TestA2xxWithoutAJSONObjectIsSaidWithItsFirstWords(t *testing.T) {
	for body, want := range map[string]string{
		"": "status 200 (the answer is empty, and a JSON object is due): check the base URL and any proxy on the way",
		"<!DOCTYPE html>\n<html><head><style>p{}</style><title>Hotel\u00a0Wi-Fi</title></head><body onload=x()><p>Please <b>sign in</b> first</p>": "status 200 (the answer is a web page: Hotel Wi-Fi Please sign in first): check the base URL and any proxy on the way",
		"<html><script>var token = 1":      "status 200 (the answer is a web page without words): check the base URL and any proxy on the way",
		"OK\x00\x1b[31m":                   "status 200 (the answer is no JSON object: OK [31m): check the base URL and any proxy on the way",
		"null":                             "status 200 (the answer is no JSON object: null): check the base URL and any proxy on the way",
		strings.Repeat("word ", 100):       "status 200 (the answer is no JSON object: " + strings.Repeat("word ", 19) + "wo…): check the base URL and any proxy on the way",
		"see https://a:b@host/x?token=1":   "status 200 (the answer is no JSON object: see host/x): check the base URL and any proxy on the way",
		"key " + canaryKey:                 "status 200 (" + withheld + "): check the base URL and any proxy on the way",
		"<p>" + canaryBody + "</p><p>more": "status 200 (" + withheld + "): check the base URL and any proxy on the way",
	} {
		s := serve(t, answering(200, body))
		err := open(t, s.URL).Send(t.Context(), batch())
		failure(t, err, Misconfigured)
		if _, got, _ := strings.Cut(err.Error(), "/log: "); got != want {
			t.Errorf("%.40q:\n got %s\nwant %s", body, got, want)
		}
	}
}

// broken is a RoundTripper that does something else in place of a request.
type broken struct {
	does func()
	in   string // "request" or "answer"
}

// RoundTrip implements http.RoundTripper.
func (b broken) RoundTrip(*http.Request) (*http.Response, error) {
	if b.in == "request" {
		b.does()
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(readFunc(b.does))}, nil
}

type readFunc func()

// Read implements io.Reader.
func (f readFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// The body of the request must be released too: Send waits for that.
func TestARoundTripperThatPanicsOrEndsItsGoroutineIsAFailedAttempt(t *testing.T) {
	for name, does := range map[string]func(){
		"panic":  func() { panic(canaryBody) },
		"goexit": runtime.Goexit,
		"fatal":  func() { panic(errors.New("as a test that failed")) },
	} {
		for _, in := range []string{"request", "answer"} {
			t.Run(name+" in the "+in, func(t *testing.T) {
				h, err := New(Config{BaseURL: "http://127.0.0.1:1", RepositoryID: "repo", RoundTripper: broken{does, in}})
				if err != nil {
					t.Fatal(err)
				}
				h.failing.Store(true) // one request in an attempt
				err = h.Send(t.Context(), batch())
				failure(t, err, Retry)
				if !errors.Is(err, ErrRoundTripper) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}
