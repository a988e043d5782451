package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// sized is a thing with a size, and its place.
type sized struct {
	size int
	name string
}

// largest sorts things by size, the largest first.
func largest(things []sized) []sized {
	slices.SortStableFunc(things, func(a, b sized) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name))
	})
	return things
}

// functions returns the functions of a file with the number of lines from func to the
// closing brace.
func (s source) functions() []sized {
	var found []sized
	for _, decl := range s.File.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		first, last := s.line(f.Type.Func), s.line(f.Body.Rbrace)
		found = append(found, sized{last - first + 1, fmt.Sprintf("%s:%d %s", s.Path, first, f.Name.Name)})
	}
	return found
}

// line returns the line of a position.
func (s source) line(pos token.Pos) int { return s.Fset.Position(pos).Line }

// percentile returns the size that a share of the things, sorted by largest, does not exceed.
func percentile(things []sized, share float64) int {
	if len(things) == 0 {
		return 0
	}
	return things[int((1-share)*float64(len(things)))].size
}

// undocumented returns the places of exported names without a comment: constants, variables,
// functions, types, and methods of exported types. The comment of a group serves all of it.
func (s source) undocumented() []string {
	var found []string
	check := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc != nil }) {
			found = append(found, fmt.Sprintf("%s:%d %s", s.Path, s.line(name.Pos()), name.Name))
		}
	}
	for _, decl := range s.File.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil || token.IsExported(receiver(decl)) {
				check(decl.Name, decl.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					check(spec.Name, spec.Doc, spec.Comment, decl.Doc)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						check(name, spec.Doc, spec.Comment, decl.Doc)
					}
				}
			}
		}
	}
	return found
}

// receiver returns the name of the type that a method belongs to, "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// methodsOf returns the number of exported methods that a file declares on a type.
func (s source) methodsOf(typ string) int {
	n := 0
	for _, decl := range s.File.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && receiver(f) == typ && f.Name.IsExported() {
			n++
		}
	}
	return n
}

// wholeInterfaces may have more methods than others: vfs.FS is the file system that a fault
// is injected into.
var wholeInterfaces = []string{"internal/spool/vfs.FS"}

// interfaces returns the declared interfaces of a file with the number of their own methods.
func (s source) interfaces() []sized {
	var found []sized
	ast.Inspect(s.File, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		name := s.Folder() + "." + spec.Name.Name
		if typ, ok := spec.Type.(*ast.InterfaceType); ok && !slices.Contains(wholeInterfaces, name) {
			methods := 0
			for _, m := range typ.Methods.List {
				methods += len(m.Names)
			}
			found = append(found, sized{methods, name})
		}
		return true
	})
	return found
}
