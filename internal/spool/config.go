package spool

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
)

// Reasons of errors, for errors.Is.
var (
	// ErrNoSlot is returned by Open when none of the slots of a target can be used:
	// each is held by a process, not safe, or another key's.
	ErrNoSlot = errors.New("spool: no free slot")
	// ErrKey is returned for data that was encrypted with another key, or with any key if
	// Config.Log.AEAD is nil.
	ErrKey = errors.New("spool: encrypted with another key")
	// ErrDamaged is returned for a blob, a dead letter or an upload record whose bytes
	// differ from those that were written.
	ErrDamaged = errors.New("spool: damaged")
	// ErrTooLarge is returned by PutBlob for content above its limit.
	ErrTooLarge = errors.New("spool: content is too large")
	// ErrNoRoom is returned by PutBlob if the blobs together would exceed
	// Config.Log.MaxBytes or, in memory, Config.Log.MemoryBytes.
	ErrNoRoom = errors.New("spool: no room for the content")
	// ErrName is returned for a name that no blob or dead letter can have.
	ErrName = errors.New("spool: invalid name")
)

// Config configures a Spool.
type Config struct {
	// Dir is the folder that all processes and targets share. Open creates it with mode
	// 0700; if it exists, it must belong to this user alone. Empty means a spool in
	// memory, as Memory makes it.
	Dir string
	// Target identifies the server and the repository, see the function Target. Only its
	// hash is stored.
	Target string
	// Log configures the two logs, Lines and Uploads, each by itself. The spool sets FS,
	// Quarantine and Report, and uses 2 MiB if RecentBytes is 0. MaxBytes also limits the
	// blobs of a slot, by themselves; DropOldest has no effect on them. In memory mode
	// MemoryBytes limits the blobs instead. AEAD encrypts the blobs and dead letters too;
	// its nonces must be 12 bytes long.
	Log seglog.Config
	// Report is called with each event of the logs and each slot that was skipped. It must
	// not block; calls may be concurrent. Nil means that events are discarded.
	Report func(Event)
}

// EventKind distinguishes the events of a spool.
type EventKind uint8

// The kinds of events.
const (
	// FromLog is an event of one of the logs: Event.Log.
	FromLog EventKind = iota
	// Skipped means that the slot Event.Slot cannot be used because of Event.Err. It is
	// left unchanged.
	Skipped
)

// Event is passed to Config.Report.
type Event struct {
	Kind EventKind
	Log  seglog.Event // set if Kind is FromLog
	Slot string       // set if Kind is Skipped
	Err  error        // set if Kind is Skipped
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
	if aead := c.Log.AEAD; aead != nil && aead.NonceSize() != nonceBytes {
		return fmt.Errorf("spool: the AEAD has nonces of %d bytes: use one with %d, such as AES-GCM", aead.NonceSize(), nonceBytes)
	}
	return nil
}

// logIn returns the settings of a log in a folder; both folders are nil in memory mode.
func (c *Config) logIn(folder, quarantine vfs.FS) seglog.Config {
	log := c.Log
	log.FS, log.Quarantine = folder, quarantine
	log.RecentBytes = cmp.Or(log.RecentBytes, recentBytes)
	log.Report = func(e seglog.Event) { c.report(Event{Kind: FromLog, Log: e}) }
	return log
}

// report passes an event to Config.Report.
func (c *Config) report(e Event) {
	if c.Report != nil {
		c.Report(e)
	}
}

// skipped reports that a slot cannot be used.
func (c *Config) skipped(slot string, err error) {
	c.report(Event{Kind: Skipped, Slot: slot, Err: err})
}
