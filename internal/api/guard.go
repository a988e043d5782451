package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/service"
)

// guard decides which requests are allowed. Its zero value allows all. It is safe for
// concurrent use and, apart from guesses, immutable.
type guard struct {
	keyed   bool         // an API key is set
	keySum  [32]byte     // SHA-256 of the API key
	keys    service.Keys // for sign-in cookies
	proxies proxies
	guesses *guesses // nil without an API key
}

// newGuard returns a guard for an API key; "" allows all requests. The keys for cookies
// depend on the API key, so that a new API key signs everyone out.
func newGuard(svc *service.Service, key string, proxies proxies) guard {
	g := guard{proxies: proxies}
	if key != "" {
		g.keyed, g.keySum, g.guesses = true, sha256.Sum256([]byte(key)), newGuesses()
	}
	g.keys = svc.Keys("sign-in " + hex.EncodeToString(g.keySum[:]))
	return g
}

var (
	errKey     = &Error{"unauthorized", "the API key is wrong or missing; send it as " + protocol.HeaderKey}
	errTooMany = &Error{"too_many", "too many requests with a wrong API key; check the key, and try again in a second"}
)

// validKey reports whether a text can be sent as a key in a header: printable ASCII
// without spaces, at least one character.
func validKey(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// check returns nil if a request has the API key in protocol.HeaderKey or as "Authorization:
// Bearer KEY".
func (g *guard) check(r *http.Request) error {
	if !g.keyed {
		return nil
	}
	key := r.Header.Get(protocol.HeaderKey)
	if key == "" {
		key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	return g.try(r, key)
}

// try returns nil if key is the API key, however many wrong keys others send. Wrong keys
// that come too often are answered late.
func (g *guard) try(r *http.Request, key string) error {
	// Comparing hashes in constant time: the time taken reveals nothing about the key.
	sum := sha256.Sum256([]byte(key))
	switch {
	case subtle.ConstantTimeCompare(sum[:], g.keySum[:]) == 1:
		return nil
	case key == "":
		return errKey
	case g.guesses.slow(r.Context(), g.proxies.client(r), sum):
		return errTooMany
	default:
		return errKey
	}
}

const (
	sessionCookie = "troupe-session"
	sessionLife   = 12 * time.Hour
)

// session returns the value of a cookie that is accepted instead of the key until a time: 8
// bytes of seconds since 1970 and their authentication code.
func (g *guard) session(until time.Time) string {
	expires := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(expires, g.keys.Sum(expires)...))
}

// signedIn reports whether a request has a valid cookie, or needs none.
func (g *guard) signedIn(r *http.Request, now time.Time) bool {
	if !g.keyed {
		return true
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	// Older formats of the cookie are treated as none: the reader signs in again.
	if err != nil || len(value) != 8+sha256.Size {
		return false
	}
	// The expiry is checked here, too: browsers may keep a cookie for longer than they were asked.
	until := time.Unix(int64(binary.BigEndian.Uint64(value)), 0)
	return now.Before(until) && g.keys.Check(value[8:], value[:8])
}
