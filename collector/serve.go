package collector

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
	"sync"
	"time"
)

// Limits of the server that Serve runs.
const (
	headerTime     = 5 * time.Second  // to send the header of a request
	readTime       = 30 * time.Second // to send a request; uploads have longer
	writeTime      = 60 * time.Second // to take an answer
	idleTime       = 75 * time.Second // between two requests of a connection: longer than load balancers keep one, 60 s
	maxHeader      = 32 << 10         // bytes
	maxConnections = 1024             // further ones wait to be accepted
	shutdownTime   = 20 * time.Second // for requests under way when the server stops
)

// ErrNoKey is returned by Serve when other machines could connect and no API key
// is set.
var ErrNoKey = errors.New("collector: without an API key only this machine may connect: set Config.APIKey, or listen on 127.0.0.1")

// Serve answers requests from a listener, with limits that keep slow and greedy
// clients from harming others, until ctx ends. From then on /readyz says that the
// collector is not ready; after Config.Drain it stops listening, gives requests under way
// 20 seconds, and returns nil. Readers that follow live are cut off at once then. It closes
// the listener, not the collector. It speaks HTTP/1.1, over TLS with Config.TLS.
//
// On a loopback address, requests must name this machine or the host of Config.PublicURL
// in their Host header: no web page can reach the collector by a name of its own. Only
// /healthz and /readyz are answered whatever the name.
func (c *Collector) Serve(ctx context.Context, listener net.Listener) error {
	tcp, isTCP := listener.Addr().(*net.TCPAddr)
	loopback := isTCP && tcp.IP.IsLoopback()
	if isTCP && !loopback && !c.guard.keyed {
		return errors.Join(ErrNoKey, listener.Close())
	}
	server := &http.Server{
		Handler:           c.handlerFor(loopback),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(c.logger.Handler(), slog.LevelWarn),
	}
	c.serving.Store(listener.Addr().String())
	connections := limitListener(listener, maxConnections)
	if c.tls != nil {
		connections = tls.NewListener(connections, c.tls)
	}
	c.viewer.Follow(true)
	served := make(chan error, 1)
	go func() { served <- server.Serve(connections) }()
	select {
	case err := <-served:
		return fmt.Errorf("collector: serving %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	c.readiness.set("draining", "the collector is about to stop")
	defer c.readiness.set("draining", "")
	draining := time.NewTimer(c.drain)
	defer draining.Stop()
	select {
	case err := <-served:
		return fmt.Errorf("collector: serving %s: %w", listener.Addr(), err)
	case <-draining.C:
	}
	c.viewer.Follow(false) // what follows would never end
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if server.Shutdown(patience) != nil {
		server.Close() //nolint:errcheck // the listener is closed already
	}
	<-served //nolint:errcheck // http.ErrServerClosed
	return nil
}

var errHost = &Error{"forbidden", "the Host header must name this machine, as in http://localhost, or the host of the public URL (troupe serve --public-url)"}

func (c *Collector) handlerFor(loopback bool) http.Handler {
	if !loopback {
		return c
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := c.guard.proxies.strip(r.URL).Path
		if !namesThisMachine(r.Host) && !c.guard.proxies.named(r.Host) && path != "/healthz" && path != "/readyz" {
			c.fail(w, r, errHost)
			return
		}
		c.ServeHTTP(w, r)
	})
}

// namesThisMachine reports whether a Host header is localhost or a loopback
// address, with or without a port.
func namesThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// limited is a listener that lets a bounded number of connections be open.
type limited struct {
	net.Listener
	slots  chan struct{} // one element for each open connection
	closed chan struct{}
	once   sync.Once
}

func limitListener(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	release func()
}

// CloseWrite is what net/http and crypto/tls look for, to end an answer before the
// connection is closed.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
