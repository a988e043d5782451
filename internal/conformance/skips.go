package conformance

// unlike returns why a case cannot be compared at all, or "".
func unlike(c *Case) string {
	for _, l := range c.Lines {
		if l.Repository != "" {
			return skipSink
		}
	}
	return ""
}

// losses returns the rules for members that Go cannot express in the arguments of a call
// that it can make. The case is judged by the rest: these members are missing in the
// lines, or have the value that not giving them has, and nothing else is different.
func losses(lost []loss) []Rule {
	var rules []Rule
	for _, l := range lost {
		rules = append(rules, Rule{Name: l.reason, rewrite: eachLine(func(_ *Case, _ Line, data map[string]any) {
			remove(data, "", l)
		})})
	}
	return append(rules,
		Rule{Name: skipZero, rewrite: eachLine(zeroValues)},
		Rule{Name: skipField, rewrite: eachLine(spanOfRoot)},
	)
}

// remove deletes the lost member wherever an object of the name it was in is.
func remove(object map[string]any, name string, l loss) {
	if name == l.object {
		delete(object, l.key)
	}
	for key, member := range object {
		if inner, ok := member.(map[string]any); ok {
			remove(inner, key, l)
		}
	}
}

// optional are the members that a line does not have when they are empty or null.
var optional = []string{
	"name", "comment", "description", "model", "message", "code", "errorType", "spanId", "sessionId", "args", "tags",
	"maximPromptId", "maximPromptVersionId",
}

// zeroValues has the fields of configs as values, not pointers: empty and null mean
// not given.
func zeroValues(c *Case, l Line, data map[string]any) {
	if l.isBeginning() || l.Action == "add-feedback" || l.Action == "add-event" {
		for _, key := range optional {
			if v, ok := data[key]; ok && (v == nil || v == "" && key != "args") {
				delete(data, key)
			}
		}
	}
	if provider, ok := data["provider"]; ok && l.isBeginning() && (provider == nil || provider == "") {
		data["provider"] = "unknown"
	}
	if l.isBeginning() {
		zeroTags(l, data)
	}
	if detail, ok := errorIn(data); ok && len(c.calls("error")) > 0 && detail["message"] == nil {
		detail["message"] = ""
	}
}

func zeroTags(l Line, data map[string]any) {
	if tags, _ := data["tags"].(map[string]any); len(tags) > 0 {
		return
	}
	delete(data, "tags")
	if l.Action != "add-tool-call" && l.Action != "add-error" {
		data["tags"] = map[string]any{}
	}
}

// errorIn returns the error of a tool call or of a generation's result.
func errorIn(data map[string]any) (detail map[string]any, ok bool) {
	if result, is := data["result"].(map[string]any); is {
		data = result
	}
	detail, ok = data["error"].(map[string]any)
	return detail, ok
}

// spanOfRoot has no span above a session or a trace.
func spanOfRoot(_ *Case, l Line, data map[string]any) {
	if l.Action == "create" && l.Entity != "span" {
		delete(data, "spanId")
	}
}
