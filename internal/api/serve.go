package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Limits of the HTTP server that Serve runs.
const (
	headerTime     = 5 * time.Second  // to send the header of a request
	readTime       = 30 * time.Second // to send a request; uploads get uploadTime
	writeTime      = 60 * time.Second // to receive an answer
	idleTime       = 75 * time.Second // between two requests of a connection; load balancers keep one for 60 s
	maxHeader      = 32 << 10         // bytes
	maxConnections = 1024             // more connections wait to be accepted
	shutdownTime   = 20 * time.Second // for requests under way when the server stops
)

// ErrNoKey is returned by Serve if other machines can connect and there is no API key.
var ErrNoKey = errors.New("collector: without an API key only this machine may connect: set Config.APIKey, or listen on 127.0.0.1")

// Serve answers requests from a listener until ctx ends, with limits that keep slow and
// greedy clients from harming others. collector.Collector.Serve documents it.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	tcp, isTCP := listener.Addr().(*net.TCPAddr)
	loopback := isTCP && tcp.IP.IsLoopback()
	// A forgotten key must not open the data to the network. Other listeners, such as Unix
	// sockets, have their own access rules.
	if isTCP && !loopback && !s.guard.keyed {
		return errors.Join(ErrNoKey, listener.Close())
	}
	server := &http.Server{
		Handler:           s.handlerFor(loopback),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	s.announce(listener.Addr().String())
	// The limit is below TLS: handshakes count too.
	connections := limitListener(listener, maxConnections)
	if s.tls != nil {
		connections = tls.NewListener(connections, s.tls)
	}
	s.pages.Follow(true)
	served := make(chan error, 1)
	go func() { served <- server.Serve(connections) }()
	select {
	// The listener failed. Nobody asked the server to stop.
	case err := <-served:
		return fmt.Errorf("collector: serving %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	return s.shutDown(ctx, server, listener, served)
}

// shutDown stops a server in the order that loses no request: first not ready, so that load
// balancers turn away; after the drain time, no more connections and no live streams; then up
// to shutdownTime for the requests under way.
func (s *Server) shutDown(ctx context.Context, server *http.Server, listener net.Listener, served <-chan error) error {
	s.service.SetUnready("draining", "the collector is about to stop")
	defer s.service.SetUnready("draining", "")
	draining := time.NewTimer(s.drain)
	defer draining.Stop()
	select {
	case err := <-served:
		return fmt.Errorf("collector: serving %s: %w", listener.Addr(), err)
	case <-draining.C:
	}
	// Shutdown waits for requests under way, and live streams would never end.
	s.pages.Follow(false)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if server.Shutdown(patience) != nil {
		server.Close() //nolint:errcheck // the listener is closed already
	}
	<-served //nolint:errcheck // http.ErrServerClosed
	return nil
}

var errHost = &Error{"forbidden", "the Host header must name this machine, as in http://localhost, or the host of the public URL (troupe serve --public-url)"}

// handlerFor returns the handler for a listener. On a loopback address it refuses Host headers
// with other names, so that no web page can reach the collector through DNS rebinding.
func (s *Server) handlerFor(loopback bool) http.Handler {
	if !loopback {
		return s
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := s.guard.proxies.strip(r.URL).Path
		if !namesThisMachine(r.Host) && !s.guard.proxies.named(r.Host) && path != "/healthz" && path != "/readyz" {
			s.fail(w, r, errHost)
			return
		}
		s.ServeHTTP(w, r)
	})
}

// namesThisMachine reports whether a Host header is localhost or a loopback address, with or
// without a port.
func namesThisMachine(host string) bool {
	// Any port counts: a tunnel may lead from another one to this listener.
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
