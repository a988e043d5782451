package run

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/troupelog/troupe/bench/internal/client"
	"github.com/troupelog/troupe/bench/internal/measure"
)

// MaximJS runs @maximai/maxim-js as Client runs the others. Packages is the folder in
// which npm has installed it, and uuid, which it needs and does not name.
func (b *Bench) MaximJS(ctx context.Context, packages string, spec client.Spec, latency time.Duration) (f measure.Figures, err error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return f, fmt.Errorf("run: %s needs Node.js: %w", client.MaximJS, err)
	}
	modules, err := filepath.Abs(filepath.Join(packages, "node_modules"))
	if err != nil {
		return f, fmt.Errorf("run: %w", err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@maximai", "maxim-js")); err != nil {
		return f, fmt.Errorf("run: %s is not there; run npm install @maximai/maxim-js uuid in that folder: %w", client.MaximJS, err)
	}
	return b.process(ctx, spec, latency, func(dir string) (*exec.Cmd, error) {
		script := filepath.Join(dir, "maxim.cjs")
		if err := os.WriteFile(script, client.MaximJSScript, 0o600); err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
		command := exec.Command(node, script) //nolint:gosec,noctx // it is Node.js; bounded ends it
		command.Env = append(neutral(os.Environ()), "NODE_PATH="+modules, "TMPDIR="+dir)
		return command, nil
	})
}
