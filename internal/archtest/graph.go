package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// pkg is the part of the go command's description of a package that the rules need.
type pkg struct {
	ImportPath   string
	Standard     bool
	Module       *struct{ Path string }
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// module returns the path of the module the package belongs to, "" for the standard
// library.
func (p pkg) module() string {
	if p.Standard || p.Module == nil {
		return ""
	}
	return p.Module.Path
}

// graph holds packages by their import path.
type graph map[string]pkg

// own returns the packages of this module, in order of their path.
func (g graph) own() []pkg {
	var own []pkg
	for _, path := range slices.Sorted(maps.Keys(g)) {
		if p := g[path]; p.module() == module {
			own = append(own, p)
		}
	}
	return own
}

// list asks the go command, in a folder, for packages and all they depend on, tests aside,
// as built for an operating system.
func list(ctx context.Context, folder, system string, patterns ...string) (graph, error) {
	args := []string{"list", "-deps", "-json=ImportPath,Standard,Module,Imports,TestImports,XTestImports"}
	cmd := exec.CommandContext(ctx, "go", append(args, patterns...)...) //nolint:gosec // G204: constants of this package
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s for %s: %w\n%s", strings.Join(patterns, " "), system, err, stderr.Bytes())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		g[p.ImportPath] = p
	}
}

// within reports whether an import path, relative to the module or not, is top or
// below it.
func within(path, top string) bool {
	return path == top || strings.HasPrefix(path, top+"/")
}

// rowOf returns the row that judges a package of this module.
func rowOf(layout []row, importPath string) (row, bool) {
	rel := strings.TrimPrefix(importPath, module+"/")
	var best row
	for _, r := range layout {
		if within(rel, r.path) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

// misplaced returns one line for each import that the layout forbids, and for each
// package and row that lack their counterpart.
func misplaced(layout []row, g graph) []string {
	var faults []string
	seen := map[string]bool{}
	for _, p := range g.own() {
		r, ok := rowOf(layout, p.ImportPath)
		if !ok {
			faults = append(faults, p.ImportPath+" has no row in the layout")
			continue
		}
		seen[r.path] = true
		for _, path := range p.Imports {
			if !r.tests && !allowed(layout, r, g[path]) {
				faults = append(faults, fmt.Sprintf("%s may not import %s", p.ImportPath, path))
			}
		}
	}
	for _, r := range layout {
		if !seen[r.path] {
			faults = append(faults, fmt.Sprintf("%s/%s does not exist: its row checks nothing", module, r.path))
		}
	}
	return faults
}

// allowed reports whether a package under r may import target.
func allowed(layout []row, r row, target pkg) bool {
	switch target.module() {
	case "":
		return true
	case module:
		to, _ := rowOf(layout, target.ImportPath)
		if to.tests {
			return false
		}
		return slices.ContainsFunc(slices.Concat(r.imports, []string{r.path}), func(top string) bool {
			return within(target.ImportPath, module+"/"+top)
		})
	default:
		return slices.Contains(r.modules, target.module())
	}
}
