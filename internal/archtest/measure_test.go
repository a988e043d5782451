package archtest

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record better measures, and those of new packages, in testdata/measure.txt")

const limitsFile = "testdata/measure.txt"

func TestMeasuresDoNotGetWorse(t *testing.T) {
	t.Parallel()
	if err := declareInputs(); err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := ReadLimits(limitsFile)
	if err != nil && !(os.IsNotExist(err) && *update) {
		t.Fatal(err)
	}
	if *update {
		limits = limits.Lower(report.Measures)
		if err := limits.Write(limitsFile, report.Measures); err != nil {
			t.Fatal(err)
		}
	}
	if worse := limits.Worse(report.Measures); len(worse) > 0 {
		t.Errorf("these measures got worse:\n%s\nIf a package was moved, run: go test ./internal/archtest -update", strings.Join(worse, "\n"))
	}
}

func TestCountSeparatesCodeFromComments(t *testing.T) {
	t.Parallel()
	text := "// Package a.\npackage a\n\n/*\nblock\n\n*/\nvar x = `raw\n\n// text`\n\nfunc f() { // beside code\n\t// alone\n}\n"
	want := lines{total: 14, code: 5, comment: 5}
	if got := count([]byte(text)); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLimitsOnlyImprove(t *testing.T) {
	t.Parallel()
	measure := func(value float64, atLeast bool) Measure {
		m := Measure{Of: "a", Name: "x", Value: value, Goal: 10, AtLeast: atLeast, Step: 1}
		return m
	}
	tests := map[string]struct {
		limit    float64
		m        Measure
		worse    bool
		recorded float64
	}{
		"fewer is better, fewer":            {30, measure(20, false), false, 20},
		"fewer is better, more":             {30, measure(31, false), true, 30},
		"fewer is better, within the step":  {30, measure(29.5, false), false, 30},
		"fewer is better, goal reached":     {30, measure(5, false), false, 10},
		"more is better, more":              {5, measure(8, true), false, 8},
		"more is better, fewer":             {5, measure(4, true), true, 5},
		"more is better, within the step":   {5, measure(5.5, true), false, 5},
		"more is better, still at the goal": {10, measure(12, true), false, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := Limits{{"a", "x"}: tt.limit}
			if got := len(limits.Worse([]Measure{tt.m})) > 0; got != tt.worse {
				t.Errorf("worse: %v, want %v", got, tt.worse)
			}
			if got := limits.Lower([]Measure{tt.m})[[2]string{"a", "x"}]; got != tt.recorded {
				t.Errorf("recorded %v, want %v", got, tt.recorded)
			}
		})
	}
	if len(Limits{}.Worse([]Measure{measure(11, false)})) != 1 {
		t.Error("a new package that misses its goal passes")
	}
}

func TestCirclesAreFound(t *testing.T) {
	t.Parallel()
	g := graphOf(ours("a", module+"/internal/b/x"), ours("internal/b/x", "fmt"), ours("internal/b/y", module+"/a"), ours("c", module+"/a"))
	if got := importsOf(g, func(folder string) string { return folder }).circles(); len(got) != 0 {
		t.Errorf("packages in circles: %v, want none", got)
	}
	if got, want := importsOf(g, room).circles(), []string{"a", "internal/b"}; !slices.Equal(got, want) {
		t.Errorf("rooms in circles: %v, want %v", got, want)
	}
}

// Three files in a circle: whatever their order, one definition points up.
func TestOrderLeavesTheFewestDefinitionsUp(t *testing.T) {
	t.Parallel()
	u := uses{
		files: []string{"a.go", "b.go", "c.go", "d.go"},
		definitions: []definition{
			{name: "one", file: 0, users: 1 << 1}, {name: "two", file: 0, users: 1 << 1}, {name: "three", file: 1, users: 1 << 2},
			{name: "four", file: 1, users: 1 << 2}, {name: "back", file: 2, users: 1 << 0}, {name: "base", file: 3, users: 1<<0 | 1<<1 | 1<<2},
		},
	}
	order := u.order()
	if want := []int{3, 0, 1, 2}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if got, want := u.upNames(order), []string{"c.back"}; !slices.Equal(got, want) {
		t.Errorf("up: %v, want %v", got, want)
	}
}
