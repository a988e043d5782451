package viewer

import "net/http"

var pageRoutes = []route{
	{"GET /{$}", (*Viewer).start},
	{"GET /favicon.ico", (*Viewer).icon},
}

// start leads to the list of traces.
func (v *Viewer) start(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/traces", http.StatusSeeOther)
	return nil
}

// icon answers that there is none.
func (v *Viewer) icon(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
