package spool

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// Reasons of errors, for errors.Is.
var (
	// ErrNoSlot is returned by Open when none of the slots of a target can be used:
	// each is held by a process, not safe, or another key's.
	ErrNoSlot = errors.New("spool: no free slot")
	// ErrKey is returned for what was encrypted with another key, or with one where
	// Config.AEAD is nil.
	ErrKey = errors.New("spool: encrypted with another key")
	// ErrDamaged is returned for a blob, a dead letter or an upload record that is not
	// what was written.
	ErrDamaged = errors.New("spool: damaged")
	// ErrTooLarge is returned by PutBlob for content over its limit.
	ErrTooLarge = errors.New("spool: content is too large")
	// ErrNoRoom is returned by PutBlob for content that does not fit beside what is
	// there: Config.MaxBytes, in memory Config.MemoryBytes.
	ErrNoRoom = errors.New("spool: no room beside the contents that are there")
	// ErrName is returned for a name that the spool does not give.
	ErrName = errors.New("spool: not a name in a spool")
)

// Config says where a spool is and how its logs behave.
type Config struct {
	// Dir is the folder that all processes and targets share. It is made with mode 0700
	// and must be this user's own. Empty: memory, see Memory.
	Dir string
	// Target says where the entries go, see Target. Only its hash is stored.
	Target string

	// The fields below are those of seglog.Config, for each of the two logs.

	// Policy says when a record counts as safe.
	Policy seglog.Policy
	// Every is the interval of seglog.Interval.
	Every time.Duration
	// MaxBytes bounds what is on disk, in bytes: the segments of Lines, those of Uploads,
	// and the blobs, each by itself; 0 is no bound. DropOldest has no effect on blobs.
	MaxBytes int64
	// MaxAge is how long a record waits before it is dropped, by time that is known to have
	// passed (docs/internals/spool.md); 0 is for ever.
	MaxAge time.Duration
	// DropOldest makes room by dropping where a bound is reached.
	DropOldest bool
	// MemoryBytes bounds the cost of records that are not on disk; 0 is no bound. In
	// memory mode it bounds the blobs as well, by itself.
	MemoryBytes int64
	// AEAD encrypts what is on disk; nil is plain. Its nonces must be 12 bytes long.
	AEAD cipher.AEAD
	// Release is told the cost of records whose memory is free again.
	Release func(cost int64)
	// Report is told what happens to the logs, and which slots were skipped.
	Report func(seglog.Event)
}

// Target returns the Config.Target of a repository of a server. A slash at the end of
// the base URL makes no difference.
func Target(baseURL, repositoryID string) string {
	return strings.TrimRight(baseURL, "/") + "\n" + repositoryID
}

// TargetHash returns the name of a target's folder: the first 16 bytes of the SHA-256
// of the target in hexadecimal.
func TargetHash(target string) string {
	sum := sha256.Sum256([]byte(target))
	return hex.EncodeToString(sum[:16])
}

// check fails for settings that cannot work.
func (c *Config) check() error {
	if c.AEAD != nil && c.AEAD.NonceSize() != nonceBytes {
		return fmt.Errorf("spool: Config.AEAD has nonces of %d bytes: use one with %d, such as AES-GCM", c.AEAD.NonceSize(), nonceBytes)
	}
	return nil
}

// SlotSkipped is the kind of an event that a log does not have: the slot that
// Event.Name names cannot be used because of Event.Err, and is left as it is.
const SlotSkipped seglog.EventKind = 64

// skipped tells that a slot cannot be used.
func (c *Config) skipped(slot string, err error) {
	if c.Report != nil {
		c.Report(seglog.Event{Kind: SlotSkipped, Name: slot, Err: err})
	}
}
