package collector

import (
	"net/http"
)

// repositoryExists answers an SDK that asks at its start whether its repository
// exists. Repositories come to exist by use, so each one does.
func (c *Collector) repositoryExists(w http.ResponseWriter, r *http.Request) error {
	repo, err := repositoryParameter(r, "loggerId")
	if err != nil {
		return err
	}
	c.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"id": repo, "exists": true}})
	return nil
}

// attachEvaluators answers an SDK that asks whether evaluators may be attached to
// entries. They may: which ones is stored with the entries and runs nothing here.
func (c *Collector) attachEvaluators(w http.ResponseWriter, _ *http.Request) error {
	c.writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"success": true}})
	return nil
}
