package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/logger"
)

// question is the question for both workers.
const question = "How long is this, and how late is it?"

// orchestrate starts a collector and the workers, lets these work on a question, and
// prints the trace of all three processes.
func orchestrate(ctx context.Context, out io.Writer) (trace collector.Trace, err error) {
	server, err := collector.Start(collector.Config{})
	if err != nil {
		return trace, err
	}
	defer func() { err = errors.Join(err, server.Close(ctx)) }()

	var id string
	var log *logger.Logger
	err = withLogger(ctx, server.URL(), func(l *logger.Logger) error {
		log = l
		id, err = ask(ctx, log, server.URL())
		return err
	})
	if err != nil {
		return trace, err
	}
	// All three processes have closed their loggers: everything is stored.
	if err := server.WaitIndexed(ctx); err != nil {
		return trace, err
	}
	if trace, err = traceOf(ctx, server.URL(), id); err != nil {
		return trace, err
	}
	if err := trace.WriteTree(out); err != nil {
		return trace, err
	}
	_, err = fmt.Fprintln(out, log.Stats())
	return trace, err
}

// ask is the orchestrator's turn: it asks the workers, and returns the id of the trace.
func ask(ctx context.Context, log *logger.Logger, collectorURL string) (string, error) {
	session := log.Session(logger.SessionConfig{Name: "three processes"})
	defer session.End()
	ctx, trace := logger.StartTrace(logger.NewContext(ctx, session), logger.TraceConfig{Name: "question", Input: question, Tags: process()})
	defer trace.End()
	var answers []string
	for _, name := range []string{"ruler", "clock"} {
		answer, err := delegate(ctx, name, collectorURL)
		if err != nil {
			trace.AddError(logger.ErrorConfig{Name: name, Message: err.Error()})
			return trace.ID(), err
		}
		answers = append(answers, answer)
	}
	trace.SetOutput(strings.Join(answers, "; "))
	return trace.ID(), nil
}

// delegate starts a worker, asks it, and ends it.
func delegate(ctx context.Context, name, collectorURL string) (answer string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	worker := exec.CommandContext(ctx, self, workerArg, name, collectorURL) //nolint:gosec // this program again
	worker.Stderr = os.Stderr
	stdin, err := worker.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := worker.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := worker.Start(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, stdin.Close(), worker.Wait()) }()
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the worker %s does not say where it is: %w", name, err)
	}
	return call(ctx, name, strings.TrimSpace(url)+"/"+name)
}

// call asks a worker within a new span, which the request carries.
func call(ctx context.Context, name, url string) (string, error) {
	ctx, span := logger.StartSpan(ctx, logger.SpanConfig{Name: "ask the " + name, Tags: process()})
	defer span.End()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(question))
	if err != nil {
		return "", err
	}
	logger.Inject(ctx, req.Header)
	text, err := get(req)
	return string(text), err
}

// traceOf reads a trace from the collector.
func traceOf(ctx context.Context, url, id string) (trace collector.Trace, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/repositories/"+repository+"/traces/"+id, http.NoBody)
	if err != nil {
		return trace, err
	}
	text, err := get(req)
	if err != nil {
		return trace, err
	}
	return trace, json.Unmarshal(text, &trace)
}

// get returns the answer to a request.
func get(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
