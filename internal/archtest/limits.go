package archtest

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Limits holds the recorded value of each measure, by Of and Name. A measure fails if it is
// worse than its limit, unless it reaches its goal.
type Limits map[[2]string]float64

// round rounds a value to the step of the measure, in the direction that leaves slack.
func (m Measure) round() float64 {
	steps := m.Value/m.Step + 1e-9
	if !m.AtLeast {
		steps = m.Value/m.Step - 1e-9
		return math.Ceil(steps) * m.Step
	}
	return math.Floor(steps) * m.Step
}

// Worse returns a line for each measure that misses both its limit and its goal. A measure
// without a limit belongs to a new package.
func (l Limits) Worse(measures []Measure) []string {
	var found []string
	for _, m := range measures {
		limit, ok := l[[2]string{m.Of, m.Name}]
		if m.good(m.Goal) || ok && m.good(limit) {
			continue
		}
		recorded := "none recorded"
		if ok {
			recorded = number(limit)
		}
		found = append(found, fmt.Sprintf("%s: %s; limit: %s. %s", m.Of, m, recorded, m.Note))
	}
	return found
}

// Lower returns the limits to record: the better of the present value and the recorded limit,
// but none better than the goal. Packages that are new, or were moved, get the present value.
func (l Limits) Lower(measures []Measure) Limits {
	lower := Limits{}
	for _, m := range measures {
		value, key := m.round(), [2]string{m.Of, m.Name}
		if limit, ok := l[key]; ok && !m.good(limit) {
			value = limit
		}
		if m.good(m.Goal) {
			value = m.Goal
		}
		lower[key] = value
	}
	return lower
}

// ReadLimits reads a file that Write wrote.
func ReadLimits(file string) (Limits, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l, of := Limits{}, ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		row, indented := strings.CutPrefix(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !indented:
			of = line
		default:
			name, rest, _ := strings.Cut(row, ": ")
			value, _, _ := strings.Cut(rest, " ")
			if l[[2]string{of, name}], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, fmt.Errorf("%s: bad line %q: %w", file, line, err)
			}
		}
	}
	return l, nil
}

// Write records the limits of measures with their goals. Each package is a block between
// blank lines, so that changes to two packages merge without a conflict.
func (l Limits) Write(file string, measures []Measure) error {
	var out strings.Builder
	out.WriteString("# Limits of the measures that \"go run ./internal/archtest/measure\" prints. A measure may not get worse\n" +
		"# than its limit, unless it reaches its goal. go test ./internal/archtest -update records better values.\n")
	for i, m := range measures {
		if i == 0 || measures[i-1].Of != m.Of {
			fmt.Fprintf(&out, "\n%s\n", m.Of)
		}
		m.Value = l[[2]string{m.Of, m.Name}]
		fmt.Fprintf(&out, "\t%s\n", m)
	}
	return os.WriteFile(file, []byte(out.String()), 0o600)
}
