// Command faults breaks what a logger depends on, and shows that its user sees it, that
// the good entries arrive, and that the program is never hurt: hooks that panic, then
// a server that answers 503, resets connections and loses an answer. It takes some
// seconds: attempts to deliver wait longer each time.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/troupelog/troupe/collector"
)

// headerTime is how long a client may take to send the header of a request.
const headerTime = 5 * time.Second

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	store, err := collector.New(collector.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// A collector is an http.Handler: here it stands behind one that fails.
	faulty := newFaulty(store)
	server := &http.Server{Handler: faulty, ReadHeaderTimeout: headerTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		err = errors.Join(err, server.Shutdown(ctx))
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
	}()

	url := "http://" + listener.Addr().String()
	if err := hooks(ctx, out, url); err != nil {
		return err
	}
	return outage(ctx, out, url, faulty)
}
