// Command agents runs an orchestrator with 60 agents at once: ten users ask two
// questions each about this repository's documents, and six agents work on each
// question. They search docs/ for real, call real tools, and log all of it; the calls of
// the model are logged by its HTTP client, which package llm intercepts.
//
// The model is a small deterministic stand-in behind a server of this process. With OPENAI_API_KEY set it is OpenAI's,
// or the model of any server that speaks its chat completions API at OPENAI_BASE_URL;
// OPENAI_MODEL names another model than gpt-4o-mini.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

// repository is the log repository that the agents write to.
const repository = "agents"

// runTime bounds a run. It is for a model behind a network; the stand-in needs no
// second.
const runTime = 10 * time.Minute

func main() {
	docs := flag.String("docs", "docs/internals", "folder of the documents to search")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	if err := start(ctx, os.DirFS(*docs)); err != nil {
		fmt.Fprintln(os.Stderr, "agents:", err)
		cancel()
		os.Exit(1)
	}
}

// start runs the agents with the model that the environment names.
func start(ctx context.Context, docs fs.FS) error {
	m, stop, err := startModel(ctx, os.Getenv)
	if err != nil {
		return err
	}
	_, err = run(ctx, os.Stdout, docs, m, questions)
	return errors.Join(err, stop())
}

// run lets the agents work on questions, prints the collector's view of it, and returns what
// the agents say they did.
func run(ctx context.Context, out io.Writer, docs fs.FS, m *model, qs []question) (done tally, err error) {
	lib, err := openLibrary(docs)
	if err != nil {
		return done, fmt.Errorf("reading the documents: %w; run it in the root of the repository, or set -docs", err)
	}
	server, err := collector.Start(collector.Config{})
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, server.Close(ctx)) }()

	log, err := logger.New(logger.Config{ID: repository, BaseURL: server.URL()})
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()

	_, _ = fmt.Fprintf(out, "%d sections of %d documents; the model is %s\n", len(lib.sections), len(lib.files), m.name)
	o := &orchestrator{log: log, model: m, lib: lib, tools: toolbox(lib)}
	done = o.run(ctx, qs)
	// Now all of it is stored; Settle waits until all of it can be read, too.
	if err := errors.Join(log.Flush(ctx), server.WaitIndexed(ctx)); err != nil {
		return done, err
	}
	_, _ = fmt.Fprintf(out, "%d agents at work at the same time\n\n", o.peak.Load())
	if err := summarise(ctx, out, server.URL()+"/api/v1/repositories/"+repository); err != nil {
		return done, err
	}
	_, err = fmt.Fprintf(out, "the agents say:    %v\n%v\n", done, log.Stats())
	return done, err
}
