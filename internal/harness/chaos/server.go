// Package chaos puts a failing network and a failing server in front of a good one: a
// Server passes requests on to any http.Handler, and refuses, resets, delays, breaks
// off or swallows some of them. It counts its faults, so that a test can compute exactly
// how often an entry has to arrive.
package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Ports are chosen below those that systems give to outgoing connections: while the
// server is down, no connection may get its port for its own, or even connect to itself.
const (
	firstPort = 18_000
	lastPort  = 31_999
	portTries = 50
)

// Server serves a handler on a port of 127.0.0.1, with faults. Make one with Start. Its
// methods may be called concurrently, but Up and Down not with each other.
type Server struct {
	inner http.Handler
	addr  string
	http  *http.Server  // owned by the caller of Up and Down; nil while the server is down
	done  chan struct{} // as http: closed when it has stopped serving

	mu    sync.Mutex
	rnd   *rand.Rand    // guarded by mu
	mix   Mix           // guarded by mu
	count Count         // guarded by mu
	gone  chan struct{} // guarded by mu; closed when the server goes down
}

// Count holds the counts of a Server.
type Count struct {
	Posts    int64 // requests with lines that came
	Answered int64 // of these, those that were processed and answered
	Lines    int64 // that were processed, each time they came
	// Unanswered is the number of lines that were processed without an answer: each of them has to
	// come once more.
	Unanswered int64
}

// Start serves a handler without faults. Close it with Down.
func Start(inner http.Handler, rnd *rand.Rand) (*Server, error) {
	s := &Server{inner: inner, rnd: rnd}
	var err error
	for range portTries {
		s.addr = fmt.Sprintf("127.0.0.1:%d", firstPort+rnd.IntN(lastPort-firstPort))
		if err = s.Up(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// URL returns the address for clients. It stays the same.
func (s *Server) URL() string { return "http://" + s.addr }

// Up lets clients connect; nothing if they can.
func (s *Server) Up() error {
	if s.http != nil {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	s.mu.Lock()
	s.gone = make(chan struct{})
	s.mu.Unlock()
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	s.http, s.done = server, make(chan struct{})
	done := s.done
	go func() {
		defer close(done)
		_ = server.Serve(listener) // Down ends it
	}()
	return nil
}

// Down closes the port and all connections, and returns when nobody can connect any
// more. Requests under way may still be processed.
func (s *Server) Down() {
	if s.http == nil {
		return
	}
	s.mu.Lock()
	close(s.gone)
	s.mu.Unlock()
	_ = s.http.Close() // of the listener, which is gone either way
	<-s.done
	s.http = nil
}

// Inject sets the faults of further requests.
func (s *Server) Inject(mix Mix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mix = mix
}

// Count returns the counts so far.
func (s *Server) Count() Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *Server) add(change func(*Count)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.count)
}

// draw chooses the fault of a request. The number is for its other random choices.
func (s *Server) draw() (fault Fault, chance float64, gone <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mix.draw(s.rnd), s.rnd.Float64(), s.gone
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, chance, gone := s.draw()
	isPost := r.Method == http.MethodPost
	if isPost {
		s.add(func(c *Count) { c.Posts++ })
	}
	if fault == ResetBefore {
		reset(w, "")
		return
	}
	if fault == Trickle {
		trickle(r.Body)
		reset(w, "")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	switch fault {
	case Refuse:
		status := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}[int(chance*3)]
		http.Error(w, "no", status)
		return
	case Throttle:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "later", http.StatusTooManyRequests)
		return
	case Stall:
		wait(r.Context(), time.Hour, gone)
		reset(w, "")
		return
	case Slow:
		wait(r.Context(), time.Duration(chance*float64(slowest)), gone)
	case Large:
		if isPost && bytes.IndexByte(body, '\n') >= 0 {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
	case Replay:
		s.pass(r, body)
	}
	if speak(w, fault) {
		return
	}
	answer := s.pass(r, body)
	lines := int64(0)
	if isPost && answer.status/100 == 2 {
		lines = int64(bytes.Count(body, []byte{'\n'}) + 1)
	}
	s.finish(w, fault, answer, lines)
}

// finish answers, or not, a request that was processed.
func (s *Server) finish(w http.ResponseWriter, fault Fault, answer *answer, lines int64) {
	unanswered := fault == ResetAfter || fault == HalfAnswer
	s.add(func(c *Count) {
		c.Lines += lines
		switch {
		case unanswered:
			c.Unanswered += lines
		case lines > 0:
			c.Answered++
		}
	})
	switch fault {
	case ResetAfter:
		reset(w, "")
	case Headless:
		for name := range answer.header {
			if strings.HasPrefix(name, "X-Troupe-") {
				answer.header.Del(name)
			}
		}
		answer.copyTo(w)
	case HalfAnswer:
		reset(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"data\":")
	default:
		answer.copyTo(w)
	}
}

// speak gives the answer of a fault that is nothing but an answer, and reports whether
// the fault is one.
func speak(w http.ResponseWriter, fault Fault) bool {
	answer, ok := said[fault]
	if !ok {
		return false
	}
	if answer.kind != "" {
		w.Header().Set("Content-Type", answer.kind)
	}
	if fault == LongWait {
		w.Header().Set("Retry-After", "1000000000")
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body) // the client may have gone
	return true
}

// pass gives a request to the handler.
func (s *Server) pass(r *http.Request, body []byte) *answer {
	inner := r.Clone(context.WithoutCancel(r.Context()))
	inner.Body = io.NopCloser(bytes.NewReader(body))
	a := &answer{header: http.Header{}}
	s.inner.ServeHTTP(a, inner)
	return a
}

// reset breaks the connection, after some bytes of an answer.
func reset(w http.ResponseWriter, part string) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(errors.Join(http.ErrAbortHandler, err))
	}
	defer conn.Close()
	if part != "" {
		_, _ = buffered.WriteString(part) // the client may have gone
		_ = buffered.Flush()
		return // an end in the middle; a reset could take the bytes away
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that Close sends a reset
	}
}

// trickle reads slowly until the client goes away.
func trickle(body io.Reader) {
	for part := make([]byte, 1<<10); ; time.Sleep(10 * time.Millisecond) {
		if _, err := io.ReadFull(body, part); err != nil {
			return
		}
	}
}

// wait waits until the client or the server goes away.
func wait(ctx context.Context, d time.Duration, gone <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-gone:
	}
}
