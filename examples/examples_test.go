package examples

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var account = regexp.MustCompile(`\naccepted=(?:0 recovered=)?([0-9]+) delivered=([0-9]+) pending=0 dead=0 dropped=0\n$`)

// Each example, built and run as a user does it, says nothing on standard error and
// ends with an account in which everything is delivered.
func TestExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs five programs, which takes seconds: not in -short")
	}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./examples/...")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, name := range []string{"quickstart", "agents", "longlived", "faults", "processes"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name))
			cmd.Dir = ".." // where a user runs it
			cmd.Env = append(cmd.Environ(), "OPENAI_API_KEY=", "XDG_CACHE_HOME="+t.TempDir())
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
			}
			if n := account.FindStringSubmatch(stdout.String()); n == nil || n[1] != n[2] || stderr.Len() > 0 {
				t.Errorf("standard output:\n%s\nstandard error:\n%s", &stdout, &stderr)
			}
		})
	}
}
