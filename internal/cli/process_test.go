package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupelog/troupe/collector"
)

// limit is when a test gives up on a process: far behind what it should take.
const limit = 2 * time.Minute

// process is a running program.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer // complete after wait
	lines  chan string  // of standard output; closed at its end
	waited sync.Once
	code   int
}

// start runs the program and reads its standard output.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), lines: make(chan string, 1000)}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended, unless the test failed
		p.wait()
	})
	return p
}

// line returns the next line of standard output.
func (p *process) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.t.Fatalf("%v ended with %d without a word: %s", p.cmd.Args, p.wait(), &p.stderr)
		}
		return line
	case <-time.After(limit):
		p.t.Fatalf("%v says nothing", p.cmd.Args)
	}
	return ""
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	p.waited.Do(func() {
		timer := time.AfterFunc(limit, func() {
			p.t.Errorf("%v does not end", p.cmd.Args)
			_ = p.cmd.Process.Kill()
		})
		defer timer.Stop()
		var rest []string
		for line := range p.lines {
			rest = append(rest, line)
		}
		_ = p.cmd.Wait() // the exit code says it all
		p.code = p.cmd.ProcessState.ExitCode()
		p.lines = make(chan string, len(rest))
		for _, line := range rest {
			p.lines <- line
		}
		close(p.lines)
	})
	return p.code
}

// rest returns what is left of the standard output of a program that has ended.
func (p *process) rest() string {
	p.wait()
	var rest strings.Builder
	for line := range p.lines {
		rest.WriteString(line + "\n")
	}
	return rest.String()
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if runtime.GOOS == "windows" {
		p.t.Skip("this system has no signals to send")
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// startServer runs troupe serve and returns it with its URL.
func startServer(t *testing.T, addr, dir string, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"serve", "--addr", addr, "--data", dir}, args...)...)
	line := p.line()
	address, rest, ok := strings.Cut(strings.TrimPrefix(line, "collecting at "), " into ")
	if !ok || rest != dir || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("serve says %q", line)
	}
	return p, address
}

// fetch reads an answer of a collector. It returns false if it does not answer.
func fetch[T any](t *testing.T, url string) (answer T, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return answer, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		t.Fatalf("%s answers %s %s, %v", url, resp.Status, body, err)
	}
	return answer, true
}

func stats(t *testing.T, url string) collector.Stats {
	t.Helper()
	s, ok := fetch[collector.Stats](t, url+"/api/v1/repositories/r/stats")
	if !ok {
		t.Fatalf("%s does not answer", url)
	}
	return s
}
