package viewer

import (
	"net/http"
	"runtime"
	"time"
)

var settingsRoutes = []route{
	{"GET /settings", (*Viewer).settings},
	{"POST /settings", (*Viewer).saveSettings},
	{"GET /about", (*Viewer).about},
	{"GET /help", (*Viewer).help},
}

// settingsData is what the page of settings shows.
type settingsData struct {
	Token, Version string
	Models         int
	Saved          bool
}

func (v *Viewer) settings(w http.ResponseWriter, r *http.Request) error {
	d := settingsData{Token: v.forms.token("/settings"), Saved: r.URL.Query().Has("saved")}
	if v.source.Prices != nil {
		d.Version = v.source.Prices.Version()
		for range v.source.Prices.Models() {
			d.Models++
		}
	}
	return v.render(w, r, "settings", &page{Title: "Settings", Nav: "settings", Data: d})
}

func (v *Viewer) saveSettings(w http.ResponseWriter, r *http.Request) error {
	if err := v.posted(w, r); err != nil {
		return err
	}
	p := prefsOf(r)
	p.Theme = "auto"
	if theme := r.PostForm.Get("theme"); theme == "light" || theme == "dark" {
		p.Theme = theme
	}
	p.UTC, p.Keys = r.PostForm.Get("utc") != "", r.PostForm.Get("keys") != ""
	http.SetCookie(w, p.cookie())
	http.Redirect(w, r, "/settings?saved=1", http.StatusSeeOther)
	return nil
}

// aboutData is what the page about the collector shows.
type aboutData struct {
	About
	Go string
	Up string
}

func (v *Viewer) about(w http.ResponseWriter, r *http.Request) error {
	a := v.source.About(r.Context())
	return v.render(w, r, "about", &page{Title: "About", Nav: "settings", Data: aboutData{a, runtime.Version(), duration(time.Since(a.Started).Truncate(time.Second))}})
}

// key is a key and what it does.
type key struct{ Key, Does string }

// keyMap is what js/keys.js and js/tree.js do, for the page that tells people.
var keyMap = map[string][]key{
	"Everywhere": {{"/", "find or search"}, {"f", "filter"}, {"?", "this page"}, {"g t", "traces"}, {"g s", "sessions"}, {"g l", "live"}, {"g o", "overview"}, {"g h", "help"}},
	"Lists":      {{"j, k", "down, up"}, {"Enter", "open"}, {"n", "next page"}},
	"A trace": {
		{"j, k, ↓, ↑", "down, up"}, {"→, ←", "expand or child, collapse or parent"}, {"[, ]", "previous, next sibling"}, {"*", "expand all"}, {"z", "collapse to the first level"},
		{"e, E", "next, previous error"}, {"u", "next that is open"}, {"/", "find"}, {"Enter, Shift-Enter", "next, previous hit"}, {"Home, End, Page Up, Page Down", "far"},
	},
	"Live": {{"p", "pause"}},
}

func (v *Viewer) help(w http.ResponseWriter, r *http.Request) error {
	return v.render(w, r, "help", &page{Title: "Help", Nav: "help", Data: keyMap})
}
