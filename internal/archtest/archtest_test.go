package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the directory of the module.
const root = "../.."

// declareInputs opens every directory of the module, because the go command caches a
// test's result by what the test itself has opened: without this, a pass would be
// reused after another package gained an import.
var declareInputs = sync.OnceValue(func() error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
})

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

// list asks the go command for packages and all they depend on, tests aside, as
// built for an operating system.
func list(t *testing.T, system string, patterns ...string) graph {
	t.Helper()
	if err := declareInputs(); err != nil {
		t.Fatalf("cannot read the module: %v", err)
	}
	args := []string{"list", "-deps", "-json=ImportPath,Standard,Module,Imports,TestImports,XTestImports"}
	cmd := exec.CommandContext(t.Context(), "go", append(args, patterns...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s for %s: %v\n%s", strings.Join(patterns, " "), system, err, stderr.Bytes())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatalf("go list for %s: %v", system, err)
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

// stowaways returns a line for each package in closure that belongs to no module of
// the allowed closure.
func stowaways(closure, allowed graph) []string {
	modules := map[string]bool{"": true, module: true}
	for _, p := range allowed {
		modules[p.module()] = true
	}
	var faults []string
	for _, path := range slices.Sorted(maps.Keys(closure)) {
		if m := closure[path].module(); !modules[m] {
			faults = append(faults, fmt.Sprintf("%s (module %s)", path, m))
		}
	}
	return faults
}

func TestImportsFollowTheLayout(t *testing.T) {
	t.Parallel()
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			for _, fault := range misplaced(layout, list(t, system, "./...")) {
				t.Error(fault)
			}
		})
	}
}

func TestLoggerBringsInOnlyItsDependencies(t *testing.T) {
	t.Parallel()
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			closure := list(t, system, module+"/logger")
			if _, ok := closure[module+"/messages"]; !ok {
				t.Fatalf("%s/logger does not import %s/messages: this is not the logger", module, module)
			}
			for _, fault := range stowaways(closure, list(t, system, closureOf...)) {
				t.Errorf("logger brings in %s", fault)
			}
			for path := range closure {
				if within(path, module+"/collector") || within(path, sqlite) {
					t.Errorf("logger brings in %s", path)
				}
			}
		})
	}
}

func TestOnlyTwoPackagesTouchTheActorLibrary(t *testing.T) {
	t.Parallel()
	g := list(t, "linux", "./...")
	found := map[string]bool{}
	for _, p := range g.own() {
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if within(path, protoactor) {
				found[p.ImportPath] = true
			}
		}
	}
	want := []string{module + "/actors", module + "/supervisor"}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("%s is imported by %v, tests included; want %v", protoactor, got, want)
	}
}
