package main

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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is a worker, seen from its parent. Its methods belong to one goroutine, but
// for acked.
type process struct {
	job     job
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan string   // its output, except acknowledgements
	heard   chan struct{} // closed at the end of its standard output
	stderr  *tail

	mu    sync.Mutex
	acks  map[string]int // guarded by mu; acknowledged entries by stream
	ready bool           // guarded by mu
	ended bool           // guarded by mu; it ended by itself
}

// patience is the extra time that an answer may take over the limit of its command.
const patience = time.Minute

// errSilent is returned for a process that ended without an answer, or gave none in time.
var errSilent = errors.New("the process did not answer")

// launch starts a worker.
func (t *trial) launch(j job) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p := &process{job: j, answers: make(chan string, 100), heard: make(chan struct{}), acks: map[string]int{}, stderr: &tail{}}
	line := append(slices.Clone(t.inside), self, workerCommand, string(text))
	p.cmd = exec.CommandContext(t.ctx, line[0], line[1:]...) //nolint:gosec // it is this program
	p.cmd.Stderr = p.stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(out)
	return p, nil
}

// listen reads the output of the process to the end.
func (p *process) listen(out io.Reader) {
	defer close(p.heard)
	defer close(p.answers)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return // a line that was cut by a kill says nothing
		}
		p.hear(strings.TrimSuffix(line, "\n"))
	}
}

func (p *process) hear(line string) {
	words := strings.SplitN(line, " ", 3)
	p.mu.Lock()
	switch words[0] {
	case evAcked:
		n, _ := strconv.Atoi(words[len(words)-1])
		p.acks[words[1]] = max(p.acks[words[1]], n)
	case evReady:
		p.ready = true
	case evEnded:
		p.ended = true
	}
	p.mu.Unlock()
	if words[0] != evAcked && words[0] != evEnded {
		p.answers <- line
	}
}

// acked returns how many entries of each stream are acknowledged.
func (p *process) acked() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]int{}
	for name, n := range p.acks {
		all[name] = n
	}
	return all
}

// wasReady reports whether the logger was open.
func (p *process) wasReady() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// awaitReady waits until the logger is open.
func (p *process) awaitReady() error {
	_, err := p.answer(evReady, patience)
	return err
}

// ask gives a command and waits for the report.
func (p *process) ask(command string, limit time.Duration) (report, error) {
	if err := p.say(command, limit); err != nil {
		return report{}, err
	}
	return p.reply(command, limit)
}

// say gives a command; reply returns its report.
func (p *process) say(command string, limit time.Duration) error {
	if _, err := fmt.Fprintln(p.in, command, limit); err != nil {
		return fmt.Errorf("%s to %s: %w: %s", command, p.job.Name, err, p.stderr)
	}
	return nil
}

func (p *process) reply(command string, limit time.Duration) (r report, err error) {
	text, err := p.answer(command, limit+patience)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// answer returns the text after a word.
func (p *process) answer(word string, limit time.Duration) (string, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case line, ok := <-p.answers:
		if !ok {
			return "", fmt.Errorf("%w: %s to %s: %s", errSilent, word, p.job.Name, p.stderr)
		}
		got, rest, _ := strings.Cut(line, " ")
		if got != word {
			return "", fmt.Errorf("%s says %s instead of %s", p.job.Name, got, word)
		}
		return rest, nil
	case <-timer.C:
		return "", fmt.Errorf("%w within %v: %s to %s", errSilent, limit, word, p.job.Name)
	}
}

// kill ends the process as a power switch does, and returns when it was dead at the
// latest.
func (p *process) kill() time.Time {
	_ = p.cmd.Process.Kill() // an error means that it is dead
	at := time.Now()
	for range p.answers {
		continue
	}
	<-p.heard
	_ = p.cmd.Wait() // it was killed: that is its error
	return at
}

// end lets the process end by itself.
func (p *process) end() error {
	err := p.in.Close()
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.heard
	if err := errors.Join(err, p.cmd.Wait()); err != nil {
		return fmt.Errorf("end of %s: %w: %s", p.job.Name, err, p.stderr)
	}
	return nil
}

// crashed returns the error output of a process that failed by itself, "" if it did not.
func (p *process) crashed() string {
	text := p.stderr.String()
	if strings.Contains(text, "panic:") || strings.Contains(text, "worker:") || strings.Contains(text, "fatal error:") {
		return text
	}
	return ""
}

// tail keeps the beginning of a text, which contains the message of a panic. It may be used
// concurrently.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// kept limits the bytes that tail keeps.
const kept = 16 << 10

// Write implements io.Writer.
func (s *tail) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b[:min(len(b), kept-s.text.Len())])
	return len(b), nil
}

// String implements fmt.Stringer.
func (s *tail) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
