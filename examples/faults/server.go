package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// faulty is a handler in front of a collector that makes log requests fail.
type faulty struct {
	collector http.Handler
	state     atomic.Int32

	refused, reset, lost atomic.Int64 // requests, by their outcome
}

// The states of a faulty server, in the order in which it goes through them.
const (
	healthy   int32 = iota
	refusing        // answers 503, once
	resetting       // resets every connection, until it is repaired
	losing          // stores lines and resets the connection before it answers, once
)

func newFaulty(collector http.Handler) *faulty { return &faulty{collector: collector} }

func (f *faulty) fail()   { f.state.Store(refusing) }
func (f *faulty) repair() { f.state.Store(losing) }

// ServeHTTP implements http.Handler.
func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		f.collector.ServeHTTP(w, r)
		return
	}
	switch {
	case f.state.CompareAndSwap(refusing, resetting):
		f.refused.Add(1)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "out for lunch", http.StatusServiceUnavailable)
	case f.state.Load() == resetting:
		f.reset.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // so that the client waits for the answer
		hangUp(w)
	case f.state.CompareAndSwap(losing, healthy):
		f.lost.Add(1)
		f.collector.ServeHTTP(unheard{}, r)
		hangUp(w)
	default:
		f.collector.ServeHTTP(w, r)
	}
}

// hangUp ends a connection with a TCP reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends it as well, if not as rudely
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // if it fails, the connection is closed in the ordinary way
	}
	conn.Close()
}

// unheard is an answer that nobody gets.
type unheard struct{}

// Header implements http.ResponseWriter.
func (unheard) Header() http.Header { return http.Header{} }

// Write implements http.ResponseWriter.
func (unheard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (unheard) WriteHeader(int) {}
