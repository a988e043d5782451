package viewer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/troupelog/troupe/internal/store"
)

// Viewer serves the pages. Make one with New. It is safe for concurrent use.
type Viewer struct {
	source    Source
	assets    assets
	mux       *http.ServeMux
	forms     forms
	streams   *streams
	snapshots snapshots
}

// Policy is the Content-Security-Policy of every page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types troupe"

// New returns a viewer of a source.
func New(source Source) (*Viewer, error) {
	loaded, err := loadAssets()
	if err != nil {
		return nil, err
	}
	v := &Viewer{source: source, assets: loaded, mux: http.NewServeMux(), forms: forms{source.FormKeys}, streams: newStreams()}
	v.mux.Handle("GET "+loaded.script.path, loaded.script)
	v.mux.Handle("GET "+loaded.style.path, loaded.style)
	for _, route := range routes {
		v.mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) { v.serve(w, r, route.handle) })
	}
	return v, nil
}

// handle makes a page, or returns the error that one is made of.
type handle func(*Viewer, http.ResponseWriter, *http.Request) error

// route is an address and what answers there.
type route struct {
	pattern string
	handle  handle
}

// routes is the list of all pages.
var routes = slices.Concat(
	pageRoutes,
	tracesRoutes,
	sessionRoutes,
	lineRoutes,
	searchRoutes,
	liveRoutes,
	settingsRoutes,
	overviewRoutes,
	diffRoutes,
	feedbackRoutes,
	traceRoutes,
	attachmentRoutes,
)

// AssetsPath is below which the script and the styles are. They are no secret.
const AssetsPath = "/assets/"

// Style returns the address of the style sheet, for pages that are not the viewer's own.
func (v *Viewer) Style() string { return v.assets.style.path }

// Patterns returns the patterns of all pages, for the mux of the server that they are
// part of.
func (v *Viewer) Patterns() []string {
	var patterns []string
	for _, route := range routes {
		patterns = append(patterns, route.pattern)
	}
	return patterns
}

// ServeHTTP answers with a page.
func (v *Viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.mux.ServeHTTP(w, r) }

func (v *Viewer) serve(w http.ResponseWriter, r *http.Request, h handle) {
	header := w.Header()
	header.Set("Content-Security-Policy", Policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	defer func() {
		if panicked := recover(); panicked != nil && panicked != http.ErrAbortHandler { //nolint:errorlint // it is the very value
			v.failed(w, r, &panicError{debug.Stack()})
		} else if panicked != nil {
			panic(panicked)
		}
	}()
	if err := h(v, w, r); err != nil {
		v.failed(w, r, err)
	}
}

// panicError is a panic that was caught. Its value may quote a line and is not kept.
type panicError struct{ stack []byte }

func (*panicError) Error() string { return "panic" }

// failure is an error that a page tells as it is.
type failure struct {
	status        int
	title, advice string
}

func (f *failure) Error() string { return f.title }

// failed answers with a page that says what happened. What readers cannot know goes to
// the log, under an id that the page shows.
func (v *Viewer) failed(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*failure](err)
	id := ""
	switch {
	case ok:
	case errors.Is(err, store.ErrNotFound):
		f = &failure{http.StatusNotFound, "not seen", "No line about it has arrived in this repository, or it was deleted."}
	case errors.Is(err, store.ErrTooLarge):
		f = &failure{http.StatusRequestEntityTooLarge, "too large to be put together", "Export its raw lines instead."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrClosed):
		f = &failure{http.StatusServiceUnavailable, "the collector is busy or closing", "Try again in a moment."}
	default:
		var random [8]byte
		rand.Read(random[:])
		id = hex.EncodeToString(random[:])
		f = &failure{http.StatusInternalServerError, "the page could not be made", "The collector's log says why, under the id below."}
		attributes := []any{"id", id, "route", r.Pattern, "error", err}
		if panicked, ok := errors.AsType[*panicError](err); ok {
			attributes = append(attributes, "stack", string(panicked.stack))
		}
		level := slog.LevelError
		if r.Context().Err() != nil {
			level = slog.LevelDebug // the reader has gone, which is usually why
		}
		v.source.Logger.Log(r.Context(), level, "a page failed", attributes...)
	}
	p := &page{Title: f.title, Status: f.status, Data: map[string]string{"Title": f.title, "Advice": f.advice, "ID": id}}
	if err := v.render(w, r, "error", p); err != nil {
		http.Error(w, f.title, f.status)
	}
}

const (
	// catchUp is how long a page waits for what was stored before to be folded.
	catchUp = 2 * time.Second
	// queryTime bounds the queries of a page.
	queryTime = 5 * time.Second
)

type noticeKey struct{}

// ready waits until what was acknowledged before is folded, for catchUp at most, and
// returns the request with a context that bounds its queries.
func (v *Viewer) ready(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), catchUp)
	behind := v.source.Settle(ctx) != nil
	cancel()
	bounded, cancel := context.WithTimeout(r.Context(), queryTime)
	if behind {
		bounded = context.WithValue(bounded, noticeKey{}, true)
	}
	return r.WithContext(bounded), cancel
}

// noticeOf returns what the layout says where a page may not show everything yet.
func noticeOf(r *http.Request) string {
	if behind, _ := r.Context().Value(noticeKey{}).(bool); behind {
		return "The index is still catching up: this page may not show the newest lines yet."
	}
	return ""
}

// repoOf returns the repository that a request is about: what it names, else the one
// with the most lines.
func repoOf(r *http.Request, repos []store.Repository) string {
	if named := r.URL.Query().Get("repo"); named != "" {
		return named
	}
	most := store.Repository{}
	for _, repo := range repos {
		if repo.Lines > most.Lines {
			most = repo
		}
	}
	return most.ID
}

// repo returns the repository that a request is about, "" if there is none yet.
func (v *Viewer) repo(r *http.Request) (string, error) {
	repos, err := v.source.Log.Repositories(r.Context())
	if err != nil {
		return "", err
	}
	return repoOf(r, repos), nil
}
