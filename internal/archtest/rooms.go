package archtest

import (
	"maps"
	"slices"
	"strings"
)

// imports maps a package or room to those that it imports.
type imports map[string]map[string]bool

// importsOf returns the imports between the packages of this module, each under the name
// that rename gives it. Packages with the same name become one.
func importsOf(g graph, rename func(folder string) string) imports {
	found := imports{}
	for _, p := range g.own() {
		from := rename(strings.TrimPrefix(p.ImportPath, module+"/"))
		for _, path := range p.Imports {
			folder, ours := strings.CutPrefix(path, module+"/")
			if to := rename(folder); ours && to != from {
				if found[from] == nil {
					found[from] = map[string]bool{}
				}
				found[from][to] = true
			}
		}
	}
	return found
}

// circles returns the names that import themselves by way of others.
func (i imports) circles() []string {
	var found []string
	for _, start := range slices.Sorted(maps.Keys(i)) {
		reached, queue := map[string]bool{}, []string{start}
		for len(queue) > 0 {
			for next := range i[queue[0]] {
				if !reached[next] {
					reached[next] = true
					queue = append(queue, next)
				}
			}
			queue = queue[1:]
		}
		if reached[start] {
			found = append(found, start)
		}
	}
	return found
}
