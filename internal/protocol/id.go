package protocol

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

const (
	safeIDStem = 40 // bytes of the given id in a safe one, at most
	safeIDHash = 16 // characters of base32, 80 bits
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ValidID reports whether id may be written to a line unchanged: 1 to MaxID bytes of A-Z, a-z,
// 0-9, _ and -.
func ValidID(id string) bool {
	if id == "" || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if !idByte(id[i]) {
			return false
		}
	}
	return true
}

// idByte reports whether c may be part of an id.
func idByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// SafeID returns id if it is valid, and otherwise a valid id derived from it: a readable
// stem, a hyphen and 16 characters of the base32 form (RFC 4648, lower case) of its SHA-256
// sum. Equal ids give equal results, in every process and version; SafeID(SafeID(x)) is SafeID(x).
//
// The stem is id with each run of other bytes replaced by a hyphen, without hyphens at its
// ends, cut to 40 bytes, or "x" if nothing is left.
func SafeID(id string) string {
	if ValidID(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return stem(id) + "-" + base32Lower.EncodeToString(sum[:])[:safeIDHash]
}

// MayBeDerived reports whether id has the form of an id that SafeID derived from another one. True
// is a guess, false is certain.
func MayBeDerived(id string) bool {
	at := len(id) - safeIDHash - 1
	if at < 1 || id[at] != '-' || !ValidID(id) {
		return false
	}
	for _, c := range []byte(id[at+1:]) {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// stem returns the readable part of a safe id. A hyphen is written only once a byte that is
// not one follows, so none is left at an end.
func stem(id string) string {
	out := make([]byte, 0, safeIDStem)
	hyphens, other := 0, false // pending hyphens, and whether the last of them replaces other bytes
	for i := 0; i < len(id) && len(out) < safeIDStem; i++ {
		switch c := id[i]; {
		case c == '-':
			hyphens, other = hyphens+1, false
		case !idByte(c):
			if !other {
				hyphens, other = hyphens+1, true
			}
		default:
			if len(out) > 0 {
				out = append(out, strings.Repeat("-", min(hyphens, safeIDStem-len(out)))...)
			}
			if len(out) < safeIDStem {
				out = append(out, c)
			}
			hyphens, other = 0, false
		}
	}
	if len(out) == 0 {
		return "x"
	}
	return string(out)
}
