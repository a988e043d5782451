package cli

import (
	"crypto/cipher"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
)

func spoolVerifyCommand(f *spoolFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [flags]",
		Short: "Check every checksum in the spool",
		Long: `Reads and checks the whole spool: the waiting lines and uploads, the contents of the
uploads, and the dead letters. It changes nothing. The next logger that opens a damaged
slot sets the damaged files aside and delivers the rest.

An unfinished write at the end of a log is the normal trace of a crash, not damage: no
confirmed entry is in it. Missing records that were confirmed count as damage, even if
the end of a file or a whole file is gone. Encrypted contents are checked only if
$` + EnvSpoolKey + ` holds their key. The exit code is 1 if anything is damaged or unreadable.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			aead, err := spoolKey()
			if err != nil {
				return err
			}
			slots, err := f.inspect()
			if err != nil {
				return err
			}
			damaged := 0
			for i := range slots {
				n, err := verifySlot(c.OutOrStdout(), &slots[i], aead)
				if err != nil {
					return err
				}
				damaged += n
			}
			if damaged > 0 {
				return fmt.Errorf("%d places in the spool are damaged or unreadable", damaged)
			}
			return nil
		},
	}
}

// verifySlot prints its findings and returns the number of damaged or unreadable places.
// The error is a write error of w.
func verifySlot(w io.Writer, slot *spool.SlotInfo, aead cipher.AEAD) (int, error) {
	var wrong []string
	if slot.Problem != nil {
		wrong = append(wrong, slot.Problem.Error())
	} else {
		found, err := slot.Damage(aead)
		wrong = append(wrong, found...)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	name := slotName(slot)
	for _, fault := range wrong {
		if _, err := fmt.Fprintf(w, "%s: damaged: %s\n", name, strings.ReplaceAll(fault, "\n", "; ")); err != nil {
			return 0, err
		}
	}
	if torn := slot.Lines.Torn + slot.Uploads.Torn; torn > 0 && !slot.Held {
		if _, err := fmt.Fprintf(w, "%s: %d bytes of an unfinished write at the end\n", name, torn); err != nil {
			return 0, err
		}
	}
	if len(wrong) > 0 {
		return len(wrong), nil
	}
	_, err := fmt.Fprintf(w, "%s: sound: %d lines, %d uploads, %d dead letters\n", name, slot.Lines.Records, slot.Uploads.Records, slot.Dead)
	return 0, err
}
