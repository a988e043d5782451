package spool

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

// fingerprintBytes is the length of a fingerprint in its file.
const fingerprintBytes = 64

// fingerprint identifies a key without revealing it: the SHA-256, in hexadecimal, of a fixed
// text encrypted with the zero nonce. Nothing else uses that nonce, except with a
// probability of 2^-96.
func fingerprint(aead cipher.AEAD) string {
	sum := sha256.Sum256(aead.Seal(nil, make([]byte, nonceBytes), []byte("troupe spool key"), nil))
	return hex.EncodeToString(sum[:])
}

// claimKey makes sure that a slot is used with one key only: files that another key
// encrypted would look damaged. A slot that was plain so far takes the key.
func claimKey(folder vfs.FS, aead cipher.AEAD) error {
	known, err := readFingerprint(folder)
	switch {
	case err != nil:
		return err
	case aead == nil && known == "", aead != nil && known == fingerprint(aead):
		return nil
	case aead == nil || known != "":
		return ErrKey
	}
	return writeFingerprint(folder, fingerprint(aead))
}

// readFingerprint returns the fingerprint of a slot's key, or "" if it has none.
func readFingerprint(folder vfs.FS) (string, error) {
	f, err := folder.OpenFile(keyFile, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text := make([]byte, fingerprintBytes)
	n, err := f.ReadAt(text, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if n < fingerprintBytes || !isHex(string(text)) {
		text = nil // a crash cut the file short, so nothing was encrypted yet
	}
	return string(text), errors.Join(err, f.Close())
}

// writeFingerprint stores the fingerprint durably, before anything is encrypted with the key.
func writeFingerprint(folder vfs.FS, text string) error {
	f, err := folder.OpenFile(keyFile, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(text), 0)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return folder.Sync()
}
