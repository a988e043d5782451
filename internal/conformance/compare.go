package conformance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// same compares lines as JSON values, with wildcards in want.
func same(want, got []Line) bool {
	want, got = aligned(want, got)
	return reflect.DeepEqual(want, got)
}

// aligned returns lines in a form that is equal where they say the same.
func aligned(want, got []Line) (alignedWant, alignedGot []Line) {
	want, got = canonicalLines(attachmentsLast(want)), canonicalLines(attachmentsLast(got))
	for i := range min(len(want), len(got)) {
		got[i].ID, _ = mask(want[i].ID, got[i].ID).(string)
		got[i].Data = mask(want[i].Data, got[i].Data)
	}
	return want, got
}

// attachmentsLast puts the lines of attachments behind the others, sorted by their
// fields other than ids, because their order depends on their uploads.
func attachmentsLast(lines []Line) []Line {
	var first, last []Line
	for _, l := range lines {
		if l.Action == "add-attachment" {
			last = append(last, l)
		} else {
			first = append(first, l)
		}
	}
	slices.SortStableFunc(last, func(a, b Line) int { return cmp.Compare(wording(a), wording(b)) })
	return append(first, last...)
}

func wording(l Line) string {
	object := maps.Clone(l.object())
	delete(object, "id")
	delete(object, "key")
	text, err := json.Marshal(object)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(text)
}

// jsonText is the value in a string that holds JSON.
type jsonText struct{ Value any }

func canonicalLines(lines []Line) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		out[i] = l
		out[i].Data = canonical(l.Data, "", l.Entity == "tool_call" && l.Action == "result")
	}
	return out
}

// canonical returns v with everything in one form that is said in several: times,
// and the JSON in strings. texts says that the strings of v hold JSON.
func canonical(v any, key string, texts bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[k] = canonical(member, k, key == "metadata" || key == "modelParameters" || texts && k == "result")
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = canonical(element, "", false)
		}
		return out
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
		var inner any
		if texts && json.Unmarshal([]byte(v), &inner) == nil {
			return jsonText{inner}
		}
	}
	return v
}

// Wildcards of a corpus.
const (
	anyTime = "<ts>"
	anyUUID = "<uuid>"
)

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

// mask returns got with the wildcard of want wherever it fits.
func mask(want, got any) any {
	switch want := want.(type) {
	case string:
		if s, ok := got.(string); ok && fits(want, s) {
			return want
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return got
		}
		out := make([]any, len(list))
		for i := range list {
			out[i] = mask(want[i], list[i])
		}
		return out
	case map[string]any:
		if s, ok := got.(string); ok && isDigest(want, s) {
			return want
		}
		object, ok := got.(map[string]any)
		if !ok {
			return got
		}
		out := make(map[string]any, len(object))
		for k, v := range object {
			out[k] = mask(want[k], v)
		}
		return out
	}
	return got
}

// fits reports whether s is a value of the wildcards in want.
func fits(want, s string) bool {
	switch {
	case want == anyTime:
		_, err := time.Parse(time.RFC3339Nano, s)
		return err == nil
	case strings.Contains(want, anyUUID):
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), regexp.QuoteMeta(anyUUID), uuidPattern)
		return regexp.MustCompile("^" + pattern + "$").MatchString(s)
	default:
		return false
	}
}

// isDigest reports whether want is the digest that a corpus has for the long text s.
func isDigest(want map[string]any, s string) bool {
	digest, ok := want["$big"].(map[string]any)
	if !ok {
		return false
	}
	sum := sha256.Sum256([]byte(s))
	return digest["bytes"] == float64(len(s)) && digest["sha256"] == hex.EncodeToString(sum[:])
}
