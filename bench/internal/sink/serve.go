package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// headTimeout bounds how long a request may take to send its head.
const headTimeout = 10 * time.Second

// Serve runs a sink on a free port of 127.0.0.1, writes its base URL as one line to
// out, and serves until in ends: so a sink does not outlive the process that started
// it and holds the other end of in.
func Serve(in io.Reader, out io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	server := &http.Server{Handler: New(), ReadHeaderTimeout: headTimeout}
	go func() {
		_, _ = io.Copy(io.Discard, in) // however it ends, it has ended
		_ = server.Close()             // the process ends next
	}()
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return errors.Join(fmt.Errorf("sink: tell the address: %w", err), listener.Close())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("sink: %w", err)
	}
	return nil
}
