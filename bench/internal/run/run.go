// Package run starts the processes of the benchmark: one sink, and one client after the
// other.
package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
	"github.com/troupelog/troupe/bench/internal/sink"
)

// Commands with which this program starts itself.
const (
	SinkCommand   = "serve-sink"
	ClientCommand = "run-client"
)

// stopTime limits the time that a client has to end by itself after its budget.
const stopTime = 5 * time.Second

// Bench is a running sink and the means to start clients. Its methods are called
// by one goroutine.
type Bench struct {
	self   string // this program
	sink   *exec.Cmd
	hold   io.Closer // the sink runs until it is closed
	url    string
	budget time.Duration // of one run
	logs   *os.File      // standard error of the processes
}

// Start starts the sink. Each run of a client is killed after budget; logs gets
// the standard error of the processes.
func Start(budget time.Duration, logs *os.File) (*Bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("run: find this program: %w", err)
	}
	b := &Bench{self: self, budget: budget, logs: logs}
	b.sink = exec.Command(self, SinkCommand) //nolint:gosec,noctx // it is this program, and ends with its input
	b.sink.Stderr = logs
	if b.hold, err = b.sink.StdinPipe(); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	out, err := b.sink.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if err := b.sink.Start(); err != nil {
		return nil, fmt.Errorf("run: start the sink: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("run: the sink did not say its address: %w", err), b.Close())
	}
	b.url = strings.TrimSpace(line)
	return b, nil
}

// Close ends the sink.
func (b *Bench) Close() error {
	if err := errors.Join(b.hold.Close(), b.sink.Wait()); err != nil {
		return fmt.Errorf("run: end the sink: %w", err)
	}
	return nil
}

// Client runs one client in a separate process against a sink that was reset, and
// waits for latency before each of its answers. The spec's SinkURL and Dir are filled in.
func (b *Bench) Client(ctx context.Context, spec client.Spec, latency time.Duration) (measure.Figures, error) {
	return b.process(ctx, spec, latency, func(string) (*exec.Cmd, error) {
		command := exec.Command(b.self, ClientCommand) //nolint:gosec,noctx // it is this program; bounded ends it
		command.Env = neutral(os.Environ())
		return command, nil
	})
}

// process runs a client's command, which is given the spec and gives the figures as its
// last line. The command is made for a folder that is removed behind it.
func (b *Bench) process(
	ctx context.Context, spec client.Spec, latency time.Duration, prepare func(dir string) (*exec.Cmd, error),
) (f measure.Figures, err error) {
	if err := errors.Join(sink.Reset(ctx, b.url), sink.Delay(ctx, b.url, latency)); err != nil {
		return f, err
	}
	dir, err := os.MkdirTemp("", "troupe-bench-")
	if err != nil {
		return f, fmt.Errorf("run: make a folder for %s: %w", spec.Client, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	spec.SinkURL, spec.Dir, spec.Budget = b.url, dir, b.budget
	input, err := json.Marshal(spec)
	if err != nil {
		return f, fmt.Errorf("run: %w", err)
	}
	command, err := prepare(dir)
	if err != nil {
		return f, err
	}
	output, err := b.bounded(ctx, command, input)
	if err != nil {
		return f, fmt.Errorf("run: %s: %w", spec.Client, err)
	}
	output = bytes.TrimSpace(output)
	if err := json.Unmarshal(output[bytes.LastIndexByte(output, '\n')+1:], &f); err != nil {
		return f, fmt.Errorf("run: the figures of %s: %w", spec.Client, err)
	}
	return f, nil
}

// bounded runs a command within the budget and returns its output.
func (b *Bench) bounded(ctx context.Context, command *exec.Cmd, input []byte) ([]byte, error) {
	var output bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), &output, b.logs
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	late := time.NewTimer(b.budget + stopTime)
	defer late.Stop()
	select {
	case err := <-ended:
		return output.Bytes(), err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), command.Process.Kill(), <-ended)
	case <-late.C:
		return nil, errors.Join(fmt.Errorf("it was not done in %s", b.budget), command.Process.Kill(), <-ended)
	}
}

// neutral removes the variables of an environment that would change the defaults of a client.
func neutral(environ []string) []string {
	var kept []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		switch prefix, _, _ := strings.Cut(name, "_"); prefix {
		case "OTEL", "MAXIM", "POSTHOG":
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// Process runs in a client's process: it reads a spec from in, runs it, and writes
// the figures to out.
func Process(ctx context.Context, in io.Reader, out io.Writer) error {
	var spec client.Spec
	if err := json.NewDecoder(in).Decode(&spec); err != nil {
		return fmt.Errorf("run: read the spec from standard input: %w", err)
	}
	f, err := client.Run(ctx, spec)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(f); err != nil {
		return fmt.Errorf("run: write the figures: %w", err)
	}
	return nil
}
