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

// EnvSpoolKey holds the key of a spool that is encrypted: 32 bytes in hexadecimal or
// base64.
const EnvSpoolKey = "TROUPE_SPOOL_KEY"

func spoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Look at what waits on disk for a server, and deliver it",
		Long: `Looks at what loggers keep on disk until a server has it, and delivers it.

A spool is a folder that the processes of a user share. Each process holds one slot
of it for each repository it logs to: the lines and contents that wait, and the dead
letters, which the server refused for good. A slot is named TARGET/SLOT, where TARGET
is the beginning of a hash of server and repository, or SLOT alone if that is enough.

The commands may run beside processes that use the spool: slots that a process holds
are shown and never changed. What is encrypted is shown if $` + EnvSpoolKey + ` holds its
key, 32 bytes in hexadecimal or base64.

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
			return nil, fmt.Errorf("there is no cache folder: %w; name the folder of the spool with --dir", err)
		}
		dir = filepath.Join(cache, "troupe")
	}
	slots, err := spool.Inspect(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no folder of a spool: name another with --dir", dir)
	}
	return slots, err
}

// slotName names a slot as the user may.
func slotName(s *spool.SlotInfo) string { return s.Target[:min(len(s.Target), 12)] + "/" + s.Slot }

// find returns the one slot that the user names, by TARGET/SLOT or SLOT.
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
			return nil, usageError{fmt.Errorf("%q is more than one slot: name it as troupe spool ls does", name)}
		}
		found = &slots[i]
	}
	if found == nil {
		return nil, fmt.Errorf("the spool has no slot %q: troupe spool ls shows those it has", name)
	}
	return found, nil
}

// spoolKey returns what the key in the environment makes, nil if there is none.
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

// holder says who holds a slot.
func holder(s *spool.SlotInfo) string {
	if s.PID == 0 {
		return "in use"
	}
	return fmt.Sprintf("in use by process %d", s.PID)
}
