package logger

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// answerRecorder records the status of a response. It is owned by the handler's goroutine.
type answerRecorder struct {
	http.ResponseWriter
	status   int // 0 until the header is written
	hijacked bool
}

// WriteHeader implements http.ResponseWriter. It ignores informational responses, which
// precede the final one.
func (a *answerRecorder) WriteHeader(status int) {
	if a.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answerRecorder) Write(b []byte) (int, error) {
	a.wrote()
	return a.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, through the writer's ReadFrom if it has one, so that
// sendfile still works.
func (a *answerRecorder) ReadFrom(src io.Reader) (int64, error) {
	a.wrote()
	return io.Copy(a.ResponseWriter, src)
}

// Unwrap is for http.ResponseController.
func (a *answerRecorder) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// wrote records the status 200 if the body is written before a header.
func (a *answerRecorder) wrote() {
	if a.status == 0 {
		a.status = http.StatusOK
	}
}

// writer returns the recorder with the optional interfaces of the writer, and no others:
// handlers that stream look for a Flusher, and WebSocket handlers for a Hijacker.
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

// flusher records the status 200 that a flush may send.
type flusher struct {
	answer *answerRecorder
	http.Flusher
}

// Flush implements http.Flusher.
func (f flusher) Flush() {
	f.answer.wrote()
	f.Flusher.Flush()
}

// hijacker records that the handler took over the connection.
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
