package browser

import (
	"maps"
	"slices"
	"testing"

	"github.com/troupelog/troupe/browser/internal/chrome"
)

// desktop and phone are the two sizes that pages are made for.
var views = []chrome.View{
	{Width: 1440, Height: 900}, {Width: 1440, Height: 900, Dark: true},
	{Width: 360, Height: 740}, {Width: 360, Height: 740, Dark: true},
}

// Every page is accessible by the rules of axe-core, loads nothing from elsewhere, breaks
// no rule of its own Content-Security-Policy, has a title, and runs without a fault.
func TestEveryPageIsAccessibleAndKeepsToItself(t *testing.T) {
	axe, err := chrome.Axe()
	if err != nil {
		t.Fatal(err)
	}
	if axe == "" {
		t.Log("$AXE names no file of axe-core (npm pack axe-core): its rules are not checked")
	}
	all := pages(t)
	for _, view := range views {
		t.Run(view.String(), func(t *testing.T) {
			for _, name := range slices.Sorted(maps.Keys(all)) {
				tab := open(t, view)
				if err := tab.Go(all[name]); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				title, err := chrome.Eval[string](tab, `document.title`)
				if err != nil || title == "" {
					t.Errorf("%s: title %q, %v", name, title, err)
				}
				if axe != "" {
					violations, err := tab.Violations(axe)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					for _, v := range violations {
						t.Errorf("%s: %s", name, v)
					}
				}
				for _, fault := range tab.Faults() {
					if name == "trace, unknown" && fault == notFound {
						continue // the page is a 404, and says so
					}
					t.Errorf("%s: %s", name, fault)
				}
				tab.Close()
			}
		})
	}
}

// notFound is what the browser says of a page that is answered 404.
const notFound = "the browser says: Failed to load resource: the server responded with a status of 404 (Not Found)"

// Nothing has to be scrolled sideways, down to the narrowest phones (WCAG 1.4.10).
func TestPagesFitIntoNarrowWindows(t *testing.T) {
	for name, path := range pages(t) {
		tab := open(t, chrome.View{Width: 320, Height: 700})
		if err := tab.Go(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		width, err := chrome.Eval[int](tab, `document.documentElement.scrollWidth`)
		if err != nil || width > 320 {
			wide, _ := chrome.Eval[string](tab, `[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join('\n')`)
			t.Errorf("%s is %d px wide, %v:\n%s", name, width, err, wide)
		}
		tab.Close()
	}
}

// Pages say the same without scripts: each has its heading and its links.
func TestPagesWorkWithoutScripts(t *testing.T) {
	for name, path := range pages(t) {
		tab := open(t, chrome.View{Width: 1440, Height: 900, NoScripts: true})
		if err := tab.Go(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Scripts of the page do not run; what the protocol evaluates does.
		headings, err := chrome.Eval[int](tab, `document.querySelectorAll('main h1').length`)
		if err != nil || headings != 1 {
			t.Errorf("%s has %d headings, %v", name, headings, err)
		}
		tab.Close()
	}
}
