package conformance

import (
	"slices"
	"strings"
)

func idDeviations() []Rule {
	return []Rule{
		{
			Name:    "errors carry their id",
			Reason:  "without it an error cannot be addressed",
			rewrite: eachLine(errorIDs),
		},
		{
			Name:    "generated ids are sent",
			Reason:  "without them the handle of an entity that was given no id writes to nothing",
			rewrite: generatedIDs,
		},
		{
			Name:    "spans and generations of a span carry the span's id",
			Reason:  "a call by id says as much as the same call on the handle",
			rewrite: eachLine(spanIDs),
		},
		{
			Name:    "a span begins with one line",
			Reason:  "its parent's line says everything",
			rewrite: spanLines,
		},
		{
			Name:    "invalid ids are kept as safe ids",
			Reason:  "the SDKs drop the call, replace the id by a random one or send a line that breaks; here nothing is lost, and the given id finds it",
			rewrite: safeIDs,
		},
	}
}

func errorIDs(c *Case, l Line, data map[string]any) {
	if l.Action != "add-error" || data["id"] != nil {
		return
	}
	data["id"] = anyUUID
	if id, ok := c.configFor(l)["id"].(string); ok {
		data["id"] = id
	}
}

// generatedIDs adds the ids that an SDK made and did not send, and the lines of the
// calls that it refused because there was no id.
func generatedIDs(c *Case, want []Line) []Line {
	for _, l := range want {
		if data := l.object(); (l.isBeginning() && l.Action != "create" || l.Action == "add-event") && data["id"] == nil {
			data["id"] = anyUUID
		}
	}
	if len(want) > 0 || len(c.steps) != 1 {
		return want
	}
	s := c.steps[0]
	config, ok := s.config()
	if parent := c.parent(); ok && parent.ID != "" && config["id"] == nil {
		parent.Action = "add-" + strings.ReplaceAll(s.called().verb, "_", "-")
		parent.Data = childData(parent, config)
		want = append(want, parent)
	}
	return want
}

// parent returns the entity of the case's only call, as the head of a line.
func (c *Case) parent() Line {
	if c.On != nil {
		return Line{Entity: c.On.Kind, ID: c.On.ID}
	}
	s := c.steps[0]
	entity := s.called().entity
	id, ok := s.args[entity+"_id"].(string)
	if !ok {
		id, _ = s.args["id"].(string)
	}
	return Line{Entity: entity, ID: id}
}

// childData returns the data of a line that begins an entity, whose id is the given
// one or generated.
func childData(parent Line, config map[string]any) map[string]any {
	data := map[string]any{"id": anyUUID, "startTimestamp": anyTime}
	for _, key := range []string{"id", "name", "model", "provider", "description", "args"} {
		if config[key] != nil {
			data[key] = config[key]
		}
	}
	if parent.Action != "add-tool-call" {
		data["tags"] = map[string]any{}
	}
	if parent.Action == "add-span" && parent.Entity == "span" {
		data["spanId"] = parent.ID
	}
	if parent.Action == "add-generation" {
		data["messages"], data["modelParameters"] = []any{}, map[string]any{}
	}
	return data
}

func spanIDs(_ *Case, l Line, data map[string]any) {
	if l.Entity == "span" && (l.Action == "add-generation" || l.Action == "add-span") {
		data["spanId"] = l.ID
	}
}

func spanLines(_ *Case, want []Line) []Line {
	return slices.DeleteFunc(want, func(l Line) bool { return l.Entity == "span" && l.Action == "create" })
}
