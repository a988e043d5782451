package viewer

import (
	"html/template"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/tree"
	"github.com/troupelog/troupe/internal/viewer/text"
	"github.com/troupelog/troupe/pricing"
)

// functions are the functions that templates call.
var functions = template.FuncMap{
	"add":       func(a, b int) int { return a + b },
	"both":      func(p *page, value any) withPage { return withPage{p, value} },
	"list":      func(values ...string) []string { return values },
	"path":      pathTo,
	"short":     newShort,
	"sub":       func(a, b int) int { return a - b },
	"clip":      tree.Clip,
	"clock":     clock,
	"cost":      cost,
	"count":     countAny,
	"duration":  duration,
	"dollars":   dollars,
	"glyph":     glyph,
	"iso":       iso,
	"lower":     strings.ToLower,
	"mark":      text.Mark,
	"nav":       nav,
	"plural":    plural,
	"tokenSum":  func(in, out int64) string { return count(in + out) },
	"timestamp": timestamp,
}

// glyph returns the sign of a status. Pages always show the word next to it.
func glyph(status string) string {
	switch status {
	case "error":
		return "✗"
	case "ended":
		return "✓"
	case "open":
		return "◌"
	default:
		return "?"
	}
}

// iso returns a time for machines, in UTC; "" for none.
func iso(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// timestamp returns a time for people, with its zone. Scripts put it into the zone of
// the browser.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// clock returns the time of day with its zone.
func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("15:04:05 UTC")
}

func duration(d time.Duration) string { return tree.Duration(d) }

// count returns a number with commas between groups of three digits.
func count[N int | int64 | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// plural returns a count with its noun, as in "1 trace" and "2 traces".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

// dollars returns an amount exactly, as in "$0.0125".
func dollars(amount pricing.USD) string {
	if amount < 0 {
		return "-$" + (-amount).String()
	}
	return "$" + amount.String()
}

// cost returns what is known of a cost: exactly, or at least where some of the calls
// have no price, as in "≥ $0.012 (2 unpriced)".
func cost(amount pricing.USD, unpriced int) string {
	switch {
	case unpriced == 0 && amount == 0:
		return ""
	case unpriced == 0:
		return dollars(amount)
	case amount == 0:
		return "unpriced"
	default:
		return "≥ " + dollars(amount) + " (" + strconv.Itoa(unpriced) + " unpriced)"
	}
}

// countAny is count for templates, whose numbers have different types.
func countAny(n any) string {
	switch n := n.(type) {
	case int:
		return count(n)
	case int64:
		return count(n)
	case uint64:
		return count(n)
	}
	return "?"
}

// navItem is a link in the navigation.
type navItem struct {
	Href, Text string
	Current    bool
}

func nav(p *page, path, name, text string) navItem {
	return navItem{p.Link(path), text, p.Nav == name}
}

func itoa(n int) string { return strconv.Itoa(n) }

// number returns a parameter that is a number, 0 if it is none.
func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// sortedPairs yields the members of a map by name.
func sortedPairs[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !yield(name, m[name]) {
				return
			}
		}
	}
}

// pathTo returns an address with a part that holds anything.
func pathTo(base, part string) string { return base + url.PathEscape(part) }

// withPage is a value together with the page it is on, for parts of pages.
type withPage struct {
	Page  *page
	Value any
}

// shortTraces is a short list of traces on the overview.
type shortTraces struct {
	Page  *page
	Title string
	Rows  []listRow
}

func newShort(p *page, title string, rows []listRow) shortTraces { return shortTraces{p, title, rows} }
