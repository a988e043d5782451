package otlp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dataVariable names the folder of further payloads: requests in OTLP/JSON.
const dataVariable = "TROUPE_OTLP_DATA"

// Every string, number and boolean of attributes, events, links, resource and status is in
// a line, also of members that nobody foresaw. What is in none today is listed in
// testdata/leaves.txt, a list that may only become shorter.
func TestEveryLeafIsInALine(t *testing.T) {
	t.Parallel()
	var lost []string
	for _, file := range cases(t) {
		lost = append(lost, lostLeaves(t, filepath.Base(file), requestOf("shop", loadSpans(t, file)))...)
	}
	compareLost(t, "testdata/leaves.txt", lost)
}

// The same of the payloads of other instrumentations, which are not part of this package.
func TestEveryLeafOfFurtherPayloadsIsInALine(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(dataVariable)
	if dir == "" {
		t.Skip(dataVariable + " names no folder with requests in OTLP/JSON")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads in the folder that %s names: %v", dataVariable, err)
	}
	var lost []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(body, []byte(`"resourceSpans"`)) { // logs and metrics are others
			lost = append(lost, lostLeaves(t, filepath.Base(file), body)...)
		}
	}
	compareLost(t, "testdata/leaves.data.txt", lost)
}

// compareLost compares what is lost with the list of what is known to be.
func compareLost(t *testing.T, file string, lost []string) {
	t.Helper()
	slices.Sort(lost)
	got := strings.Join(slices.Compact(lost), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(list), "\n")
	for _, name := range strings.Split(got, "\n") {
		if !slices.Contains(known, name) {
			t.Errorf("in no line: %s", name)
		}
	}
	if string(list) != got {
		t.Errorf("%s must list what is in no line and nothing else; run with -update and look at the difference, or paste:\n%s", file, got)
	}
}

// leaf is a value that must be in a line.
type leaf struct {
	name string   // where it was
	text []string // one of these is in a line; as it is in JSON, or in JSON within a string
}

// leaves finds the leaves of spans, and adds members that nobody foresaw.
type leaves struct {
	found []leaf
	added int
}

// lostLeaves returns the names of the leaves of a request that are in no line of their span;
// of those of resources, in no line at all.
func lostLeaves(t *testing.T, file string, body []byte) (lost []string) {
	t.Helper()
	var request map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&request); err != nil {
		t.Fatal(err)
	}
	note := func(found []leaf, text string) {
		for _, l := range found {
			if !slices.ContainsFunc(l.text, func(s string) bool { return strings.Contains(text, s) }) {
				lost = append(lost, file+": "+l.name)
			}
		}
	}
	for _, resource := range members(request["resourceSpans"]) {
		var of leaves
		if described, ok := resource["resource"].(map[string]any); ok {
			of.attributes("resource", described)
		}
		var all strings.Builder
		for _, scoped := range members(resource["scopeSpans"]) {
			for _, span := range members(scoped["spans"]) {
				own := leaves{added: of.added}
				own.span(span)
				of.added = own.added
				one := maps.Clone(resource)
				one["scopeSpans"] = []any{map[string]any{"scope": scoped["scope"], "spans": []any{span}}}
				text := allLines(t, map[string]any{"resourceSpans": []any{one}})
				all.WriteString(text)
				note(own.found, text)
			}
		}
		note(of.found, all.String())
	}
	return lost
}

// allLines returns the lines that a request becomes.
func allLines(t *testing.T, request map[string]any) string {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return linesOf(t, body, JSON)
}

// members returns the objects of an array.
func members(v any) (objects []map[string]any) {
	array, _ := v.([]any)
	for _, element := range array {
		if o, ok := element.(map[string]any); ok {
			objects = append(objects, o)
		}
	}
	return objects
}

func (l *leaves) span(span map[string]any) {
	l.attributes("attribute", span)
	for _, e := range members(span["events"]) {
		name, _ := e["name"].(string)
		l.attributes("event "+name, e)
	}
	for _, link := range members(span["links"]) {
		l.attributes("link", link)
	}
	if status, ok := span["status"].(map[string]any); ok {
		if message, ok := status["message"].(string); ok && message != "" {
			l.want("status", message)
		}
	}
}

// numberedName is a place in a list that attributes spell out.
var numberedName = regexp.MustCompile(`^(.*\.\d+\.)`)

// attributes finds the leaves of the attributes of an object, and adds some.
func (l *leaves) attributes(where string, of map[string]any) {
	given := members(of["attributes"])
	all := make([]any, 0, len(given))
	lists := map[string]bool{}
	for _, a := range given {
		key, _ := a["key"].(string)
		a["value"] = l.value(where+" "+key, a["value"])
		all = append(all, a)
		if m := numberedName.FindString(key); m != "" && !lists[m] {
			lists[m] = true
			all = append(all, l.extra(where+" "+m+"*", m)...)
		}
	}
	of["attributes"] = append(all, l.extra(where+" *", "")...)
}

// extra returns attributes that nobody foresaw.
func (l *leaves) extra(where, prefix string) []any {
	text, number, flag := l.unforeseen(where)
	value := func(name, kind string, v any) any {
		return map[string]any{"key": prefix + name, "value": map[string]any{kind: v}}
	}
	return []any{value(text+"k", "stringValue", text), value(text+"n", "intValue", number), value(flag, "boolValue", true)}
}

// unforeseen makes leaves that are found nowhere else.
func (l *leaves) unforeseen(where string) (text, number, flag string) {
	l.added++
	text, number, flag = fmt.Sprintf("leaf%04dx", l.added), fmt.Sprint(7_000_000+l.added), fmt.Sprintf("leaf%04db", l.added)
	where = digits.ReplaceAllString(where, ".N")
	l.found = append(l.found, leaf{where, []string{text + `"`, text + `\"`}}, leaf{where + " number", []string{number}},
		leaf{where + " boolean", []string{flag + `":true`, flag + `\":true`, flag + `\\\":true`}})
	return text, number, flag
}

// value finds the leaves of an AnyValue, and returns it with more members in its objects.
func (l *leaves) value(where string, v any) any {
	o, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if text, ok := o["stringValue"].(string); ok {
		if inside, ok := insideOf(text); ok {
			l.inside(where, inside)
			return map[string]any{"stringValue": encoded(inside)}
		}
		l.want(where, text)
	}
	for _, kind := range []string{"intValue", "doubleValue"} {
		if n, ok := o[kind]; ok {
			l.want(where, fmt.Sprint(n))
		}
	}
	if list, ok := o["arrayValue"].(map[string]any); ok {
		elements, _ := list["values"].([]any)
		for i := range elements {
			elements[i] = l.value(where+"[]", elements[i])
		}
	}
	if list, ok := o["kvlistValue"].(map[string]any); ok {
		all := []any{}
		for _, kv := range members(list["values"]) {
			key, _ := kv["key"].(string)
			kv["value"] = l.value(where+"."+key, kv["value"])
			all = append(all, kv)
		}
		list["values"] = append(all, l.extra(where+".*", "")...)
	}
	return o
}

// insideOf returns the array or object that a text holds as JSON.
func insideOf(text string) (any, bool) {
	if text = strings.TrimSpace(text); text == "" || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	var v any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return v, decoder.Decode(&v) == nil && v != nil
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // never: it was JSON
	}
	return string(text)
}

// inside finds the leaves of JSON within a string, and adds members to its objects.
func (l *leaves) inside(where string, v any) {
	switch v := v.(type) {
	case string:
		l.want(where, v)
	case json.Number:
		l.want(where, v.String())
	case []any:
		for _, element := range v {
			l.inside(where+"[]", element)
		}
	case map[string]any:
		for _, name := range sorted(v) {
			l.inside(where+"."+name, v[name])
		}
		text, number, flag := l.unforeseen(where + ".*")
		v[text+"k"], v[text+"n"], v[flag] = text, json.Number(number), true
	}
}

// digits are the places in names, which do not matter.
var digits = regexp.MustCompile(`\.\d+\b`)

// want notes a leaf that was there.
func (l *leaves) want(where, value string) {
	if value == "" {
		return
	}
	once := strings.Trim(encoded(value), `"`)
	twice := strings.Trim(encoded(once), `"`)
	l.found = append(l.found, leaf{digits.ReplaceAllString(where, ".N"), []string{value, once, twice}})
}
