package viewer

import (
	_ "embed"
	"html/template"
	"net/http"

	"github.com/troupelog/troupe/internal/address"
)

//go:embed signin.html
var signInText string

var signInPage = template.Must(template.New("signin").Parse(signInText))

// AskForKey answers with a status and the form that asks for the API key. action is the path
// that the form is sent to, next the page to show after that, and problem the reason why the
// last attempt failed, or "". The page shows no logged content.
func (v *Viewer) AskForKey(w http.ResponseWriter, r *http.Request, status int, action, next, problem string) {
	prefix := address.Of(r).Prefix
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", Policy)
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = signInPage.Execute(w, struct{ Action, Next, Problem, Style string }{
		prefix + action, next, problem, prefix + v.assets.style.path,
	}) // a reader that has gone needs no answer
}
