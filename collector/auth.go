package collector

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/protocol"
)

// guard decides who may do what. Its zero value lets everybody in. It is safe for
// concurrent use; all fields but guesses are immutable after New.
type guard struct {
	keyed   bool     // an API key is set
	keySum  [32]byte // SHA-256 of the API key
	keys    keys     // of sessions
	proxies proxies
	guesses *guesses
}

// setKey makes the key a condition.
func (g *guard) setKey(key string) {
	g.keyed, g.keySum, g.guesses = true, sha256.Sum256([]byte(key)), newGuesses()
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

// check returns nil if a request has the key.
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

// try returns nil if key is the key, whatever others at the same address do. A wrong one
// that comes too often is answered late.
func (g *guard) try(r *http.Request, key string) error {
	// The hashes are compared, so that the time taken says nothing about the key.
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
