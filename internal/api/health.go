package api

import "net/http"

// healthz answers that the process is alive. It does not look at the storage: restarting the
// process would not repair that.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	s.writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// readyz answers whether lines can be stored and, if not, why.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	// The reasons are public, like the route: load balancers send no key.
	if reasons := s.service.Ready(r.Context()); len(reasons) > 0 {
		s.writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reasons": reasons})
		return nil
	}
	s.writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}
