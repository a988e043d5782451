package cli

import (
	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/spool"
)

func spoolReplayCommand(f *spoolFlags) *cobra.Command {
	var to destination
	cmd := &cobra.Command{
		Use:   "replay [flags]",
		Short: "Deliver what no process delivers any more",
		Long: `Delivers what waits for a repository of a server in slots that no process holds, as
the logger would: refused lines become dead letters. Slots in use are left alone, their
process delivers them.

It exits with 0 only if all of that is delivered. It waits while the server takes
nothing, for ` + patience.String() + ` at most; what is left stays in the spool.`,
		Example: "  troupe spool replay --to https://logs.example.com --repo my-agents",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d, client, err := newDeliverer(to, c.OutOrStdout(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			defer client.Close()
			slots, err := f.inspect()
			if err != nil {
				return err
			}
			waiting := func(s *spool.SlotInfo) bool { return s.Pending() > 0 }
			return d.deliver(c.Context(), slots, waiting, func(*spool.Spool) error { return nil })
		},
	}
	to.flags(cmd)
	return cmd
}
