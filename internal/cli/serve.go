package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/pricing"
)

const (
	// closeTime limits how long the collector may take to close its files.
	closeTime = 10 * time.Second
	// drainTime is the default of --drain for a collector that other machines can reach:
	// load balancers need time to notice that /readyz fails.
	drainTime = 5 * time.Second
	// scrapeTime limits a request for metrics.
	scrapeTime = 10 * time.Second
	// maxKeyFile limits the size of a key file, in bytes.
	maxKeyFile = 4 << 10
)

// serveFlags are the flags of troupe serve.
type serveFlags struct {
	addr, data, prices string
	keep               time.Duration
	keepBytes          int64
	key, keyFile       string
	certFile, certKey  string
	public             string
	trusted            []string
	metrics            string
	drain              time.Duration
	keyGiven           bool // --api-key was given, possibly empty
	drainGiven         bool
}

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a collector",
		Long: "Runs a collector: the server that stores log entries and serves the web viewer and the JSON API.\n" +
			"When ready, it prints one line with its address. SIGINT or SIGTERM shuts it down, a second signal kills it.\n\n" +
			"Other users of this machine can see a key given with --api-key in the process list. Use --api-key-file or\n" +
			"$" + EnvAPIKey + " instead.",
		Example: "  troupe serve --data ./troupe-data\n" +
			"  troupe serve --addr :7780 --api-key-file key.txt --tls-cert cert.pem --tls-key key.pem\n" +
			"  troupe serve --public-url https://logs.example.com/troupe --trusted-proxy 127.0.0.1",
		Args: arguments(cobra.NoArgs),
		// It finishes requests in progress.
		Annotations: map[string]string{endsItself: "yes"},
		RunE: func(c *cobra.Command, _ []string) error {
			f.keyGiven, f.drainGiven = c.Flags().Changed("api-key"), c.Flags().Changed("drain")
			return serve(c.Context(), f, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", DefaultAddr, "host:port to listen on; port 0 picks a free port")
	flags.StringVar(&f.data, "data", "", "folder of the stored data (default: troupe in your data folder)")
	flags.DurationVar(&f.keep, "keep", 0, "how long to keep entries, such as 720h (default: forever)")
	flags.Int64Var(&f.keepBytes, "keep-bytes", 0, "maximum size of the log in bytes; the oldest entries are deleted first (default: no limit)")
	flags.StringVar(&f.prices, "prices", "", "JSON file of model prices that override the built-in ones")
	flags.StringVar(&f.key, "api-key", "", "key that clients must send (default: $"+EnvAPIKey+"); visible to other users in the process list")
	flags.StringVar(&f.keyFile, "api-key-file", "", "file that contains only the key")
	flags.StringVar(&f.certFile, "tls-cert", "", "PEM file of the certificate chain, server certificate first; enables https")
	flags.StringVar(&f.certKey, "tls-key", "", "PEM file of the certificate's private key")
	flags.StringVar(&f.public, "public-url", "", "URL at which clients and browsers reach the collector behind a proxy")
	flags.StringSliceVar(&f.trusted, "trusted-proxy", nil, "address or network of a proxy whose X-Forwarded headers are trusted; repeatable")
	flags.StringVar(&f.metrics, "metrics-addr", "", "separate host:port that serves /metrics without a key; --addr always serves it with the key")
	flags.DurationVar(&f.drain, "drain", 0, "how long to keep serving after SIGTERM while /readyz fails (default: 5s, or 0 on a loopback address)")
	return cmd
}

func serve(ctx context.Context, f serveFlags, stdout, stderr io.Writer) error {
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	cfg, err := f.config()
	if err != nil {
		return err
	}
	cfg.Logger = logger
	addr, err := address(f.addr, cfg.APIKey != "")
	if err != nil {
		return err
	}
	if !f.drainGiven && !addr.IP.IsLoopback() {
		cfg.Drain = drainTime
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return fmt.Errorf("%w: stop the program that uses the address, or choose another with --addr", err)
	}
	defer func() { _ = listener.Close() }() // a no-op if Serve has closed it
	c, err := collector.New(cfg)
	if err != nil {
		return f.explain(err)
	}
	stop, err := serveMetrics(ctx, f.metrics, c, logger)
	if err == nil {
		// The listener accepts connections already, so clients may log once they read this line.
		scheme := map[bool]string{false: "http", true: "https"}[cfg.TLS != nil]
		if _, err = fmt.Fprintf(stdout, "collecting at %s://%s into %s\n", scheme, listener.Addr(), cfg.Dir); err == nil {
			err = c.Serve(ctx, listener)
		}
		stop()
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return errors.Join(err, c.Close(patience))
}

// config converts the flags to the collector's configuration.
func (f *serveFlags) config() (cfg collector.Config, err error) {
	cfg = collector.Config{Dir: f.data, KeepFor: f.keep, KeepBytes: f.keepBytes, PublicURL: f.public, Drain: f.drain}
	if cfg.APIKey, err = f.apiKey(); err != nil {
		return cfg, err
	}
	if f.data == "" {
		if cfg.Dir, err = dataDir(); err != nil {
			return cfg, usageError{err}
		}
	}
	if cfg.Prices, err = priceTable(f.prices); err != nil {
		return cfg, err
	}
	for _, text := range f.trusted {
		network, err := parseNetwork(text)
		if err != nil {
			return cfg, usageError{fmt.Errorf("--trusted-proxy %q must be an address or a network, such as 10.0.0.0/8", text)}
		}
		cfg.TrustedProxies = append(cfg.TrustedProxies, network)
	}
	cfg.TLS, err = f.certificate()
	return cfg, err
}

// apiKey returns the key that clients must send, "" if none is required. An explicitly empty
// key is an error: a script with an unset variable must not open the collector to everybody.
func (f *serveFlags) apiKey() (string, error) {
	from, key := "--api-key", f.key
	switch {
	case f.keyGiven && f.keyFile != "":
		return "", usageError{errors.New("give --api-key or --api-key-file, not both")}
	case f.keyGiven:
	case f.keyFile != "":
		from = "--api-key-file " + f.keyFile
		text, err := readKey(f.keyFile)
		if err != nil {
			return "", usageError{fmt.Errorf("cannot read --api-key-file: %w", err)}
		}
		key = strings.TrimRight(text, "\r\n")
	default:
		if from, key = "$"+EnvAPIKey, os.Getenv(EnvAPIKey); key == "" {
			return "", nil
		}
	}
	switch {
	case strings.TrimSpace(key) == "":
		return "", usageError{fmt.Errorf("%s holds no key: set one, or omit it to serve this machine only", from)}
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", usageError{fmt.Errorf("%s contains a space, line break or other character not allowed in a key", from)}
	}
	return key, nil
}

func readKey(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxKeyFile)
	}
	return string(text), err
}

// certificate returns the TLS configuration, nil for plain http.
func (f *serveFlags) certificate() (*tls.Config, error) {
	switch {
	case f.certFile == "" && f.certKey == "":
		return nil, nil //nolint:nilnil // as the comment says
	case f.certFile == "" || f.certKey == "":
		return nil, usageError{errors.New("--tls-cert and --tls-key must be given together")}
	}
	pair, err := tls.LoadX509KeyPair(f.certFile, f.certKey)
	if err != nil {
		return nil, usageError{fmt.Errorf("--tls-cert %s and --tls-key %s cannot be used: %w", f.certFile, f.certKey, err)}
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) || now.Before(pair.Leaf.NotBefore) {
		return nil, usageError{fmt.Errorf("--tls-cert %s is valid only from %s to %s and clients would reject it: renew it, or correct the clock",
			f.certFile, pair.Leaf.NotBefore.Format(time.DateTime), pair.Leaf.NotAfter.Format(time.DateTime))}
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// parseNetwork parses a network, or a single address as a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(text)
}

// explain rewrites an error of collector.New in terms of the flags.
func (f *serveFlags) explain(err error) error {
	if bad, ok := errors.AsType[*collector.ConfigError](err); ok {
		flag := map[string]string{"PublicURL": "--public-url", "Drain": "--drain", "TrustedProxies": "--trusted-proxy", "APIKey": "--api-key"}[bad.Field]
		return usageError{fmt.Errorf("%s %s", flag, bad.Reason)}
	}
	switch {
	case errors.Is(err, collector.ErrKeep):
		return usageError{errors.New("--keep and --keep-bytes must not be negative")}
	case errors.Is(err, collector.ErrInUse):
		return fmt.Errorf("%w with --data", err)
	case errors.Is(err, private.ErrUnsafe):
		return fmt.Errorf("%w; --data names the folder", err)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: make the folder writable for this user, or name another with --data", err)
	default:
		return err
	}
}

// serveMetrics serves /metrics at a separate address until stop is called. It does nothing
// if addr is empty.
func serveMetrics(ctx context.Context, addr string, c *collector.Collector, logger *slog.Logger) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with --metrics-addr", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", c.Metrics())
	server := &http.Server{
		Handler: mux, ReadTimeout: scrapeTime, WriteTimeout: scrapeTime, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	logger.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns once stop closes the server
	}()
	return func() {
		_ = server.Close()
		<-served
	}, nil
}

// priceTable returns the built-in prices, overridden by the file at path unless path is
// empty.
func priceTable(path string) (*pricing.Table, error) {
	if path == "" {
		return pricing.Default(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("cannot read --prices: %w", err)}
	}
	defer func() { _ = file.Close() }()
	own, err := pricing.Load(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--prices: %s: %w", path, err)}
	}
	return pricing.Default().With(own), nil
}

// address resolves the address to listen on. Without a key it must be a loopback address.
func address(hostPort string, keyed bool) (*net.TCPAddr, error) {
	addr, err := net.ResolveTCPAddr("tcp", hostPort)
	if err != nil {
		return nil, usageError{fmt.Errorf("--addr must be host:port: %w", err)}
	}
	if !keyed && !addr.IP.IsLoopback() {
		return nil, usageError{fmt.Errorf(
			"%s is reachable from other machines, so anybody could read and write: set a key with --api-key-file or $%s, or listen on 127.0.0.1", hostPort, EnvAPIKey)}
	}
	return addr, nil
}
