package api

import "net/http"

// repositoryExists answers SDKs that ask at their start whether their repository exists.
// Repositories come into existence with their first line, so the answer is always yes.
func (s *Server) repositoryExists(w http.ResponseWriter, r *http.Request) error {
	repo, err := repositoryParameter(r, "loggerId")
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"id": repo, "exists": true}})
	return nil
}

// attachEvaluators answers SDKs that ask whether evaluators may be attached to entries. They
// may: their names are stored with the entries, and nothing is run.
func (s *Server) attachEvaluators(w http.ResponseWriter, _ *http.Request) error {
	s.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"success": true}})
	return nil
}
