package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// silent is a server that takes connections and never answers. It says when the first has
// come.
func silent(t *testing.T) (url string, connected <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came, done := make(chan struct{}, 1), make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			select {
			case came <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		for _, conn := range conns {
			conn.Close()
		}
	})
	return "http://" + listener.Addr().String(), came
}

// TestEveryCommandEndsWhenItIsInterrupted runs each command as a process on something that
// takes for ever, and interrupts it: a server that does not answer, a file of 64 GiB, or a
// reader of its output that does not read.
func TestEveryCommandEndsWhenItIsInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no signals to send")
	}
	dir := t.TempDir()
	recorded := filepath.Join(dir, "recorded.json")
	if err := os.WriteFile(recorded, []byte(`{"messages":[{"role":"user","content":"hi"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge")
	if f, err := os.Create(huge); err != nil || f.Truncate(64<<30) != nil || f.Close() != nil {
		t.Fatal("a file of 64 GiB cannot be made")
	}
	commands := map[string][]string{
		"serve":        {"--addr", "127.0.0.1:0", "--data", "DIR"},
		"show":         {"--from", "URL", "--repo", "r", "t"},
		"export":       {"--from", "URL", "--repo", "r"},
		"diff":         {"--from", "URL", "--repo", "r", "a", "b"},
		"search":       {"--from", "URL", "--repo", "r", "words"},
		"tail":         {"--from", "URL", "--repo", "r"},
		"demo":         {"--to", "URL"},
		"doctor":       {"--to", "URL", "--repo", "r"},
		"replay":       {"--to", "URL", "--repo", "r", recorded},
		"import":       {"--to", "URL", "--repo", "r", huge},
		"spool cat":    {"--dir", "SPOOL", "00"},
		"spool replay": {"--dir", "SPOOL", "--to", "URL", "--repo", spoolRepo},
	}
	for _, name := range leaves(rootCommand(), "") {
		args, ok := commands[name]
		if !ok {
			// They read a few files. The test below holds for them.
			if !slices.Contains([]string{"spool ls", "spool dead", "spool verify"}, name) {
				t.Errorf("no test interrupts troupe %s", name)
			}
			continue
		}
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(name+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				url, connected := silent(t)
				folder := filepath.Join(t.TempDir(), "folder")
				if slices.Contains(args, "SPOOL") {
					leave(t, spooled(t, folder, url, slices.Repeat([]string{strings.Repeat("long line ", 1000)}, 100)...))
				}
				all := strings.Split(name, " ")
				for _, arg := range args {
					all = append(all, strings.NewReplacer("URL", url, "DIR", folder, "SPOOL", folder).Replace(arg))
				}
				cmd := exec.Command(binary, all...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				gaveUp := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
				defer gaveUp.Stop()
				switch name {
				case "serve", "spool cat": // they have written
					_, err = stdout.Read(make([]byte, 10))
				case "import":
					waitFor(t, "reading", func() bool { return hasOpen(cmd.Process.Pid, huge) })
				default:
					select {
					case <-connected:
					case <-time.After(limit):
						t.Errorf("troupe %s does not connect: %s", name, &stderr)
					}
				}
				if err != nil {
					t.Error(err)
				}
				began := time.Now()
				if err := cmd.Process.Signal(signal); err != nil {
					t.Error(err)
				}
				_ = cmd.Wait() // the exit code says it all
				t.Logf("it ended after %v: %s", time.Since(began).Round(time.Millisecond), &stderr)
				want := ExitFailure
				if name == "serve" || name == "tail" { // nobody expects another end
					want = ExitOK
				}
				if code := cmd.ProcessState.ExitCode(); code != want {
					t.Errorf("troupe %s ends with %d, want %d", name, code, want)
				}
			})
		}
	}
}

func TestCommandThatIgnoresASignalIsAbandoned(t *testing.T) {
	began, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	root := rootCommand()
	root.AddCommand(&cobra.Command{Use: "deaf", RunE: func(*cobra.Command, []string) error {
		defer close(ended)
		close(began)
		<-done
		return nil
	}})
	root.SetArgs([]string{"deaf"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if err := execute(ctx, root, []string{"deaf"}); !errors.Is(err, errInterrupted) {
		t.Errorf("%v, want %v", err, errInterrupted)
	}
	close(done)
	<-ended
}

// leaves returns the commands that do something, by their names.
func leaves(c *cobra.Command, name string) (names []string) {
	for _, sub := range c.Commands() {
		names = append(names, leaves(sub, strings.TrimSpace(name+" "+sub.Name()))...)
	}
	if len(names) == 0 {
		names = []string{name}
	}
	return names
}

// hasOpen reports whether a process has a file open, and true where the system does not show
// that.
func hasOpen(pid int, path string) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	files, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*")) // the pattern is well formed
	return slices.ContainsFunc(files, func(file string) bool {
		to, err := os.Readlink(file)
		return err == nil && to == path
	})
}
