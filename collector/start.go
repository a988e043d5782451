package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Server is a Collector that is served on a port of this machine, for programs and
// tests that want one within their own process. Make one with Start.
type Server struct {
	*Collector
	url    string
	stop   context.CancelFunc
	served chan error // what Serve returned

	closing sync.Once
	failure error // of Close, written within closing
}

// Start opens or creates a collector and serves it on a free port of 127.0.0.1, as
// Serve does. Close it.
func Start(cfg Config) (*Server, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("collector: listening: %w", err), c.Close(ctx))
	}
	s := &Server{Collector: c, url: "http://" + listener.Addr().String(), stop: cancel, served: make(chan error, 1)}
	go func() { s.served <- c.Serve(ctx, listener) }()
	return s, nil
}

// URL returns the address for clients, such as http://127.0.0.1:40000.
func (s *Server) URL() string { return s.url }

// Close stops listening, waits for requests under way, for 20 seconds at most, and for
// what they stored to be folded, and closes the collector. Where ctx ends, it goes on
// to the next of these and returns the error of ctx; nothing acknowledged is lost. A
// second Close returns what the first one did.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.stop()
		var served error
		select {
		case served = <-s.served:
		case <-ctx.Done():
			served = ctx.Err()
		}
		s.failure = errors.Join(served, s.Settle(ctx), s.Collector.Close(ctx))
	})
	return s.failure
}
