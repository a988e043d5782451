package collector

import (
	"net/http"

	"github.com/troupelog/troupe/collector/viewer"
)

// handler answers a request, or returns the error to answer with.
type handler func(http.ResponseWriter, *http.Request) error

func (c *Collector) routes() http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, h handler) {
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
	open("GET /healthz", c.health)

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
	})
}

// health answers whether lines can be stored and read.
func (c *Collector) health(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.log.Head(r.Context()); err != nil {
		return &Error{"unavailable", "the storage does not answer"}
	}
	c.writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}
