package archtest

import (
	"slices"
	"testing"
)

// library makes a package of a module that is not ours.
func library(path, module string) pkg {
	return pkg{ImportPath: path, Module: &struct{ Path string }{module}}
}

// ours makes a package of this module.
func ours(path string, imports ...string) pkg {
	p := library(module+"/"+path, module)
	p.Imports = imports
	return p
}

func graphOf(packages ...pkg) graph {
	g := graph{"fmt": {ImportPath: "fmt", Standard: true}}
	for _, p := range packages {
		g[p.ImportPath] = p
	}
	return g
}

func TestMisplacedFindsEachFault(t *testing.T) {
	t.Parallel()
	small := []row{
		{path: "low"},
		{path: "high", imports: []string{"low"}, modules: []string{"example.com/lib"}},
		{path: "high/pure"},
		{path: "checks", tests: true},
	}
	lib, other := library("example.com/lib/sub", "example.com/lib"), library("example.com/other", "example.com/other")
	low, high, pure := ours("low", "fmt"), ours("high", module+"/low", lib.ImportPath), ours("high/pure")
	checks := ours("checks", module+"/high")

	tests := map[string]struct {
		packages []pkg
		want     []string
	}{
		"all in place":      {packages: []pkg{low, high, pure, checks}},
		"below its own row": {packages: []pkg{low, ours("high", module+"/high/pure"), pure, checks}},
		"upwards": {
			packages: []pkg{ours("low", module+"/high"), high, pure, checks},
			want:     []string{module + "/low may not import " + module + "/high"},
		},
		"foreign module": {
			packages: []pkg{low, ours("high", other.ImportPath), pure, checks},
			want:     []string{module + "/high may not import " + other.ImportPath},
		},
		"a longer path has its own row": {
			packages: []pkg{low, high, ours("high/pure", module+"/low"), checks},
			want:     []string{module + "/high/pure may not import " + module + "/low"},
		},
		"tests imported": {
			packages: []pkg{low, ours("high", module+"/checks"), pure, checks},
			want:     []string{module + "/high may not import " + module + "/checks"},
		},
		"no row": {
			packages: []pkg{low, high, pure, checks, ours("lower")},
			want:     []string{module + "/lower has no row in the layout"},
		},
		"no package": {
			packages: []pkg{low, high, checks},
			want:     []string{module + "/high/pure does not exist: its row checks nothing"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := misplaced(small, graphOf(append(tt.packages, lib, other)...))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestStowawaysNamesModulesOutsideTheClosure(t *testing.T) {
	t.Parallel()
	lib, below := library("example.com/lib", "example.com/lib"), library("example.com/below/x", "example.com/below")
	permitted := graphOf(lib, below)
	closure := graphOf(ours("logger"), lib, library("example.com/below/y", "example.com/below"),
		library("example.com/heavy/db", "example.com/heavy"))
	want := []string{"example.com/heavy/db (module example.com/heavy)"}
	if got := stowaways(closure, permitted); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLayoutPointsDownwards(t *testing.T) {
	t.Parallel()
	above := map[string]bool{}
	for _, r := range layout {
		for _, path := range r.imports {
			if !above[path] {
				t.Errorf("%s may import %s, which no earlier row describes", r.path, path)
			}
		}
		above[r.path] = true
	}
}
