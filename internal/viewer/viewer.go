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

	"github.com/troupelog/troupe/internal/service"
	"github.com/troupelog/troupe/internal/store"
)

// Viewer serves the pages. Make one with New. It is safe for concurrent use.
type Viewer struct {
	service   *service.Service
	logger    *slog.Logger
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

// New returns a viewer of a service. Errors that readers cannot see in detail go to logger.
func New(svc *service.Service, logger *slog.Logger) (*Viewer, error) {
	loaded, err := loadAssets()
	if err != nil {
		return nil, err
	}
	v := &Viewer{
		service: svc, logger: logger, assets: loaded, mux: http.NewServeMux(), forms: forms{svc.Keys("form")}, streams: newStreams(),
	}
	v.mux.Handle("GET "+loaded.script.path, loaded.script)
	v.mux.Handle("GET "+loaded.style.path, loaded.style)
	for _, route := range routes {
		v.mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) { v.serve(w, r, route.handle) })
	}
	return v, nil
}

// handle answers with a page, or returns an error, which failed turns into one.
type handle func(*Viewer, http.ResponseWriter, *http.Request) error

// route is a pattern of http.ServeMux with its handler.
type route struct {
	pattern string
	handle  handle
}

// routes lists all pages.
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

// assetsPath is the path of the script and the styles, which are no secret.
const assetsPath = "/assets/"

// Patterns returns the patterns for http.ServeMux that the viewer answers to: guarded ones for
// pages, which may show logged content, and open ones for everybody.
func (v *Viewer) Patterns() (guarded, open []string) {
	for _, route := range routes {
		guarded = append(guarded, route.pattern)
	}
	return guarded, []string{"GET " + assetsPath}
}

// ServeHTTP answers with a page.
func (v *Viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.mux.ServeHTTP(w, r) }

func (v *Viewer) serve(w http.ResponseWriter, r *http.Request, h handle) {
	header := w.Header()
	header.Set("Content-Security-Policy", Policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-policy", "no-referrer")
	header.Set("Cross-Origin-Opener-policy", "same-origin")
	header.Set("Cross-Origin-Resource-policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	defer func() {
		if panicked := recover(); panicked != nil && panicked != http.ErrAbortHandler { //nolint:errorlint // net/http compares the value, too
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

// problem is an error that is shown to the reader verbatim.
type problem struct {
	status        int
	title, advice string
}

func (f *problem) Error() string { return f.title }

// failed answers with a page about an error. Details of internal errors go to the log, under an
// id that the page shows: they may name files, which readers must not see.
func (v *Viewer) failed(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*problem](err)
	id := ""
	switch {
	case ok:
	case errors.Is(err, store.ErrNotFound):
		f = &problem{http.StatusNotFound, "Not found", "No line about it has arrived in this repository, or its lines were deleted."}
	case errors.Is(err, store.ErrTooLarge):
		f = &problem{http.StatusRequestEntityTooLarge, "too large to display", "Export its raw lines instead."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrClosed):
		f = &problem{http.StatusServiceUnavailable, "the collector is busy or closing", "Try again in a moment."}
	default:
		var random [8]byte
		rand.Read(random[:])
		id = hex.EncodeToString(random[:])
		f = &problem{http.StatusInternalServerError, "this page failed", "The collector's log has the cause under the id below."}
		attributes := []any{"id", id, "route", r.Pattern, "error", err}
		if panicked, ok := errors.AsType[*panicError](err); ok {
			attributes = append(attributes, "stack", string(panicked.stack))
		}
		level := slog.LevelError
		if r.Context().Err() != nil {
			level = slog.LevelDebug // the reader has gone, which is usually why
		}
		v.logger.Log(r.Context(), level, "a page failed", attributes...)
	}
	p := &page{Title: f.title, Status: f.status, Data: map[string]string{"Title": f.title, "Advice": f.advice, "ID": id}}
	if err := v.render(w, r, "error", p); err != nil {
		http.Error(w, f.title, f.status)
	}
}

type noticeKey struct{}

// ready returns the repository that a request is about, once its index has caught up, and the
// request with a context that bounds its queries.
func (v *Viewer) ready(r *http.Request) (bounded *http.Request, repo string, cancel context.CancelFunc, err error) {
	repo, err = v.repo(r)
	if err != nil {
		return nil, "", nil, err
	}
	behind := v.service.Wait(r.Context(), repo)
	ctx, cancel := context.WithTimeout(r.Context(), service.QueryTime)
	if behind {
		ctx = context.WithValue(ctx, noticeKey{}, true)
	}
	return r.WithContext(ctx), repo, cancel, nil
}

// noticeOf returns the notice shown while the index is behind, "" once it has caught up.
func noticeOf(r *http.Request) string {
	if behind, _ := r.Context().Value(noticeKey{}).(bool); behind {
		return "The index is still catching up: this page may not show the newest lines yet."
	}
	return ""
}

// repoOf returns the repository that a request is about: the one in its address or, without
// one, the repository with the most lines.
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

// repo returns the repository that a request is about, or "" before anything was logged.
func (v *Viewer) repo(r *http.Request) (string, error) {
	repos, err := v.service.Repositories(r.Context())
	if err != nil {
		return "", err
	}
	return repoOf(r, repos), nil
}
