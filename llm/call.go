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

// call is one attempt of a call of a model, from its request to the end of its answer.
type call struct {
	options Options
	route   genai.Route
	scope   logger.Scope
	request *http.Request
	body    *sentBody // where the request is read as it is sent, else nil

	begun   bool              // gen has been begun, or taken over from the attempt before
	gen     logger.Generation // zero until begun
	named   bool              // the generation has a model
	asked   bool              // the request asks for a stream
	started time.Time         // the first attempt
	sent    time.Time         // this attempt
	key     attemptKey
	counted bool // the SDK says which attempt this is

	mu       sync.Mutex
	status   int             // guarded by mu; 0 before the answer
	header   http.Header     // guarded by mu; of the answer
	frames   genai.Frames    // guarded by mu; nil if nothing is read
	answer   genai.Assembler // guarded by mu; nil if the response is not assembled
	budget   genai.Budget    // guarded by mu
	streamed bool            // guarded by mu; the answer is a stream
	opaque   string          // guarded by mu; why the answer is not read
	cut      bool            // guarded by mu; something was too long
	first    time.Duration   // guarded by mu; from sent to the first token
	facts    map[string]any  // guarded by mu; metadata
	finished bool            // guarded by mu
	stop     func() bool     // guarded by mu; ends the wait for the end of the context
}

// loggedKey marks the context of a request that is logged already, so that it is not
// logged twice where a middleware and a transport see it.
type loggedKey struct{}

// begin begins the attempt that a request is, and returns it with the request to send; nil
// where the request is not to be logged.
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

// scopeOf returns what a call is part of: what its context says, or, where that says no
// more than a logger, the trace that its headers name.
func scopeOf(r *http.Request) logger.Scope {
	s := logger.FromContext(r.Context())
	if s.Active() || s.Logger() == nil {
		return s
	}
	return logger.FromContext(logger.Extract(r.Context(), r.Header))
}

// readBody reads a copy of the body and begins the generation. It reports false for what
// is no call of a model after all.
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

// writeAll takes what is left of a body. It reports false if that cannot be read.
func (c *capture) writeAll(body io.Reader) bool {
	for piece := make([]byte, 32<<10); ; {
		n, err := body.Read(piece)
		c.write(piece[:n])
		if err != nil {
			return err == io.EOF
		}
	}
}

// readUpTo appends what r gives to buf, up to a limit in bytes.
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

// open begins the generation, or goes on with that of the attempt before. It reports false
// for what is no call of a model.
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

// attempt takes over the generation of the attempt before, if this is not the first.
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

// ready begins the generation where the request was read as it was sent. It reports false
// for what is no call of a model.
func (c *call) ready() bool {
	if !c.begun && c.body != nil {
		return c.open(c.body.take())
	}
	return c.begun
}

// abandoned ends the attempt when what sends it panicked.
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

// answered takes the answer, and puts a body that is read along in place of its own.
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

// transportFailed ends an attempt that got no answer; mu is held.
func (c *call) transportFailed(err error) {
	d := transportError(err)
	if c.counted && c.request.Context().Err() == nil {
		c.failAttempt(d, nil)
		return
	}
	c.fail(d)
}

// follow begins to read an answer along; mu is held.
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

// choose chooses how an answer is read; mu is held.
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
		return // a redirection answers nothing
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

// add takes a value of the answer; mu is held.
func (c *call) add(name string, data []byte) {
	c.answer.Add(name, data)
	if c.streamed && c.first == 0 && c.budget.Began {
		c.first = time.Since(c.sent)
	}
}

// answerBody reads an answer along.
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

// read reads a piece of the answer along.
func (c *call) read(p []byte) {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.finished || c.frames == nil {
			return
		}
		frames := c.frames
		c.frames, c.opaque = nil, "the answer could not be read" // unless this comes to its end
		frames.Write(p)
		c.frames, c.opaque = frames, ""
	})
}

// end ends the attempt, once: err is io.EOF, errClosed, or what went wrong.
func (c *call) end(err error) {
	guard(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.finished {
			c.finish(err)
		}
	})
}
