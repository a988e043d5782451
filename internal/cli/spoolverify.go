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
		Long: `Reads everything in the spool and checks it: the lines and uploads that wait, the
contents of the uploads, and the dead letters. It changes nothing: what is damaged is
set aside when a logger opens the slot next, and the rest is delivered.

An unfinished write at the end of a log is what a crash leaves, not damage: nothing
that was safe is in it. Records that were safe and are missing are counted, also where
the end of a file, or a whole file, is gone. Sealed contents are checked only with their key, in
$` + EnvSpoolKey + `. It exits with 1 if something is damaged or cannot be read.`,
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
				return fmt.Errorf("%d places in the spool are damaged or cannot be read", damaged)
			}
			return nil
		},
	}
}

// verifySlot prints what it finds and returns in how many places something is wrong.
// The error is that of w.
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
	for _, what := range wrong {
		if _, err := fmt.Fprintf(w, "%s: damaged: %s\n", name, strings.ReplaceAll(what, "\n", "; ")); err != nil {
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
