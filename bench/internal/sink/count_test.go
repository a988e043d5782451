package sink_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/troupelog/troupe/bench/internal/sink"
)

// request is an OTLP trace request with a resource that has fields of its own, and a
// scope for each number of spans.
func request(spans ...int) []byte {
	resource := field(nil, 1, []byte("\x12\x04attr"))
	for _, n := range spans {
		scope := field(nil, 1, []byte("scope"))
		for range n {
			scope = field(scope, 2, []byte("\x0a\x10sixteen bytes id"))
		}
		resource = field(resource, 2, scope)
	}
	return field(nil, 1, resource)
}

func field(to []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), content)
}

// count gives a body to a fresh sink, without a network.
func count(path string, body []byte) (status int, s sink.Stats, err error) {
	handler := sink.New()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	stats := httptest.NewRecorder()
	handler.ServeHTTP(stats, httptest.NewRequest(http.MethodGet, "/stats", nil))
	err = json.Unmarshal(stats.Body.Bytes(), &s)
	return answer.Code, s, err
}

func TestEventsAreCountedAsJSONHasThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		nested := rapid.MapOf(text, rapid.SliceOf(rapid.MapOf(text, text)))
		batch := rapid.SliceOf(rapid.MapOf(text, nested)).Draw(t, "batch")
		body, err := json.Marshal(map[string]any{"api_key": text.Draw(t, "key"), "batch": batch})
		if err != nil {
			t.Fatal(err)
		}
		status, s, err := count("/batch/", body)
		if err != nil || status != http.StatusOK || s.Events != int64(len(batch)) {
			t.Errorf("status %d, %d events, %v; want %d", status, s.Events, err, len(batch))
		}
	})
}

func FuzzBodies(f *testing.F) {
	f.Add(request(1, 2))
	f.Add([]byte(`{"batch":[{"a":"\\\""}]}`))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/v1/traces", "/batch/", "/api/sdk/v3/log"} {
			status, s, err := count(path, body)
			if err != nil {
				t.Fatal(err)
			}
			if entries := s.Entries(); status != http.StatusOK && s != (sink.Stats{}) || entries < 0 || entries > int64(len(body)) {
				t.Errorf("%s: status %d and %+v of %d bytes", path, status, s, len(body))
			}
		}
	})
}
