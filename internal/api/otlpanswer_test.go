package api_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/protocol"
)

const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// exchange sends an OTLP request and returns the answer with its body.
func (s *server) exchange(path, contentType, encoding string, body io.Reader, headers ...string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+path, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	r.Header.Set("x-maxim-api-key", s.key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer, string(text)
}

// protoOf returns a request with spans of a name, made by the code that the specification
// generates.
func protoOf(t *testing.T, service string, names ...string) []byte {
	t.Helper()
	trace, err := hex.DecodeString(otlpTrace)
	if err != nil {
		t.Fatal(err)
	}
	var spans []*tracepb.Span
	for i, name := range names {
		s := &tracepb.Span{
			TraceId: trace, SpanId: []byte{7: byte(i + 1)}, Name: name,
			StartTimeUnixNano: 1_700_000_000_000_000_000, EndTimeUnixNano: 1_700_000_001_000_000_000,
		}
		if i > 0 {
			s.ParentSpanId = []byte{7: 1}
		}
		if name == "" {
			s.SpanId = nil
		}
		spans = append(spans, s)
	}
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{
			Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: service}},
		}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestOTLPInProtobuf(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{APIKey: "key"})
	for _, encoding := range []string{"", "gzip"} {
		service := "shop" + encoding
		body := io.Reader(bytes.NewReader(protoOf(t, service, "root", "child")))
		if encoding == "gzip" {
			body = zipped(t, body)
		}
		answer, text := s.exchange("/v1/traces", protobufType, encoding, body)
		if answer.StatusCode != http.StatusOK || text != "" || answer.Header.Get("Content-Type") != protobufType {
			t.Fatalf("%d %q %v", answer.StatusCode, text, answer.Header)
		}
		if diff := cmp.Diff("trace root\n  span root\n    span child\n", outline(s.otlpTree(service, otlpTrace), 0)); diff != "" {
			t.Error(diff)
		}
	}
}

// The repository is that of the parameter, that of the header, or the service.
func TestOTLPRepository(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{})
	for _, c := range []struct{ path, header, want string }{
		{"/v1/traces?id=by-parameter", "other", "by-parameter"},
		{"/v1/traces", "by-header", "by-header"},
		{"/v1/traces", "", "by-service"},
	} {
		answer, text := s.exchange(c.path, protobufType, "", bytes.NewReader(protoOf(t, "by-service", "root")), protocol.HeaderRepository, c.header)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %q", answer.StatusCode, text)
		}
		if n := s.otlpTree(c.want, otlpTrace); n.Name != "root" {
			t.Errorf("%s has %q", c.want, n.Name)
		}
	}
}

// Where single spans are bad, the others are stored, and the answer says how many are not.
func TestOTLPPartialSuccess(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{})
	body := strings.Replace(otlpRequest("shop", agentSpans()...), `"spanId":"0000000000000005"`, `"spanId":"05"`, 1)
	answer, text := s.exchange("/v1/traces", jsonType, "", strings.NewReader(body))
	var partial struct {
		PartialSuccess struct{ RejectedSpans, ErrorMessage string }
	}
	if err := json.Unmarshal([]byte(text), &partial); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", answer.StatusCode, text, err)
	}
	if partial.PartialSuccess.RejectedSpans != "1" || partial.PartialSuccess.ErrorMessage == "" {
		t.Errorf("answer %s", text)
	}
	want := strings.Replace(agentOutline, "    retrieval retrieve\n", "", 1)
	if diff := cmp.Diff(want, outline(s.otlpTree("shop", otlpTrace), 0)); diff != "" {
		t.Error(diff)
	}
}

// What fails is answered with a google.rpc.Status in the format of the request.
func TestOTLPFailures(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{})
	good := string(protoOf(t, "shop", "root"))
	for name, c := range map[string]struct {
		contentType, encoding, body, path string
		status                            int
	}{
		"malformed protobuf": {protobufType, "", "hello", "", 400},
		"malformed json":     {jsonType, "", `{"resourceSpans":[`, "", 400},
		"json as protobuf":   {protobufType, "", `{"resourceSpans":[]}`, "", 400},
		"not gzip":           {protobufType, "gzip", good, "", 400},
		"other encoding":     {protobufType, "br", good, "", 415},
		"other type":         {"text/plain", "", good, "", 415},
		"no type":            {"", "", good, "", 415},
		"too large":          {jsonType, "", strings.Repeat(" ", protocol.MaxBody+1), "", 413},
		"zip bomb":           {jsonType, "gzip", zipped(t, strings.NewReader(strings.Repeat(" ", protocol.MaxDecodedBody+1))).String(), "", 413},
		"long repository":    {protobufType, "", good, "?id=" + strings.Repeat("r", 257), 400},
	} {
		answer, text := s.exchange("/v1/traces"+c.path, c.contentType, c.encoding, strings.NewReader(c.body))
		wantType := c.contentType
		if wantType != protobufType {
			wantType = jsonType
		}
		if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != wantType || answer.Header.Get("Retry-After") != "" {
			t.Errorf("%s: %d %q %v", name, answer.StatusCode, text, answer.Header)
		}
		if wantType == jsonType && !strings.HasPrefix(text, `{"code":3,"message":"`) || wantType == protobufType && !strings.HasPrefix(text, "\x08\x03\x12") {
			t.Errorf("%s: answer %q", name, text)
		}
	}
	if answer, text := s.exchange("/v1/traces", jsonType, "", strings.NewReader("{}")); answer.StatusCode != http.StatusOK || text != "{}" {
		t.Errorf("empty request: %d %q", answer.StatusCode, text)
	}
}

func TestOTLPNeedsTheKey(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{APIKey: "key"})
	s.key = "wrong"
	answer, text := s.exchange("/v1/traces", protobufType, "", bytes.NewReader(protoOf(t, "shop", "root")))
	s.wantError(answer.StatusCode, text, http.StatusUnauthorized, "unauthorized")
	s.key = "key"
	var repositories collector.Page[collector.Repository]
	s.get("/api/v1/repositories", &repositories)
	if len(repositories.Data) != 0 {
		t.Errorf("stored in %v", repositories.Data)
	}
	answer, text = s.exchange("/v1/traces", protobufType, "", bytes.NewReader(protoOf(t, "shop", "root")), "x-maxim-api-key", "", "Authorization", "Bearer key")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%d %q", answer.StatusCode, text)
	}
}

// What cannot be stored now is to be sent again, as OTLP says it.
func TestOTLPUnavailable(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{})
	if err := s.Collector.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer, text := s.exchange("/v1/traces", protobufType, "", bytes.NewReader(protoOf(t, "shop", "root")))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" || !strings.HasPrefix(text, "\x08\x0e") {
		t.Errorf("%d %q %v", answer.StatusCode, text, answer.Header)
	}
}

// What came as spans is found by its words, like everything else.
func TestOTLPIsSearched(t *testing.T) {
	t.Parallel()
	s := start(t, collector.Config{})
	s.postOTLP(otlpRequest("shop", agentSpans()...))
	if err := s.WaitSearchable(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, text := s.do("GET", "/api/v1/repositories/shop/search?q=paris", nil)
	if status != http.StatusOK || !strings.Contains(text, otlpTrace) {
		t.Errorf("%d %s", status, text)
	}
}
