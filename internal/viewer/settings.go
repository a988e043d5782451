package viewer

import (
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/troupelog/troupe/internal/address"
	"github.com/troupelog/troupe/internal/service"
)

var settingsRoutes = []route{
	{"GET /settings", (*Viewer).settings},
	{"POST /settings", (*Viewer).saveSettings},
	{"POST /settings/delete", (*Viewer).deleteOld},
	{"GET /about", (*Viewer).about},
	{"GET /help", (*Viewer).help},
}

// settingsData is the content of the settings page.
type settingsData struct {
	Token, Version string
	Models         int
	Saved          bool
	Columns        []column // all of them
	DeleteToken    string
	Deleted        string // the day before which everything was just deleted
	About          service.About
}

func (v *Viewer) settings(w http.ResponseWriter, r *http.Request) error {
	d := settingsData{
		Token: v.forms.token("/settings"), Saved: r.URL.Query().Has("saved"), Columns: allColumns,
		DeleteToken: v.forms.token("/settings/delete"), Deleted: r.URL.Query().Get("deleted"), About: v.service.About(r.Context()),
	}
	if prices := v.service.Prices(); prices != nil {
		d.Version = prices.Version()
		for range prices.Models() {
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
	p.Columns = nil
	for _, c := range allColumns {
		if r.PostForm.Get("column-"+c.Name) != "" {
			p.Columns = append(p.Columns, c.Name)
		}
	}
	if len(p.Columns) == 0 {
		p.Columns = []string{noColumns}
	}
	http.SetCookie(w, p.cookie(address.Of(r)))
	http.Redirect(w, r, "/settings?saved=1", http.StatusSeeOther)
	return nil
}

// deleteOld deletes everything received before a day, in all repositories.
func (v *Viewer) deleteOld(w http.ResponseWriter, r *http.Request) error {
	if err := v.posted(w, r); err != nil {
		return err
	}
	before, err := time.Parse(time.DateOnly, r.PostForm.Get("before"))
	if err != nil || r.PostForm.Get("sure") == "" {
		return &problem{http.StatusBadRequest, "nothing was deleted", "Choose a date and tick the box to confirm."}
	}
	if err := v.service.Prune(r.Context(), before); err != nil {
		return err
	}
	http.Redirect(w, r, "/settings?"+url.Values{"deleted": {before.Format(time.DateOnly)}}.Encode(), http.StatusSeeOther)
	return nil
}

// aboutData is the content of the page about the collector.
type aboutData struct {
	service.About
	Go string
	Up string
}

func (v *Viewer) about(w http.ResponseWriter, r *http.Request) error {
	a := v.service.About(r.Context())
	return v.render(w, r, "about", &page{Title: "About", Nav: "settings", Data: aboutData{a, runtime.Version(), duration(time.Since(a.Started).Truncate(time.Second))}})
}

func (v *Viewer) help(w http.ResponseWriter, r *http.Request) error {
	return v.render(w, r, "help", &page{Title: "Help", Nav: "help", Data: keyMap})
}
