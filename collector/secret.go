package collector

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupelog/troupe/internal/private"
)

// secretFile holds the secrets that signed URLs, sign-ins and forms are made with, in
// hexadecimal digits: a line for the present one, and a line for the one before it while that
// is valid, too. What was made with either is accepted.
const secretFile = "secret"

// secretSize is how many bytes a secret has.
const secretSize = 32

// maxSecrets is how many are valid at once.
const maxSecrets = 2

// errSecret is returned for a file that does not hold secrets.
var errSecret = errors.New("it must hold one or two lines of 64 hexadecimal digits: remove it, and a new one is made; who is signed in then signs in again")

// openSecrets reads the secrets of a collector, or makes one.
func (c *Collector) openSecrets(path string) ([][]byte, error) {
	secrets, err := c.readSecrets(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret := make([]byte, secretSize)
		rand.Read(secret)
		secrets, err = [][]byte{secret}, writePrivate(path, append(hex.AppendEncode(nil, secret), '\n'))
	}
	if err != nil {
		return nil, fmt.Errorf("the secrets in %s: %w", path, err)
	}
	return secrets, nil
}

func (c *Collector) readSecrets(path string) ([][]byte, error) {
	shared, err := private.Check(path)
	if err != nil {
		return nil, err
	}
	if shared {
		c.logger.Warn("other users could read the secrets of this collector; now they cannot. If one of them may have, stop the collector and remove the file: a new one is made", "file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var secrets [][]byte
	for line := range bytes.Lines(text) {
		secret, err := hex.DecodeString(strings.TrimSpace(string(line)))
		if err != nil || len(secret) != secretSize || len(secrets) == maxSecrets {
			return nil, errSecret
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, errSecret
	}
	return secrets, nil
}

// writePrivate makes a file that only this user can read, all or nothing.
func writePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+partial) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// useSecrets derives what is signed with from the secrets. Whoever signed in with another API
// key than the present one has to sign in again.
func (c *Collector) useSecrets(secrets [][]byte) {
	c.signer.keys = derive(secrets, "upload")
	c.guard.keys = derive(secrets, "sign-in "+hex.EncodeToString(c.guard.keySum[:]))
	c.formKeys = derive(secrets, "form")
}

// keys make and check authentication codes: HMAC-SHA256. The first makes them, all check.
type keys [][]byte

// derive returns the keys for a purpose.
func derive(secrets [][]byte, purpose string) (k keys) {
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, "troupe collector: "+purpose, sha256.Size)
		if err != nil {
			panic(err) // the length is fixed, and allowed
		}
		k = append(k, key)
	}
	return k
}

// sum returns the code of a text.
func (k keys) sum(text []byte) []byte { return sumWith(k[0], text) }

// check reports whether a code is that of a text.
func (k keys) check(code, text []byte) bool {
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
