package llm

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/logger"
)

// errClosed means that the caller closed the body.
var errClosed = errors.New("llm: the body was closed")

// requestIDs are the headers in which providers send the id of a request.
var requestIDs = []string{"X-Request-Id", "Request-Id", "Apim-Request-Id", "X-Goog-Request-Id"}

// finish logs the outcome of the attempt, and ends it even on a panic. Callers must hold mu.
func (c *call) finish(why error) {
	c.finished = true
	logged := false
	defer func() {
		if !logged {
			c.gen.End()
		}
	}()
	c.finishWith(why)
	logged = true
}

func (c *call) finishWith(why error) {
	if c.stop != nil {
		c.stop()
	}
	if c.frames != nil && errors.Is(why, io.EOF) {
		c.frames.Finish()
	}
	c.noteHead()
	if c.status >= http.StatusBadRequest {
		c.refused()
		return
	}
	if c.answer == nil || c.opaque != "" {
		c.tell()
		c.gen.End()
		return
	}
	if e, ok := c.answer.(*genai.Embeddings); ok {
		e.Facts(c.facts)
	}
	var failure *logger.Failure
	if said := c.answer.Failure(); said != nil {
		shown := c.shown(logger.Failure(*said))
		failure = &shown
	} else {
		failure = c.unfinished(why)
	}
	if failure != nil && c.mayComeAgain(why) {
		delete(c.facts, "ended") // the last attempt sets it
		c.failAttempt(*failure, c.header)
		return
	}
	c.deliver(failure)
}

// mayComeAgain reports whether an SDK may retry because a response broke off, as Anthropic's
// does unless it is a stream. Callers must hold mu.
func (c *call) mayComeAgain(why error) bool {
	return c.counted && !c.streamed && !errors.Is(why, io.EOF) && !errors.Is(why, errClosed) && c.request.Context().Err() == nil
}

// noteHead records the status and headers of the response. Callers must hold mu.
func (c *call) noteHead() {
	if c.status != 0 {
		c.facts["http.status"] = c.status
	}
	for _, name := range requestIDs {
		if id := c.header.Get(name); id != "" {
			c.facts["request_id"] = genai.Bounded(id)
			break
		}
	}
	if c.opaque != "" {
		c.facts["capture"] = c.opaque
	}
}

// refused ends an attempt whose response is an error. Callers must hold mu.
func (c *call) refused() {
	var body json.RawMessage
	if c.answer != nil {
		body = c.answer.Result()
	}
	d := c.shown(statusError(c.status, body))
	if c.counted && retryable(c.status, c.header) && c.request.Context().Err() == nil {
		c.failAttempt(d, c.header)
		return
	}
	c.fail(d)
}

// unfinished returns the failure of a response that ended early, or nil if it is not a
// failure. It records in the facts how the response ended. Callers must hold mu.
func (c *call) unfinished(why error) *logger.Failure {
	cut := c.cut || c.budget.Cut
	switch {
	case c.answer.Complete():
		return nil
	case cut && !c.frames.Within() && (errors.Is(why, io.EOF) || errors.Is(why, errClosed)):
		return nil // the response was complete; only the copy was cut
	case c.frames != nil && c.frames.Spoiled():
		return &logger.Failure{Type: "invalid_json", Message: "the answer is not JSON"}
	case errors.Is(why, errClosed):
		c.facts["ended"] = closed
		return nil
	case errors.Is(why, io.EOF):
		c.facts["ended"] = truncated
		return &logger.Failure{Type: truncated, Message: "the answer stopped before its end"}
	}
	d := transportError(why)
	c.facts["ended"] = d.Type
	return &d
}

// deliver logs the response, complete or partial, with its error. Callers must hold mu.
func (c *call) deliver(failure *logger.Failure) {
	if c.cut || c.budget.Cut {
		c.facts["capture"] = "the answer is cut at " + strconv.Itoa(c.options.limit()) + " bytes"
	}
	result := c.answer.Result()
	if result == nil && c.cut {
		result = genai.TailUsage(c.frames.Tail())
	}
	if result == nil && failure != nil {
		c.fail(*failure)
		return
	}
	if result == nil {
		c.tell()
		c.gen.End()
		return
	}
	if model := genai.ModelOf(result); !c.named && model != "" {
		c.gen.SetModel(model)
	}
	if failure != nil {
		result = genai.WithFailure(result, genai.Failure(*failure))
	}
	if c.options.OmitContent {
		result = genai.WithoutContent(result)
	}
	c.tell()
	c.gen.Result(json.RawMessage(result))
}

// tell logs the facts and the time to the first token. Callers must hold mu.
func (c *call) tell() {
	if len(c.facts) > 0 {
		c.gen.AddMetadata(c.facts)
	}
	if c.first > 0 {
		c.gen.AddMetric("time_to_first_token_ms", float64(c.first.Microseconds())/1000)
	}
}

// shown returns a provider's error without its text if content is omitted.
func (c *call) shown(d logger.Failure) logger.Failure {
	if c.options.OmitContent {
		d.Message = ""
	}
	return d
}

// fail ends the call with an error. Callers must hold mu.
func (c *call) fail(d logger.Failure) {
	c.tell()
	c.gen.Fail(d)
}

// failAttempt logs the failure of an attempt that may not be the last. Callers must hold mu.
func (c *call) failAttempt(d logger.Failure, h http.Header) {
	c.tell()
	c.gen.Attempt(d)
	next, now := c.key, time.Now()
	next.count++
	hold(c.request.Context(), next, &heldCall{gen: c.gen, started: c.started, failedAt: now}, patience(h, now))
}
