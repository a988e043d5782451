package sqlite

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupelog/troupe/internal/private"
)

// secretFile holds the secrets of a collector in hexadecimal digits: one line for the
// current secret and one line for an older secret that is still valid.
const secretFile = "secret"

// secretSize is the number of bytes of a secret.
const secretSize = 32

// maxSecrets limits how many secrets are valid at once.
const maxSecrets = 2

// errSecret is returned for a file that does not hold secrets.
var errSecret = errors.New("it must hold one or two lines of 64 hexadecimal digits: " +
	"remove it to have a new secret made, which signs everyone out")

// openSecrets reads the secrets from a file, or writes a new secret if there is no file.
func openSecrets(path string, logger *slog.Logger) ([][]byte, error) {
	secrets, err := readSecrets(path, logger)
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

func readSecrets(path string, logger *slog.Logger) ([][]byte, error) {
	shared, err := private.Check(path)
	if err != nil {
		return nil, err
	}
	if shared {
		logger.Warn("other users could read the secrets of this collector; the file is private now. "+
			"If another user may have read it, stop the collector and remove the file: a new secret is made", "file", path)
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

// writePrivate writes a file that only this user can read. A crash leaves all of the file
// or nothing.
func writePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+partialSuffix) // mode 0600
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
