package archtest

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the directory of the module.
const root = "../.."

// closureOf names the packages whose dependencies, together, are all that importing
// the logger may add to a user's build.
var closureOf = []string{protoactor + "/actor", uuid, retryable, mimetype, compress + "/zstd"}

// systems are the operating systems that Troupe is built for. A file with a build
// constraint keeps the rules as well.
var systems = []string{"linux", "darwin", "windows"}

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

// packages returns the packages that patterns name and all they depend on, as built for an
// operating system.
func packages(t *testing.T, system string, patterns ...string) graph {
	t.Helper()
	if err := declareInputs(); err != nil {
		t.Fatalf("cannot read the module: %v", err)
	}
	g, err := list(t.Context(), root, system, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	return g
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
			for _, fault := range misplaced(layout, packages(t, system, "./...")) {
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
			closure := packages(t, system, module+"/logger")
			if _, ok := closure[module+"/messages"]; !ok {
				t.Fatalf("%s/logger does not import %s/messages: this is not the logger", module, module)
			}
			for _, fault := range stowaways(closure, packages(t, system, closureOf...)) {
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
	g := packages(t, "linux", "./...")
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
