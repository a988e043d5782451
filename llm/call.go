package llm

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/modelcall"
	"github.com/troupelog/troupe/internal/oversize"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/logger"
)

// call is one attempt of a model call, from its request to the end of its response.
type call struct {
	options Options
	route   genai.Route
	scope   logger.Scope
	request *http.Request
	body    *sentBody // set if the request is copied while it is sent, else nil

	begun   bool              // gen was begun, or taken over from the previous attempt
	gen     logger.Generation // zero until begun
	named   bool              // the generation has a model
	asked   bool              // the request asks for a stream
	started time.Time         // when the first attempt was sent
	sent    time.Time         // when this attempt was sent
	key     attemptKey
	counted bool // the SDK sends the number of the attempt

	mu       sync.Mutex
	status   int             // guarded by mu; 0 before the response
	header   http.Header     // guarded by mu; of the response
	frames   genai.Frames    // guarded by mu; nil if the response is not read
	answer   genai.Assembler // guarded by mu; nil if the response is not assembled
	budget   genai.Budget    // guarded by mu
	streamed bool            // guarded by mu; the response is a stream
	opaque   string          // guarded by mu; why the response is not read
	cut      bool            // guarded by mu; some of the response exceeded the limit
	first    time.Duration   // guarded by mu; time from sent to the first token
	facts    map[string]any  // guarded by mu; metadata
	finished bool            // guarded by mu
	stop     func() bool     // guarded by mu; cancels the callback for the end of the context
}

// loggedKey marks the context of a request that is being logged, so that a middleware and a
// transport do not both log it.
type loggedKey struct{}

// begin starts logging a request as an attempt. It returns the attempt and the request to
// send, or nil if the request is not to be logged.
func begin(r *http.Request, o Options) (c *call, sent *http.Request) {
	guard(func() {
		found, ok := recognise(r)
		if !ok || r.Context().Value(loggedKey{}) != nil {
			return
		}
		scope := modelcall.Within(r.Context(), scopeOf(r))
		if !scope.Active() {
			return
		}
		now := time.Now()
		fresh := &call{options: o, route: found, scope: scope, request: r, started: now, sent: now, facts: map[string]any{}}
		marked := r.WithContext(context.WithValue(r.Context(), loggedKey{}, true))
		if r.GetBody == nil {
			fresh.body = &sentBody{ReadCloser: r.Body, capture: capture{limit: o.limit()}}
			marked.Body = fresh.body
		} else if !fresh.readBody() {
			return
		}
		c, sent = fresh, marked
	})
	return c, sent
}

// scopeOf returns the scope of a call: the one in its context or, if that has only a logger,
// the trace named in the request headers.
func scopeOf(r *http.Request) logger.Scope {
	s := logger.FromContext(r.Context())
	if s.Active() || s.Logger() == nil {
		return s
	}
	return logger.FromContext(logger.Extract(r.Context(), r.Header))
}

// readBody reads a copy of the body and begins the generation. It returns false if the
// request turns out not to be a model call.
func (c *call) readBody() bool {
	body, err := c.request.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	sent := capture{limit: c.options.limit()}
	if n := c.request.ContentLength; n > 0 {
		sent.buf = make([]byte, 0, min(n+1, int64(sent.limit)+1))
	}
	sent.buf, err = readUpTo(body, sent.buf, sent.limit+1)
	if err != nil {
		return false
	}
	if len(sent.buf) > sent.limit {
		begun := sent.buf
		sent.buf = nil
		sent.write(begun)
		if !sent.writeAll(body) {
			return false
		}
	}
	return c.open(sent.done())
}

// writeAll captures the rest of a body. It returns false if the body cannot be read.
func (c *capture) writeAll(body io.Reader) bool {
	for piece := make([]byte, 32<<10); ; {
		n, err := body.Read(piece)
		c.write(piece[:n])
		if err != nil {
			return err == io.EOF
		}
	}
}

// readUpTo reads from r and appends to buf until buf has limit bytes or r ends.
func readUpTo(r io.Reader, buf []byte, limit int) ([]byte, error) {
	for len(buf) < limit {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// open begins the generation, or continues the one of the previous attempt. It returns false
// if the request is not a model call.
func (c *call) open(sent capture) bool {
	q, isObject := readRequest(c.route.API, &sent, !c.options.OmitContent)
	if q.Model == "" {
		q.Model = genai.ModelIn(c.request.URL.Path)
	}
	if !c.route.Sure && !sent.cut && (!isObject || q.Model == "") {
		return false
	}
	if sent.cut {
		c.facts["capture"] = "the request is cut"
	}
	if len(sent.cuts) > 0 && !c.options.OmitContent {
		c.facts[oversize.Key] = json.RawMessage(oversize.Mark(sent.cuts))
	}
	c.asked, c.named = q.Stream || c.route.Stream, q.Model != ""
	c.attempt(sent)
	modelcall.Begun(c.request.Context())
	if c.begun {
		return true
	}
	name := c.request.Header.Get(protocol.HeaderGeneration)
	if name == "" {
		name = c.scope.GenerationName()
	}
	c.begun = true
	c.gen = c.scope.AddGeneration(logger.GenerationConfig{
		Name: name, Model: q.Model, Provider: genai.ProviderOf(c.request.URL, c.route.API),
		Messages: messagesOf(q.Messages), ModelParameters: q.Params, StartTime: c.started,
	})
	return true
}

// attempt takes over the generation of the previous attempt if this is a retry.
func (c *call) attempt(sent capture) {
	var count int
	if count, c.counted = retryCount(c.request.Header); !c.counted {
		return
	}
	parent := c.scope.Span().ID()
	if parent == "" {
		parent = c.scope.Trace().ID()
	}
	c.key = attemptKey{parent: parent, host: c.request.URL.Host, path: c.request.URL.Path, count: count}
	if c.body == nil {
		c.key.body = maphash.Bytes(seed, sent.buf)
	}
	if count > 0 {
		c.facts["attempts"] = count + 1
		if before := resume(c.key); before != nil {
			c.begun, c.gen, c.started = true, before.gen, before.started
		}
	}
}

// ready begins the generation if the request was copied while it was sent. It returns false
// if the request is not a model call.
func (c *call) ready() bool {
	if !c.begun && c.body != nil {
		return c.open(c.body.take())
	}
	return c.begun
}

// abandoned ends the attempt after a panic of the function that sends the request.
func (c *call) abandoned() {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ready() {
			c.finished = true
			c.fail(logger.Failure{Type: broken, Message: "the transport panicked"})
		}
	})
}

// answered records the response and wraps its body, so that it is read as the caller reads.
func (c *call) answered(resp *http.Response, err error) {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.ready() {
			c.finished = true
			return
		}
		switch {
		case err != nil:
			c.finished = true
			c.transportFailed(err)
		case resp == nil:
			c.finished = true
			c.fail(logger.Failure{Type: broken, Message: "the transport returned no answer"})
		default:
			c.follow(resp)
		}
	})
}

// transportFailed ends an attempt that got no response. Callers must hold mu.
func (c *call) transportFailed(err error) {
	d := transportError(err)
	if c.counted && c.request.Context().Err() == nil {
		c.failAttempt(d, nil)
		return
	}
	c.fail(d)
}

// follow starts reading a response along with the caller. Callers must hold mu.
func (c *call) follow(resp *http.Response) {
	c.status, c.header = resp.StatusCode, resp.Header
	if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		c.finish(io.EOF)
		return
	}
	c.choose(resp)
	resp.Body = &answerBody{ReadCloser: resp.Body, call: c}
	ctx := c.request.Context()
	c.stop = context.AfterFunc(ctx, func() {
		c.end(ctx.Err())
	})
}

// choose selects how a response is read. Callers must hold mu.
func (c *call) choose(resp *http.Response) {
	limit := c.options.limit()
	c.budget.Left = limit
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	encoding := resp.Header.Get("Content-Encoding")
	over := func() { c.cut = true }
	switch {
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		c.opaque = "the answer is compressed: " + genai.Bounded(encoding)
		return
	case resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest:
		return // a redirect has no answer
	case resp.StatusCode >= http.StatusBadRequest:
		c.answer = &genai.Whole{}
	case kind == "text/event-stream", c.asked && kind != "application/json" && !c.route.API.InValues():
		c.streamed = true
		c.answer = genai.NewAssembler(c.route.API, true, &c.budget)
		c.frames = genai.NewEvents(limit, c.add, over)
		return
	default:
		c.streamed = c.asked && c.route.API.InValues() || kind == "application/x-ndjson"
		c.answer = genai.NewAssembler(c.route.API, c.streamed, &c.budget)
	}
	c.frames = genai.NewValues(limit, c.add, over)
}

// add passes a value of the response to the assembler. Callers must hold mu.
func (c *call) add(name string, data []byte) {
	c.answer.Add(name, data)
	if c.streamed && c.first == 0 && c.budget.Began {
		c.first = time.Since(c.sent)
	}
}

// answerBody is a response body that is logged while the caller reads it.
type answerBody struct {
	io.ReadCloser
	call *call
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && n <= len(p) {
		b.call.read(p[:n])
	}
	if err != nil {
		b.call.end(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.call.end(errClosed)
	return err
}

// read handles a piece of the response that the caller has read.
func (c *call) read(p []byte) {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.finished || c.frames == nil {
			return
		}
		frames := c.frames
		c.frames, c.opaque = nil, "the answer could not be read" // remains so if a panic ends the parsing here
		frames.Write(p)
		c.frames, c.opaque = frames, ""
	})
}

// end ends the attempt; only the first call counts. err is io.EOF, errClosed, or the error
// that broke off the response.
func (c *call) end(err error) {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.finished {
			c.finish(err)
		}
	})
}
