package collector

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
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
			if !c.authorized(r) {
				return &Error{"unauthorized", "the API key is wrong or missing; send it as " + keyHeader}
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

	// What readers call.
	keyed("GET /api/v1/repositories", c.listRepositories)
	keyed("GET /api/v1/repositories/{repo}/stats", c.stats)
	keyed("GET /api/v1/repositories/{repo}/sessions", c.listSessions)
	keyed("GET /api/v1/repositories/{repo}/sessions/{id}", c.session)
	keyed("GET /api/v1/repositories/{repo}/traces", c.listTraces)
	keyed("GET /api/v1/repositories/{repo}/traces/{id}", c.trace)
	keyed("GET /api/v1/repositories/{repo}/lines", c.lines)
	keyed("GET /api/v1/repositories/{repo}/attachments", c.attachment)

	// What people open.
	for _, pattern := range c.viewer.Patterns() {
		keyed(pattern, c.page)
	}

	open("/", func(http.ResponseWriter, *http.Request) error {
		return &Error{"not_found", "there is nothing at this address"}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// keyHeader carries the API key. "Authorization: Bearer KEY" does as well.
const keyHeader = "x-maxim-api-key"

// authorized compares hashes, so that the time taken tells nothing about the key.
func (c *Collector) authorized(r *http.Request) bool {
	if !c.keyed {
		return true
	}
	key := r.Header.Get(keyHeader)
	if key == "" {
		key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	sum := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(sum[:], c.keySum[:]) == 1
}

// health answers whether lines can be stored and read.
func (c *Collector) health(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.log.Head(r.Context()); err != nil {
		return &Error{"unavailable", "the storage does not answer"}
	}
	c.writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}
