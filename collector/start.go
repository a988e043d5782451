package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Server is a Collector that listens on a port of this machine, for programs and tests that
// need one in their own process. Make one with Start.
type Server struct {
	*Collector
	url    string
	stop   context.CancelFunc
	served chan error // the result of Serve

	closing sync.Once
	failure error // of Close, written within closing
}

// Start opens or creates a collector and serves it on a free port of 127.0.0.1, as Serve
// does. Close it.
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

// Close stops listening, waits up to 20 seconds for requests under way and then until their
// lines are indexed, and closes the collector. If ctx ends, Close proceeds to the next of
// these steps and returns the error of ctx; no acknowledged line is lost. A second Close
// returns the result of the first.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.stop()
		var served error
		select {
		case served = <-s.served:
		case <-ctx.Done():
			served = ctx.Err()
		}
		s.failure = errors.Join(served, s.WaitIndexed(ctx), s.Collector.Close(ctx))
	})
	return s.failure
}
