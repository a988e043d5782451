// Command processes runs three processes, an orchestrator and two workers that it asks
// over HTTP, whose work is one trace of one session: the context carries the trace, Inject
// and Middleware carry it from one process to the next.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/troupelog/troupe/logger"
)

// repository is the log repository that all three write to.
const repository = "processes"

// runTime bounds a run, which takes a second.
const runTime = time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	var err error
	if len(os.Args) == 4 && os.Args[1] == workerArg {
		err = work(ctx, os.Args[2], os.Args[3], os.Stdin, os.Stdout)
	} else {
		_, err = orchestrate(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "processes:", err)
		cancel()
		os.Exit(1)
	}
}

// withLogger runs something with a logger of this process, and returns when all is
// delivered.
func withLogger(ctx context.Context, url string, do func(*logger.Logger) error) error {
	log, err := logger.New(logger.Config{ID: repository, BaseURL: url})
	if err != nil {
		return err
	}
	return errors.Join(do(log), log.Close(ctx))
}

// process tags the entities of a process, so that a reader can attribute them.
func process() map[string]string { return map[string]string{"process": strconv.Itoa(os.Getpid())} }
