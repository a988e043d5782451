package logger

import (
	"slices"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Evaluation asks the server to evaluate an entity. It remembers the evaluators that were
// named last. It must not be used concurrently. A nil or zero Evaluation does nothing.
type Evaluation struct {
	of         entity
	evaluators []string // named last
}

// WithEvaluators asks for evaluations by the named evaluators. Duplicates are dropped and
// the order is kept. Without a name nothing is sent.
func (v *Evaluation) WithEvaluators(evaluators ...string) *Evaluation {
	if v == nil || v.of.pipe == nil {
		return v
	}
	v.evaluators = unique(evaluators)
	if len(v.evaluators) > 0 {
		v.send("evaluators", nil)
	}
	return v
}

// WithVariables asks for evaluations with values for their variables, by the given
// evaluators or, if none are given, by the evaluators that were named last. Nothing is sent
// if none ever were.
func (v *Evaluation) WithVariables(variables map[string]any, evaluators ...string) *Evaluation {
	if v == nil || v.of.pipe == nil {
		return v
	}
	if len(evaluators) > 0 {
		v.evaluators = unique(evaluators)
	}
	if len(v.evaluators) > 0 {
		v.send("variables", variables)
	}
	return v
}

// send sends the request. The names are copied into the line: v may change afterwards.
func (v *Evaluation) send(with string, variables map[string]any) {
	v.of.update(messages.Evaluate, func(w *wire.Encoder) bool {
		w.String("with", with)
		if with == "variables" {
			v.of.object(w, messages.Evaluate, "variables", variables)
		}
		w.Name("evaluators")
		w.Open('[')
		for _, name := range v.evaluators {
			w.Text(name)
		}
		w.Close(']')
		w.Time("timestamp", w.At())
		return true
	})
}

// unique returns the names without duplicates, in their order.
func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
