package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
)

func spoolListCommand(f *spoolFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls [flags]",
		Short: "List the slots: who holds them, and what waits in them",
		Long: `Lists the slots of the spool.

STATE is "in use" by a process, "ownerless" if something waits that no process
delivers, or "empty". LINES and UPLOADS wait for the server, OLDEST says for how long,
as far as it is known; DEAD are the dead letters, QUARANTINED files that were found damaged.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			slots, err := f.inspect()
			if err != nil {
				return err
			}
			if asJSON {
				return printSlots(c.OutOrStdout(), slots)
			}
			return tableSlots(c.OutOrStdout(), slots, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON list")
	return cmd
}

// slotReport is a slot as JSON.
type slotReport struct {
	Target      string     `json:"target"`
	Slot        string     `json:"slot"`
	State       string     `json:"state"` // in use, ownerless, empty or unreadable
	PID         int        `json:"pid,omitempty"`
	Sealed      bool       `json:"sealed"`
	Lines       int64      `json:"lines"`
	Uploads     int64      `json:"uploads"`
	Bytes       int64      `json:"bytes"` // of lines and upload records
	Oldest      *time.Time `json:"oldest,omitempty"`
	Blobs       int        `json:"blobs"`
	BlobBytes   int64      `json:"blob_bytes"`
	Dead        int        `json:"dead"`
	DeadBytes   int64      `json:"dead_bytes"`
	Quarantined int        `json:"quarantined"`
	Problem     string     `json:"problem,omitempty"`
}

func newSlotReport(s *spool.SlotInfo) slotReport {
	r := slotReport{
		Target: s.Target, Slot: s.Slot, State: "empty", PID: s.PID, Sealed: s.Sealed,
		Lines: s.Lines.Records, Uploads: s.Uploads.Records, Bytes: s.Lines.Bytes + s.Uploads.Bytes,
		Blobs: s.Blobs, BlobBytes: s.BlobBytes, Dead: s.Dead, DeadBytes: s.DeadBytes, Quarantined: s.Quarantined,
	}
	for _, at := range []time.Time{s.Lines.Oldest, s.Uploads.Oldest} {
		if !at.IsZero() && (r.Oldest == nil || at.Before(*r.Oldest)) {
			r.Oldest = &at
		}
	}
	switch {
	case s.Problem != nil:
		r.State, r.Problem = "unreadable", s.Problem.Error()
	case s.Held:
		r.State = "in use"
	case s.Pending() > 0:
		r.State = "ownerless"
	}
	return r
}

func printSlots(w io.Writer, slots []spool.SlotInfo) error {
	reports := make([]slotReport, len(slots))
	for i := range slots {
		reports[i] = newSlotReport(&slots[i])
	}
	return json.NewEncoder(w).Encode(reports)
}

func tableSlots(w io.Writer, slots []spool.SlotInfo, now time.Time) error {
	if len(slots) == 0 {
		_, err := fmt.Fprintln(w, "the spool has no slots")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// A table keeps the error of its writer until Flush.
	_, _ = fmt.Fprintln(table, "SLOT\tLINES\tUPLOADS\tBYTES\tOLDEST\tDEAD\tQUARANTINED\tSTATE")
	for i := range slots {
		s := &slots[i]
		r := newSlotReport(s)
		state, age := r.State, ""
		if s.Held {
			state = holder(s)
		}
		if s.Sealed {
			state += ", sealed"
		}
		if r.Problem != "" {
			state = "unreadable: " + strings.ReplaceAll(r.Problem, "\n", "; ")
		}
		if r.Oldest != nil {
			age = max(now.Sub(*r.Oldest), 0).Round(time.Second).String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%d\t%d\t%s\n",
			slotName(s), r.Lines, r.Uploads, r.Bytes, age, r.Dead, r.Quarantined, state)
	}
	return table.Flush()
}
