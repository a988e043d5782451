package llm_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/llm"
	"github.com/troupelog/troupe/logger"
)

// BenchmarkFirstByte measures how long a caller waits for the first byte of a stream from
// a local server, with and without the interceptor, call by call in turn. It reports the
// medians, in microseconds, and what the interceptor adds.
func BenchmarkFirstByte(b *testing.B) {
	server := httptest.NewServer(streams(eventsKind, sse(
		`{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}`,
		`{"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}`, `[DONE]`)...))
	defer server.Close()
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	log, err := logger.New(logger.Config{ID: "bench", BaseURL: "http://127.0.0.1", Durability: logger.MemoryOnly, Transport: accepts{}})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close(b.Context())
	ctx, trace := logger.StartTrace(logger.NewContext(b.Context(), log), logger.TraceConfig{})
	defer trace.End()
	body := `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 400) + `"}]}`
	clients := []*http.Client{{Transport: connections}, {Transport: llm.Transport(connections, llm.Options{})}}
	took := make([][]time.Duration, len(clients))
	first := make([]byte, 1)
	for b.Loop() {
		for i, client := range clients {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/chat/completions", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, first); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(start))
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	median := func(all []time.Duration) float64 {
		slices.Sort(all)
		return float64(all[len(all)/2].Nanoseconds()) / 1000
	}
	plain, logged := median(took[0]), median(took[1])
	b.ReportMetric(plain, "µs-without")
	b.ReportMetric(logged, "µs-with")
	b.ReportMetric(logged-plain, "µs-added")
}

// accepts is a server that takes everything.
type accepts struct{}

func (accepts) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}
