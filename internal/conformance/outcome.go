package conformance

import (
	"context"
	"fmt"
)

// Status is the result of a case.
type Status string

// The outcomes of a case.
const (
	Passed   Status = "passed"   // Troupe sends the SDK's lines
	Failed   Status = "failed"   // it does not, and no rule says why
	Deviates Status = "deviates" // it sends the lines that a rule expects
	Skipped  Status = "skipped"  // its call cannot be made
)

// Outcome is the judgement on a case.
type Outcome struct {
	Status Status
	// Causes names the rules, or the reasons for a skip, that apply.
	Causes []string
	// LeftOut are the reasons for which members of arguments were left out, once for
	// each: Go cannot express them. They are missing in the lines, as is to be expected.
	LeftOut []string
	// Want and Got are the expected and the sent lines of a failed case, in a form
	// in which equivalent lines are equal.
	Want, Got []Line
}

// Play plays a case against the server and judges it. An error says that it could
// not be played at all.
func Play(ctx context.Context, s *Server, c *Case) (Outcome, error) {
	got, err := play(ctx, s, c)
	if err != nil {
		return Outcome{}, fmt.Errorf("playing %s: %w", c.ID, err)
	}
	if got.skip != "" {
		return Outcome{Status: Skipped, Causes: []string{got.skip}}, nil
	}
	return judge(c, got), nil
}

func judge(c *Case, got played) Outcome {
	if same(c.Lines, got.lines) {
		return Outcome{Status: Passed}
	}
	var out Outcome
	want, lost := apply(losses(got.lost), c, c.Lines)
	for _, r := range lost {
		out.LeftOut = append(out.LeftOut, r.Name)
	}
	if same(want, got.lines) {
		out.Status = Passed
		return out
	}
	want, applied := apply(Deviations(), c, want)
	for _, r := range applied {
		out.Causes = append(out.Causes, r.Name)
	}
	out.Status = Deviates
	if !same(want, got.lines) {
		out.Status = Failed
		out.Want, out.Got = aligned(want, got.lines)
	}
	return out
}

// Tally counts outcomes.
type Tally struct {
	Count map[Status]int
	// Causes counts the cases by the reason for deviating or being skipped. A case with
	// several causes counts for each.
	Causes map[Status]map[string]int
	// Partly counts the cases that were played without members of their arguments, and
	// passed or deviate; LeftOut counts the members by reason.
	Partly  int
	LeftOut map[string]int
}

// NewTally returns an empty tally.
func NewTally() *Tally {
	return &Tally{
		Count:   map[Status]int{},
		Causes:  map[Status]map[string]int{Deviates: {}, Skipped: {}},
		LeftOut: map[string]int{},
	}
}

// Add counts an outcome.
func (t *Tally) Add(o Outcome) {
	t.Count[o.Status]++
	if by := t.Causes[o.Status]; by != nil {
		for _, cause := range o.Causes {
			by[cause]++
		}
	}
	if len(o.LeftOut) > 0 && (o.Status == Passed || o.Status == Deviates) {
		t.Partly++
		for _, reason := range o.LeftOut {
			t.LeftOut[reason]++
		}
	}
}

// String returns the tally in one line.
func (t *Tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d deviations, %d skipped",
		t.Count[Passed], t.Count[Failed], t.Count[Deviates], t.Count[Skipped])
}
