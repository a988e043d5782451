package archtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// definition is a package-level name or a method.
type definition struct {
	name  string
	file  int    // index of the file that declares it
	users uint64 // bit i is set if file i uses it
}

// uses holds the files of a package and the definitions that cross from file to file.
type uses struct {
	files       []string
	definitions []definition
}

// fileUses type-checks a package of the main module, as built for this system.
func fileUses(ctx context.Context, root, folder string) (uses, error) {
	exports, err := exportData(ctx, root, folder)
	if err != nil {
		return uses{}, err
	}
	fset, u := token.NewFileSet(), uses{}
	var parsed []*ast.File
	names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		return uses{}, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || !exports.files[filepath.Base(name)] {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return uses{}, err
		}
		parsed, u.files = append(parsed, file), append(u.files, filepath.Base(name))
	}
	if len(u.files) > 64 {
		return uses{}, fmt.Errorf("%s has %d files, more than the 64 that fit a set", folder, len(u.files))
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", exports.open)}
	if _, err := config.Check(module+"/"+folder, fset, parsed, &info); err != nil {
		return uses{}, err
	}
	u.collect(fset, info.Uses, module+"/"+folder)
	return u, nil
}

// collect turns uses of identifiers into definitions that other files use.
func (u *uses) collect(fset *token.FileSet, identifiers map[*ast.Ident]types.Object, path string) {
	fileOf := func(pos token.Pos) int { return slices.Index(u.files, filepath.Base(fset.Position(pos).Filename)) }
	found := map[types.Object]*definition{}
	for name, object := range identifiers {
		object = origin(object)
		if object.Pkg() == nil || object.Pkg().Path() != path || !isDefinition(object) {
			continue
		}
		from, to := fileOf(name.Pos()), fileOf(object.Pos())
		if from == to {
			continue
		}
		if found[object] == nil {
			found[object] = &definition{name: object.Name(), file: to}
		}
		found[object].users |= 1 << from
	}
	for _, d := range found {
		u.definitions = append(u.definitions, *d)
	}
}

// origin returns the generic function or variable that an object is an instance of, else the
// object.
func origin(object types.Object) types.Object {
	switch o := object.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return object
}

// isDefinition reports whether an object is a package-level name or a method.
func isDefinition(object types.Object) bool {
	if f, ok := object.(*types.Func); ok && f.Signature().Recv() != nil {
		return true
	}
	return object.Parent() == object.Pkg().Scope()
}

// up returns the definitions that a file below theirs uses, in an order of files that begins
// with the lowest.
func (u uses) up(order []int) []definition {
	var below uint64
	lower := make([]uint64, len(order))
	for _, file := range order {
		lower[file] = below
		below |= 1 << file
	}
	var found []definition
	for _, d := range u.definitions {
		if d.users&lower[d.file] != 0 {
			found = append(found, d)
		}
	}
	return found
}

// cost is the number of definitions that point up.
func (u uses) cost(order []int) int {
	var below uint64
	var lower [64]uint64
	for _, file := range order {
		lower[file] = below
		below |= 1 << file
	}
	n := 0
	for _, d := range u.definitions {
		if d.users&lower[d.file] != 0 {
			n++
		}
	}
	return n
}

// order returns the order of the files, the lowest first, in which the fewest definitions
// point up, as far as a search that moves one file at a time can tell. The search starts from
// several orders that depend only on the number of files.
func (u uses) order() []int {
	best, starts := []int(nil), rand.New(rand.NewPCG(1, 1)) //nolint:gosec // G404: must be reproducible
	for try := range 100 {
		order := u.byUsers()
		if try > 0 {
			order = starts.Perm(len(u.files))
		}
		order = u.improve(order)
		if best == nil || u.cost(order) < u.cost(best) {
			best = order
		}
	}
	return best
}

// byUsers orders the files by the number of files that use them, the most used lowest.
func (u uses) byUsers() []int {
	users := make([]uint64, len(u.files))
	for _, d := range u.definitions {
		users[d.file] |= d.users
	}
	order := make([]int, len(u.files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return bits.OnesCount64(users[b]) - bits.OnesCount64(users[a]) })
	return order
}

// improve moves one file at a time to its best place, until no move helps.
func (u uses) improve(order []int) []int {
	cost := u.cost(order)
	for improved := true; improved; {
		improved = false
		for file := range len(order) {
			from := slices.Index(order, file)
			rest := slices.Delete(slices.Clone(order), from, from+1)
			for to := range len(order) {
				moved := slices.Insert(slices.Clone(rest), to, file)
				if c := u.cost(moved); c < cost {
					cost, order, improved = c, moved, true
				}
			}
		}
	}
	return order
}

// exports names the files of a package, and the compiled packages that it imports.
type exports struct {
	files    map[string]bool   // by base name
	compiled map[string]string // import path to file
}

// open opens the export data of a package.
func (e exports) open(path string) (io.ReadCloser, error) {
	file, ok := e.compiled[path]
	if !ok {
		return nil, fmt.Errorf("no export data of %s", path)
	}
	return os.Open(file)
}

// exportData asks the go command to compile the imports of a package, which takes no time
// after a build.
func exportData(ctx context.Context, root, folder string) (exports, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{join .GoFiles \" \"}}", "./"+folder) //nolint:gosec // G204: a folder of the module
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return exports{}, fmt.Errorf("go list -export ./%s: %w\n%s", folder, err, stderr.Bytes())
	}
	e := exports{map[string]bool{}, map[string]string{}}
	for line := range strings.Lines(string(out)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 3 {
			return exports{}, errors.New("go list -export: unexpected line " + line)
		}
		e.compiled[cells[0]] = cells[1]
		if cells[0] == module+"/"+folder {
			for _, name := range strings.Fields(cells[2]) {
				e.files[name] = true
			}
		}
	}
	return e, nil
}
