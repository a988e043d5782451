package conformance

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCorpus plays the corpus that $CORPUS names, and prints what is not compared.
func TestCorpus(t *testing.T) {
	path := os.Getenv("CORPUS")
	if path == "" {
		t.Skip("CORPUS names no corpus: nothing was compared with the existing SDKs")
	}
	corpus, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer()
	defer server.Close()
	tally := NewTally()
	for _, c := range corpus.Cases {
		outcome, err := Play(t.Context(), server, c)
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(outcome)
		if outcome.Status == Failed {
			t.Errorf("%s: %s, with the rules %q (-want +got):\n%s", c.ID, c.Call, outcome.Causes, cmp.Diff(outcome.Want, outcome.Got))
		}
	}
	list(t, "deviation", tally.Causes[Deviates])
	list(t, "skipped", tally.Causes[Skipped])
	list(t, "left out", tally.LeftOut)
	t.Logf("%d of the cases that passed or deviate were played without members of their arguments", tally.Partly)
	fmt.Printf("corpus: %v\n", tally)
}

func list(t *testing.T, what string, causes map[string]int) {
	t.Helper()
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		t.Logf("%s %4d  %s", what, causes[cause], cause)
	}
}

// TestDeviationsAreExplained checks that every rule can be named and defended.
func TestDeviationsAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Deviations() {
		if r.Name == "" || r.Reason == "" || r.rewrite == nil || seen[r.Name] {
			t.Errorf("the rule %q has no reason, does nothing or is there twice", r.Name)
		}
		seen[r.Name] = true
	}
}
