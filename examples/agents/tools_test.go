package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCalculate(t *testing.T) {
	for expression, want := range map[string]string{
		"6 * 7":            "6 * 7 = 42",
		"2 * (31 - 4) / 6": "2 * (31 - 4) / 6 = 9",
		"-3 + 45":          "-3 + 45 = 42",
		"1 / 8":            "1 / 8 = 0.125",
		"0.1 + 0.2":        "0.1 + 0.2 = 0.3",
	} {
		if got, err := calculate(t.Context(), expression); err != nil || got != want {
			t.Errorf("calculate(%q) = %q, %v; want %q", expression, got, err, want)
		}
	}
	for expression, want := range map[string]string{
		"1 / 0":                  "division by zero",
		"":                       "not an expression",
		"1 +":                    "not an expression",
		"x + 1":                  "only numbers",
		`"a" + "b"`:              "invalid syntax",
		"7 % 2":                  "% cannot be calculated",
		"len(os.Args)":           "only numbers",
		strings.Repeat("1", 2e3): "the limit is 1000",
	} {
		if got, err := calculate(t.Context(), expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("calculate(%q) = %q, %v; want an error with %q", expression, got, err, want)
		}
	}
}

func TestCallToolChecksWhatTheModelSends(t *testing.T) {
	lib, err := openLibrary(fstest.MapFS{"a.md": {Data: []byte("one two\nthree")}})
	if err != nil {
		t.Fatal(err)
	}
	tools := toolbox(lib)
	got, err := callTool(t.Context(), tools, "count_words", json.RawMessage(`{"file":"a.md"}`))
	if err != nil || got != "a.md has 3 words" {
		t.Errorf("count_words = %q, %v", got, err)
	}
	for _, test := range []struct{ tool, args, want string }{
		{"fly", `{}`, `no tool "fly"`},
		{searchTool, `{"query":"x"}`, "no tool"},
		{"clock", `not JSON`, "not an object of strings"},
		{"clock", `{"zone":3}`, "not an object of strings"},
		{"clock", `{}`, "argument zone is missing"},
		{"clock", `{"zone":"Nowhere/Never"}`, "Nowhere/Never"},
		{"count_words", `{"file":"../../go.mod"}`, "no document"},
		{"weather", `{"city":"Turin"}`, "does not answer"},
	} {
		if got, err := callTool(t.Context(), tools, test.tool, json.RawMessage(test.args)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s(%s) = %q, %v; want an error with %q", test.tool, test.args, got, err, test.want)
		}
	}
}
