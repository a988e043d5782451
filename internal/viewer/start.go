package viewer

import "net/http"

var pageRoutes = []route{{"GET /favicon.ico", (*Viewer).icon}}

// icon answers that there is none.
func (v *Viewer) icon(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
