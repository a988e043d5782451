package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/pricing"
)

// closeTime bounds how long the collector may take to close its files.
const closeTime = 10 * time.Second

// serveFlags are the flags of troupe serve.
type serveFlags struct {
	addr, data, key string
	prices          string
	keep            time.Duration
	keepBytes       int64
}

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a collector",
		Long: "Runs a collector: a server that SDKs log to, that stores what they log and answers questions about it.\n" +
			"When it is ready it prints one line with its address. SIGINT or SIGTERM ends it.",
		Example: "  troupe serve --data ./troupe-data",
		Args:    arguments(cobra.NoArgs),
		// It finishes requests under way.
		Annotations: map[string]string{endsItself: "yes"},
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), f, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.addr, "addr", DefaultAddr, "host:port to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&f.data, "data", "", "folder to store in (default: troupe in your data folder)")
	cmd.Flags().DurationVar(&f.keep, "keep", 0, "how long to keep what is logged, as in 720h (default: for good)")
	cmd.Flags().Int64Var(&f.keepBytes, "keep-bytes", 0, "how many bytes to keep at most; the oldest go first (default: no limit)")
	cmd.Flags().StringVar(&f.prices, "prices", "", "JSON file of prices of your own, which come before those built in")
	cmd.Flags().StringVar(&f.key, "api-key", "", "key that clients must send (default: $"+EnvAPIKey+")")
	return cmd
}

func serve(ctx context.Context, f serveFlags, stdout, stderr io.Writer) error {
	f.key = cmp.Or(f.key, os.Getenv(EnvAPIKey))
	addr, err := address(f.addr, f.key != "")
	if err != nil {
		return err
	}
	if f.data == "" {
		if f.data, err = dataDir(); err != nil {
			return usageError{err}
		}
	}
	prices, err := priceTable(f.prices)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return fmt.Errorf("%w: stop what uses it, or choose another address with --addr", err)
	}
	defer func() { _ = listener.Close() }() // Serve has closed it, if it came to that
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	c, err := collector.New(collector.Config{Dir: f.data, APIKey: f.key, KeepFor: f.keep, KeepBytes: f.keepBytes, Prices: prices, Logger: logger})
	switch {
	case errors.Is(err, collector.ErrKeep):
		return usageError{errors.New("--keep and --keep-bytes must not be negative")}
	case errors.Is(err, collector.ErrInUse):
		return fmt.Errorf("%w with --data", err)
	case errors.Is(err, private.ErrUnsafe):
		return fmt.Errorf("%w; --data names the folder", err)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: make the folder one that this user can write to, or name another with --data", err)
	case err != nil:
		return err
	}
	// The listener takes connections already: whoever reads this line can log.
	if _, err = fmt.Fprintf(stdout, "collecting at http://%s into %s\n", listener.Addr(), f.data); err == nil {
		err = c.Serve(ctx, listener)
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return errors.Join(err, c.Close(patience))
}

// priceTable returns the prices that are built in, with those of the file before them
// if there is one.
func priceTable(path string) (*pricing.Table, error) {
	if path == "" {
		return pricing.Default(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("--prices must name a file of prices: %w", err)}
	}
	defer func() { _ = file.Close() }()
	own, err := pricing.Load(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--prices: %s: %w", path, err)}
	}
	return pricing.Default().With(own), nil
}

// address resolves where to listen. Without a key only this machine may connect.
func address(hostPort string, keyed bool) (*net.TCPAddr, error) {
	addr, err := net.ResolveTCPAddr("tcp", hostPort)
	if err != nil {
		return nil, usageError{fmt.Errorf("--addr must be host:port: %w", err)}
	}
	if !keyed && !addr.IP.IsLoopback() {
		return nil, usageError{fmt.Errorf(
			"other machines can reach %s, and anybody could read and write: set a key with --api-key, or listen on 127.0.0.1", hostPort)}
	}
	return addr, nil
}
