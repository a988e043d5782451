package conformance

import (
	"maps"
	"slices"
	"strings"
)

func entityDeviations() []Rule {
	return []Rule{
		{
			Name:    "metrics are {name: value}",
			Reason:  "the other form creates metrics called name and value",
			rewrite: eachLine(metricShape),
		},
		{
			Name:    "providers are passed on",
			Reason:  "an unknown name is not lost, the handle's call is sent, and case does not matter",
			rewrite: providers,
		},
		{
			Name:    "the input of a retrieval does not end it",
			Reason:  "it would take no time at all; the call by id does not either",
			rewrite: retrievalInput,
		},
		{
			Name:    "the output of a retrieval is a list in a line of its own",
			Reason:  "and the end has the time, once; as the call by id does",
			rewrite: retrievalOutput,
		},
		{
			Name:    "lines are encoded during the call",
			Reason:  "later changes by the caller to its values change no line",
			rewrite: eachLine(encodedAtOnce),
		},
		{
			Name:    "configs are sent whole",
			Reason:  "also a second end, the input of a trace and the metadata of an error",
			rewrite: eachLine(wholeConfig),
		},
		{
			Name:    "null members are left out",
			Reason:  "at the top of a line, as one of the SDKs does everywhere",
			rewrite: eachLine(nullMembers),
		},
		{
			Name:    "events are what they are called with",
			Reason:  "one SDK mixes up its arguments",
			rewrite: eachLine(events),
		},
		{
			Name:    "tags may be empty",
			Reason:  "a handle takes the same arguments as the call by id",
			rewrite: emptyTag,
		},
	}
}

func metricShape(_ *Case, l Line, data map[string]any) {
	metrics, _ := data["metrics"].(map[string]any)
	if name, ok := metrics["name"].(string); ok && len(metrics) == 2 {
		data["metrics"] = map[string]any{name: metrics["value"]}
	}
}

func providers(c *Case, want []Line) []Line {
	for _, l := range want {
		if given, ok := c.configFor(l)["provider"].(string); ok && given != "" && l.Action == "add-generation" {
			l.object()["provider"] = strings.ToLower(given)
		}
	}
	for _, s := range c.calls("set_provider") {
		if given, ok := s.args["provider"].(string); ok && len(want) == 0 {
			parent := c.parent()
			parent.Action, parent.Data = "update", map[string]any{"provider": strings.ToLower(given)}
			want = append(want, parent)
		}
	}
	return want
}

func retrievalInput(c *Case, want []Line) []Line {
	if !slices.ContainsFunc(c.calls("input"), func(s step) bool { return s.called().handle }) {
		return want
	}
	afterInput := false
	return slices.DeleteFunc(want, func(l Line) bool {
		implied := afterInput && l.Action == "end"
		_, input := l.object()["input"]
		afterInput = l.Entity == "retrieval" && input
		return implied
	})
}

func retrievalOutput(_ *Case, want []Line) []Line {
	var out []Line
	for i, l := range want {
		docs, ok := l.object()["docs"]
		if !ok || l.Entity != "retrieval" {
			out = append(out, l)
			continue
		}
		if _, list := docs.([]any); !list {
			docs = []any{docs}
		}
		wasEnd := l.Action == "end"
		l.Action, l.Data = "update", map[string]any{"docs": docs}
		out = append(out, l)
		if wasEnd && i == len(want)-1 {
			l.Action, l.Data = "end", map[string]any{"endTimestamp": anyTime}
			out = append(out, l)
		}
	}
	return out
}

func encodedAtOnce(c *Case, l Line, data map[string]any) {
	config := c.configFor(l)
	if len(c.steps) < 2 || config == nil || !l.isBeginning() {
		return
	}
	tags, _ := jsonOf(config["tags"]).(map[string]any)
	if sent, ok := data["tags"].(map[string]any); ok && len(sent) > len(tags) {
		maps.DeleteFunc(sent, func(key string, _ any) bool { _, given := tags[key]; return !given })
	}
	if _, ok := data["messages"]; ok && c.changed() {
		data["messages"] = jsonOf(config["messages"])
	}
}

// changed reports whether the caller changes its values in the case.
func (c *Case) changed() bool {
	return slices.ContainsFunc(c.steps, func(s step) bool { return strings.HasPrefix(s.call, "caller ") })
}

func wholeConfig(c *Case, l Line, data map[string]any) {
	if !l.isBeginning() {
		return
	}
	config := c.configFor(l)
	expect := func(key, wire string) {
		if given := config[key]; data[wire] == nil && given != nil && given != "" {
			data[wire] = jsonOf(given)
		}
	}
	expect("end_timestamp", "endTimestamp")
	if l.Entity == "trace" && l.Action == "create" {
		expect("input", "input")
	}
	if l.Action == "add-error" {
		expect("metadata", "metadata")
	}
}

func nullMembers(_ *Case, l Line, data map[string]any) {
	if l.Action == "end" {
		maps.DeleteFunc(data, func(_ string, v any) bool { return v == nil })
	}
}

func events(c *Case, l Line, data map[string]any) {
	for _, s := range c.calls("event") {
		a := arguments{s.args, &notes{}}
		e := a.event()
		if l.Action != "add-event" || data["name"] == e.Name || e.Name == "" {
			continue
		}
		clear(data)
		data["id"], data["name"], data["timestamp"] = anyUUID, e.Name, anyTime
		if e.ID != "" {
			data["id"] = e.ID
		}
		if e.Tags != nil {
			data["tags"] = jsonOf(s.args["tags"])
		}
		if e.Metadata != nil {
			data["metadata"] = map[string]any{}
			encodeInto(data["metadata"], s.args["metadata"], func(any) bool { return true })
		}
	}
}

func emptyTag(c *Case, want []Line) []Line {
	for _, s := range c.calls("tag") {
		if s.args["value"] == "" && len(want) == 0 {
			parent := c.parent()
			parent.Action, parent.Data = "update", map[string]any{"tags": map[string]any{s.args["key"].(string): ""}}
			want = append(want, parent)
		}
	}
	return want
}
