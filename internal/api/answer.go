package api

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// answer is a ResponseWriter that remembers the status, and that adds the path which a proxy
// has removed to the address of a redirect. It belongs to the goroutine of its request.
type answer struct {
	http.ResponseWriter
	prefix string
	status int  // 0 before the header is sent
	moved  bool // a redirect with the prefix; its body would name the address without it and is left out
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
	// The header has promised no body.
	if a.moved {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// end sends the header if the handler wrote nothing.
func (a *answer) end() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
}

// Unwrap lets http.ResponseController reach the underlying writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

const (
	// drainBytes and drainTime limit how much of a body is read, and for how long, after its
	// request was answered early.
	drainBytes = protocol.MaxUpload + 32<<20
	drainTime  = 10 * time.Second
	// drainLeast is the number of bytes that net/http itself reads of such a body.
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

// drain reads the rest of a body whose request was answered early, within limits. Most
// clients read the answer only after they have sent everything. If the connection were
// closed before, it would be reset, and they would never see why they were refused.
func (b *sentBody) drain(w http.ResponseWriter, r *http.Request) {
	waits := r.Header.Get("Expect") != "" && !b.begun // the client has not begun to send
	if b.ended || waits || r.ProtoMajor != 1 || r.ContentLength >= 0 && r.ContentLength <= drainLeast {
		return
	}
	control := http.NewResponseController(w)
	_ = control.Flush() // for clients that read while they send
	_ = control.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, b.ReadCloser, drainBytes) // the request is answered: errors have no consequence
}
