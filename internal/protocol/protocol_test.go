package protocol_test

import (
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

func TestKindsAreParsedByTheirNames(t *testing.T) {
	for i, k := range protocol.Kinds() {
		if int(k) != i+1 {
			t.Errorf("%s has the number %d, want %d: indexes store it", k, k, i+1)
		}
		if got := protocol.ParseKind(k.String()); got != k {
			t.Errorf("ParseKind(%q) = %v, want %v", k, got, k)
		}
	}
	for _, name := range []string{"", "unknown", "Trace", "storage"} {
		if got := protocol.ParseKind(name); got != protocol.Unknown {
			t.Errorf("ParseKind(%q) = %v, want unknown", name, got)
		}
	}
	if got := protocol.Kind(200).String(); got != "unknown" {
		t.Errorf("Kind(200) is called %q", got)
	}
}

func TestActionsAreParsedByTheirNames(t *testing.T) {
	seen := map[string]bool{}
	for a := protocol.Create; a.String() != "none"; a++ {
		if seen[a.String()] {
			t.Errorf("two actions are called %q", a)
		}
		seen[a.String()] = true
		if got := protocol.ParseAction(a.String()); got != a {
			t.Errorf("ParseAction(%q) = %v, want %v", a, got, a)
		}
	}
	if !seen["process-large-log"] || len(seen) != 18 {
		t.Errorf("%d actions are known, want 18", len(seen))
	}
	for _, name := range []string{"", "none", "Create", "add-sub-span"} {
		if got := protocol.ParseAction(name); got != protocol.None {
			t.Errorf("ParseAction(%q) = %v, want none", name, got)
		}
	}
}

func TestActionsThatBeginAnEntityAreNamedForIt(t *testing.T) {
	begun := map[protocol.Kind]bool{}
	for a := protocol.Create; a.String() != "none"; a++ {
		k := a.Begins()
		if k == protocol.Unknown {
			continue
		}
		begun[k] = true
		if want := "add-" + strings.ReplaceAll(k.String(), "_", "-"); a.String() != want {
			t.Errorf("%s begins a %s, want the action %s", a, k, want)
		}
		if got := protocol.Beginning(k); got != a {
			t.Errorf("Beginning(%s) = %s, want %s", k, got, a)
		}
	}
	if got := protocol.Beginning(protocol.Session); got != protocol.None {
		t.Errorf("Beginning(session) = %s, want none", got)
	}
	if len(begun) != 6 || begun[protocol.Session] {
		t.Errorf("actions begin %v, want every kind but a session", begun)
	}
}

func TestProducersAreParsed(t *testing.T) {
	const text = "000102030405060708090a0b0c0d0e0f"
	p, ok := protocol.ParseProducer(text)
	if !ok || p.String() != text {
		t.Errorf("ParseProducer(%q) = %v, %v", text, p, ok)
	}
	for _, bad := range []string{"", "00", strings.Repeat("0", 32), strings.Repeat("g", 32), text + "00"} {
		if p, ok := protocol.ParseProducer(bad); ok {
			t.Errorf("ParseProducer(%q) = %v, want none", bad, p)
		}
	}
}
