package viewer

import (
	"encoding/hex"
	"net/http"

	"github.com/troupelog/troupe/internal/service"
)

// forms makes and checks the tokens of forms: the authentication code of the path that a form
// is sent to. A page of another site cannot know it.
type forms struct{ keys service.Keys }

// token returns the token of a form.
func (f *forms) token(path string) string { return hex.EncodeToString(f.keys.Sum([]byte(path))) }

// check reports whether a token belongs to the form for a path.
func (f *forms) check(token, path string) bool {
	code, err := hex.DecodeString(token)
	return err == nil && f.keys.Check(code, []byte(path))
}

// maxForm limits the body of a form, in bytes.
const maxForm = 16 << 10

// posted parses a form and checks its token.
func (v *Viewer) posted(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &problem{http.StatusBadRequest, "the form cannot be read", "Load the page again and repeat it."}
	}
	if !v.forms.check(r.PostForm.Get("token"), r.URL.Path) {
		return &problem{http.StatusForbidden, "the form is out of date", "Load the page again and repeat it: the secrets of the collector were replaced meanwhile."}
	}
	return nil
}
