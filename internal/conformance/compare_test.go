package conformance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// line makes a line with data given as JSON.
func line(t *testing.T, entity, action, data string) Line {
	t.Helper()
	l := Line{Entity: entity, ID: "i", Action: action}
	if err := json.Unmarshal([]byte(data), &l.Data); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSame(t *testing.T) {
	tests := map[string]struct {
		entity, action, want, got string
		same                      bool
	}{
		"key order and spelling of numbers": {"trace", "update", `{"a":1.0,"b":1e2}`, `{"b":100,"a":1}`, true},
		"other value":                       {"trace", "update", `{"a":1}`, `{"a":2}`, false},
		"missing member":                    {"trace", "update", `{"a":1}`, `{}`, false},
		"further member":                    {"trace", "update", `{}`, `{"a":null}`, false},
		"order of a list":                   {"trace", "update", `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		"any time":                          {"trace", "end", `{"endTimestamp":"<ts>"}`, `{"endTimestamp":"2026-01-02T03:04:05+00:00"}`, true},
		"no time":                           {"trace", "end", `{"endTimestamp":"<ts>"}`, `{"endTimestamp":"yesterday"}`, false},
		"zone of a time":                    {"trace", "end", `{"endTimestamp":"2024-01-02T05:34:05+05:30"}`, `{"endTimestamp":"2024-01-02T00:04:05+00:00"}`, true},
		"other time":                        {"trace", "end", `{"endTimestamp":"2024-01-02T05:34:05+05:30"}`, `{"endTimestamp":"2024-01-02T05:34:05+00:00"}`, false},
		"any UUID in a text":                {"trace", "update", `{"key":"r/<uuid>"}`, `{"key":"r/0e37df36-f698-41e6-8dd4-cb9ced3df976"}`, true},
		"no UUID":                           {"trace", "update", `{"key":"r/<uuid>"}`, `{"key":"r/undefined"}`, false},
		"JSON in metadata":                  {"trace", "update", `{"metadata":{"a":"{\"b\": 1.0}"}}`, `{"metadata":{"a":"{\"b\":1}"}}`, true},
		"text in metadata":                  {"trace", "update", `{"metadata":{"a":"b"}}`, `{"metadata":{"a":"\"b\""}}`, false},
		"value in metadata":                 {"trace", "update", `{"metadata":{"a":"1"}}`, `{"metadata":{"a":1}}`, false},
		"JSON in a tag":                     {"trace", "update", `{"tags":{"a":"1.0"}}`, `{"tags":{"a":"1"}}`, false},
		"JSON in a tool's result":           {"tool_call", "result", `{"result":"[1, 2]"}`, `{"result":"[1,2]"}`, true},
		"JSON in a model's result":          {"generation", "result", `{"result":"[1, 2]"}`, `{"result":"[1,2]"}`, false},
		"long text": {
			"trace", "update",
			`{"a":{"$big":{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}}`, `{"a":"abc"}`, true,
		},
		"other long text": {
			"trace", "update",
			`{"a":{"$big":{"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}}`, `{"a":"abd"}`, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want, got := line(t, tt.entity, tt.action, tt.want), line(t, tt.entity, tt.action, tt.got)
			if is := same([]Line{want}, []Line{got}); is != tt.same {
				t.Errorf("same = %t, want %t", is, tt.same)
			}
		})
	}
}

func TestSameSeesHeads(t *testing.T) {
	base := Line{Entity: "trace", ID: "t", Action: "update", Data: map[string]any{}}
	for name, change := range map[string]func(*Line){
		"entity":     func(l *Line) { l.Entity = "span" },
		"id":         func(l *Line) { l.ID = "u" },
		"action":     func(l *Line) { l.Action = "end" },
		"repository": func(l *Line) { l.Repository = "other" },
	} {
		other := base
		change(&other)
		if same([]Line{base}, []Line{other}) {
			t.Errorf("a difference of the %s is not seen", name)
		}
	}
	if same([]Line{base}, nil) || same(nil, []Line{base}) {
		t.Error("a missing line is not seen")
	}
}

// TestRulesDoNotHide checks that a case that deviates still fails for another reason.
func TestRulesDoNotHide(t *testing.T) {
	c := &Case{Call: "logger.trace_add_error", Lines: []Line{line(t, "trace", "add-error", `{"message":"m"}`)}}
	c.steps = []step{{c.Call, map[string]any{"trace_id": "i", "config": map[string]any{"id": "x", "message": "m"}}}}
	right := played{lines: []Line{line(t, "trace", "add-error", `{"message":"m","id":"x"}`)}}
	if got := judge(c, right); got.Status != Deviates || !cmp.Equal(got.Causes, []string{"errors carry their id"}) {
		t.Errorf("judge = %+v, want the deviation of errors", got)
	}
	wrong := played{lines: []Line{line(t, "trace", "add-error", `{"message":"other","id":"x"}`)}}
	if got := judge(c, wrong); got.Status != Failed {
		t.Errorf("judge = %+v, want a failure", got)
	}
}

func TestDecodeMarkers(t *testing.T) {
	raw := `{"float":{"$float":"1e3"},"int":{"$int":"7"},"bytes":{"$bytes":"AQI="},"at":{"$datetime":"2024-01-02T03:04:05Z"},
		"naive":{"$datetime":"2024-01-02T03:04:05"},"gone":{"$undefined":true},"set":{"$set":[1]},"long":{"$repeat":["ab",3]},
		"tuple":{"$tuple":[1,null]},"object":{"$object":"Config","fields":{"id":"x"}},"file":{"$attachment":"url","fields":{"url":"u"}},
		"price":{"$cents":5,"currency":"EUR"},"number":1.5,"null":null}`
	got, err := decodeArgs(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	want := map[string]any{
		"float": 1000.0, "int": int64(7), "bytes": []byte{1, 2}, "at": at, "naive": foreign("time without a zone"), "set": foreign("set"),
		"long": "ababab", "tuple": tuple{int64(1), nil}, "object": instance{"Config", map[string]any{"id": "x"}},
		"file":  attachment{"url", map[string]any{"url": "u"}},
		"price": map[string]any{"$cents": int64(5), "currency": "EUR"}, "number": 1.5, "null": nil,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(instance{}, attachment{})); diff != "" {
		t.Errorf("decodeArgs (-want +got):\n%s", diff)
	}
}

func TestDecodeRefusesBrokenMarkers(t *testing.T) {
	for _, raw := range []string{
		`[]`, `{`, `{"a":{"$bytes":"%"}}`, `{"a":{"$float":"x"}}`, `{"a":{"$datetime":"noon"}}`, `{"a":{"$repeat":["a"]}}`,
		`{"a":{"$repeat":["a",-1]}}`, `{"a":{"$attachment":"url","fields":5}}`,
	} {
		if got, err := decodeArgs(json.RawMessage(raw)); err == nil {
			t.Errorf("decodeArgs(%s) = %v, want an error", raw, got)
		}
	}
}
