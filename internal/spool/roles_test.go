package spool

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/troupelog/troupe/internal/spool/seglog"
)

// envRole makes the test binary another process of a test: it holds the named parts of
// a spool in envDir until its standard input ends or it is killed.
const (
	envRole = "TROUPE_SPOOL_TEST_ROLE"
	envDir  = "TROUPE_SPOOL_TEST_DIR"
)

// play is the main function of another process. It prints its slot when everything is
// durable.
func play(role string) int {
	s, err := Open(Config{Dir: os.Getenv(envDir), Target: target})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if role == "writer" {
		if err := write(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Println(s.Slot())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// write leaves a bit of everything.
func write(s *Spool) error {
	ctx := context.Background()
	for i := range 3 {
		line := fmt.Appendf(nil, "slot %s line %d", s.Slot(), i)
		if err := s.Lines.Sync(ctx, s.Lines.Append([]seglog.Item{{Kind: seglog.Line, Data: line}})); err != nil {
			return err
		}
	}
	if _, err := s.PutBlob(someBlob, strings.NewReader("content"), 100); err != nil {
		return err
	}
	if err := s.SyncBlob(someBlob); err != nil {
		return err
	}
	u := Upload{Blob: someBlob, Size: 7, Line: []byte("line")}
	seq := s.Uploads.Append([]seglog.Item{{Kind: seglog.Attachment, Data: AppendUpload(nil, &u)}})
	if err := s.Uploads.Sync(ctx, seq); err != nil {
		return err
	}
	if _, err := s.PutBlob(strings.Repeat("f", blobNameDigits), strings.NewReader("nobody's"), 100); err != nil {
		return err
	}
	return s.Dead(Letter{Origin: [16]byte{9}, Seq: 1, Kind: seglog.Line, Status: 400, Reason: "bad", Data: []byte("dead")})
}

// process is another process that holds a slot.
type process struct {
	cmd  *exec.Cmd
	in   io.Closer
	slot string
}

// start runs another process and waits until it holds its slot.
func start(t *testing.T, role, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	watch := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer watch.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the other process ended: %v", err)
	}
	p.slot = strings.TrimSpace(line)
	return p
}

// kill ends the process without a chance to clean up; again, it does nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}
