package vfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func init() {
	// hold locks, says what came of it, and keeps the lock until its input ends.
	helpers["hold"] = func(args []string) error {
		f, err := OS(args[0])
		if err != nil {
			return err
		}
		_, err = f.Lock("LOCK")
		switch {
		case errors.Is(err, ErrLocked):
			fmt.Println("busy")
			return nil
		case err != nil:
			return err
		}
		fmt.Println("held")
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	}
}

// holder is another process that was asked to take a lock.
type holder struct {
	*exec.Cmd
	said  string
	input io.Closer
}

func startHolder(t *testing.T, dir string) *holder {
	t.Helper()
	h := &holder{Cmd: exec.CommandContext(t.Context(), os.Args[0], dir)}
	h.Env = append(os.Environ(), helperEnv+"=hold")
	h.Stderr = os.Stderr
	in, err := h.StdinPipe()
	noError(t, err)
	out, err := h.StdoutPipe()
	noError(t, err)
	noError(t, h.Start())
	h.input = in
	line, err := bufio.NewReader(out).ReadString('\n')
	noError(t, err)
	h.said = strings.TrimSpace(line)
	return h
}

func (h *holder) expect(t *testing.T, want string) *holder {
	t.Helper()
	if h.said != want {
		t.Fatalf("the other process says %q, want %q", h.said, want)
	}
	return h
}

func TestLockExcludesOtherProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f := openOS(t, dir)
	mine, err := f.Lock("LOCK")
	noError(t, err)
	noError(t, startHolder(t, dir).expect(t, "busy").Wait())
	noError(t, mine.Close())

	other := startHolder(t, dir).expect(t, "held")
	_, err = f.Lock("LOCK")
	wantError(t, err, ErrLocked)
	noError(t, other.input.Close())
	noError(t, other.Wait())
	mine, err = f.Lock("LOCK")
	noError(t, err)
	noError(t, mine.Close())
}

// TestLockOfKilledProcessIsFree: nothing runs in a process that is killed, and yet its
// lock ends with it.
func TestLockOfKilledProcessIsFree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f := openOS(t, dir)
	for range 5 {
		other := startHolder(t, dir).expect(t, "held")
		_, err := f.Lock("LOCK")
		wantError(t, err, ErrLocked)
		noError(t, other.Process.Kill())
		if err := other.Wait(); err == nil {
			t.Fatal("the other process ended by itself")
		}
		mine, err := f.Lock("LOCK")
		noError(t, err)
		noError(t, mine.Close())
	}
}

// TestLockExcludesOpensOfOneProcess: two spools of one process are as good as two
// processes.
func TestLockExcludesOpensOfOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	one, two := openOS(t, dir), openOS(t, dir)
	held, err := one.Lock("LOCK")
	noError(t, err)
	_, err = two.Lock("LOCK")
	wantError(t, err, ErrLocked)
	wantContent(t, two, "LOCK", []byte(strconv.Itoa(os.Getpid())+"\n"))
	noError(t, held.Close())
	noError(t, lockOnce(two))
}
