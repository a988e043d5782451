// Package site runs the program that people run, with something in it to look at.
package site

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTime bounds building and starting the program.
const startTime = 3 * time.Minute

// Site is a running "troupe serve" of this checkout with its own folder. Make one
// with Start, and Stop it.
type Site struct {
	URL string

	program string
	dir     string
	cmd     *exec.Cmd
	log     *os.File
}

// Start builds the program from the checkout in a folder, starts it on a free port of this
// machine, and waits until it answers.
func Start(ctx context.Context, checkout string) (_ *Site, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s := &Site{}
	if s.dir, err = os.MkdirTemp("", "troupe-site-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	s.program = filepath.Join(s.dir, "troupe.exe")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", s.program, "./cmd/troupe")
	build.Dir = checkout
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the program: %w: %s", err, out)
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return nil, err
	}
	return s, s.serve("127.0.0.1:0")
}

// serve starts the program and waits until it answers.
func (s *Site) serve(addr string) error {
	s.cmd = exec.Command(s.program, "serve", "--addr", addr, "--data", filepath.Join(s.dir, "data"))
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the program says nothing: %w", err)
	}
	_, rest, _ := strings.Cut(line, "http://")
	host, _, _ := strings.Cut(rest, " ")
	s.URL = "http://" + host
	return nil
}

// Kill kills the program; nothing is removed.
func (s *Site) Kill() error {
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it says that it was killed
	return err
}

// Restart starts the program that was killed, at the same address.
func (s *Site) Restart() error { return s.serve(strings.TrimPrefix(s.URL, "http://")) }

// Run runs another command of the program against the site.
func (s *Site) Run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Env = append(os.Environ(), "TROUPE_URL="+s.URL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("troupe %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// Post stores lines in a repository.
func (s *Site) Post(ctx context.Context, repo string, lines []string) error {
	for len(lines) > 0 {
		n := min(len(lines), 5000)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/sdk/v3/log?id="+url.QueryEscape(repo), strings.NewReader(strings.Join(lines[:n], "\n")))
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("storing lines: %s: %s %w", resp.Status, answer, err)
		}
		lines = lines[n:]
	}
	return nil
}

// Log returns the log output of the program.
func (s *Site) Log() string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// PID returns the process id of the program.
func (s *Site) PID() int { return s.cmd.Process.Pid }

// Stop ends the program and removes its folder.
func (s *Site) Stop() error {
	var errs []error
	if s.cmd != nil && s.cmd.Process != nil {
		errs = append(errs, s.cmd.Process.Signal(syscall.SIGTERM), s.cmd.Wait())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// Get returns the answer of the site at a path; any status but 200 is an error.
func (s *Site) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return text, nil
}
