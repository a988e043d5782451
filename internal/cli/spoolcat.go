package cli

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

func spoolCatCommand(f *spoolFlags) *cobra.Command {
	var dead bool
	cmd := &cobra.Command{
		Use:   "cat [flags] SLOT",
		Short: "Print the entries that wait in a slot",
		Long: `Prints the waiting lines of a slot exactly as they will be sent. Lines that start with #
add details: before the line of an attachment, the upload that precedes it; with --dead,
before each dead letter, the time and the reason of its rejection.`,
		Example: "  troupe spool cat 3f9ac01b52de/00",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			aead, err := spoolKey()
			if err != nil {
				return err
			}
			slots, err := f.inspect()
			if err != nil {
				return err
			}
			slot, err := find(slots, args[0])
			if err != nil {
				return err
			}
			if dead {
				return catDead(c.OutOrStdout(), slot, aead)
			}
			return catPending(c.OutOrStdout(), slot, aead)
		},
	}
	cmd.Flags().BoolVar(&dead, "dead", false, "print the dead letters instead")
	return cmd
}

func catPending(w io.Writer, slot *spool.SlotInfo, aead cipher.AEAD) error {
	for r, err := range slot.Records(aead) {
		switch {
		case errors.Is(err, spool.ErrKey):
			_, err = fmt.Fprintf(w, "# record %d is encrypted: set its key in $%s\n", r.Seq, EnvSpoolKey)
		case err == nil:
			err = catRecord(w, r.Kind, r.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func catDead(w io.Writer, slot *spool.SlotInfo, aead cipher.AEAD) error {
	for l, err := range slot.Letters(aead) {
		switch {
		case errors.Is(err, spool.ErrKey):
			_, err = fmt.Fprintf(w, "# dead letter %s is encrypted: set its key in $%s\n", l.Name, EnvSpoolKey)
		case errors.Is(err, spool.ErrDamaged):
			_, err = fmt.Fprintf(w, "# dead letter %s is damaged\n", l.Name)
		case err == nil:
			_, err = fmt.Fprintf(w, "# dead letter %s: %s, status %d, %q\n", l.Name, l.Time.Format(time.RFC3339), l.Status, l.Reason)
			err = errors.Join(err, catRecord(w, l.Kind, l.Data))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// catRecord prints a line, preceded by a description of its upload if it has one.
func catRecord(w io.Writer, kind seglog.Kind, data []byte) error {
	if kind != seglog.Line {
		u, err := spool.ParseUpload(data)
		if err != nil {
			_, err = fmt.Fprintf(w, "# damaged upload record\n")
			return err
		}
		if err := describe(w, kind, &u); err != nil {
			return err
		}
		data = u.Line
	}
	_, err := w.Write(append(data[:len(data):len(data)], '\n'))
	return err
}

// describe prints a comment line about an upload.
func describe(w io.Writer, kind seglog.Kind, u *spool.Upload) error {
	name := "attachment"
	if kind == seglog.LargeLine {
		name = "large line"
	}
	next := "at once"
	if !u.After.IsZero() {
		next = "at " + u.After.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(w, "# %s %s: %d bytes, type %q, key %q, failed %d times, next try %s; then\n",
		name, u.Blob, u.Size, u.MIME, u.Key, u.Attempt, next)
	return err
}
