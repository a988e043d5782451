package conformance

import (
	"encoding/json"
	"slices"
	"strings"
)

// name is a call in a form that facade, handles and static forms share.
type name struct {
	entity string // the kind of entity that it is called on
	verb   string // without add_, in which the forms differ: span, generation, tag, …
	handle bool   // on a handle, as opposed to by id
}

// entities are the kinds of entity.
var entities = []string{"session", "trace", "span", "generation", "retrieval", "tool_call", "error"}

// called returns the name of a step's call.
func (s step) called() name {
	owner, verb, _ := strings.Cut(s.call, ".")
	n := name{entity: owner, handle: true}
	switch owner {
	case "logger", "logline":
		n.handle = false
		n.entity = "logger"
		for _, kind := range entities {
			if rest, ok := strings.CutPrefix(verb, kind+"_"); ok {
				n.entity, verb = kind, rest
			}
		}
	case "static":
		n.handle = false
		n.entity, verb, _ = strings.Cut(strings.TrimSuffix(verb, "_"), ".")
	}
	verb = strings.TrimPrefix(verb, "add_")
	n.verb = strings.TrimPrefix(verb, "sub_")
	return n
}

// calls returns the steps whose call has one of the verbs.
func (c *Case) calls(verbs ...string) []step {
	var out []step
	for _, s := range c.steps {
		if slices.Contains(verbs, s.called().verb) {
			out = append(out, s)
		}
	}
	return out
}

// beginnings are the verbs that begin an entity with a config.
var beginnings = []string{"session", "trace", "span", "generation", "retrieval", "tool_call", "error"}

// config returns the config with which a call begins an entity.
func (s step) config() (map[string]any, bool) {
	if !slices.Contains(beginnings, s.called().verb) {
		return nil, false
	}
	switch config := s.args["config"].(type) {
	case map[string]any:
		return config, true
	case instance:
		return config.fields, true
	default:
		return nil, false
	}
}

// configFor returns the config of the entity that a line begins: by its id, or the only one.
func (c *Case) configFor(l Line) map[string]any {
	var configs []map[string]any
	for _, s := range c.steps {
		if config, ok := s.config(); ok {
			configs = append(configs, config)
		}
	}
	id := l.object()["id"]
	if l.Action == "create" {
		id = l.ID
	}
	for _, config := range configs {
		if config["id"] == id || len(configs) == 1 {
			return config
		}
	}
	return nil
}

// isBeginning reports whether a line begins an entity.
func (l Line) isBeginning() bool {
	return l.Action == "create" || slices.Contains(
		[]string{"add-span", "add-generation", "add-retrieval", "add-tool-call", "add-error"}, l.Action)
}

// jsonOf returns the JSON value that Troupe makes of a decoded argument.
func jsonOf(v any) any {
	raw, err := json.Marshal(plain(v))
	if err != nil {
		return nil
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// textOf returns a value as the protocol has it in metadata and parameters:
// a JSON string unchanged, anything else as its JSON.
func textOf(v any) string {
	if s, ok := jsonOf(v).(string); ok {
		return s
	}
	raw, err := json.Marshal(plain(v))
	if err != nil {
		return ""
	}
	return string(raw)
}
