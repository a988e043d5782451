package logger

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// answerRecorder records the status of an answer. It belongs to the handler's goroutine.
type answerRecorder struct {
	http.ResponseWriter
	status   int // 0 until the header is written
	hijacked bool
}

// WriteHeader implements http.ResponseWriter. Informational answers come before the
// one that counts.
func (a *answerRecorder) WriteHeader(status int) {
	if a.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answerRecorder) Write(b []byte) (int, error) {
	a.wrote()
	return a.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, by the writer's own if it has one: sendfile is not
// lost.
func (a *answerRecorder) ReadFrom(src io.Reader) (int64, error) {
	a.wrote()
	return io.Copy(a.ResponseWriter, src)
}

// Unwrap is for http.ResponseController.
func (a *answerRecorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// wrote records that the header goes out with the body if it has not yet.
func (a *answerRecorder) wrote() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
}

// writer returns the recorder with those optional interfaces that the writer has:
// handlers that stream look for a Flusher, and those of WebSockets for a Hijacker.
func (a *answerRecorder) writer() http.ResponseWriter {
	f, flushes := a.ResponseWriter.(http.Flusher)
	h, hijacks := a.ResponseWriter.(http.Hijacker)
	switch {
	case flushes && hijacks:
		return struct {
			*answerRecorder
			http.Flusher
			http.Hijacker
		}{a, flusher{a, f}, hijacker{a, h}}
	case flushes:
		return struct {
			*answerRecorder
			http.Flusher
		}{a, flusher{a, f}}
	case hijacks:
		return struct {
			*answerRecorder
			http.Hijacker
		}{a, hijacker{a, h}}
	}
	return a
}

// flusher records the status that a flush sends.
type flusher struct {
	answer *answerRecorder
	http.Flusher
}

// Flush implements http.Flusher.
func (f flusher) Flush() {
	f.answer.wrote()
	f.Flusher.Flush()
}

// hijacker records that the handler took the connection over.
type hijacker struct {
	answer *answerRecorder
	http.Hijacker
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := h.Hijacker.Hijack()
	h.answer.hijacked = h.answer.hijacked || err == nil
	return conn, rw, err
}
