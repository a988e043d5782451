package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// Limits of an answer's body, in bytes. What is longer is read in part, and then is no
// JSON object.
const (
	maxAnswer     = 64 << 10 // of every answer
	answerPerLine = 512      // more for each line sent, which may be listed as refused
	longestAnswer = 16 << 20 // of any answer, however many lines were sent
)

// answerLimit is the context key of how long the answer to a request may be.
type answerLimit struct{}

// withLines returns a context for a request with so many lines.
func withLines(ctx context.Context, lines int) context.Context {
	lines = min(lines, longestAnswer/answerPerLine)
	return context.WithValue(ctx, answerLimit{}, int64(min(maxAnswer+lines*answerPerLine, longestAnswer)))
}

func limitOf(ctx context.Context) int64 {
	if limit, ok := ctx.Value(answerLimit{}).(int64); ok {
		return limit
	}
	return maxAnswer
}

// bounded reads each answer, up to its limit, before it hands it on. So the whole answer
// is known when it is judged, and its connection is free for the next request.
type bounded struct{ http.RoundTripper }

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper. The request has a goroutine of its own, because
// the RoundTripper may be the user's: one that panics or ends its goroutine, as t.FailNow
// does, ends neither the process nor the sender. What it panicked with can hold anything,
// and is not repeated.
func (b bounded) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	returned, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if !returned {
				_ = recover() // nil after runtime.Goexit
				resp, err = nil, ErrRoundTripper
			}
			if (errors.Is(err, ErrRoundTripper) || errors.Is(err, errNoAnswer)) && req.Body != nil {
				req.Body.Close() // Send waits for that
			}
		}()
		resp, err = b.exchange(req)
		returned = true
	}()
	<-ended
	return resp, err
}

// exchange makes the request and reads the answer.
func (b bounded) exchange(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errNoAnswer
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	// http.Client parses this header even where it is told not to follow it, and would
	// replace the answer by an error if it cannot.
	resp.Header.Del("Location")

	read := &readBody{Reader: new(bytes.Reader)}
	// A connection that switched protocols has no body that ends.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		read.bytes, read.err = io.ReadAll(io.LimitReader(resp.Body, limitOf(req.Context())))
		read.Reader.Reset(read.bytes)
	}
	resp.Body = read
	return resp, nil
}

// errNoAnswer is what a RoundTripper that does not keep its contract ends in.
var errNoAnswer = errors.New("transport: the RoundTripper returned neither an answer nor an error")

// readBody is the body of an answer that was read already.
type readBody struct {
	*bytes.Reader
	bytes []byte
	err   error // why the bytes are not all of it
}

// Close implements io.Closer.
func (*readBody) Close() error { return nil }

// answer is what came of a request, in the terms of Classify.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	lines  lineCount // what a 2xx says of the lines of a batch; zero for other requests
}

// kind is what to do about the answer.
func (a answer) kind() Kind {
	kind := Classify(a.status, a.header, a.body, a.err)
	switch {
	case kind != OK:
		return kind
	case a.lines.wrong != "":
		return Retry
	case a.lines.refused > 0:
		return PartlyRefused
	default:
		return OK
	}
}

// answerOf takes apart what the client returned. Every body is a *readBody, because
// every answer came through bounded.
func answerOf(resp *http.Response, err error) answer {
	if resp == nil {
		return answer{err: err}
	}
	read := resp.Body.(*readBody)
	return answer{status: resp.StatusCode, header: resp.Header, body: read.bytes, err: read.err}
}
