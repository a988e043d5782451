package collector

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/viewer"
)

//go:embed signin.html
var signInText string

var signInPage = template.Must(template.New("signin").Parse(signInText))

// signInPath is where the form is, and where it is sent to.
const signInPath = "/signin"

// page answers with a page of the viewer, or leads to the form that asks for the key.
func (c *Collector) page(w http.ResponseWriter, r *http.Request) error {
	if !c.guard.signedIn(r, time.Now()) && c.guard.check(r) != nil {
		if r.Method != http.MethodGet || r.Header.Get(protocol.HeaderFragment) != "" || !takesHTML(r) {
			return errKey
		}
		return c.askForKey(w, r, r.URL.RequestURI(), "", http.StatusUnauthorized)
	}
	c.viewer.ServeHTTP(w, r)
	return nil
}

// takesHTML reports whether somebody reads pages: a browser, rather than a program.
func takesHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

func (c *Collector) askForKey(w http.ResponseWriter, r *http.Request, next, problem string, status int) error {
	prefix := viewer.AddressOf(r).Prefix
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", viewer.Policy)
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = signInPage.Execute(w, struct{ Action, Next, Problem, Style string }{
		prefix + signInPath, next, problem, prefix + c.viewer.Style(),
	}) // a reader that has gone needs no answer
	return nil
}

var errForm = badRequest("the form is incomplete or not encoded as a form is; send it again")

// signIn sets the cookie that stands for the key, and leads back to the page that was
// asked for. The form comes from this origin: the CrossOriginProtection around all routes
// refuses others.
func (c *Collector) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errForm
	}
	next := localAddress(r.PostForm.Get("next"))
	if c.guard.keyed {
		if err := c.guard.try(r, r.PostForm.Get("key")); err != nil {
			public, _ := errors.AsType[*Error](err)
			problem := "The key is wrong."
			if public == errTooMany {
				problem = "Too many wrong keys. Try again in a second."
			}
			return c.askForKey(w, r, next, problem, statuses[public.Code])
		}
		session := c.guard.session(time.Now().Add(sessionLife))
		http.SetCookie(w, viewer.AddressOf(r).Cookie(sessionCookie, session, int(sessionLife.Seconds())))
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // next is a path of this origin
	return nil
}

// localAddress returns the address of a page as a path with its query, "/" for everything
// that a browser could read as an address elsewhere. It is written anew from its parts.
func localAddress(text string) string {
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' } // browsers drop some and turn others
	u, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, odd) || u.IsAbs() || u.Opaque != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
		return "/"
	}
	path := u.EscapedPath()
	for segment := range strings.SplitSeq(path[1:], "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			return "/"
		}
	}
	if strings.HasPrefix(path, "//") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawPath: path, RawQuery: u.RawQuery}).String()
}
