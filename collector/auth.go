package collector

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// keyHeader carries the API key. "Authorization: Bearer KEY" does as well, and for pages
// the cookie that signing in sets.
const keyHeader = "x-maxim-api-key"

const (
	// wrongKeys is how many requests with a wrong key are looked at in a second, for each
	// of some groups of addresses; wrongKeysAtOnce is how many at once.
	wrongKeys, wrongKeysAtOnce = 20, 20
	// groups is how many groups addresses are put into.
	groups = 256
)

// guard decides who may do what. Its zero value lets everybody in. It is safe for
// concurrent use.
type guard struct {
	keyed  bool     // an API key is set
	keySum [32]byte // SHA-256 of the API key
	keys   keys     // of sessions

	seed  maphash.Seed
	wrong [groups]*rate.Limiter
}

// setKey makes the key a condition.
func (g *guard) setKey(key string) {
	g.keyed, g.keySum, g.seed = true, sha256.Sum256([]byte(key)), maphash.MakeSeed()
	for i := range g.wrong {
		g.wrong[i] = rate.NewLimiter(wrongKeys, wrongKeysAtOnce)
	}
}

var (
	errKey     = &Error{"unauthorized", "the API key is wrong or missing; send it as " + keyHeader}
	errTooMany = &Error{"too_many", "too many requests with a wrong API key; try again in a second"}
)

// check returns nil if a request has the key. Where many had a wrong one it does not look
// at the key, so that guessing takes time.
func (g *guard) check(r *http.Request) error {
	if !g.keyed {
		return nil
	}
	key := r.Header.Get(keyHeader)
	if key == "" {
		key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	return g.try(r, key)
}

// try returns nil if key is the key.
func (g *guard) try(r *http.Request, key string) error {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	limiter := g.wrong[maphash.String(g.seed, host)%groups]
	if limiter.Tokens() < 1 {
		return errTooMany
	}
	// The hashes are compared, so that the time taken tells nothing about the key.
	if sum := sha256.Sum256([]byte(key)); subtle.ConstantTimeCompare(sum[:], g.keySum[:]) == 1 {
		return nil
	}
	if key != "" {
		limiter.Allow()
	}
	return errKey
}

const (
	sessionCookie = "troupe-session"
	sessionLife   = 12 * time.Hour
)

// session returns the value of a cookie that stands for the key until a time: 8 bytes of
// seconds since 1970 and a code of them.
func (g *guard) session(until time.Time) string {
	expires := binary.BigEndian.AppendUint64(nil, uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(expires, g.keys.sum(expires)...))
}

// signedIn reports whether a request has a cookie that stands for the key.
func (g *guard) signedIn(r *http.Request, now time.Time) bool {
	if !g.keyed {
		return true
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(value) != 8+sha256.Size {
		return false
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(value)), 0)
	return now.Before(until) && g.keys.check(value[8:], value[:8])
}
