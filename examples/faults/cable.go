package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/troupelog/troupe/logger"
)

// Environment of the process that is killed.
const (
	envServer = "FAULTS_SERVER" // set: this process is the one that is killed
	envSpool  = "FAULTS_SPOOL"
)

// cable pulls the network cable: the server is gone while a process logs, the process
// is killed, and the next run delivers the entries it left on disk.
func cable(ctx context.Context, out io.Writer, store http.Handler) (err error) {
	_, _ = fmt.Fprintln(out, "\nTHE CABLE IS PULLED, THE PROCESS KILLED")
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// A port that nobody listens on: taken for a moment, and given back.
	address, stop, err := serve(ctx, "127.0.0.1:0", store)
	if err != nil {
		return err
	}
	if err := stop(); err != nil {
		return err
	}
	entries, err := logAndDie(ctx, out, "http://"+address, dir)
	if err != nil {
		return err
	}
	_, stop, err = serve(ctx, address, store)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "the server is back; the next run begins")
	return errors.Join(nextRun(ctx, out, "http://"+address, dir, entries), stop())
}

// logAndDie runs this program as another process, which logs, and kills it. It
// returns how many entries the process said were safe.
func logAndDie(ctx context.Context, out io.Writer, url, dir string) (entries int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, self) //nolint:gosec // it is this program itself
	child.Env = append(os.Environ(), envServer+"="+url, envSpool+"="+dir)
	child.Stderr = os.Stderr
	said, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	// On systems with signals this is SIGKILL: the process cannot do anything any more.
	err = errors.Join(err, child.Process.Kill())
	_ = child.Wait() // it was killed: that is its error
	if err != nil {
		return 0, err
	}
	_, _ = fmt.Fprint(out, line)
	_, _ = fmt.Fprintln(out, "it is killed")
	_, err = fmt.Sscanf(line, "the process says: %d entries are safe", &entries)
	return entries, err
}

// victim is the work of the process that is killed.
func victim(url, dir string) error {
	ctx := context.Background()
	log, err := logger.New(logger.Config{ID: "cable", BaseURL: url, SpoolDir: dir, OnError: func(error) {}})
	if err != nil {
		return err
	}
	session := log.Session(logger.SessionConfig{Name: "conversation"})
	for i := range turns {
		trace := session.AddTrace(logger.TraceConfig{Name: fmt.Sprint("turn ", i)})
		trace.AddGeneration(logger.GenerationConfig{Model: "gpt-4o", Provider: "openai"}).
			Fail(logger.Failure{Message: "no network", Code: "offline"})
		trace.End()
	}
	if err := log.Sync(ctx); err != nil {
		return err
	}
	s := log.Stats()
	fmt.Printf("the process says: %d entries are safe, %d delivered\n", s.Accepted, s.Delivered)
	select {} // until it is killed
}

// nextRun is the program's next start: it finds the entries of the killed process.
func nextRun(ctx context.Context, out io.Writer, url, dir string, entries int64) error {
	log, err := logger.New(logger.Config{ID: "cable", BaseURL: url, SpoolDir: dir})
	if err != nil {
		return err
	}
	if err := errors.Join(log.Flush(ctx), log.Close(ctx)); err != nil {
		return err
	}
	s := log.Stats()
	_, _ = fmt.Fprintf(out, "the next run delivered what the killed one left: lost=%d\n%v\n", entries-s.Delivered, s)
	if s.Delivered != entries {
		return fmt.Errorf("%d entries were safe, and %d arrived", entries, s.Delivered)
	}
	return nil
}

// serve answers with handler on an address until stop is called.
func serve(ctx context.Context, address string, handler http.Handler) (at string, stop func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := server.Shutdown(ctx)
		if stopped := <-served; !errors.Is(stopped, http.ErrServerClosed) {
			err = errors.Join(err, stopped)
		}
		return err
	}, nil
}

// isVictim reports whether this process is the one that is killed, and where it logs to.
func isVictim() (url, dir string, yes bool) {
	url, dir = os.Getenv(envServer), os.Getenv(envSpool)
	return url, dir, strings.HasPrefix(url, "http") && dir != ""
}
