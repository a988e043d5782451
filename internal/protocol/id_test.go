package protocol_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupelog/troupe/internal/protocol"
)

func TestSafeIDValues(t *testing.T) {
	for id, want := range map[string]string{
		"user/42@acme:thread":        "user-42-acme-thread-xli3gwqgldgarhlc",
		"C0123ABC-1699887766.554433": "C0123ABC-1699887766-554433-2ziwth72i7n2e6p5",
		"Zoë 🦊":                      "Zo-yeelqwwn6t47ac54",
		"call_0":                     "call_0",
		"-":                          "-",
	} {
		if got := protocol.SafeID(id); got != want {
			t.Errorf("SafeID(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestStemsOfSafeIDs(t *testing.T) {
	for id, want := range map[string]string{
		"":                               "x-",
		"..":                             "x-",
		"-.-":                            "x-",
		"@a@":                            "a-",
		"a@-b.":                          "a--b-",
		strings.Repeat("a", 39) + "-.":   strings.Repeat("a", 39) + "-",
		strings.Repeat("a", 39) + ".z":   strings.Repeat("a", 39) + "--",
		strings.Repeat("a", 38) + "é/zz": strings.Repeat("a", 38) + "-z-",
		strings.Repeat("s", 1025):        strings.Repeat("s", 40) + "-",
	} {
		got := protocol.SafeID(id)
		if len(got) != len(want)+16 || got[:len(want)] != want {
			t.Errorf("SafeID(%q) = %q, want %q and 16 characters", id, got, want)
		}
	}
}

// The stem is checked against the rule as it is written, byte by byte.
func TestSafeIDFollowsItsRule(t *testing.T) {
	others := regexp.MustCompile(`(?s)[^A-Za-z0-9_-]+`)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[a-c@.\-]{0,60}`), rapid.String()).Draw(t, "id")
		got := protocol.SafeID(id)
		if !protocol.ValidID(got) || protocol.SafeID(got) != got {
			t.Fatalf("SafeID(%q) = %q, which is not a fixed point", id, got)
		}
		if !protocol.ValidID(id) && !protocol.MayBeDerived(got) {
			t.Fatalf("%q is not taken for a derived id", got)
		}
		if protocol.ValidID(id) {
			if got != id {
				t.Fatalf("SafeID(%q) = %q, though the id is valid", id, got)
			}
			return
		}
		want := strings.Trim(others.ReplaceAllString(id, "-"), "-")
		if want = want[:min(len(want), 40)]; want == "" {
			want = "x"
		}
		if got[:len(got)-17] != want {
			t.Fatalf("SafeID(%q) = %q, its stem is not %q", id, got, want)
		}
	})
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "A-z_09": true, "": false, "a b": false, "a\n": false, "a}": false, "ü": false, "１": false, "a,b": false, "a.b": false,
		strings.Repeat("x", protocol.MaxID): true, strings.Repeat("x", protocol.MaxID+1): false,
	} {
		if got := protocol.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}
