package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/internal/protocol"
)

// The table of limits in docs/internals/wire.md is the one in the code.
func TestLimitsInTheDocumentationAreThoseOfTheCode(t *testing.T) {
	var table strings.Builder
	table.WriteString("| limit | of | over it |\n|---|---|---|\n")
	for _, l := range protocol.Limits() {
		fmt.Fprintf(&table, "| %s (`%s`) | %s | %s |\n", amount(l.Value, l.Unit), l.Name, l.Of, l.Over)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "internals", "wire.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/internals/wire.md must hold this table:\n%s", table.String())
	}
}

// amount writes bytes in MiB where they are whole, and numbers with a comma for each thousand.
func amount(n int, unit string) string {
	switch {
	case unit == "bytes" && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1000:
		return fmt.Sprintf("%d,%03d %s", n/1000, n%1000, unit)
	default:
		return fmt.Sprintf("%d %s", n, unit)
	}
}
