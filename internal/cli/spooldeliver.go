package cli

import (
	"cmp"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/internal/delivery"
	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
	"github.com/troupelog/troupe/internal/spool/vfs"
	"github.com/troupelog/troupe/logger"
	"github.com/troupelog/troupe/transport"
)

// destination holds the flags that name the receiver of a spool's entries.
type destination struct {
	to, repo, key string
	patience      time.Duration // longest time without a delivery
}

// flags adds the flags of a destination to cmd.
func (d *destination) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.to, "to", "", "URL of the server (default: $"+EnvURL+", then $"+logger.EnvBaseURL+", then "+DefaultURL+")")
	cmd.Flags().StringVar(&d.repo, "repo", "", "repository of the log (default: $"+logger.EnvRepoID+")")
	cmd.Flags().StringVar(&d.key, "api-key", "", "key of the server (default: $"+EnvAPIKey+", then $"+logger.EnvAPIKey+"); visible to other users in the process list")
	d.patience = patience
}

// connect sets missing values from the environment and returns a connection to the server.
func (d *destination) connect() (*transport.HTTP, error) {
	d.to = cmp.Or(d.to, os.Getenv(EnvURL), os.Getenv(logger.EnvBaseURL), DefaultURL)
	d.repo = cmp.Or(d.repo, os.Getenv(logger.EnvRepoID))
	d.key = cmp.Or(d.key, os.Getenv(EnvAPIKey), os.Getenv(logger.EnvAPIKey))
	if err := requireRepo(d.repo); err != nil {
		return nil, err
	}
	return connect(d.to, d.repo, d.key)
}

// mine returns the slots of the destination. It is an error if there are none.
func (d *destination) mine(slots []spool.SlotInfo) ([]spool.SlotInfo, error) {
	hash := spool.TargetHash(spool.Target(d.to, d.repo))
	var mine []spool.SlotInfo
	for _, s := range slots {
		if s.Target == hash {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil, fmt.Errorf("the spool has nothing for repository %q of %s: check --repo, --to and --dir; \"troupe spool ls\" lists its slots", d.repo, d.to)
	}
	return mine, nil
}

// outcome counts the entries of the processed slots by their fate.
type outcome struct{ delivered, dead, dropped, left int64 }

func (o *outcome) add(a *delivery.Counters) {
	o.delivered += a.Delivered
	o.dead += a.Dead
	o.left += a.Pending()
	for _, n := range a.Dropped {
		o.dropped += n
	}
}

func (o *outcome) String() string {
	return fmt.Sprintf("delivered=%d dead=%d dropped=%d left=%d", o.delivered, o.dead, o.dropped, o.left)
}

// deliverer delivers the entries of slots.
type deliverer struct {
	destination
	client transport.Backend
	aead   cipher.AEAD
	told   *notices
	stdout io.Writer
}

// newDeliverer also returns the connection, which callers must close.
func newDeliverer(d destination, stdout, stderr io.Writer) (*deliverer, *transport.HTTP, error) {
	aead, err := spoolKey()
	if err != nil {
		return nil, nil, err
	}
	client, err := d.connect()
	if err != nil {
		return nil, nil, err
	}
	return &deliverer{d, client, aead, newNotices(stderr), stdout}, client, nil
}

// deliver opens every slot of the destination that no process holds and that wanted selects,
// calls prepare on it and delivers its entries. It stops at the first slot that the server
// does not accept completely, and prints the outcome.
func (d *deliverer) deliver(ctx context.Context, slots []spool.SlotInfo, wanted func(*spool.SlotInfo) bool, prepare func(*spool.Spool) error) error {
	mine, err := d.mine(slots)
	if err != nil {
		return err
	}
	sum, err := d.each(ctx, mine, wanted, prepare)
	if _, err := fmt.Fprintln(d.stdout, &sum); err != nil {
		return err
	}
	if n := sum.dead + sum.dropped + sum.left; n > 0 {
		err = errors.Join(err, fmt.Errorf("%d entries were not delivered: \"troupe spool dead\" lists the rejected ones", n))
	}
	return err
}

func (d *deliverer) each(ctx context.Context, mine []spool.SlotInfo, wanted func(*spool.SlotInfo) bool, prepare func(*spool.Spool) error) (sum outcome, err error) {
	for i := range mine {
		slot := &mine[i]
		if !slot.Held && slot.Problem == nil && !wanted(slot) {
			continue
		}
		s, openErr := slot.Open(spool.Config{Log: seglog.Config{AEAD: d.aead}})
		switch {
		case errors.Is(openErr, vfs.ErrLocked):
			if _, err := fmt.Fprintf(d.stdout, "%s is %s, which delivers its entries: skipped\n", slotName(slot), holder(slot)); err != nil {
				return sum, err
			}
			continue
		case errors.Is(openErr, spool.ErrKey):
			openErr = fmt.Errorf("it is encrypted: set its key in $%s", EnvSpoolKey)
		case openErr == nil:
			if err := d.slot(ctx, s, &sum, prepare); err != nil {
				return sum, fmt.Errorf("slot %s: %w", slotName(slot), err)
			}
			continue
		}
		err = errors.Join(err, fmt.Errorf("slot %s: %w", slotName(slot), openErr)) // go on: other slots may be readable
	}
	return sum, err
}

// slot prepares a slot, delivers its entries and closes it.
func (d *deliverer) slot(ctx context.Context, s *spool.Spool, sum *outcome, prepare func(*spool.Spool) error) error {
	if err := prepare(s); err != nil {
		return errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sink := delivery.Start(delivery.Config{
		Repository: d.repo, Spool: s, Backend: d.client,
		Report: func(e delivery.Event) {
			if e.Kind == delivery.Failing || e.Kind == delivery.Dead {
				d.told.line(e.Err)
			}
		},
	})
	go watch(ctx, cancel, func() logger.Stats {
		a := sink.Counters()
		return logger.Stats{Delivered: a.Delivered, Dead: a.Dead, Pending: a.Pending()}
	}, d.patience)
	err := sink.Flush(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("ended early: %w", context.Cause(ctx))
	}
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer stop()
	closeErr := sink.Close(grace, err == nil)
	account := sink.Counters()
	sum.add(&account)
	if errors.Is(closeErr, delivery.ErrPending) && err != nil {
		closeErr = nil // err reports it already
	}
	return errors.Join(err, closeErr)
}

func spoolReplayCommand(f *spoolFlags) *cobra.Command {
	var to destination
	cmd := &cobra.Command{
		Use:   "replay [flags]",
		Short: "Deliver entries left by ended processes",
		Long: `Delivers the entries of a repository that wait in slots held by no process. As with the
logger, rejected lines become dead letters. Slots in use are skipped, because their
processes deliver them.

The exit code is 0 only if every entry was delivered. If the server accepts nothing, the
command gives up after ` + patience.String() + `; the remaining entries stay in the spool.`,
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
