package viewer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// forms makes and checks the tokens of forms: an HMAC-SHA256 of the address that a form
// is sent to. The secret is new with each process.
type forms struct{ secret [32]byte }

func newForms() (f forms) {
	rand.Read(f.secret[:])
	return f
}

// token returns the token of a form.
func (f *forms) token(path string) string {
	mac := hmac.New(sha256.New, f.secret[:])
	mac.Write([]byte(path))
	return hex.EncodeToString(mac.Sum(nil))
}

// maxForm is how long the body of a form is at most, in bytes.
const maxForm = 16 << 10

// posted reads a form, which must have the token of the address it is sent to.
func (v *Viewer) posted(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &failure{http.StatusBadRequest, "the form cannot be read", "Load the page again and repeat it."}
	}
	if !hmac.Equal([]byte(r.PostForm.Get("token")), []byte(v.forms.token(r.URL.Path))) {
		return &failure{http.StatusForbidden, "the form is out of date", "Load the page again and repeat it: the collector was started anew meanwhile."}
	}
	return nil
}
