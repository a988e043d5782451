package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

const created = `trace{id=t1,action=create,data={"tags": {}, "startTimestamp": "2024-01-02T03:04:05.678901+00:00"}}`
const ended = `trace{id=t1,action=end,data={"endTimestamp":"2024-01-02T03:04:06.678Z"}}`

func TestLinesAreStoredAsSent(t *testing.T) {
	s := start(t, collector.Config{})
	odd := "trace{id=x,action=update,data={\"input\":\"\xff\u2028<&>\"}}"
	equal(t, collector.Ingested{Accepted: 2}, s.post("r", created+"\n"+ended))      // as from Python
	equal(t, collector.Ingested{Accepted: 2}, s.post("r", created+"\n"+ended+"\n")) // as from JavaScript
	equal(t, collector.Ingested{Accepted: 1}, s.post("r", odd, "Content-Type", "application/json"))
	equal(t, collector.Ingested{}, s.post("r", ""))
	equal(t, []string{created, ended, created, ended, odd}, s.lines("r"))
	equal(t, []string{}, s.lines("other"))
}

func TestAnswerHasDataAndNoError(t *testing.T) {
	s := start(t, collector.Config{})
	_, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader(created+"\nmalformed"))
	var answer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	if answer["data"] == nil || answer["error"] != nil {
		t.Errorf("the answer is %s", text)
	}
}

func TestMalformedLinesAreToldOneByOne(t *testing.T) {
	s := start(t, collector.Config{})
	long := `trace{id=l,action=update,data={"input":"` + strings.Repeat("x", protocol.MaxLine) + `"}}`
	got := s.post("r", strings.Join([]string{created, "nonsense", "", ended, `trace{id=t,action=end,data={"a":}}`, long}, "\n"))
	want := collector.Ingested{Accepted: 2, Refused: 3, Rejected: []collector.Rejected{
		{Line: 1, Reason: `malformed log line at byte 8: "{id=" was expected behind the entity name`},
		{Line: 3, Reason: "malformed log line at byte 32: a JSON value was expected"},
		{Line: 4, Reason: "the line is longer than 8388608 bytes"},
	}}
	equal(t, want, got)
	equal(t, []string{created, ended}, s.lines("r"))
	var repos collector.Page[collector.Repository]
	s.get("/api/v1/repositories", &repos)
	equal(t, []collector.Repository{{ID: "r", Lines: 2, Refused: 3}}, repos.Data)
}

func TestEveryMalformedLineIsListed(t *testing.T) {
	s := start(t, collector.Config{})
	const lines = 20_000
	got := s.post("r", strings.Repeat("x\n\n", lines)+created)
	equal(t, []int{1, lines, lines}, []int{got.Accepted, got.Refused, len(got.Rejected)})
	for i, r := range got.Rejected {
		if r.Line != i || r.Reason == "" {
			t.Fatalf("entry %d of the list is line %d, reason %q", i, r.Line, r.Reason)
		}
	}
}

// A body of 32 MiB can hold 16 million lines; its answer is no longer than a body may be.
func TestMillionsOfMalformedLinesGetABoundedAnswer(t *testing.T) {
	s := start(t, collector.Config{})
	const lines = 1_000_000
	status, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader(strings.Repeat("x\n", lines)))
	var answer struct{ Data collector.Ingested }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v", status, err)
	}
	if len(text) > protocol.MaxBody || answer.Data.Refused != lines || len(answer.Data.Rejected) == lines {
		t.Errorf("the answer has %d bytes, counts %d refused lines and lists %d", len(text), answer.Data.Refused, len(answer.Data.Rejected))
	}
}

// Whatever a body holds, the counts of the answer add up to its lines, also when it comes
// again: a client takes anything else for no delivery.
func TestTheCountsOfAnAnswerAddUpToTheLines(t *testing.T) {
	s := start(t, collector.Config{})
	const spool = "000102030405060708090a0b0c0d0e0f"
	body := strings.Join([]string{created, "nonsense", "", ended, "\r", "more nonsense", ended + "\r"}, "\n")
	for _, first := range []string{"1", "1", "3", "1"} {
		got := s.post("r", body, protocol.HeaderProducer, spool, protocol.HeaderSeq, first)
		if got.Accepted+got.Duplicates+got.Refused != 5 || len(got.Rejected) != 2 {
			t.Errorf("from %s: %+v", first, got)
		}
	}
}

func TestNumberedLinesAreStoredOnce(t *testing.T) {
	s := start(t, collector.Config{})
	const spool = "000102030405060708090a0b0c0d0e0f"
	lines := make([]string, 10)
	for i := range lines {
		lines[i] = fmt.Sprintf("trace{id=t%d,action=create,data={}}", i)
	}
	send := func(first, end int) collector.Ingested {
		return s.post("r", strings.Join(lines[first-1:end], "\n"),
			protocol.HeaderProducer, spool, protocol.HeaderSeq, fmt.Sprint(first))
	}
	equal(t, collector.Ingested{Accepted: 4}, send(1, 4))
	equal(t, collector.Ingested{Accepted: 2, Duplicates: 2}, send(3, 6))
	equal(t, collector.Ingested{Accepted: 1}, send(10, 10))
	equal(t, collector.Ingested{Accepted: 3, Duplicates: 7}, send(1, 10))
	equal(t, slices.Concat(lines[:6], lines[9:], lines[6:9]), s.lines("r"))
}

func TestWrongSenderHeadersAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	const spool = "000102030405060708090a0b0c0d0e0f"
	for _, headers := range [][]string{
		{protocol.HeaderProducer, spool}, {protocol.HeaderSeq, "1"},
		{protocol.HeaderProducer, spool[1:], protocol.HeaderSeq, "1"},
		{protocol.HeaderProducer, strings.Repeat("0", 32), protocol.HeaderSeq, "1"},
		{protocol.HeaderProducer, spool, protocol.HeaderSeq, "0"},
		{protocol.HeaderProducer, spool, protocol.HeaderSeq, "-1"},
		{protocol.HeaderProducer, spool, protocol.HeaderSeq, "9223372036854775807"},
	} {
		status, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader(created), headers...)
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
	equal(t, []string{}, s.lines("r"))
}

func zipped(t *testing.T, text io.Reader) *bytes.Buffer {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := io.Copy(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

func TestBodiesMayBeGzipped(t *testing.T) {
	s := start(t, collector.Config{})
	equal(t, collector.Ingested{Accepted: 2}, s.post("r", zipped(t, strings.NewReader(created+"\n"+ended)).String(), "Content-Encoding", "gzip"))
	equal(t, []string{created, ended}, s.lines("r"))
	status, text := s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader("no gzip"), "Content-Encoding", "gzip")
	s.wantError(status, text, http.StatusBadRequest, "bad_request")
	status, text = s.do("POST", "/api/sdk/v3/log?id=r", strings.NewReader("x"), "Content-Encoding", "br")
	s.wantError(status, text, http.StatusUnsupportedMediaType, "unsupported")
}

// endless is an endless run of one byte.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestTooLargeBodiesAreRefused(t *testing.T) {
	s := start(t, collector.Config{})
	bomb := zipped(t, io.LimitReader(endless('x'), protocol.MaxDecodedBody+1))
	status, text := s.do("POST", "/api/sdk/v3/log?id=r", bomb, "Content-Encoding", "gzip")
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
	// Without a length beforehand.
	status, text = s.do("POST", "/api/sdk/v3/log?id=r", io.LimitReader(endless('x'), protocol.MaxBody+1))
	s.wantError(status, text, http.StatusRequestEntityTooLarge, "too_large")
	// A body of the largest size that an SDK is known to send by mistake is taken.
	large := `trace{id=t,action=update,data={"input":"` + strings.Repeat("x", 7_100_000) + `"}}`
	equal(t, collector.Ingested{Accepted: 1}, s.post("r", large))
}

func TestRepositoryIsRequired(t *testing.T) {
	s := start(t, collector.Config{})
	for _, path := range []string{"/api/sdk/v3/log", "/api/sdk/v3/log?id=", "/api/sdk/v3/log?id=" + strings.Repeat("r", 300)} {
		status, text := s.do("POST", path, strings.NewReader(created))
		s.wantError(status, text, http.StatusBadRequest, "bad_request")
	}
}

func TestUnescapedRepositoriesOfSDKs(t *testing.T) {
	s := start(t, collector.Config{})
	if status, text := s.do("POST", "/api/sdk/v3/log?id=my%20repo&x=1/%C3%A9", strings.NewReader(created)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	if status, text := s.do("POST", "/api/sdk/v3/log?id=a/b+c;d", strings.NewReader(ended)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	equal(t, []string{created}, s.lines("my repo"))
	equal(t, []string{ended}, s.lines("a/b+c;d"))
}

func TestKeyIsRequired(t *testing.T) {
	s := start(t, collector.Config{APIKey: "right"})
	equal(t, collector.Ingested{Accepted: 1}, s.post("r", created))
	s.key = "wrong"
	for _, request := range []string{
		"POST /api/sdk/v3/log?id=r", "GET /api/sdk/v3/log-repositories?loggerId=r",
		"GET /api/sdk/v1/log-repositories/attachments/upload-url?key=r/a&mimeType=b/c&size=1",
		"POST /api/sdk/v1/log-repositories/check-attach-evaluators", "GET /api/v1/repositories",
		"GET /api/v1/repositories/r/stats", "GET /api/v1/repositories/r/sessions", "GET /api/v1/repositories/r/sessions/s",
		"GET /api/v1/repositories/r/traces", "GET /api/v1/repositories/r/traces/t1", "GET /api/v1/repositories/r/lines",
		"GET /api/v1/repositories/r/attachments?key=r/a",
	} {
		method, path, _ := strings.Cut(request, " ")
		status, text := s.do(method, path, nil)
		s.wantError(status, text, http.StatusUnauthorized, "unauthorized")
	}
	if status, _ := s.do("GET", "/api/v1/repositories", nil, "Authorization", "Bearer right", "x-maxim-api-key", ""); status != http.StatusOK {
		t.Errorf("status %d with the key as bearer token", status)
	}
	if status, _ := s.do("GET", "/healthz", nil); status != http.StatusOK {
		t.Errorf("status %d of /healthz without the key", status)
	}
}

func TestStartupRequestsOfSDKs(t *testing.T) {
	s := start(t, collector.Config{})
	for _, request := range []string{"GET /api/sdk/v3/log-repositories?loggerId=r", "POST /api/sdk/v1/log-repositories/check-attach-evaluators"} {
		method, path, _ := strings.Cut(request, " ")
		status, text := s.do(method, path, strings.NewReader(`{"repoId":"r","evaluatorNames":["bias"]}`))
		var answer map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK || answer["data"] == nil || answer["error"] != nil {
			t.Errorf("%s: status %d, %s", request, status, text)
		}
	}
	status, text := s.do("GET", "/nowhere", nil)
	s.wantError(status, text, http.StatusNotFound, "not_found")
}
