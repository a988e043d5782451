package spool

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// Letter is a dead letter: a record that a server refused for good.
type Letter struct {
	// Name identifies the letter in its spool. Letters sets it, Dead does not read it.
	Name string
	// Origin and Seq number the record, see seglog.Record.
	Origin [16]byte
	Seq    uint64
	// Kind is the type of Data.
	Kind seglog.Kind
	// Time is when the record was given up; Dead replaces zero by the current time.
	Time time.Time
	// Status is the HTTP status of the last answer, 0 if there was none.
	Status int
	// Reason explains the refusal to a person.
	Reason string
	// Data is the payload of the record.
	Data []byte
}

// letterHeader is the first line of a dead letter's file, as JSON.
type letterHeader struct {
	Seq    uint64      `json:"seq"`
	Origin string      `json:"origin"`
	Kind   seglog.Kind `json:"kind"`
	Time   time.Time   `json:"time"`
	Status int         `json:"status"`
	Reason string      `json:"reason"`
	// CRC is the CRC-32C of the payload.
	CRC uint32 `json:"crc32c"`
}

// A sealed letter is a header of letterHeaderBytes, a nonce, and the encrypted letter;
// header and name are its additional data. A plain one begins with a brace.
const (
	sealedLetter      = "TRPD\x01\x00\x00\x00"
	letterNameDigits  = 20
	maxLetterBytes    = 64 << 20
	letterOriginBegin = letterNameDigits + 1
)

// letterName returns the name of a letter, which is unique because origin and sequence
// number are.
func letterName(l *Letter) string {
	return fmt.Sprintf("%0*d-%s", letterNameDigits, l.Seq, hex.EncodeToString(l.Origin[:]))
}

// isLetterName reports whether the spool can have given a letter that name. Other files in
// the folder are ignored.
func isLetterName(name string) bool {
	if len(name) != letterOriginBegin+32 || name[letterNameDigits] != '-' || !isHex(name[letterOriginBegin:]) {
		return false
	}
	for _, digit := range []byte(name[:letterNameDigits]) {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	return true
}

// encodeLetter returns the file of a letter.
func encodeLetter(l *Letter, aead cipher.AEAD) ([]byte, error) {
	header, err := json.Marshal(letterHeader{
		Seq: l.Seq, Origin: hex.EncodeToString(l.Origin[:]), Kind: l.Kind, Time: l.Time.UTC(), Status: l.Status, Reason: l.Reason,
		CRC: crc32.Checksum(l.Data, castagnoli),
	})
	if err != nil {
		return nil, fmt.Errorf("spool: encode dead letter %d: %w", l.Seq, err)
	}
	plain := append(append(header, '\n'), l.Data...)
	if aead == nil {
		return plain, nil
	}
	file := make([]byte, len(sealedLetter)+nonceBytes, len(sealedLetter)+nonceBytes+len(plain)+aead.Overhead())
	nonce := file[copy(file, sealedLetter):]
	_, _ = rand.Read(nonce) // it never fails
	return aead.Seal(file, nonce, plain, letterExtra(letterName(l))), nil
}

// letterExtra is the additional data of a sealed letter.
func letterExtra(name string) []byte { return append([]byte(sealedLetter), name...) }

// decodeLetter reads the file of a letter.
func decodeLetter(name string, file []byte, aead cipher.AEAD) (Letter, error) {
	l := Letter{Name: name}
	if bytes.HasPrefix(file, []byte(sealedLetter)) {
		if aead == nil {
			return l, fmt.Errorf("%w: dead letter %s", ErrKey, name)
		}
		sealed := file[len(sealedLetter):]
		if len(sealed) < nonceBytes {
			return l, damagedLetter(name)
		}
		plain, err := aead.Open(nil, sealed[:nonceBytes], sealed[nonceBytes:], letterExtra(name))
		if err != nil {
			return l, damagedLetter(name)
		}
		file = plain
	}
	var h letterHeader
	header, data, ok := bytes.Cut(file, []byte{'\n'})
	if !ok || json.Unmarshal(header, &h) != nil || crc32.Checksum(data, castagnoli) != h.CRC {
		return l, damagedLetter(name)
	}
	origin, err := hex.DecodeString(h.Origin)
	if err != nil || len(origin) != len(l.Origin) {
		return l, damagedLetter(name)
	}
	copy(l.Origin[:], origin)
	l.Seq, l.Kind, l.Time, l.Status, l.Reason, l.Data = h.Seq, h.Kind, h.Time, h.Status, h.Reason, data
	if letterName(&l) != name {
		return Letter{Name: name}, damagedLetter(name)
	}
	return l, nil
}

func damagedLetter(name string) error { return fmt.Errorf("%w: dead letter %s", ErrDamaged, name) }
