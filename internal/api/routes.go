package api

import (
	"net/http"
	"strings"
)

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

// routes returns the handler of all requests, and the first segments of its paths.
func (s *Server) routes() (routes http.Handler, segments []string) {
	mux := http.NewServeMux()
	open := func(pattern string, h handler) {
		segments = append(segments, firstSegment(pattern))
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	keyed := func(pattern string, h handler) {
		open(pattern, func(w http.ResponseWriter, r *http.Request) error {
			if err := s.guard.check(r); err != nil {
				s.service.Counters().Unauthorized.Add(1)
				return err
			}
			return h(w, r)
		})
	}
	open("GET /healthz", s.healthz)
	open("GET /readyz", s.readyz)
	keyed("GET /metrics", func(w http.ResponseWriter, r *http.Request) error {
		s.Metrics().ServeHTTP(w, r)
		return nil
	})

	// For SDKs.
	keyed("POST /api/sdk/v3/log", s.ingest)
	keyed("GET /api/sdk/v3/log-repositories", s.repositoryExists)
	keyed("GET /api/sdk/v1/log-repositories/attachments/upload-url", s.uploadURL)
	keyed("POST /api/sdk/v1/log-repositories/check-attach-evaluators", s.attachEvaluators)
	open("PUT "+uploadPath, s.upload) // the URL is signed

	// For exporters of OpenTelemetry.
	keyed("POST /v1/traces", s.ingestOTLP)

	// For programs that read.
	keyed("GET /api/v1/repositories", s.listRepositories)
	keyed("GET /api/v1/repositories/{repo}/stats", s.stats)
	keyed("GET /api/v1/repositories/{repo}/sessions", s.listSessions)
	keyed("GET /api/v1/repositories/{repo}/sessions/{id}", s.session)
	keyed("GET /api/v1/repositories/{repo}/traces", s.listTraces)
	keyed("GET /api/v1/repositories/{repo}/traces/{id}", s.trace)
	keyed("GET /api/v1/repositories/{repo}/facets", s.facets)
	keyed("GET /api/v1/repositories/{repo}/histogram", s.histogram)
	keyed("GET /api/v1/repositories/{repo}/lines", s.lines)
	keyed("GET /api/v1/repositories/{repo}/attachments", s.attachment)
	keyed("GET /api/v1/repositories/{repo}/search", s.searchLines)

	// For people.
	open("POST "+signInPath, s.signIn)
	guarded, public := s.pages.Patterns()
	for _, pattern := range guarded {
		open(pattern, s.page)
	}
	for _, pattern := range public {
		open(pattern, func(w http.ResponseWriter, r *http.Request) error {
			s.pages.ServeHTTP(w, r)
			return nil
		})
	}

	open("/", func(http.ResponseWriter, *http.Request) error {
		return &Error{"not_found", "there is nothing at this address"}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}), segments
}

// firstSegment returns the first segment of the path of a pattern: "api" of
// "GET /api/v1/repositories".
func firstSegment(pattern string) string {
	_, path, _ := strings.Cut(pattern, "/")
	first, _, _ := strings.Cut(path, "/")
	return first
}
