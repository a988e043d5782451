package docs

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Findings holds places, as file:line, by the folder they are in and by the name of the rule
// they break.
type Findings map[string]map[string][]string

// Add records a place.
func (f Findings) Add(folder, rule, place string) {
	if f[folder] == nil {
		f[folder] = map[string][]string{}
	}
	f[folder][rule] = append(f[folder][rule], place)
}

// Totals returns the number of places by rule.
func (f Findings) Totals() map[string]int {
	totals := map[string]int{}
	for _, rules := range f {
		for rule, places := range rules {
			totals[rule] += len(places)
		}
	}
	return totals
}

// counts holds the recorded number of places by folder and rule. A missing number is zero.
type counts map[string]map[string]int

// set records a number; zero removes it.
func (c counts) set(folder, rule string, n int) {
	if n == 0 {
		return
	}
	if c[folder] == nil {
		c[folder] = map[string]int{}
	}
	c[folder][rule] = n
}

// totals returns the recorded numbers by rule, added up over all folders.
func (c counts) totals() map[string]int {
	totals := map[string]int{}
	for _, rules := range c {
		for rule, n := range rules {
			totals[rule] += n
		}
	}
	return totals
}

// rises returns one line for each place of a folder that breaks a rule more often than
// recorded.
func (c counts) rises(found Findings) []string {
	var lines []string
	for _, folder := range slices.Sorted(maps.Keys(found)) {
		for _, rule := range slices.Sorted(maps.Keys(found[folder])) {
			places, limit := found[folder][rule], c[folder][rule]
			if len(places) <= limit {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s: %q occurs %d times, at most %d allowed:\n\t%s",
				folder, rule, len(places), limit, strings.Join(places, "\n\t")))
		}
	}
	return lines
}

// lowered returns the counts of the findings, to be recorded. It fails if a rule is broken more
// often in total than recorded. Text may move between folders, so one folder may rise by as
// much as others fall.
func (c counts) lowered(found Findings) (counts, error) {
	recorded := c.totals()
	for rule, n := range found.Totals() {
		if n > recorded[rule] {
			return nil, fmt.Errorf("%q occurs %d times, more than the %d recorded: reword the new ones", rule, n, recorded[rule])
		}
	}
	return countsOf(found), nil
}

// countsOf returns the counts of the findings.
func countsOf(found Findings) counts {
	c := counts{}
	for folder, rules := range found {
		for rule, places := range rules {
			c.set(folder, rule, len(places))
		}
	}
	return c
}

// readCounts parses a file of write.
func readCounts(file string) (counts, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, folder := counts{}, ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		rule, indented := strings.CutPrefix(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !indented:
			folder = line
		default:
			i := strings.LastIndexByte(rule, ' ')
			n, err := strconv.Atoi(rule[i+1:])
			if err != nil || i < 0 {
				return nil, fmt.Errorf("%s: bad line %q: want a rule and a number", file, line)
			}
			c.set(folder, rule[:i], n)
		}
	}
	return c, nil
}

// write records the counts. Each folder is a block between blank lines, so that changes to
// two folders merge without a conflict.
func (c counts) write(file, heading string) error {
	var out strings.Builder
	for line := range strings.Lines(heading) {
		out.WriteString("# " + line)
	}
	out.WriteString("\n")
	for _, folder := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&out, "\n%s\n", folder)
		for _, rule := range slices.Sorted(maps.Keys(c[folder])) {
			fmt.Fprintf(&out, "\t%s %d\n", rule, c[folder][rule])
		}
	}
	return os.WriteFile(file, []byte(out.String()), 0o600)
}
