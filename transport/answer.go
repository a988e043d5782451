package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// Limits of the body of an answer, in bytes. Of a longer body only the beginning is read, which is
// then not a JSON object.
const (
	maxAnswer     = 64 << 10 // of every answer
	answerPerLine = 512      // in addition for each line sent, which may be listed as refused
	longestAnswer = 16 << 20 // of any answer, however many lines were sent
)

// answerLimit is the context key of the limit for the answer to a request.
type answerLimit struct{}

// withLines returns a context for a request with the given number of lines.
func withLines(ctx context.Context, lines int) context.Context {
	lines = min(lines, longestAnswer/answerPerLine)
	return context.WithValue(ctx, answerLimit{}, int64(min(maxAnswer+lines*answerPerLine, longestAnswer)))
}

// limitOf returns the limit for the answer to a request, in bytes.
func limitOf(ctx context.Context) int64 {
	if limit, ok := ctx.Value(answerLimit{}).(int64); ok {
		return limit
	}
	return maxAnswer
}

// bounded reads each answer up to its limit before it returns it. So the whole answer is known when
// it is classified, and its connection is free for the next request.
type bounded struct{ http.RoundTripper }

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper. It makes the request on a separate goroutine, because the
// RoundTripper may be the user's: if it panics or ends its goroutine, as t.FailNow does, neither the
// process nor the sender ends. The value of the panic is not reported: it can contain anything.
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

// exchange makes the request and reads the whole answer.
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
	// http.Client parses this header even if it does not follow redirects, and would replace the
	// answer by an error if it cannot.
	resp.Header.Del("Location")

	read := &readBody{Reader: new(bytes.Reader)}
	// After a switch of protocols the body never ends.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		read.bytes, read.err = io.ReadAll(io.LimitReader(resp.Body, limitOf(req.Context())))
		read.Reader.Reset(read.bytes)
	}
	resp.Body = read
	return resp, nil
}

// errNoAnswer is the error if a RoundTripper breaks its contract.
var errNoAnswer = errors.New("transport: the RoundTripper returned neither an answer nor an error")

// readBody is the body of an answer after it was read.
type readBody struct {
	*bytes.Reader
	bytes []byte
	err   error // of the read, if bytes is incomplete
}

// Close implements io.Closer.
func (*readBody) Close() error { return nil }

// answer is the result of a request, in the terms of Classify.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	lines  lineCount // of a batch with a 2xx; zero for other requests
}

// kind returns the kind of the answer, with its counts of lines taken into account.
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

// answerOf converts the result of a client. Every body is a *readBody, because every answer came
// through bounded.
func answerOf(resp *http.Response, err error) answer {
	if resp == nil {
		return answer{err: err}
	}
	read := resp.Body.(*readBody)
	return answer{status: resp.StatusCode, header: resp.Header, body: read.bytes, err: read.err}
}
