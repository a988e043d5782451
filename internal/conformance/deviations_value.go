package conformance

import (
	"math"
	"slices"
	"strings"
)

func valueDeviations() []Rule {
	return []Rule{
		{
			Name:    "NaN and infinities are refused",
			Reason:  "JSON does not have them",
			rewrite: notNumbers,
		},
		{
			Name:    "values are encoded by encoding/json",
			Reason:  "as text, in metadata and parameters alike; the SDKs drop bytes or have own forms for them, or send no text",
			rewrite: eachLine(encodedValues),
		},
		{
			Name:    "inputs and outputs may be any value",
			Reason:  "the API takes any value; the SDK drops values that are not text",
			rewrite: anyInput,
		},
	}
}

// notNumber reports whether a decoded argument is a number that JSON does not have.
func notNumber(v any) bool {
	f, ok := v.(float64)
	return ok && (math.IsNaN(f) || math.IsInf(f, 0))
}

// notNumbers drops a metric that is no number, and such members of objects.
func notNumbers(c *Case, want []Line) []Line {
	for _, s := range c.steps {
		if s.called().verb == "metric" && notNumber(s.args["value"]) {
			return nil
		}
		config, _ := s.config()
		for key, wire := range map[string]string{"metadata": "metadata", "model_parameters": "modelParameters", "data": ""} {
			for _, in := range []map[string]any{s.args, config} {
				members, _ := in[key].(map[string]any)
				for member, v := range members {
					if notNumber(v) {
						want = removeFrom(want, loss{object: wire, key: member})
					}
				}
			}
		}
	}
	return want
}

func removeFrom(want []Line, l loss) []Line {
	for _, line := range want {
		remove(line.object(), "", l)
	}
	return want
}

// encodedValues expects the values of metadata and parameters as encoding/json has
// them, where an SDK drops them or has other forms.
func encodedValues(c *Case, l Line, data map[string]any) {
	for _, s := range c.steps {
		config, _ := s.config()
		for _, given := range []map[string]any{s.args, config} {
			encodeInto(data["modelParameters"], given["model_parameters"], func(v any) bool { return v != nil })
			if l.Action != "add-error" {
				encodeInto(data["metadata"], given["metadata"], func(v any) bool { return !holdsInstance(v) })
			}
		}
	}
}

// encodeInto overwrites the values that an SDK sent with the given ones.
func encodeInto(sent, given any, isSent func(any) bool) {
	object, _ := sent.(map[string]any)
	members, ok := given.(map[string]any)
	if object == nil || !ok {
		return
	}
	clear(object)
	for key, v := range members {
		if expressible(v) && !notNumber(v) && isSent(v) {
			object[key] = textOf(v)
		}
	}
}

func anyInput(c *Case, want []Line) []Line {
	if len(c.calls("input")) > 0 { // nil is nothing to say
		return slices.DeleteFunc(want, func(l Line) bool {
			input, given := l.object()["input"]
			return l.Action == "update" && (given && input == nil || len(l.object()) == 0)
		})
	}
	if len(want) > 0 {
		for _, s := range c.calls("set_input", "set_output") {
			if v, given := s.args[strings.TrimPrefix(s.called().verb, "set_")]; !given || v == nil {
				return nil
			}
		}
		return want
	}
	for _, s := range c.calls("set_input", "set_output") {
		key := strings.TrimPrefix(s.called().verb, "set_")
		parent := c.parent()
		parent.Action, parent.Data = "update", map[string]any{key: jsonOf(s.args[key])}
		want = append(want, parent)
	}
	return want
}
