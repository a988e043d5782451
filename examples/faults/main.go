// Command faults breaks the things that a logger depends on, and shows that its user sees it, that
// the good entries arrive, and that the program is never hurt: hooks that panic, then
// a server that answers 503, resets connections and loses an answer, then a server
// that is gone while a process logs and is killed. It takes some seconds: attempts to
// deliver wait longer each time.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/troupelog/troupe/collector"
)

// headerTime limits the time that a client takes to send the header of a request.
const headerTime = 5 * time.Second

func main() {
	err := error(nil)
	if url, dir, yes := isVictim(); yes {
		err = victim(url, dir)
	} else {
		err = run(os.Stdout)
	}
	if err != nil {
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
	// A collector is an http.Handler: here it is behind one that fails.
	faulty := newFaulty(store)
	address, stop, err := serve(ctx, "127.0.0.1:0", faulty)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	url := "http://" + address
	if err := hooks(ctx, out, url); err != nil {
		return err
	}
	if err := outage(ctx, out, url, faulty); err != nil {
		return err
	}
	return cable(ctx, out, store)
}
