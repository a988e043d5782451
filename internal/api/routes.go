package api

import (
	"net/http"
	"strings"
)

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

// routeTable is a mux that remembers the first segments of its paths.
type routeTable struct {
	*Server
	mux      *http.ServeMux
	segments []string
}

// routes returns the handler of all requests, and the first segments of its paths.
func (s *Server) routes() (handler http.Handler, segments []string) {
	r := &routeTable{Server: s, mux: http.NewServeMux()}
	r.health()
	r.clients()
	r.readers()
	r.people()
	r.open("/", func(http.ResponseWriter, *http.Request) error {
		return &Error{"not_found", "no such endpoint"}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		r.mux.ServeHTTP(w, req)
	}), r.segments
}

// open adds a route for everybody.
func (r *routeTable) open(pattern string, h handler) {
	r.segments = append(r.segments, firstSegment(pattern))
	r.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
		if err := h(w, req); err != nil {
			r.fail(w, req, err)
		}
	})
}

// keyed adds a route that needs the API key. Sign-in cookies do not count: a browser would send
// them with requests that other sites cause.
func (r *routeTable) keyed(pattern string, h handler) {
	r.open(pattern, func(w http.ResponseWriter, req *http.Request) error {
		if err := r.guard.check(req); err != nil {
			r.service.Counters().Unauthorized.Add(1)
			return err
		}
		return h(w, req)
	})
}

// health adds the routes for whoever runs the collector.
func (r *routeTable) health() {
	r.open("GET /healthz", r.healthz)
	r.open("GET /readyz", r.readyz)
	r.keyed("GET /metrics", func(w http.ResponseWriter, req *http.Request) error {
		r.Metrics().ServeHTTP(w, req)
		return nil
	})
}

// clients adds the routes for SDKs and for exporters of OpenTelemetry.
func (r *routeTable) clients() {
	r.keyed("POST /api/sdk/v3/log", r.ingest)
	r.keyed("GET /api/sdk/v3/log-repositories", r.repositoryExists)
	r.keyed("GET /api/sdk/v1/log-repositories/attachments/upload-url", r.uploadURL)
	r.keyed("POST /api/sdk/v1/log-repositories/check-attach-evaluators", r.attachEvaluators)
	r.open("PUT "+uploadPath, r.upload) // the URL is signed
	r.keyed("POST /v1/traces", r.ingestOTLP)
}

// readers adds the routes for programs that read.
func (r *routeTable) readers() {
	const repo = "GET /api/v1/repositories/{repo}"
	r.keyed("GET /api/v1/repositories", r.listRepositories)
	r.keyed(repo+"/stats", r.stats)
	r.keyed(repo+"/sessions", r.listSessions)
	r.keyed(repo+"/sessions/{id}", r.session)
	r.keyed(repo+"/traces", r.listTraces)
	r.keyed(repo+"/traces/{id}", r.trace)
	r.keyed(repo+"/facets", r.facets)
	r.keyed(repo+"/histogram", r.histogram)
	r.keyed(repo+"/lines", r.lines)
	r.keyed(repo+"/attachments", r.attachment)
	r.keyed(repo+"/search", r.searchLines)
}

// people adds the pages, behind sign-in unless they show no logged content.
func (r *routeTable) people() {
	r.open("POST "+signInPath, r.signIn)
	guarded, public := r.pages.Patterns()
	for _, pattern := range guarded {
		r.open(pattern, r.page)
	}
	for _, pattern := range public {
		r.open(pattern, func(w http.ResponseWriter, req *http.Request) error {
			r.pages.ServeHTTP(w, req)
			return nil
		})
	}
}

// firstSegment returns the first segment of the path of a pattern: "api" of
// "GET /api/v1/repositories".
func firstSegment(pattern string) string {
	_, path, _ := strings.Cut(pattern, "/")
	first, _, _ := strings.Cut(path, "/")
	return first
}
