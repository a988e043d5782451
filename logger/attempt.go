package logger

import (
	"github.com/troupelog/troupe/messages"
)

// Attempt logs that an attempt of the model call failed which is tried again. Unlike
// Error it does not end the generation: the last result that is logged is its outcome.
func (g *Generation) Attempt(d ErrorDetail) { g.e().failure(d) }

// failure logs a result that is an error.
func (e entity) failure(d ErrorDetail) {
	if e.log == nil {
		return
	}
	w := e.log.line(e.ref, messages.Result)
	if w == nil {
		return
	}
	w.Name("result")
	w.Open('{')
	w.Name("error")
	w.Open('{')
	w.String("message", d.Message)
	w.String("code", d.Code)
	w.String("type", d.Type)
	w.Close('}')
	w.String("id", newID())
	w.Close('}')
	e.send(w, messages.Command{Action: messages.Result, Failed: true})
}
