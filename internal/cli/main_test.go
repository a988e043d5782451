package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupelog/troupe/logger"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "troupe-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "troupe.exe")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "github.com/troupelog/troupe/cmd/troupe")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		os.Exit(1)
	}
	for _, name := range []string{EnvURL, EnvAPIKey, "MAXIM_API_KEY", "MAXIM_LOG_REPO_ID", "MAXIM_BASE_URL", logger.EnvAllowInsecure} {
		os.Unsetenv(name) // what the developer's shell says must not decide a test
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}
