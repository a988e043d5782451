package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/address"
	"github.com/troupelog/troupe/internal/protocol"
)

// signInPath is the path that the sign-in form is sent to.
const signInPath = "/signin"

// page answers with a page, or with the sign-in form.
func (s *Server) page(w http.ResponseWriter, r *http.Request) error {
	if !s.guard.signedIn(r, time.Now()) && s.guard.check(r) != nil {
		if r.Method != http.MethodGet || r.Header.Get(protocol.HeaderFragment) != "" || !acceptsHTML(r) {
			return errKey
		}
		s.askForKey(w, r, r.URL.RequestURI(), "", http.StatusUnauthorized)
		return nil
	}
	s.pages.ServeHTTP(w, r)
	return nil
}

// acceptsHTML reports whether a browser, rather than a program, sent the request.
func acceptsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

func (s *Server) askForKey(w http.ResponseWriter, r *http.Request, next, problem string, status int) {
	s.pages.AskForKey(w, r, status, signInPath, next, problem)
}

var errForm = badRequest("the form is incomplete or not encoded as a form is; send it again")

// signIn sets the sign-in cookie and redirects to the page that was asked for. The form comes
// from this origin: the CrossOriginProtection around all routes refuses others.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errForm
	}
	next := localPath(r.PostForm.Get("next"))
	if s.guard.keyed {
		if err := s.guard.try(r, r.PostForm.Get("key")); err != nil {
			public, _ := errors.AsType[*Error](err)
			problem := "The key is wrong."
			if public == errTooMany {
				problem = "Too many wrong keys. Try again in a second."
			}
			s.askForKey(w, r, next, problem, statuses[public.Code])
			return nil
		}
		// The cookie does not contain the key, and no state is kept: the authentication code proves
		// that this collector issued it.
		session := s.guard.session(time.Now().Add(sessionLife))
		http.SetCookie(w, address.Of(r).Cookie(sessionCookie, session, int(sessionLife.Seconds())))
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // next is a path of this origin
	return nil
}

// localPath returns the path and query of a local address, and "/" for everything that a
// browser could read as an address elsewhere. The result is composed from the parsed parts.
func localPath(text string) string {
	odd := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' } // browsers drop or replace these
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
