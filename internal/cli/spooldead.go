package cli

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
	"github.com/troupelog/troupe/internal/tree"
)

// deadFlags are the flags of troupe spool dead.
type deadFlags struct {
	destination
	retry, json bool
	remove      string
}

func spoolDeadCommand(f *spoolFlags) *cobra.Command {
	var df deadFlags
	cmd := &cobra.Command{
		Use:   "dead [flags]",
		Short: "List, resend or remove dead letters",
		Long: `Lists the entries that servers rejected permanently, with the HTTP status and the reason.
"troupe spool cat --dead" prints the lines themselves.

--retry returns the dead letters of a repository to the queue and delivers everything that
waits there, in slots that no process holds. Entries rejected again become dead letters
again. --remove deletes one letter.`,
		Example: "  troupe spool dead\n  troupe spool dead --retry --to https://logs.example.com --repo my-agents",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if df.retry && (df.remove != "" || df.json) || df.remove != "" && df.json {
				return usageError{errors.New("--retry, --remove and --json exclude each other")}
			}
			if df.retry {
				return retryDead(c, f, df.destination)
			}
			slots, err := f.inspect()
			if err != nil {
				return err
			}
			if df.remove != "" {
				return removeDead(slots, df.remove)
			}
			return listDead(c.OutOrStdout(), slots, df.json)
		},
	}
	cmd.Flags().BoolVar(&df.retry, "retry", false, "resend the dead letters of a repository")
	cmd.Flags().StringVar(&df.remove, "remove", "", "name of a dead letter to delete")
	cmd.Flags().BoolVar(&df.json, "json", false, "print a JSON list")
	df.flags(cmd)
	return cmd
}

// letterReport is a dead letter as JSON.
type letterReport struct {
	Slot    string     `json:"slot"`
	Name    string     `json:"name"`
	Kind    string     `json:"kind,omitempty"`
	Time    *time.Time `json:"time,omitempty"`
	Status  int        `json:"status,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Bytes   int        `json:"bytes,omitempty"`
	Problem string     `json:"problem,omitempty"` // why the other fields are missing: sealed or damaged
}

var kindNames = map[seglog.Kind]string{seglog.Line: "line", seglog.Attachment: "attachment", seglog.LargeLine: "large line"}

func newLetterReport(slot *spool.SlotInfo, l *spool.Letter, err error) letterReport {
	r := letterReport{Slot: slotName(slot), Name: l.Name}
	switch {
	case errors.Is(err, spool.ErrKey):
		r.Problem = "sealed"
	case errors.Is(err, spool.ErrDamaged):
		r.Problem = "damaged"
	case err != nil:
		r.Problem = err.Error()
	default:
		r.Kind, r.Time, r.Status, r.Reason, r.Bytes = kindNames[l.Kind], &l.Time, l.Status, l.Reason, len(l.Data)
	}
	return r
}

// deadReports reads the dead letters of all slots.
func deadReports(slots []spool.SlotInfo, aead cipher.AEAD) []letterReport {
	reports := []letterReport{}
	for i := range slots {
		for l, err := range slots[i].Letters(aead) {
			reports = append(reports, newLetterReport(&slots[i], &l, err))
		}
	}
	return reports
}

func listDead(w io.Writer, slots []spool.SlotInfo, asJSON bool) error {
	aead, err := spoolKey()
	if err != nil {
		return err
	}
	reports := deadReports(slots, aead)
	if asJSON {
		return json.NewEncoder(w).Encode(reports)
	}
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "the spool has no dead letters")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// A table keeps the error of its writer until Flush.
	_, _ = fmt.Fprintln(table, "SLOT\tNAME\tKIND\tTIME\tSTATUS\tREASON")
	for _, r := range reports {
		if r.Problem != "" {
			_, _ = fmt.Fprintf(table, "%s\t%s\t\t\t\t(%s)\n", r.Slot, r.Name, tree.Clip(r.Problem, 80))
			continue
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n",
			r.Slot, r.Name, r.Kind, r.Time.Local().Format(time.DateTime), r.Status, tree.Clip(r.Reason, 120))
	}
	return table.Flush()
}

// removeDead deletes a dead letter in a slot that no process holds.
func removeDead(slots []spool.SlotInfo, name string) error {
	aead, err := spoolKey()
	if err != nil {
		return err
	}
	for i := range slots {
		slot := &slots[i]
		for l, err := range slot.Letters(aead) {
			if l.Name == name && !errors.Is(err, fs.ErrNotExist) {
				return removeFrom(slot, name, aead)
			}
		}
	}
	return fmt.Errorf("the spool has no dead letter %q: \"troupe spool dead\" lists its dead letters", name)
}

func removeFrom(slot *spool.SlotInfo, name string, aead cipher.AEAD) error {
	s, err := slot.Open(spool.Config{Log: seglog.Config{AEAD: aead}})
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("slot %s is %s: run the command again once the process has ended", slotName(slot), holder(slot))
	case errors.Is(err, spool.ErrKey):
		return fmt.Errorf("slot %s is encrypted: set its key in $%s", slotName(slot), EnvSpoolKey)
	case err != nil:
		return err
	}
	return errors.Join(s.RemoveLetter(name), s.Close(context.Background()))
}

func retryDead(c *cobra.Command, f *spoolFlags, to destination) error {
	d, client, err := newDeliverer(to, c.OutOrStdout(), c.ErrOrStderr())
	if err != nil {
		return err
	}
	defer client.Close()
	slots, err := f.inspect()
	if err != nil {
		return err
	}
	hasDead := func(s *spool.SlotInfo) bool { return s.Dead > 0 }
	return d.deliver(c.Context(), slots, hasDead, func(s *spool.Spool) error { return revive(c.Context(), s) })
}

// revive moves the dead letters back to the queue. A letter is removed only once its record
// is durable: a crash in between sends it twice but never loses it.
func revive(ctx context.Context, s *spool.Spool) error {
	for l, err := range s.Letters() {
		if errors.Is(err, spool.ErrDamaged) {
			continue // kept for inspection
		}
		if err != nil {
			return err
		}
		log := s.Uploads
		if l.Kind == seglog.Line {
			log = s.Lines
		}
		if err := log.Sync(ctx, log.Append([]seglog.Item{{Kind: l.Kind, Data: l.Data}})); err != nil {
			return err
		}
		if err := s.RemoveLetter(l.Name); err != nil {
			return err
		}
	}
	return nil
}
