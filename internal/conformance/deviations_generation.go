package conformance

import (
	"github.com/troupelog/troupe/internal/protocol"
)

func messageDeviations() []Rule {
	return []Rule{
		{
			Name:    "messages are not checked",
			Reason:  "the messages to the model are logged unchanged, and a generation may have none",
			rewrite: uncheckedMessages,
		},
	}
}

func resultDeviations() []Rule {
	return []Rule{
		{
			Name:    "results are sent as given",
			Reason:  "the SDK drops a result that its schema does not know, with the end, or rebuilds it with losses",
			rewrite: results,
		},
		{
			Name:    "errors of generations are whole",
			Reason:  "message, code and type are always there, empty if not given",
			rewrite: eachLine(wholeErrors),
		},
		{
			Name:    "results of tools are text",
			Reason:  "as the call by id has them; any other value is sent as its JSON",
			rewrite: toolResults,
		},
	}
}

func uncheckedMessages(c *Case, want []Line) []Line {
	if len(want) > 0 || len(c.steps) != 1 {
		return want
	}
	parent := c.parent()
	s := c.steps[0]
	config, begins := s.config()
	if id, _ := config["id"].(string); begins && s.called().verb == "generation" && protocol.ValidID(id) && parent.ID != "" {
		parent.Action = "add-generation"
		parent.Data = childData(parent, config)
		return []Line{parent}
	}
	if m, ok := s.args["message"]; ok {
		parent.Action, parent.Data = "update", map[string]any{"messages": []any{jsonOf(m)}}
		return []Line{parent}
	}
	return want
}

func results(c *Case, want []Line) []Line {
	calls := c.calls("result")
	if len(calls) != 1 || calls[0].called().entity != "generation" || len(c.steps) != 1 {
		return want
	}
	result, end := c.parent(), c.parent()
	result.Action, result.Data = "result", map[string]any{"result": jsonOf(calls[0].args["result"])}
	end.Action, end.Data = "end", map[string]any{"endTimestamp": anyTime}
	return []Line{result, end}
}

func wholeErrors(c *Case, l Line, data map[string]any) {
	detail, ok := errorIn(data)
	if !ok || l.Entity != "generation" || len(c.calls("error")) == 0 {
		return
	}
	for _, key := range []string{"code", "type"} {
		if detail[key] == nil {
			detail[key] = ""
		}
	}
}

func toolResults(c *Case, want []Line) []Line {
	for _, s := range c.calls("result") {
		for _, l := range want {
			if s.called().entity == "tool_call" && l.Entity == "tool_call" && l.Action == "result" {
				l.object()["result"] = textOf(s.args["result"])
			}
		}
	}
	return want
}
