package cli

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
)

// EnvSpoolKey names the environment variable with the key of an encrypted spool: 32 bytes
// in hexadecimal or base64.
const EnvSpoolKey = "TROUPE_SPOOL_KEY"

func spoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Inspect and deliver entries that wait on disk",
		Long: `Inspects the entries that loggers keep on disk until a server accepts them, and delivers
them.

A spool is a folder shared by the processes of a user. In it, each process holds one slot
per repository: the lines and uploads that wait, and the dead letters, which the server
rejected permanently. A slot is named TARGET/SLOT, where TARGET is the start of a hash of
server and repository. SLOT alone suffices if it is unique.

The commands are safe while other processes use the spool: slots held by a process are
shown but never changed. Encrypted contents need their key in $` + EnvSpoolKey + `:
32 bytes in hexadecimal or base64.

Exit codes: 0 success; 1 failure, damage found, or not all delivered; 2 wrong arguments.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := &spoolFlags{}
	cmd.PersistentFlags().StringVar(&f.dir, "dir", "", "folder of the spool (default: troupe in your cache folder)")
	cmd.AddCommand(spoolListCommand(f), spoolCatCommand(f), spoolVerifyCommand(f), spoolReplayCommand(f), spoolDeadCommand(f))
	return cmd
}

// spoolFlags are the flags of all spool commands.
type spoolFlags struct{ dir string }

// inspect describes the slots of the spool.
func (f *spoolFlags) inspect() ([]spool.SlotInfo, error) {
	dir := f.dir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("cannot determine the cache folder: %w; name the spool folder with --dir", err)
		}
		dir = filepath.Join(cache, "troupe")
	}
	slots, err := spool.Inspect(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a spool folder: name another with --dir", dir)
	}
	return slots, err
}

// slotName returns the name of a slot in the form that find accepts.
func slotName(s *spool.SlotInfo) string { return s.Target[:min(len(s.Target), 12)] + "/" + s.Slot }

// find returns the slot named TARGET/SLOT or SLOT. TARGET may be shortened. An ambiguous
// name is a usage error.
func find(slots []spool.SlotInfo, name string) (*spool.SlotInfo, error) {
	target, slot, ok := strings.Cut(name, "/")
	if !ok {
		target, slot = "", name
	}
	var found *spool.SlotInfo
	for i := range slots {
		if slots[i].Slot != slot || !strings.HasPrefix(slots[i].Target, target) {
			continue
		}
		if found != nil {
			return nil, usageError{fmt.Errorf("%q matches several slots: use the full name from \"troupe spool ls\"", name)}
		}
		found = &slots[i]
	}
	if found == nil {
		return nil, fmt.Errorf("the spool has no slot %q: \"troupe spool ls\" lists its slots", name)
	}
	return found, nil
}

// spoolKey returns a cipher for the key in the environment, nil if there is none.
func spoolKey() (cipher.AEAD, error) {
	text := strings.TrimSpace(os.Getenv(EnvSpoolKey))
	if text == "" {
		return nil, nil
	}
	const keyBytes = 32
	decoders := []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	}
	for _, decode := range decoders {
		key, err := decode(text)
		if err != nil || len(key) != keyBytes {
			continue
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	}
	return nil, usageError{fmt.Errorf("$%s must be %d bytes in hexadecimal or base64", EnvSpoolKey, keyBytes)}
}

// holder describes the owner of a held slot.
func holder(s *spool.SlotInfo) string {
	if s.PID == 0 {
		return "in use"
	}
	return fmt.Sprintf("in use by process %d", s.PID)
}
