package archtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupelog/troupe/internal/docs"
)

// Measure is a figure of the module, or of one package.
type Measure struct {
	Of    string // "module", or the folder of a package
	Name  string
	Value float64
	Goal  float64
	// AtLeast is set if larger is better.
	AtLeast bool
	// Step is the precision of a recorded limit: small changes within it pass.
	Step float64
	// Note names the places that the value comes from.
	Note string
}

// good reports whether a value is as good as a limit.
func (m Measure) good(limit float64) bool {
	if m.AtLeast {
		return m.Value >= limit
	}
	return m.Value <= limit
}

// String returns the value beside the goal.
func (m Measure) String() string {
	sign := "≤"
	if m.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s: %s (goal %s %s)", m.Name, number(m.Value), sign, number(m.Goal))
}

// number formats a value with up to two decimals.
func number(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Report holds all measures.
type Report struct {
	Measures []Measure
	// LoggerFiles is the order of reading of package logger, the lowest layer first.
	LoggerFiles []string
}

// Goals of a package.
const (
	publicComments   = 25  // percent of the lines that are not blank
	internalComments = 18  // the same
	testShare        = 0.8 // test lines for each product line
	logicLines       = 50  // a package with fewer product lines needs no tests
)

// Run measures the main module below root. Its lines are counted without generated files,
// examples and test support: packages that the layout marks as serving only tests, and
// testdata.
func Run(ctx context.Context, root string) (Report, error) {
	sources, err := load(root)
	if err != nil {
		return Report{}, err
	}
	pages, err := docs.Pages(root)
	if err != nil {
		return Report{}, err
	}
	g, err := list(ctx, root, "linux", "./...")
	if err != nil {
		return Report{}, err
	}
	u, err := fileUses(ctx, root, "logger")
	if err != nil {
		return Report{}, err
	}
	order := u.order()
	var r Report
	for _, file := range order {
		r.LoggerFiles = append(r.LoggerFiles, u.files[file])
	}
	all, packages := proportions(sources)
	r.Measures = slices.Concat(shapes(sources), all, prose(sources, pages), structure(g, u.upNames(order)), packages)
	return r, nil
}

// upNames returns the definitions that point up, as file.name.
func (u uses) upNames(order []int) []string {
	var names []string
	for _, d := range u.up(order) {
		names = append(names, strings.TrimSuffix(u.files[d.file], ".go")+"."+d.name)
	}
	slices.Sort(names)
	return names
}

// shapes measures sizes of files, functions and interfaces.
func shapes(sources []source) []Measure {
	var files, functions, interfaces []sized
	var undocumented []string
	methods := 0
	for _, s := range sources {
		if !s.product() {
			continue
		}
		files = append(files, sized{s.lines.total, s.Path})
		functions = append(functions, s.functions()...)
		interfaces = append(interfaces, s.interfaces()...)
		undocumented = append(undocumented, s.undocumented()...)
		if s.Folder() == "logger" {
			methods += s.methodsOf("Logger")
		}
	}
	largest(files)
	largest(functions)
	largest(interfaces)
	return []Measure{
		{Of: "module", Name: "longest file, lines", Value: float64(files[0].size), Goal: 400, Step: 10, Note: top(files)},
		{Of: "module", Name: "longest function, lines", Value: float64(functions[0].size), Goal: 60, Step: 5, Note: top(functions)},
		{Of: "module", Name: "function length, 95th percentile, lines", Value: float64(percentile(functions, 0.95)), Goal: 30, Step: 1},
		{Of: "module", Name: "methods of the largest interface", Value: float64(interfaces[0].size), Goal: 6, Step: 1, Note: top(interfaces)},
		counted("exported names without a comment", undocumented),
		{Of: "module", Name: "exported methods of Logger, written by hand", Value: float64(methods), Goal: 25, Step: 1},
	}
}

// top names the five largest things.
func top(things []sized) string {
	var names []string
	for _, t := range things[:min(5, len(things))] {
		names = append(names, fmt.Sprintf("%s %d", t.name, t.size))
	}
	return strings.Join(names, ", ")
}

// counted is a measure of things that should not be.
func counted(name string, things []string) Measure {
	return Measure{Of: "module", Name: name, Value: float64(len(things)), Step: 1, Note: strings.Join(things, ", ")}
}

// tally adds up the lines of a package or of several.
type tally struct{ product, test lines }

// proportions measures comments and tests against code, in all and by package.
func proportions(sources []source) (all, packages []Measure) {
	var whole, open, inner tally
	byFolder := map[string]*tally{}
	for _, s := range sources {
		if s.test {
			whole.test.add(s.lines)
		}
		if s.product() {
			if byFolder[s.Folder()] == nil {
				byFolder[s.Folder()] = &tally{}
			}
			byFolder[s.Folder()].product.add(s.lines)
			whole.product.add(s.lines)
			if public(s.Folder()) {
				open.product.add(s.lines)
			} else {
				inner.product.add(s.lines)
			}
		}
	}
	for _, s := range sources {
		if t := byFolder[s.Folder()]; s.test && t != nil {
			t.test.add(s.lines)
		}
	}
	all = []Measure{
		comments("module", "comment lines, %", whole, 20),
		comments("module", "comment lines of public packages, %", open, publicComments),
		comments("module", "comment lines of internal packages, %", inner, internalComments),
		tests("module", whole, 0.85),
	}
	for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
		t, goal := *byFolder[folder], float64(internalComments)
		if public(folder) {
			goal = publicComments
		}
		packages = append(packages, comments(folder, "comment lines, %", t, goal))
		if t.product.code >= logicLines && !within(folder, "cmd") {
			packages = append(packages, tests(folder, t, testShare))
		}
	}
	return all, packages
}

// comments measures the share of comment lines among lines that are not blank.
func comments(of, name string, t tally, goal float64) Measure {
	share := 100 * float64(t.product.comment) / float64(t.product.comment+t.product.code)
	return Measure{Of: of, Name: name, Value: share, Goal: goal, AtLeast: true, Step: 1}
}

// tests measures the lines of tests for each line of product.
func tests(of string, t tally, goal float64) Measure {
	share := float64(t.test.code) / float64(t.product.code)
	note := fmt.Sprintf("%d test lines, %d product lines", t.test.code, t.product.code)
	return Measure{Of: of, Name: "test lines per product line", Value: share, Goal: goal, AtLeast: true, Step: 0.05, Note: note}
}

// prose measures idioms in comments of the product and in pages.
func prose(sources []source, pages []docs.Page) []Measure {
	var product []docs.Source
	total := 0
	for _, s := range sources {
		if s.product() {
			product = append(product, s.Source)
			total += s.lines.comment
		}
	}
	for _, p := range pages {
		for line := range strings.Lines(p.Text) {
			if strings.TrimSpace(line) != "" {
				total++
			}
		}
	}
	found := docs.FindIdioms(product, pages).Totals()
	measures := []Measure{{
		Of: "module", Name: "“what” per 100 lines of comments and pages", Value: 100 * float64(found["what"]) / float64(total), Goal: 0.5, Step: 0.1,
		Note: fmt.Sprintf("%d in %d lines", found["what"], total),
	}}
	for _, idiom := range docs.Idioms {
		if idiom.Name != "what" {
			measures = append(measures, Measure{
				Of: "module", Name: fmt.Sprintf("“%s” in comments and pages", idiom.Name), Value: float64(found[idiom.Name]), Step: 1,
				Note: "instead: " + idiom.Instead,
			})
		}
	}
	return measures
}

// structure measures imports, and the order of files in package logger.
func structure(g graph, up []string) []Measure {
	arrows := counted("definitions of package logger used by a lower file", up)
	arrows.Goal = 20
	return []Measure{
		counted("packages in import circles", importsOf(g, func(folder string) string { return folder }).circles()),
		counted("top rooms in import circles", importsOf(g, room).circles()),
		counted("imports against the layout", misplaced(layout, g)),
		arrows,
	}
}
