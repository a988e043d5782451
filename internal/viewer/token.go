package viewer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// forms makes and checks the tokens of forms: an HMAC-SHA256 of the address that a form
// is sent to.
type forms struct{ keys [][]byte }

// token returns the token of a form.
func (f *forms) token(path string) string {
	if len(f.keys) == 0 {
		return "" // no form is valid
	}
	return tokenWith(f.keys[0], path)
}

// check reports whether a token is that of a form.
func (f *forms) check(token, path string) bool {
	for _, key := range f.keys {
		if hmac.Equal([]byte(token), []byte(tokenWith(key, path))) {
			return true
		}
	}
	return false
}

func tokenWith(key []byte, path string) string {
	mac := hmac.New(sha256.New, key)
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
	if !v.forms.check(r.PostForm.Get("token"), r.URL.Path) {
		return &failure{http.StatusForbidden, "the form is out of date", "Load the page again and repeat it: the secrets of the collector were replaced meanwhile."}
	}
	return nil
}
