// Package sink is the server that all clients of the benchmark send to: it reads, it
// counts complete arrivals, and it answers 200.
package sink

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Paths of the sink itself, beside the paths of the protocols.
const (
	statsPath   = "/stats"
	resetPath   = "/reset"
	latencyPath = "/latency"

	uploadPath = "/upload"
)

// Stats counts the arrivals since the last reset. Only requests whose body was read to
// its end and understood are counted.
type Stats struct {
	Lines    int64 `json:"lines"`    // of the Maxim log protocol
	Spans    int64 `json:"spans"`    // of OTLP
	Events   int64 `json:"events"`   // of PostHog
	Requests int64 `json:"requests"` // that carried any of these, and uploads
	Bytes    int64 `json:"bytes"`    // of their bodies, as sent; uploads included
}

// Entries is the sum of lines, spans and events.
func (s Stats) Entries() int64 { return s.Lines + s.Spans + s.Events }

// Sink is an http.Handler. Make it with New.
type Sink struct {
	mux                                    *http.ServeMux
	lines, spans, events, requests, volume atomic.Int64
	latency                                atomic.Int64 // nanoseconds before an answer
	bodies                                 sync.Pool    // of *bytes.Buffer
}

// New returns a sink without entries or latency.
func New() *Sink {
	s := &Sink{mux: http.NewServeMux(), bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	s.mux.HandleFunc("POST /api/sdk/v3/log", s.take(&s.lines, "application/json", `{"data":{}}`, countLines))
	s.mux.HandleFunc("POST /v1/traces", s.take(&s.spans, "application/x-protobuf", "", countSpans))
	s.mux.HandleFunc("POST /batch/", s.take(&s.events, "application/json", `{"status":1}`, countEvents))
	s.mux.HandleFunc("GET "+statsPath, s.stats)
	s.mux.HandleFunc("POST "+resetPath, s.reset)
	s.mux.HandleFunc("POST "+latencyPath, s.delay)
	// Lines of about 1 MB are uploaded: the sink says where to, and takes them. A short
	// line in the log refers to each.
	s.mux.HandleFunc("GET /api/sdk/v1/log-repositories/attachments/upload-url", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "application/json", `{"data":{"url":"http://`+r.Host+uploadPath+`"}}`)
	})
	s.mux.HandleFunc("PUT "+uploadPath, s.take(new(atomic.Int64), "text/plain", "", countNone))
	// Whatever else a client asks for before it starts: whether its repository exists.
	s.mux.HandleFunc("GET /api/", func(w http.ResponseWriter, _ *http.Request) { answer(w, "application/json", `{"data":{}}`) })
	return s
}

// ServeHTTP implements http.Handler.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// take returns the handler of one protocol, given its counter, its way to count, and its
// answer.
func (s *Sink) take(total *atomic.Int64, kind, text string, count func([]byte) (int64, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := s.bodies.Get().(*bytes.Buffer)
		defer s.bodies.Put(body)
		sent, err := read(body, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		n, err := count(body.Bytes())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		total.Add(n)
		s.requests.Add(1)
		s.volume.Add(sent)
		if d := time.Duration(s.latency.Load()); d > 0 {
			time.Sleep(d)
		}
		answer(w, kind, text)
	}
}

// read fills body with the whole, uncompressed body of a request and returns how many
// bytes of it were sent.
func read(body *bytes.Buffer, r *http.Request) (sent int64, err error) {
	body.Reset()
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	from := &counted{Reader: r.Body}
	var plain io.Reader = from
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		if plain, err = gzip.NewReader(from); err != nil {
			return 0, fmt.Errorf("sink: the body is not gzip: %w", err)
		}
	}
	if _, err := body.ReadFrom(plain); err != nil {
		return 0, fmt.Errorf("sink: the body ended early: %w", err)
	}
	return from.n, nil
}

// counted counts the bytes that are read through it.
type counted struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func answer(w http.ResponseWriter, kind, text string) {
	w.Header().Set("Content-Type", kind)
	io.WriteString(w, text) //nolint:gosec // no browser reads it
}

func (s *Sink) stats(w http.ResponseWriter, _ *http.Request) {
	text, err := json.Marshal(Stats{
		Lines: s.lines.Load(), Spans: s.spans.Load(), Events: s.events.Load(), Requests: s.requests.Load(), Bytes: s.volume.Load(),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, "application/json", string(text))
}

// reset sets the counts to zero.
func (s *Sink) reset(w http.ResponseWriter, _ *http.Request) {
	for _, n := range []*atomic.Int64{&s.lines, &s.spans, &s.events, &s.requests, &s.volume} {
		n.Store(0)
	}
	answer(w, "text/plain", "")
}

// delay takes the latency from the query.
func (s *Sink) delay(w http.ResponseWriter, r *http.Request) {
	latency, err := time.ParseDuration(r.FormValue("latency"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.latency.Store(int64(latency))
	answer(w, "text/plain", "")
}
