package viewer

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/troupelog/troupe/internal/address"
	"github.com/troupelog/troupe/internal/store"
)

//go:embed pages/*.html
var pageFiles embed.FS

// page is the data of the layout and of the page inside it.
type page struct {
	Title  string // state and name, as in "error · checkout"
	Nav    string // the place in the navigation that this is, such as "traces"
	Help   string // the part of the help page that is about this page
	Status int    // of the answer; 0 means 200
	Data   any    // of the page's own template

	// Filled in by render and fragment. Addresses in Data are those of the collector itself;
	// At, Link and With put Base before what a page shows.
	Base   string // the path below which a proxy has the pages, usually ""
	Repo   string
	Repos  []store.Repository
	Prefs  prefs
	Assets assets
	Here   *url.URL
	Now    time.Time
	Notice string // that the page does not show yet all that was stored
}

// At returns an address as this page must name it.
func (p *page) At(address string) string { return p.Base + address }

// Link returns the address of another page about the same repository. What follows path
// are names and values of parameters; empty values are left out.
func (p *page) Link(path string, parameters ...string) string {
	values := url.Values{}
	if p.Repo != "" && p.Here.Query().Has("repo") {
		values.Set("repo", p.Repo)
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			values.Set(parameters[i], parameters[i+1])
		}
	}
	if len(values) == 0 {
		return p.At(path)
	}
	return p.At(path) + "?" + values.Encode()
}

// With returns the address of this page with other parameters; empty values remove one.
func (p *page) With(parameters ...string) string {
	values := p.Here.Query()
	for i := 0; i+1 < len(parameters); i += 2 {
		values.Del(parameters[i])
		if parameters[i+1] != "" {
			values.Set(parameters[i], parameters[i+1])
		}
	}
	if len(values) == 0 {
		return p.At(p.Here.EscapedPath())
	}
	return p.At(p.Here.EscapedPath()) + "?" + values.Encode()
}

// templates holds one set for each file in pages/ but the layout: the file itself, the
// layout, and the parts, whose names begin with an underscore.
var templates = sync.OnceValue(func() map[string]*template.Template {
	sets := map[string]*template.Template{}
	names, _ := pageFiles.ReadDir("pages") // it is embedded
	for _, entry := range names {
		name := entry.Name()
		if strings.HasPrefix(name, "_") {
			continue
		}
		set := template.New(name).Funcs(functions)
		sets[strings.TrimSuffix(name, ".html")] = template.Must(set.ParseFS(pageFiles, "pages/_*.html", "pages/"+name))
	}
	return sets
})

// render answers with a page. It is made whole before anything is sent.
func (v *Viewer) render(w http.ResponseWriter, r *http.Request, name string, p *page) error {
	p.Base, p.Prefs, p.Assets, p.Here, p.Now = address.Of(r).Prefix, prefsOf(r), v.assets, r.URL, time.Now()
	p.Notice = noticeOf(r)
	if p.Repos == nil {
		repos, err := v.service.Repositories(r.Context())
		if err != nil {
			return err
		}
		p.Repos = repos
	}
	if p.Repo == "" {
		p.Repo = repoOf(r, p.Repos)
	}
	return v.write(w, r, name, "layout", p, p.Status)
}

// fragment answers with a part of a page, for scripts to put into one.
func (v *Viewer) fragment(w http.ResponseWriter, r *http.Request, name, part string, p *page) error {
	p.Base, p.Prefs, p.Assets, p.Here, p.Now = address.Of(r).Prefix, prefsOf(r), v.assets, r.URL, time.Now()
	return v.write(w, r, name, part, p, p.Status)
}

func (v *Viewer) write(w http.ResponseWriter, r *http.Request, name, part string, data any, status int) error {
	set := templates()[name]
	if set == nil {
		return fmt.Errorf("viewer: there is no page %q", name)
	}
	var body bytes.Buffer
	if err := set.ExecuteTemplate(&body, part, data); err != nil {
		return fmt.Errorf("viewer: page %q: %w", name, err)
	}
	return send(w, r, "text/html; charset=utf-8", body.Bytes(), status)
}

// gzipLeast is the minimum length, in bytes, of an answer worth compressing.
const gzipLeast = 1 << 10

// send answers with a body, compressed if the reader takes that. status 0 means 200.
func send(w http.ResponseWriter, r *http.Request, mime string, body []byte, status int) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Add("Vary", "Accept-Encoding, Cookie")
	if len(body) >= gzipLeast && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		var compressed bytes.Buffer
		gz := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(gz)
		gz.Reset(&compressed)
		_, err := gz.Write(body)
		if err := errors.Join(err, gz.Close()); err != nil {
			return err
		}
		body = compressed.Bytes()
	}
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = w.Write(body) //nolint:gosec // templates and package text escape what was logged; all else is a download
	return nil
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
