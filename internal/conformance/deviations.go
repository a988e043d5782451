package conformance

import "slices"

// Rule describes lines of Troupe that differ from the SDKs, with the reason.
type Rule struct {
	// Name is short and unique.
	Name string
	// Reason says why Troupe differs, in one line.
	Reason string
	// rewrite changes the lines that an SDK sent for a call into those that Troupe
	// sends. It owns want. Lines that the rule is not about are returned as they are.
	rewrite func(c *Case, want []Line) []Line
}

// Deviations returns the rules that the project chose, in the order in which they
// apply.
func Deviations() []Rule {
	return slices.Concat(
		idDeviations(), valueDeviations(), entityDeviations(), messageDeviations(), mediaDeviations(), resultDeviations(),
	)
}

// apply rewrites want by all rules and returns those that changed something.
func apply(rules []Rule, c *Case, want []Line) ([]Line, []Rule) {
	var applied []Rule
	for _, r := range rules {
		changed := r.rewrite(c, clone(want))
		if !same(want, changed) {
			want, applied = changed, append(applied, r)
		}
	}
	return want, applied
}

// clone returns a deep copy.
func clone(lines []Line) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		out[i] = l
		out[i].Data = plain(l.Data)
	}
	return out
}

// eachLine returns a rewrite that changes the data of single lines.
func eachLine(change func(c *Case, l Line, data map[string]any)) func(*Case, []Line) []Line {
	return func(c *Case, want []Line) []Line {
		for _, l := range want {
			if data := l.object(); data != nil {
				change(c, l, data)
			}
		}
		return want
	}
}
