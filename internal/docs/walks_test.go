package docs

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// place matches "`file.go: func`" in a table, with the type in front of a method, or the name of
// a file alone.
var place = regexp.MustCompile("`([^`: ]+\\.[a-z]+)(?:: ([A-Za-z.]+))?`")

// functionsOf returns the functions of a file; a method is named Type.Method.
func functionsOf(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			name = receiver(f.Recv.List[0].Type) + "." + name
		}
		names[name] = true
	}
	return names
}

// receiver returns the name of a receiver's type, without pointer and type parameters.
func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// The two walks through the code in the architecture page name files and functions of today.
func TestWalksNameFunctionsThatExist(t *testing.T) {
	files := map[string]map[string]bool{}
	for _, s := range allSources(t) {
		files[s.Path] = functionsOf(s.File)
	}
	for _, heading := range []string{"### A call, file by file", "### A page request, file by file"} {
		text, _, _ := strings.Cut(section(t, "docs/internals/architecture.md", heading), "\n## ")
		steps, named := 0, 0
		for line := range strings.Lines(text) {
			places := place.FindAllStringSubmatch(line, -1)
			if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| step ") {
				steps++
				if len(places) == 0 {
					t.Errorf("%q names no function: %s", heading, line)
				}
			}
			for _, p := range places {
				named++
				switch file, function := p[1], p[2]; {
				case function != "" && !files[file][function]:
					t.Errorf("%q names %s in %s, which does not exist", heading, function, file)
				case function == "":
					if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
						t.Errorf("%q names a file that does not exist: %v", heading, err)
					}
				}
			}
		}
		if steps < 10 || named < 2*steps-steps/2 {
			t.Errorf("%q has %d steps that name %d functions: the table cannot be read, or is too short", heading, steps, named)
		}
	}
}
