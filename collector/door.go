package collector

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/viewer"
)

// door checks and takes what Config says about who comes in and how.
func (c *Collector) door(cfg Config) (err error) {
	if c.guard.proxies, err = newProxies(cfg.PublicURL, cfg.TrustedProxies); err != nil {
		return err
	}
	switch {
	case cfg.Drain < 0:
		return &ConfigError{"Drain", "is negative: use 0 to stop at once"}
	case cfg.APIKey != "" && !validKey(cfg.APIKey):
		return &ConfigError{"APIKey", "has a space, line break or other character that a key cannot have"}
	case cfg.APIKey != "":
		c.guard.setKey(cfg.APIKey)
	}
	if cfg.TLS != nil {
		c.tls = cfg.TLS.Clone()
		c.tls.MinVersion = max(c.tls.MinVersion, tls.VersionTLS12)
		c.tls.NextProtos = []string{"http/1.1"} // HTTP/2 has no bound of requests for all its connections
	}
	c.drain, c.metrics = cfg.Drain, newMetrics(c)
	return nil
}

// ServeHTTP answers a request of an SDK or of a reader. It may be part of another server,
// at the root of a host or, with Config.PublicURL, below a path.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := c.guard.proxies.address(r)
	r = r.WithContext(viewer.WithAddress(r.Context(), address))
	r.Host = address.Host // what the Origin of a form must be
	r.URL = c.guard.proxies.strip(r.URL)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body := &sentBody{ReadCloser: r.Body}
	r.Body = body
	a := &answer{ResponseWriter: w, prefix: address.Prefix}
	c.handler.ServeHTTP(a, r)
	a.end()
	c.metrics.answered(r.Pattern, a.status)
	body.drain(w, r)
}

// answer is a ResponseWriter that puts the path which a proxy has taken away before the
// address of a redirect, and remembers the status.
type answer struct {
	http.ResponseWriter
	prefix string
	status int  // 0 before the header is sent
	moved  bool // it leads elsewhere by an address with the prefix, and has no body: that would name the one without
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
		if to := a.Header().Get("Location"); strings.HasPrefix(to, "/") && a.prefix != "" {
			a.moved = true
			a.Header().Set("Location", a.prefix+to)
			a.Header().Del("Content-Type")
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.moved {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// end sends the header if nothing was written.
func (a *answer) end() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
}

// Unwrap is what http.ResponseController looks for.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

const (
	// drainBytes and drainTime bound what is read of a body whose request was answered
	// before all of it came.
	drainBytes = protocol.MaxUpload + 32<<20
	drainTime  = 10 * time.Second
	// drainLeast is what net/http itself reads of such a body, to use the connection again.
	drainLeast = 256 << 10
)

// sentBody is the body of a request. It belongs to the goroutine of its request.
type sentBody struct {
	io.ReadCloser
	begun, ended bool
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	return n, err
}

// drain reads what is left of a body after its request was answered, within bounds.
// Most clients read an answer when they have sent all. A connection that is closed before
// that is reset, and they never see why their request was refused.
func (b *sentBody) drain(w http.ResponseWriter, r *http.Request) {
	waits := r.Header.Get("Expect") != "" && !b.begun // for leave to send
	if b.ended || waits || r.ProtoMajor != 1 || r.ContentLength >= 0 && r.ContentLength <= drainLeast {
		return
	}
	control := http.NewResponseController(w)
	_ = control.Flush() // the client may read already
	_ = control.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, b.ReadCloser, drainBytes) // whatever happens, the answer was given
}
