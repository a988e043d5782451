package logger

import (
	"slices"

	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/messages"
)

// Evaluation asks the server to evaluate an entity. It remembers the evaluators
// that were named last; it is not safe for concurrent use.
type Evaluation struct {
	entity
	evaluators []string
}

// WithEvaluators asks for evaluations by name. Duplicates are dropped, the order is
// kept. Without a name nothing is sent.
func (v *Evaluation) WithEvaluators(evaluators ...string) *Evaluation {
	if v == nil || v.log == nil {
		return v
	}
	v.evaluators = unique(evaluators)
	if len(v.evaluators) > 0 {
		v.send("evaluators", nil)
	}
	return v
}

// WithVariables asks for evaluations with the values of their variables, by the
// evaluators given or, without any, by those of WithEvaluators. Without a name
// nothing is sent.
func (v *Evaluation) WithVariables(variables map[string]any, evaluators ...string) *Evaluation {
	if v == nil || v.log == nil {
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

func (v *Evaluation) send(with string, variables map[string]any) {
	v.update(messages.Evaluate, func(w *wire.Encoder) bool {
		w.String("with", with)
		if with == "variables" {
			w.Name("variables")
			w.Open('{')
			v.values(w, messages.Evaluate, variables)
			w.Close('}')
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

func (e entity) evaluation() *Evaluation { return &Evaluation{entity: e} }
