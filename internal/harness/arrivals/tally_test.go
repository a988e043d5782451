package arrivals

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// line is the line of an entry.
func line(session string, s Stamp) string {
	return fmt.Sprintf(`session{id=%s,action=update,data={"tags":{"stamp":"%s"}}}`, session, s.Text(session, 50))
}

// entries are the lines of the first n entries of a stream.
func entries(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, line("s", Stamp{"p", i}))
	}
	return lines
}

const beginning = `session{id=s,action=create,data={}}`

func TestTally(t *testing.T) {
	for name, test := range map[string]struct {
		change  func([]string) []string
		want    Count
		missing []int
	}{
		"everything as it was": {
			func(l []string) []string { return l },
			Count{Lines: 10, Entries: 10}, nil,
		},
		"a loss": {
			func(l []string) []string { return append(l[:3:3], l[4:]...) },
			Count{Lines: 9, Entries: 9}, []int{3},
		},
		"a loss at the end": {
			func(l []string) []string { return l[:8] },
			Count{Lines: 8, Entries: 8}, []int{8, 9},
		},
		"nothing at all": {
			func([]string) []string { return nil },
			Count{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		},
		"a duplicate": {
			func(l []string) []string { return append(l, l[2], l[2]) },
			Count{Lines: 12, Entries: 10, Duplicates: 2}, nil,
		},
		"a duplicate without a stamp": {
			func(l []string) []string { return append(l, beginning, beginning) },
			Count{Lines: 12, Entries: 10, Duplicates: 1}, nil,
		},
		"another order": {
			func(l []string) []string { l[4], l[5] = l[5], l[4]; return l },
			Count{Lines: 10, Entries: 10, Disorder: 1}, nil,
		},
		"a changed byte": {
			func(l []string) []string { l[6] = strings.Replace(l[6], `"}}}`, `x"}}}`, 1); return l },
			Count{Lines: 10, Entries: 9, Wrong: 1}, []int{6},
		},
		"a cut line": {
			func(l []string) []string { l[6] = l[6][:40]; return l },
			Count{Lines: 10, Entries: 9, Wrong: 1}, []int{6},
		},
		"another session": {
			func(l []string) []string { return append(l, line("t", Stamp{"p", 10})) },
			Count{Lines: 11, Entries: 10, Wrong: 1}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tally := NewTally()
			for _, line := range test.change(entries(10)) {
				tally.Line([]byte(line))
			}
			if diff := gocmp.Diff(test.want, tally.Count()); diff != "" {
				t.Error(diff)
			}
			if diff := gocmp.Diff(test.missing, tally.Missing("p", 10)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
