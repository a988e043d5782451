package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if _, _, yes := isVictim(); yes {
		main()
	}
	goleak.VerifyTestMain(m)
}

// entries is what outage logs: the begin, the error's result, the end of a generation
// and the begin and end of its trace for each turn, and those of the session.
const entries = 5*turns + 2

// want is the output in its order; between two of them there may be more.
var want = []string{
	`^HOOKS THAT PANIC$`,
	`^OnError: troupe: trace hooks update: value cannot be encoded: "metadata\.bad" is left out: .*panicked$`,
	`^OnError: troupe: trace hooks update: value cannot be encoded: "output" is left out: .*panicked$`,
	`^1 calls rejected, 6 panics contained$`, // 4 lines given to slog, 2 errors told
	`^accepted=4 delivered=4 pending=0 dead=0 dropped=0$`,
	`^A SERVER THAT FAILS$`,
	`^health before: ok=true pending=0 delivery error: <nil>$`,
	`^OnError: troupe: delivery failing: .* status 503 .*out for lunch`,
	`^OnError: troupe: delivery failing: .* no answer `,
	fmt.Sprintf(`^health meanwhile: ok=false pending=%d delivery error: .* no answer `, entries),
	`^Flush, with little time: troupe: not delivered: .*context deadline exceeded`,
	`^health after the repair: ok=true pending=0 delivery error: <nil>$`,
	fmt.Sprintf(`^the server refused 1 requests, reset [0-9]+ and lost the answer of 1; it has %d lines$`, entries),
	fmt.Sprintf(`^accepted=%d delivered=%[1]d pending=0 dead=0 dropped=0$`, entries),
	`^THE CABLE IS PULLED, THE PROCESS KILLED$`,
	fmt.Sprintf(`^the process says: %d entries are safe, 0 delivered$`, entries-1),
	`^it is killed$`,
	`^the next run delivered what the killed one left: lost=0$`,
	fmt.Sprintf(`^accepted=0 recovered=%d delivered=%[1]d pending=0 dead=0 dropped=0$`, entries-1),
}

func TestFaultsAreSeenAndCostNothing(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	missing := want
	for line := range strings.Lines(out.String()) {
		if len(missing) > 0 && regexp.MustCompile(missing[0]).MatchString(strings.TrimSuffix(line, "\n")) {
			missing = missing[1:]
		}
	}
	if len(missing) > 0 {
		t.Errorf("no line, in its place, matches %s\nthe output is:\n%s", missing[0], out.String())
	}
}
