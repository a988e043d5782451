package collector

import (
	"net/http"
	"strings"

	"github.com/troupelog/troupe/internal/viewer"
)

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

// routes returns what answers all requests, and the first segments of its paths.
func (c *Collector) routes() (routes http.Handler, segments []string) {
	mux := http.NewServeMux()
	open := func(pattern string, h handler) {
		segments = append(segments, firstSegment(pattern))
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				c.fail(w, r, err)
			}
		})
	}
	keyed := func(pattern string, h handler) {
		open(pattern, func(w http.ResponseWriter, r *http.Request) error {
			if err := c.guard.check(r); err != nil {
				c.counts.unauthorized.Add(1)
				return err
			}
			return h(w, r)
		})
	}
	open("GET /healthz", c.healthz)
	open("GET /readyz", c.readyz)
	keyed("GET /metrics", func(w http.ResponseWriter, r *http.Request) error {
		c.Metrics().ServeHTTP(w, r)
		return nil
	})

	// What SDKs call.
	keyed("POST /api/sdk/v3/log", c.ingest)
	keyed("GET /api/sdk/v3/log-repositories", c.repositoryExists)
	keyed("GET /api/sdk/v1/log-repositories/attachments/upload-url", c.uploadURL)
	keyed("POST /api/sdk/v1/log-repositories/check-attach-evaluators", c.attachEvaluators)
	open("PUT "+uploadPath, c.upload) // the URL is signed

	// What exporters of OpenTelemetry call.
	keyed("POST /v1/traces", c.ingestOTLP)

	// What readers call.
	keyed("GET /api/v1/repositories", c.listRepositories)
	keyed("GET /api/v1/repositories/{repo}/stats", c.stats)
	keyed("GET /api/v1/repositories/{repo}/sessions", c.listSessions)
	keyed("GET /api/v1/repositories/{repo}/sessions/{id}", c.session)
	keyed("GET /api/v1/repositories/{repo}/traces", c.listTraces)
	keyed("GET /api/v1/repositories/{repo}/traces/{id}", c.trace)
	keyed("GET /api/v1/repositories/{repo}/lines", c.lines)
	keyed("GET /api/v1/repositories/{repo}/attachments", c.attachment)
	keyed("GET /api/v1/repositories/{repo}/search", c.searchLines)

	// What people open.
	open("POST "+signInPath, c.signIn)
	for _, pattern := range c.viewer.Patterns() {
		open(pattern, c.page)
	}
	open("GET "+viewer.AssetsPath, func(w http.ResponseWriter, r *http.Request) error {
		c.viewer.ServeHTTP(w, r)
		return nil
	})

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
