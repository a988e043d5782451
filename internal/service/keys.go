package service

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// Keys make and check authentication codes: HMAC-SHA256. The first key makes them, and a
// code made with any of the keys is valid. Keys are immutable and safe for concurrent use.
type Keys [][]byte

// deriveKeys derives one key for a purpose from each secret, so that a code for one purpose
// is worthless for another.
func deriveKeys(secrets [][]byte, purpose string) (k Keys) {
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, "troupe collector: "+purpose, sha256.Size)
		if err != nil {
			panic(err) // only for longer keys than HKDF can derive
		}
		k = append(k, key)
	}
	return k
}

// Sum returns the code of a text.
func (k Keys) Sum(text []byte) []byte { return sumWith(k[0], text) }

// Check reports whether a code belongs to a text. It takes the same time for every code.
func (k Keys) Check(code, text []byte) bool {
	// A code of the older secret is valid until that secret is removed.
	for _, key := range k {
		if hmac.Equal(code, sumWith(key, text)) {
			return true
		}
	}
	return false
}

func sumWith(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
