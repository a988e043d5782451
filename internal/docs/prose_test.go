package docs

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the recorded files of this package; recorded faults can only become fewer")

// holdRatchet fails if a folder breaks a rule more often than the file records. With -update
// it records the present counts instead, unless a total has risen.
func holdRatchet(t *testing.T, file, heading string, found Findings) {
	t.Helper()
	recorded, err := readCounts(file)
	if err != nil && !(os.IsNotExist(err) && *update) {
		t.Fatal(err)
	}
	if *update {
		lower := countsOf(found)
		if err == nil { // a new file starts with the counts of today
			if lower, err = recorded.lowered(found); err != nil {
				t.Fatal(err)
			}
		}
		if err := lower.write(file, heading); err != nil {
			t.Fatal(err)
		}
		return
	}
	if lines := recorded.rises(found); len(lines) > 0 {
		t.Errorf("%s\nIf the text has only moved, run: go test ./internal/docs -update", strings.Join(lines, "\n"))
	}
}

const proseHeading = `Forbidden idioms in comments and pages, by folder: see prose.go. The counts may only fall:
go test ./internal/docs -update records lower ones. After a merge conflict take either side and update.`

func TestProseHasNoNewIdioms(t *testing.T) {
	pages, err := Pages(root)
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages found, %v", len(pages), err)
	}
	holdRatchet(t, "testdata/prose.txt", proseHeading, FindIdioms(allSources(t), pages))
}

func TestIdiomsAreFoundWhereverLinesBreak(t *testing.T) {
	found := Findings{}
	find(found, "a", "a.go", "// It is\n// how many, what it is, and that\n//of others; somewhat whatever understands.", 10)
	want := map[string][]string{"is how": {"a.go:10"}, "what": {"a.go:11"}, "that of": {"a.go:11"}}
	for _, idiom := range Idioms {
		if got := found["a"][idiom.Name]; !slices.Equal(got, want[idiom.Name]) {
			t.Errorf("%q found at %v, want %v", idiom.Name, got, want[idiom.Name])
		}
	}
}

func TestRatchetOnlyTurnsDown(t *testing.T) {
	recorded := counts{"a": {"what": 2}, "b": {"what": 1}}
	places := func(a, b, c int) Findings {
		return Findings{
			"a": {"what": make([]string, a)}, "b": {"what": make([]string, b)}, "c": {"what": make([]string, c)},
		}
	}
	tests := map[string]struct {
		found  Findings
		rises  string // the folders that are reported, in order
		update bool   // whether the counts can be recorded
	}{
		"as recorded":        {places(2, 1, 0), "", true},
		"lower":              {places(0, 1, 0), "", true},
		"higher":             {places(3, 1, 0), "a", false},
		"a new folder":       {places(2, 1, 1), "c", false},
		"moved to a new one": {places(2, 0, 1), "c", true},
		"moved":              {places(1, 2, 0), "b", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var folders []string
			for _, line := range recorded.rises(tt.found) {
				folder, _, _ := strings.Cut(line, ":")
				folders = append(folders, folder)
			}
			if got := strings.Join(folders, " "); got != tt.rises {
				t.Errorf("rises in %q, want %q", got, tt.rises)
			}
			if _, err := recorded.lowered(tt.found); (err == nil) != tt.update {
				t.Errorf("update: %v, want success %v", err, tt.update)
			}
		})
	}
}

func TestCountsSurviveTheirFile(t *testing.T) {
	file := t.TempDir() + "/counts.txt"
	want := counts{"a": {"is how": 3, "what": 2}, "pages docs": {"told": 1}}
	if err := want.write(file, "Heading\nof two lines."); err != nil {
		t.Fatal(err)
	}
	got, err := readCounts(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got["a"]["is how"] != 3 || got["a"]["what"] != 2 || got["pages docs"]["told"] != 1 {
		t.Errorf("got %v, want %v", got, want)
	}
}
