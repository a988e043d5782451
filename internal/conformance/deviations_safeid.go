package conformance

import (
	"slices"
	"strings"

	"github.com/troupelog/troupe/internal/protocol"
)

// safeIDs puts safe ids in the place of invalid ones, with the tag troupe.id where an
// entity begins. It adds the line of a call that an SDK refused because of an invalid id,
// and drops texts that such an id has made unreadable.
func safeIDs(c *Case, want []Line) []Line {
	want = slices.DeleteFunc(want, func(l Line) bool { return l.Unparsed != "" })
	if len(want) == 0 && len(c.steps) == 1 && !c.strict() {
		want = refusedLine(c)
	}
	for i, l := range want {
		data := l.object()
		if data == nil {
			continue
		}
		// An SDK that makes a random id in the place of an invalid one does not send the given one.
		if given := c.configFor(l)["id"]; l.isBeginning() && invalid(given) {
			if l.Action == "create" {
				l.ID = given.(string)
			} else {
				data["id"] = given
			}
		}
		if invalid(l.ID) {
			if l.Action == "create" {
				tagGiven(data, l.ID)
			}
			l.ID = protocol.SafeID(l.ID)
		}
		want[i].ID = l.ID
		if id := data["id"]; (l.isBeginning() || l.Action == "add-attachment") && invalid(id) {
			tagGiven(data, id)
			data["id"] = protocol.SafeID(id.(string))
			if key, ok := data["key"].(string); ok {
				data["key"] = strings.ReplaceAll(key, id.(string), protocol.SafeID(id.(string)))
			}
		}
		for _, reference := range []string{"sessionId", "spanId"} {
			if id := data[reference]; invalid(id) {
				data[reference] = protocol.SafeID(id.(string))
			}
		}
	}
	return want
}

// tagGiven adds the tag that holds an id as it was given.
func tagGiven(data map[string]any, id any) {
	tags, ok := data["tags"].(map[string]any)
	if !ok {
		tags = map[string]any{}
		data["tags"] = tags
	}
	tags["troupe.id"] = id
}

// refusedLine returns the line of the case's only call as it would be with a valid id,
// and none if its ids are valid or the call says nothing.
func refusedLine(c *Case) []Line {
	s := c.steps[0]
	config, begins := s.config()
	called := s.called()
	if begins && slices.Contains([]string{"session", "trace"}, called.verb) {
		id, _ := config["id"].(string)
		if !invalid(id) {
			return nil
		}
		return []Line{{Entity: called.verb, ID: id, Action: "create", Data: map[string]any{"tags": map[string]any{}, "startTimestamp": anyTime}}}
	}
	line := c.parent()
	if c.On != nil && c.On.Entity != "" { // an evaluation
		line.Entity = c.On.Entity
	}
	if !invalid(line.ID) {
		return nil
	}
	switch {
	case begins:
		line.Action = "add-" + strings.ReplaceAll(called.verb, "_", "-")
		line.Data = childData(line, config)
	case called.verb == "tag":
		line.Action, line.Data = "update", map[string]any{"tags": map[string]any{s.args["key"].(string): s.args["value"]}}
	case called.verb == "with_evaluators":
		line.Action = "evaluate"
		line.Data = map[string]any{"with": "evaluators", "evaluators": s.args["evaluators"], "timestamp": anyTime}
	default:
		return nil
	}
	return []Line{line}
}

// invalid reports whether an id was given that cannot stand in a line.
func invalid(id any) bool {
	text, ok := id.(string)
	return ok && text != "" && text != anyUUID && !protocol.ValidID(text)
}
