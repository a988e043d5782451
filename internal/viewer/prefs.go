package viewer

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/address"
)

// prefs are a reader's choices on the settings page. They are kept in a cookie.
type prefs struct {
	Theme   string   // "auto", "light" or "dark"
	UTC     bool     // show times in UTC, not in the zone of the browser
	Keys    bool     // single keys are shortcuts
	Columns []string // of the list of traces that are shown; empty means all
}

const prefsCookie = "troupe-prefs"

// prefsOf returns the preferences in the request's cookie, or the defaults.
func prefsOf(r *http.Request) prefs {
	p := prefs{Theme: "auto", Keys: true}
	cookie, err := r.Cookie(prefsCookie)
	if err != nil {
		return p
	}
	values, err := url.ParseQuery(cookie.Value)
	if err != nil {
		return p
	}
	if theme := values.Get("theme"); theme == "light" || theme == "dark" {
		p.Theme = theme
	}
	p.UTC = values.Get("utc") == "1"
	p.Keys = values.Get("keys") != "0"
	if columns := values.Get("columns"); columns != "" {
		p.Columns = strings.Split(columns, ".")
	}
	return p
}

// column is a column of the list of traces that can be left out.
type column struct {
	Name, Title string
	Number      bool
}

var allColumns = []column{
	{"started", "Started", false}, {"took", "Duration", true}, {"calls", "Calls", true}, {"tools", "Tools", true},
	{"tokens", "Tokens", true}, {"cost", "Cost", true}, {"errors", "Errors", true}, {"session", "Session", false},
}

// noColumns is stored when every column is hidden.
const noColumns = "none"

// columns returns those that were chosen, in their usual order.
func (p prefs) columns() (chosen []column) {
	for _, c := range allColumns {
		if p.Shows(c.Name) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// Shows reports whether a column was chosen. All are, before anybody chooses.
func (p prefs) Shows(name string) bool {
	return len(p.Columns) == 0 || slices.Contains(p.Columns, name)
}

// cookie returns the cookie that keeps the preferences, for a year.
func (p prefs) cookie(at address.Address) *http.Cookie {
	values := url.Values{"theme": {p.Theme}}
	if p.UTC {
		values.Set("utc", "1")
	}
	if !p.Keys {
		values.Set("keys", "0")
	}
	if len(p.Columns) > 0 {
		values.Set("columns", strings.Join(p.Columns, "."))
	}
	return at.Cookie(prefsCookie, values.Encode(), int((365 * 24 * time.Hour).Seconds()))
}
